from filterfreq.planning.records import plan_path


def test_each_study_has_a_plan_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    studies = [
        ["config.yaml"],
        ["config.json"],
        ["config.yml"],
        ["../config.yaml"],
        ["configs/config.yaml"],
        ["configs-config.yaml"],
        ["../x/config.yaml"],
        ["../y/config.yaml"],
        ["a.yaml", "config.yaml"],
        ["a+config.yaml"],
        ["a.yaml/config.yaml"],
    ]
    plans = [plan_path(files) for files in studies]
    assert len(set(plans)) == len(studies)
    assert plans[0] == "results/plans/config/plan.json"
    assert plans[4].startswith("results/plans/config-")
    assert all(plan.count("/") == 3 for plan in plans)


def test_one_file_has_one_plan_however_it_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert plan_path(["./config.yaml"]) == plan_path([tmp_path / "config.yaml"]) == plan_path(["config.yaml"])
