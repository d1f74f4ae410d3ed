"""Raw and averaged weights of one model in a file, in the layouts that libraries write."""

import pytest
import torch
import yaml

from filterfreq.models.external_files import read_external_state
from filterfreq.models.state_names import fit_names
from filterfreq.runtime.errors import InputError


def network(value):
    """Return a small network with batch normalisation whose every tensor is a number."""
    layers = {
        "conv1": torch.nn.Conv2d(3, 4, 3, bias=False),
        "bn1": torch.nn.BatchNorm2d(4),
        "fc": torch.nn.Linear(4, 5),
    }
    model = torch.nn.ModuleDict(layers)
    for tensor in model.state_dict().values():
        tensor.fill_(value)
    return model


def trained(network):
    """Return the state of Adam after a step: two moments with the shape of each parameter."""
    optimizer = torch.optim.Adam(network.parameters())
    sum(parameter.sum() for parameter in network.parameters()).backward()
    optimizer.step()
    return optimizer.state_dict()


RAW_NETWORK, AVERAGED_NETWORK = network(0), network(1)
FULL, EMA = RAW_NETWORK.state_dict(), AVERAGED_NETWORK.state_dict()
PARAMETERS = dict(AVERAGED_NETWORK.named_parameters())
FILLED = ", with the running statistics of "
ORDERED = ", by the order of the names in "


def add_prefix(prefix, state):
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


