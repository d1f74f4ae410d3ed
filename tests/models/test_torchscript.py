"""TorchScript files: their tensors are read, and nothing in them is run."""

import pickle
import warnings
import zipfile

import pytest
import torch

from filterfreq.models.external_files import read_external_state
from filterfreq.models.registry import build
from filterfreq.runtime.errors import InputError


class Listing(torch.nn.Module):
    """Has what TorchScript keeps as lists and dicts beside its tensors."""

    sizes: list[int]
    rates: list[float]
    flags: list[bool]
    by_name: dict[str, int]

    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(2, 3)
        self.sizes = [1, 2]
        self.rates = [0.5]
        self.flags = [True]
        self.by_name = {"a": 1}

    def forward(self, x):
        return self.fc(x) * self.rates[0] + self.sizes[0] + self.by_name["a"] + int(self.flags[0])


def saved(path, model, how):
    """Write a model as TorchScript and return its state dict."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made = torch.jit.script(model) if how == "script" else torch.jit.trace(model, torch.rand(1, 3, 32, 32))
        torch.jit.save(made, path)
    return model.state_dict()


@pytest.mark.parametrize(("make", "how"), [(lambda: build("resnet_8_2", 10).eval(), "trace"), (Listing, "script")])
def test_the_tensors_are_those_of_the_state_dict(tmp_path, make, how):
    expected = saved(tmp_path / "m.pt", make(), how)
    state, weights = read_external_state(tmp_path / "m.pt")
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[name], tensor) for name, tensor in expected.items())
    assert weights == "the only ones of the file"


def test_neither_torch_nor_the_file_runs_any_of_it(tmp_path, monkeypatch):
    expected = saved(tmp_path / "m.pt", Listing(), "script")
    monkeypatch.setattr(torch.jit, "load", lambda *_: pytest.fail("it was compiled"))
    with zipfile.ZipFile(tmp_path / "m.pt") as archive, zipfile.ZipFile(tmp_path / "n.pt", "w") as changed:
        assert any("/code/" in name for name in archive.namelist())
        for name in archive.namelist():
            changed.writestr(name, b"this is no code" if "/code/" in name else archive.read(name))
    assert read_external_state(tmp_path / "n.pt")[0].keys() == expected.keys()


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return self.path.mkdir, ()


@pytest.mark.parametrize("member", ["data.pkl", "constants.pkl"])
def test_a_pickle_with_code_in_it_does_not_run(tmp_path, member):
    saved(tmp_path / "m.pt", Listing(), "script")
    evil = pickle.dumps(Malicious(tmp_path / "proof"))
    with zipfile.ZipFile(tmp_path / "m.pt") as archive, zipfile.ZipFile(tmp_path / "n.pt", "w") as changed:
        for name in archive.namelist():
            changed.writestr(name, evil if name.endswith(f"/{member}") else archive.read(name))
    if member == "data.pkl":
        with pytest.raises(InputError, match=r"n\.pt would run code.* and was not loaded: give a checkpoint that"):
            read_external_state(tmp_path / "n.pt")
    else:
        assert len(read_external_state(tmp_path / "n.pt")[0]) == 2
    assert not (tmp_path / "proof").exists()


def test_tensors_without_names_are_refused(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.freeze(torch.jit.script(torch.nn.Linear(2, 3).eval())), tmp_path / "m.pt")
    with pytest.raises(InputError, match=r"m\.pt is a TorchScript file whose tensors have no names, .*state_dict\(\)"):
        read_external_state(tmp_path / "m.pt")


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path, kept):
    saved(tmp_path / "m.pt", Listing(), "script")
    content = (tmp_path / "m.pt").read_bytes()
    (tmp_path / "m.pt").write_bytes(content[: int(kept * len(content))])
    with pytest.raises(InputError, match=r"m\.pt is damaged or not what it should be .*: put a whole copy of"):
        read_external_state(tmp_path / "m.pt")


def test_a_small_file_that_would_become_a_large_one_is_refused(tmp_path):
    saved(tmp_path / "m.pt", Listing(), "script")
    with zipfile.ZipFile(tmp_path / "m.pt") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    root = next(iter(members)).partition("/")[0]
    members[f"{root}/data/9"] = bytes(10_000_000)
    with zipfile.ZipFile(tmp_path / "n.pt", "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    with pytest.raises(InputError, match=r"n\.pt unpacks to more than it is large"):
        read_external_state(tmp_path / "n.pt")
