"""State dicts under other names than a network's: what is taken, and what is said of the rest."""

import warnings
from functools import partial

import pytest
import torch
import yaml

from filterfreq.models.state_fit import check_fit
from filterfreq.models.state_names import fit_names, rename_parts, suggest_remedy
from filterfreq.runtime.errors import InputError


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(4, 4, 3, bias=False)
        self.bn = torch.nn.BatchNorm2d(4)
        self.shortcut = torch.nn.Sequential(torch.nn.Conv2d(4, 4, 1, bias=False), torch.nn.BatchNorm2d(4))


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = Block()
        self.layer2 = Block()
        self.fc = torch.nn.Linear(4, 5)


def drawn():
    """Return the state of a network of which no two tensors are equal, but for counters."""
    torch.manual_seed(0)
    return {
        name: torch.rand(tensor.shape) if tensor.is_floating_point() else tensor
        for name, tensor in Network().state_dict().items()
    }


STATE = drawn()
WITHOUT_COUNTERS = {name: tensor for name, tensor in STATE.items() if "num_batches" not in name}
OTHER_NAMES = {name.replace("shortcut", "downsample").replace("fc", "linear"): t for name, t in STATE.items()}


def add_prefix(prefix, state):
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


def named_as_wrapped_by(wrap, part):
    """Return the state under the names that torch itself gives it where a part of the network is wrapped."""
    network = Network()
    network.load_state_dict(STATE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of torch's own modules
        setattr(network, part, wrap(getattr(network, part)))
    return network.state_dict()


@pytest.mark.parametrize("state", [STATE, WITHOUT_COUNTERS], ids=["whole", "without counters"])
@pytest.mark.parametrize("prefix", ["", "model.", "net.module.", "_orig_mod.module.", "model._orig_mod."])
def test_what_stands_before_all_names_and_counters_do_not_matter(state, prefix):
    fitted, note = fit_names(add_prefix(prefix, state), STATE)
    assert list(fitted) == list(STATE)
    assert all(torch.equal(fitted[name], STATE[name]) for name in STATE)
    assert note == ("" if state is STATE else ", without counters of batches")
    Network().load_state_dict(fitted)


@pytest.mark.parametrize("wrap", [partial(torch.compile, backend="eager"), torch.nn.DataParallel])
@pytest.mark.parametrize("part", ["layer1", "fc"])
def test_a_part_that_torch_has_wrapped(wrap, part):
    state = named_as_wrapped_by(wrap, part)
    assert state.keys() != STATE.keys()
    fitted, note = fit_names(state, STATE)
    assert all(torch.equal(fitted[name], STATE[name]) for name in STATE)
    assert note == ""


def test_a_network_that_has_a_part_of_such_a_name_keeps_it():
    state = add_prefix("a.", {"module.weight": torch.ones(2), "bias": torch.ones(2)})
    assert fit_names(state, state)[0].keys() == state.keys()


def test_the_counts_of_a_profiler_are_left_out():
    counts = {f"{layer}total_{what}": torch.zeros(1) for layer in ("", "layer1.") for what in ("ops", "params")}
    assert fit_names(STATE | counts, STATE)[0].keys() == STATE.keys()


@pytest.mark.parametrize(
    "state",
    [
        {name: tensor for name, tensor in STATE.items() if name != "layer1.bn.running_var"},
        STATE | {"head.weight": torch.ones(2)},
        OTHER_NAMES,
    ],
    ids=["a statistic less", "a tensor more", "other names"],
)
def test_what_does_not_follow_is_left_as_it_is(state):
    assert fit_names(state, STATE) == (state, "")


def test_parts_are_renamed_wherever_they_are_and_all_at_once():
    renamed = rename_parts(OTHER_NAMES, {"linear": "fc", "downsample": "shortcut"})
    assert renamed.keys() == STATE.keys()
    assert all(torch.equal(renamed[name], STATE[name]) for name in STATE)
    one, two = torch.ones(1), torch.zeros(1)
    assert rename_parts({"a.w": one, "b.w": two}, {"a": "b", "b": "a"}) == {"b.w": one, "a.w": two}
    # Whole parts, and of two that begin alike the longer.
    assert list(rename_parts({"ab.a.0.w": one, "a.1.w": two}, {"a": "x", "a.0": "y.z"})) == ["ab.y.z.w", "x.1.w"]


def test_a_renaming_that_says_something_else_than_the_file():
    with pytest.raises(InputError, match=r"has other names than rename .* 'lineal': did you mean 'linear'"):
        rename_parts(OTHER_NAMES, {"lineal": "fc"})
    with pytest.raises(InputError, match=r"has two tensors that rename calls layer2\.conv\.weight: rename only one"):
        rename_parts(STATE, {"layer1": "layer2"})


def test_both_sides_of_a_misfit_are_told():
    state = OTHER_NAMES | {"layer1.conv.weight": torch.ones(4, 4, 5, 5)}
    with pytest.raises(InputError) as refusal:
        check_fit(state, STATE, "m.pt", "network", "do something")
    assert str(refusal.value) == (
        "m.pt does not fit network (no layer1.shortcut.0.weight, layer1.shortcut.1.weight, layer1.shortcut.1.bias and 9"
        " more; unknown layer1.downsample.0.weight, layer1.downsample.1.weight, layer1.downsample.1.bias and 11 more; "
        "layer1.conv.weight of shape [4, 4, 5, 5] instead of [4, 4, 3, 3]): do something"
    )
    check_fit(STATE, STATE, "m.pt", "network", "do something")


@pytest.mark.parametrize("prefix", ["", "net."])
def test_a_renaming_that_would_fit_is_proposed(prefix):
    remedy = suggest_remedy(add_prefix(prefix, OTHER_NAMES), STATE, "")
    written = remedy.partition("write ")[2].removesuffix(" in the checkpoint's entry")
    rename = yaml.safe_load(written)["rename"]
    assert rename == {"downsample": "shortcut", "linear": "fc"}
    fitted, _ = fit_names(rename_parts(add_prefix(prefix, OTHER_NAMES), rename), STATE)
    assert all(torch.equal(fitted[name], STATE[name]) for name in STATE)


@pytest.mark.parametrize(
    "state",
    [
        # Either layer could be either.
        {name.replace("layer1", "a").replace("layer2", "b"): tensor for name, tensor in STATE.items()},
        {name.replace("fc", "linear"): torch.ones(7) for name in STATE},
        {"weight": torch.ones(2)},
    ],
    ids=["two alike", "other shapes", "something else"],
)
def test_no_renaming_is_guessed(state):
    assert suggest_remedy(state, STATE, "") is None


@pytest.mark.parametrize(("key", "first", "asked"), [("", "model", "model"), ("state_dict", "1", "state_dict.1")])
def test_the_part_of_a_file_that_fits_is_proposed(key, first, asked):
    state = {"normalize.mean": torch.ones(3), **add_prefix(f"{first}.", WITHOUT_COUNTERS)}
    remedy = suggest_remedy(state, STATE, key)
    assert remedy == f"to leave out normalize.mean, write weights: {asked} in the checkpoint's entry"