# A file, the keys that are to be said, and of the last of them what is said of it.
LAYOUTS = {
    "torch_ema": (
        {"state_dict": FULL, "ema": {"decay": 0.9, "shadow_params": list(PARAMETERS.values()), "collected_params": []}},
        ["state_dict", "ema.shadow_params"],
        f"{ORDERED}state_dict{FILLED}state_dict",
    ),
    "ema_pytorch": (
        {
            "model": FULL,
            "ema": {
                "initted": torch.tensor(True),
                **add_prefix("online_model.", FULL),
                **add_prefix("ema_model.", EMA),
            },
        },
        ["model", "ema.ema_model"],
        "",
    ),
    "ema_pytorch alone": (
        {**add_prefix("online_model.", FULL), **add_prefix("ema_model.", EMA), "step": torch.tensor([3])},
        ["online_model", "ema_model"],
        "",
    ),
    "another prefix": ({"state_dict": FULL, "ema": add_prefix("model.", EMA)}, ["state_dict", "ema"], ""),
    "a number among them": (
        {"state_dict": FULL, "ema_state_dict": {"num_updates": 100, **EMA}},
        ["state_dict", "ema_state_dict"],
        "",
    ),
    "a counter among them": (
        {"state_dict": FULL, "ema": {"updates": torch.tensor(9), **add_prefix("module.", EMA)}},
        ["state_dict", "ema"],
        "",
    ),
    "nothing among them": (
        {"state_dict": FULL, "state_dict_ema": {**EMA, "_extra": None}},
        ["state_dict", "state_dict_ema"],
        "",
    ),
    "a list of state dicts": ({"state_dict": FULL, "ema_models": [EMA]}, ["state_dict", "ema_models.0"], ""),
    "Lightning's callback": (
        {"state_dict": add_prefix("model.", FULL), "callbacks": {"EMA": {"ema_weights": [*EMA.values()]}}},
        ["state_dict", "callbacks.EMA.ema_weights"],
        f"{ORDERED}state_dict",
    ),
    "within an optimizer": (
        {"state_dict": FULL, "optimizer_states": [{**trained(network(0)), "ema": (*PARAMETERS.values(),)}]},
        ["state_dict", "optimizer_states.0.ema"],
        f"{ORDERED}state_dict{FILLED}state_dict",
    ),
    "not an optimizer": ({"model": FULL, "optimal": EMA}, ["model", "optimal"], ""),
    "flat beside nested": ({**FULL, "ema": EMA}, ["top_level", "ema"], ""),
    "parameters alone": (
        {"state_dict": FULL, "ema": {"shadow": PARAMETERS}},
        ["state_dict", "ema.shadow"],
        f"{FILLED}state_dict",
    ),
    "parameters of a prefix": (
        {"state_dict": add_prefix("model.", FULL), "ema": {"shadow": add_prefix("net.", PARAMETERS)}},
        ["state_dict", "ema.shadow"],
        f"{FILLED}state_dict",
    ),
    "both flat": ({**FULL, **add_prefix("ema.", EMA)}, ["top_level", "ema"], ""),
    "LitEma": (
        {
            "state_dict": {
                **add_prefix("model.", FULL),
                "model_ema.decay": torch.tensor(0.9),
                **{f"model_ema.{name.replace('.', '')}": tensor for name, tensor in PARAMETERS.items()},
            }
        },
        ["state_dict", "state_dict.model_ema"],
        f"{ORDERED}state_dict{FILLED}state_dict",
    ),
    "named_parameters": (
        {"model": FULL, "ema": [*PARAMETERS.items()]},
        ["model", "ema"],
        f"{FILLED}model",
    ),
    "a dict for each layer": (
        {
            "model": FULL,
            "ema": {
                "step": 3,
                "conv1": {"weight": EMA["conv1.weight"]},
                "bn1": dict(AVERAGED_NETWORK["bn1"].named_parameters()),
                "fc": dict(AVERAGED_NETWORK["fc"].state_dict()),
            },
        },
        ["model", "ema"],
        f"{FILLED}model",
    ),
    "deep": (
        {"model": FULL, "a": {"b": [{"c": {"d": {"e": {"f": EMA}}}}]}},
        ["model", "a.b.0.c.d.e.f"],
        "",
    ),
    "modules of a module with a loss": (
        {"state_dict": {**add_prefix("net.", FULL), **add_prefix("ema_net.", EMA), "loss.weight": torch.ones(5)}},
        ["state_dict.net", "state_dict.ema_net"],
        "",
    ),
    "a key that YAML would split": (
        {"state_dict": FULL, "EMA{'decay': 0.9}": EMA},
        ["state_dict", "EMA{'decay': 0.9}"],
        "",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_averaged_weights_are_seen_in_any_layout(tmp_path, layout):
    content, keys, note = LAYOUTS[layout]
    path = tmp_path / "m.pt"
    torch.save({"optimizer": trained(network(0)), "epoch": 3, **content}, path)
    with pytest.raises(InputError) as refusal:
        read_external_state(path)
    message = str(refusal.value)
    assert message.startswith(f"{path} has several weights, ")
    assert all(key in message for key in keys)
    assert yaml.safe_load(message.partition("as in ")[2]) == {"weights": keys[-1]}
    for key, value in zip(keys, (0, 1), strict=True):
        state, weights = read_external_state(path, key)
        state, _ = fit_names(state, FULL)
        assert weights == key + note * value
        assert state.keys() == FULL.keys()
        assert {name: tensor.shape for name, tensor in state.items()} == {n: t.shape for n, t in FULL.items()}
        assert all((state[name] == value).all() for name in PARAMETERS)
        assert (state["bn1.running_mean"] == (value and FILLED not in note)).all()


def test_moments_of_optimizers_are_no_weights(tmp_path):
    moments = trained(network(0))
    for optimizer in (moments, [moments], {"state": {}, "slow_state": moments["state"], "param_groups": []}):
        named = {name: {"exp_avg": tensor, "exp_avg_sq": tensor} for name, tensor in PARAMETERS.items()}
        content = {"state_dict": FULL, "optimizer": optimizer, "sgd": moments, "optim": named}
        torch.save(content, tmp_path / "m.pt")
        assert read_external_state(tmp_path / "m.pt")[1] == "state_dict"


def test_weights_that_are_there_twice_are_one(tmp_path):
    kept = [tensor.clone() for tensor in RAW_NETWORK.parameters()]
    same = {name: tensor.clone() for name, tensor in FULL.items()}
    torch.save({"model": FULL, "state_dict": add_prefix("module.", same), "kept": kept}, tmp_path / "m.pt")
    assert read_external_state(tmp_path / "m.pt")[1] == "state_dict"
    assert read_external_state(tmp_path / "m.pt", "model")[1] == "model"
    torch.save({"model": FULL, "state_dict": same | {"fc.bias": torch.ones(5)}}, tmp_path / "m.pt")
    with pytest.raises(InputError, match="has several weights, model, state_dict"):
        read_external_state(tmp_path / "m.pt")


@pytest.mark.parametrize(
    "averaged",
    [
        {"fc.weight": EMA["fc.weight"]},
        {"shadow": torch.nn.utils.parameters_to_vector(PARAMETERS.values()).detach()},
        [parameter.detach().flatten() for parameter in PARAMETERS.values()],
    ],
    ids=["a part", "a vector", "flattened"],
)
def test_averaged_weights_that_do_not_suffice_are_said_and_not_recommended(tmp_path, averaged):
    torch.save({"model": FULL, "ema": averaged}, tmp_path / "m.pt")
    with pytest.raises(InputError, match=r"has several weights, model, ema: say .* as in weights: model$"):
        read_external_state(tmp_path / "m.pt")
    assert read_external_state(tmp_path / "m.pt", "model")[1] == "model"


def test_a_list_of_averaged_weights_that_nothing_can_name(tmp_path):
    parameters = list(PARAMETERS.values())
    torch.save({"model": FULL, "ema": [*parameters, torch.ones(7)]}, tmp_path / "m.pt")
    with pytest.raises(InputError, match=r"has several weights, model, ema: say .* as in weights: model$"):
        read_external_state(tmp_path / "m.pt")
    with pytest.raises(InputError, match=r"m\.pt has the weights ema without names, .* give weights: model, or a file"):
        read_external_state(tmp_path / "m.pt", "ema")


def test_layers_that_repeat_are_one_network(tmp_path):
    layers = {
        f"{name}.{part}": torch.ones(4) for name in ("bn1", "bn2", "head", "aux_head") for part in ("weight", "bias")
    }
    torch.save({"model": {"conv.weight": torch.ones(4, 3, 3, 3), **layers}}, tmp_path / "m.pt")
    assert len(read_external_state(tmp_path / "m.pt")[0]) == 9


def test_a_key_may_end_within_the_names(tmp_path):
    torch.save({"state_dict": {**add_prefix("net.", EMA), "criterion.weight": torch.ones(5)}}, tmp_path / "m.pt")
    state, weights = read_external_state(tmp_path / "m.pt", "state_dict.net")
    assert weights == "state_dict.net"
    assert state.keys() == EMA.keys()
    for key in ("net", "state_dict.ne", "state_dict.net.conv1.weight"):
        with pytest.raises(InputError, match=rf"has no weights '{key}': it has state_dict$"):
            read_external_state(tmp_path / "m.pt", key)
    torch.save(add_prefix("net.", EMA), tmp_path / "m.pt")
    assert read_external_state(tmp_path / "m.pt", "net")[1] == "net"
    assert read_external_state(tmp_path / "m.pt", "top_level")[1] == "the only ones of the file"
