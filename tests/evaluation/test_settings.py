from filterfreq.evaluation.settings import evaluation_settings


def test_what_a_data_set_has_of_its_own_replaces_the_key_as_a_whole():
    evaluation = {"batch_size": 500, "corruption": {"images": 10}, "clean": {}}
    own = {"batch_size": 64, "corruption": {}, "filters": {}}
    config = {"evaluation": {**evaluation, "datasets": {"imagenet": own, "svhn": {}}}}
    found = {name: evaluation_settings(config, name) for name in ("imagenet", "svhn", "cifar10")}
    assert {name: settings["batch_size"] for name, settings in found.items()} == {
        "imagenet": 64,
        "svhn": 500,
        "cifar10": 500,
    }
    assert (found["imagenet"]["corruption"], found["svhn"]["corruption"]) == ({}, {"images": 10})
    assert "filters" in found["imagenet"]
    assert "filters" not in found["cifar10"]
