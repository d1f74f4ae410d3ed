import gzip
import io
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from filterfreq.models.classifier import Classifier
from filterfreq.models.external_files import convert_option_a_resnet, read_external_state
from filterfreq.models.registry import build
from filterfreq.runtime.errors import InputError

DATA = Path(__file__).parents[3] / "shared" / "data"
EXTERNAL = DATA / "checkpoints"


class Malicious:
    """On unpickling, makes a folder: the proof that code ran."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_the_malicious_pickle_is_malicious(tmp_path):
    pickle.loads(pickle.dumps(Malicious(tmp_path / "proof")))

    assert (tmp_path / "proof").is_dir()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_with_code_does_not_run(tmp_path, zipped):
    path = tmp_path / "model.pth"
    content = {"weight": torch.ones(2), "extra": Malicious(tmp_path / "proof")}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)

    with pytest.raises(InputError, match=r"model\.pth would run code \(posix\.mkdir\) and was not loaded"):
        read_external_state(path)
    assert not (tmp_path / "proof").exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_with_code_that_torch_did_not_write_does_not_run(tmp_path, protocol):
    path = tmp_path / "model.pth"
    path.write_bytes(pickle.dumps(Malicious(tmp_path / "proof"), protocol))

    with pytest.raises(InputError, match=r"model\.pth would run code .*and was not loaded|model\.pth is damaged"):
        read_external_state(path)
    assert not (tmp_path / "proof").exists()


def tar_of(path, content):
    """Write a pickle into a tar, as torch did before 2017."""
    with tarfile.open(path, "w") as archive:
        for name, part in (("sys_info", {}), ("pickle", content), ("storages", 0), ("tensors", 0)):
            data = pickle.dumps(part, 2)
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def numpy_of(path, save, content):
    """Write an array of objects, which numpy pickles."""
    with open(path, "wb") as file:
        save(file, np.array([content], dtype=object))


@pytest.mark.parametrize("suffix", [".pt", ".bin", ".ckpt", ".npy", ".safetensors", ""])
@pytest.mark.parametrize(
    "write",
    [
        lambda path, content: torch.save(content, path),
        lambda path, content: path.write_bytes(pickle.dumps(content)),
        lambda path, content: numpy_of(path, np.save, content),
        lambda path, content: numpy_of(path, np.savez, content),
        tar_of,
    ],
    ids=["torch", "pickle", "npy", "npz", "tar"],
)
def test_a_file_of_any_form_and_name_runs_no_code(tmp_path, write, suffix):
    path = tmp_path / f"model{suffix}"
    write(path, Malicious(tmp_path / "proof"))

    with pytest.raises(InputError, match=r"model.*(would run code|was not loaded|is damaged or not what it should be)"):
        read_external_state(path)
    assert not (tmp_path / "proof").exists()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("kept", [0.0, 0.001, 0.01, 0.3, 0.9, 0.9999])
def test_a_truncated_pickle_is_refused(tmp_path, zipped, kept):
    path = tmp_path / "model.pth"
    torch.save({"a": torch.rand(500), "b": torch.rand(500)}, path, _use_new_zipfile_serialization=zipped)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])

    with pytest.raises(InputError) as caught:
        read_external_state(path)
    begins = "model.pth is damaged or not what it should be (" if kept else "model.pth is empty: "
    assert begins in str(caught.value)
    assert str(caught.value).endswith(": put a whole copy of the checkpoint there")
    assert "\n" not in str(caught.value)


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
WHOLE = "put a whole copy of the checkpoint there"
# What lies where a checkpoint should, and what is said of it.
OTHERS = {
    "a page": (b"\n<!DOCTYPE html><html>not found</html>", f"is a page of the web and no checkpoint: {WHOLE}"),
    "a pointer": (POINTER, "is a pointer of Git LFS and not the checkpoint: run git lfs pull in the clone"),
    "nothing": (b"", f"is empty: {WHOLE}"),
    "gzip": (gzip.compress(b"weights"), "is compressed: unpack it and give the checkpoint in it"),
    "HDF5": (
        b"\x89HDF\r\n\x1a\n",
        "is an HDF5 file, as Keras writes it, and was not loaded: give the tensors of a torch",
    ),
    "a pickle": (b"\x80\x02hello", "is damaged or not what it should be (KeyError: "),
    "a zip": (b"PK\x03\x04", "is damaged or not what it should be (BadZipFile: "),
}


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
@pytest.mark.parametrize("kind", OTHERS)
def test_another_file_is_refused(tmp_path, kind, suffix):
    content, said = OTHERS[kind]
    path = tmp_path / f"model.{suffix}"
    path.write_bytes(content)

    with pytest.raises(InputError) as caught:
        read_external_state(path)
    assert str(caught.value).startswith(f"{path} {said}")


def test_a_zip_of_other_things_is_refused(tmp_path):
    np.savez(tmp_path / "arrays.npz", a=np.ones(3), b=np.ones(3))
    with pytest.raises(InputError, match=r"npz is a zip of a\.npy, b\.npy and was not loaded: give a checkpoint that"):
        read_external_state(tmp_path / "arrays.npz")


def test_a_file_is_known_by_its_content_and_not_by_its_name(tmp_path):
    state = {"a.weight": torch.rand(3), "a.bias": torch.rand(2)}
    torch.save(state, tmp_path / "model.safetensors")
    safetensors.torch.save_file(state, tmp_path / "model.pth")
    for name in ("model.safetensors", "model.pth"):
        read, _ = read_external_state(tmp_path / name)
        assert {key: value.tolist() for key, value in read.items()} == {
            key: value.tolist() for key, value in state.items()
        }
    (tmp_path / "model.pth").write_bytes((tmp_path / "model.pth").read_bytes()[:-1])
    with pytest.raises(InputError, match=rf"model\.pth is damaged or not what it should be \(Safetensor.*: {WHOLE}"):
        read_external_state(tmp_path / "model.pth")


def test_a_missing_pickle_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"model\.pth is missing"):
        read_external_state(tmp_path / "model.pth")


LINEAR = torch.nn.Linear(2, 3)
WITHOUT_STATE = {
    "nothing": ({}, "nothing"),
    "plain values": ({"epoch": 1, "loss": [0.5]}, "a dict with epoch, loss"),
    "parameters": (list(LINEAR.parameters()), "a list of 2 tensors"),
    "a log": ([{"epoch": 1}], "a list of 1 objects"),
    "text": ({"state_dict": {"a": "b"}}, "a dict with state_dict"),
    "a tensor": (torch.ones(1, 2), "one tensor of shape [1, 2]"),
    "a number": (3, "a value of type int"),
    "an optimizer": (torch.optim.SGD(LINEAR.parameters()).state_dict(), "the state of an optimizer"),
}


@pytest.mark.parametrize("kind", WITHOUT_STATE)
def test_of_a_pickle_without_a_state_dict_it_is_said_what_it_holds(tmp_path, kind):
    content, held = WITHOUT_STATE[kind]
    torch.save(content, tmp_path / "model.pth")

    with pytest.raises(InputError) as caught:
        read_external_state(tmp_path / "model.pth")
    assert str(caught.value) == (
        f"{tmp_path / 'model.pth'} holds {held} and no state dict: give the model's tensors by their names, as "
        "torch.save(model.state_dict(), FILE) writes them"
    )


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (LINEAR, r"holds a whole model, would run code \(torch.nn.modules.linear.Linear\) .*: .*model.state_dict\(\)"),
        ({"model": Classifier(LINEAR, [0.0], [1.0])}, r"holds a whole model, would run code \(filterfreq\.models\.cl"),
        ({"a": np.ones(3)}, r"holds arrays of numpy, would run code \(numpy.* and was not loaded: .*from_numpy"),
        ({"state_dict": {"a": torch.ones(2)}, "best": np.float64(0.5)}, r"pth would run code \(numpy\.\S+scalar\)"),
    ],
    ids=["a model", "a model under a key", "arrays", "a number of numpy"],
)
def test_of_a_pickle_of_more_than_tensors_it_is_said_what_to_save_instead(tmp_path, content, said, zipped):
    torch.save(content, tmp_path / "model.pth", _use_new_zipfile_serialization=zipped)

    with pytest.raises(InputError, match=said):
        read_external_state(tmp_path / "model.pth")


@pytest.mark.parametrize("key", [None, "state_dict", "model_state_dict", "model", "state_dict_ema", "net"])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod.", "module.module."])
def test_a_state_dict_is_found_and_its_prefix_taken_off(tmp_path, key, prefix):
    state = {f"{prefix}a.weight": torch.rand(3), f"{prefix}a.bias": torch.rand(2)}
    torch.save({key: state, "epoch": 3} if key else state, tmp_path / "model.pth")
    read, weights = read_external_state(tmp_path / "model.pth")

    assert weights == (key or "the only ones of the file")
    assert list(read) == ["a.weight", "a.bias"]
    assert torch.equal(read["a.weight"], state[f"{prefix}a.weight"])


RAW, AVERAGED = {"a.weight": torch.zeros(3), "b": torch.zeros(2)}, {"a.weight": torch.ones(3), "b": torch.ones(2)}
# As timm, torchvision, Lightning, BYOL-like code and others keep raw and averaged weights beside each other.
SEVERAL = {
    "timm": ({"state_dict": RAW, "state_dict_ema": AVERAGED}, ["state_dict", "state_dict_ema"]),
    "torchvision": (
        {"model": RAW, "model_ema": {"module.a.weight": torch.ones(3), "module.b": torch.ones(2)}},
        ["model", "model_ema"],
    ),
    "averaged first": ({"ema_state_dict": AVERAGED, "model_state_dict": RAW}, ["ema_state_dict", "model_state_dict"]),
    "key in a key": ({"model": RAW, "ema": {"decay": 0.9, "shadow": AVERAGED}}, ["model", "ema.shadow"]),
    "both in a key": ({"state": {"net": RAW, "avg": AVERAGED}, "epoch": 3}, ["state.net", "state.avg"]),
    "other names": ({"last": RAW, "best": AVERAGED}, ["last", "best"]),
}


@pytest.mark.parametrize("case", SEVERAL)
def test_of_several_weights_none_is_taken_silently(tmp_path, case):
    content, keys = SEVERAL[case]
    optimizer = {"state": {"a": RAW, 0: RAW}, "param_groups": [{"params": [0]}]}
    torch.save({**content, "optimizer": optimizer, "loss": torch.ones(1)}, tmp_path / "m.pt")
    with pytest.raises(InputError) as refusal:
        read_external_state(tmp_path / "m.pt")
    assert str(refusal.value) == (
        f"{tmp_path / 'm.pt'} has several weights, {', '.join(keys)}: say in the checkpoint's entry which to read, as "
        f"in weights: {keys[-1]}"
    )
    for key in keys:
        found = content
        for part in key.split("."):
            found = found[part]
        state, weights = read_external_state(tmp_path / "m.pt", key)
        assert weights == key
        assert [value.tolist() for value in state.values()] == [value.tolist() for value in found.values()]
    with pytest.raises(InputError, match=rf"m\.pt has no weights 'emma': it has {', '.join(keys)}$"):
        read_external_state(tmp_path / "m.pt", "emma")


def test_weights_of_something_else_beside_the_model_do_not_count(tmp_path):
    torch.save({"state_dict": RAW, "loss": {"temperature": torch.ones(1)}}, tmp_path / "m.pt")
    assert read_external_state(tmp_path / "m.pt")[1] == "state_dict"
    torch.save(RAW, tmp_path / "m.pt")
    with pytest.raises(InputError, match="has no weights 'ema': it is one state dict, leave weights out"):
        read_external_state(tmp_path / "m.pt", "ema")


def test_the_state_of_torch_s_averaged_model_is_that_of_its_model(tmp_path):
    model = torch.nn.Linear(2, 3)
    averaged = torch.optim.swa_utils.AveragedModel(model)
    for _ in range(5):
        averaged.update_parameters(model)
    model.weight.data.zero_()
    torch.save({"model": model.state_dict(), "swa": averaged.state_dict()}, tmp_path / "m.pt")
    with pytest.raises(InputError, match="has several weights, model, swa: say in"):
        read_external_state(tmp_path / "m.pt")
    state, weights = read_external_state(tmp_path / "m.pt", "swa")
    assert weights == "swa, an average of 5"
    assert list(state) == list(model.state_dict())


@pytest.mark.parametrize(("name", "parameters"), [("resnet20-12fca82f.th", 269_722), ("resnet56-4bfd9763.th", 853_018)])
def test_published_checkpoints_are_read(name, parameters):
    if not (EXTERNAL / name).is_file():
        pytest.skip(f"{name} is not at {EXTERNAL}")
    state, _ = read_external_state(EXTERNAL / name)
    learned = {key: value for key, value in state.items() if "running" not in key and "num_batches" not in key}

    assert sum(value.numel() for value in learned.values()) == parameters
    assert state["conv1.weight"].shape == (16, 3, 3, 3)
    assert all(value.device.type == "cpu" for value in state.values())


def option_a_state(name="resnet_14_option_a"):
    """Return a state dict as akamaster/pytorch_resnet_cifar10 wrote them, before torch counted batches."""
    state = build(name, 10).state_dict()
    return {
        name.replace("fc.", "linear."): tensor for name, tensor in state.items() if "num_batches_tracked" not in name
    }


@pytest.mark.parametrize("name", ["resnet_8_option_a", "resnet_14_option_a", "resnet_8_4_option_a"])
def test_an_option_a_resnet_is_recognised_and_renamed(name):
    published = option_a_state(name)
    architecture, state = convert_option_a_resnet(published)
    model = build(architecture, 10)

    assert architecture == name
    assert model.load_state_dict(state)
    assert torch.equal(model.fc.weight, published["linear.weight"])
    assert torch.equal(model.layer3[0].conv2.weight, published["layer3.0.conv2.weight"])


def test_other_checkpoints_are_no_option_a_resnets():
    with pytest.raises(InputError, match=r"it is no CIFAR ResNet: give a checkpoint of akamaster"):
        convert_option_a_resnet({"weight": torch.ones(2)})
    with pytest.raises(InputError, match=r"resnet_8_option_a \(unknown layer2\.0\.shortcut\.0\.weight"):
        convert_option_a_resnet(build("resnet_8", 10).state_dict())
    state = option_a_state()
    state["conv1.weight"] = torch.ones(16, 3, 5, 5)
    with pytest.raises(InputError, match=r"conv1\.weight of shape \[16, 3, 5, 5\] instead of \[16, 3, 3, 3\]"):
        convert_option_a_resnet(state)


@pytest.mark.slow
def test_the_published_resnet_20_recognises_jpeg_images():
    """Its author reports 8.27 % error on CIFAR-10 itself; JPEG costs ten points, to 81.0 % measured elsewhere."""
    archive = DATA / "cifar10_jpeg.tar.xz"
    if not archive.is_file() or not EXTERNAL.is_dir():
        pytest.skip(f"the test images and the checkpoint are not at {DATA}")
    architecture, state = convert_option_a_resnet(read_external_state(EXTERNAL / "resnet20-12fca82f.th")[0])
    backbone = build(architecture, 10)
    backbone.load_state_dict(state)
    classifier = Classifier(backbone, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)).eval()
    classes = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    images, labels = [], []
    with tarfile.open(archive) as members:
        for member in members:
            if member.isfile() and member.name.startswith("test/"):
                images.append(np.asarray(Image.open(io.BytesIO(members.extractfile(member).read()))))
                labels.append(classes.index(member.name.split("/")[1]))
    images, labels = torch.from_numpy(np.stack(images)), torch.tensor(labels)
    with torch.inference_mode():
        correct = [
            (classifier(batch.permute(0, 3, 1, 2) / 255).argmax(1) == truth).sum().item()
            for batch, truth in zip(images.split(500), labels.split(500), strict=True)
        ]

    assert architecture == "resnet_20_option_a"
    assert len(labels) == 10_000
    assert sum(correct) / len(labels) == pytest.approx(0.810, abs=0.0005)
