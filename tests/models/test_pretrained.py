import hashlib
import os
import re
import warnings
from functools import partial
from http.server import SimpleHTTPRequestHandler

import pytest
import safetensors.torch
import torch
from records import record_of
from servers import serving

from filterfreq.evaluation.suites.filters import filter_spectra
from filterfreq.models import pretrained
from filterfreq.models.checkpoints import load_checkpoint, save_checkpoint
from filterfreq.models.classifier import Classifier
from filterfreq.models.pretrained import (
    check_downloads,
    convert_checkpoint,
    download_checkpoint,
    remote_files,
)
from filterfreq.models.registry import build
from filterfreq.models.robustbench_models import robustbench_model
from filterfreq.models.surgery.decomposition import decompose
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import read_json, sha256

HALF = (0.5, 0.5, 0.5)
ROBUSTBENCH = {"source": "robustbench", "dataset": "cifar10", "threat_model": "Linf"}
OURS = {"source": "file", "architecture": "resnet_8_2", "normalisation": "dataset"}


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def web(tmp_path):
    """A folder that a local server serves, and its address."""
    folder = tmp_path / "web"
    folder.mkdir()
    with serving(partial(Handler, directory=folder), tmp_path) as server:
        yield folder, server.address


def drawn(model):
    """Give a model tensors that a newly built one does not have, running statistics included."""
    generator = torch.Generator().manual_seed(1)
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) * 0.1 + 0.01)
    return model.eval()


def same(tmp_path, classifier, settings, expected, size=32):
    """Check that a converted classifier computes what is expected, also when it was saved and loaded again."""
    images = torch.rand(2, 3, size, size)
    save_checkpoint(tmp_path / "run", classifier, record_of(settings))
    loaded, _ = load_checkpoint(tmp_path / "run" / "run.json")
    with torch.inference_mode():
        assert torch.equal(classifier(images), expected(images))
        assert torch.equal(loaded(images), expected(images))


def test_a_file_from_the_web(tmp_path, web):
    folder, address = web
    model = drawn(build("resnet_8_2", 10))
    torch.save({"state_dict": {f"module.{name}": value for name, value in model.state_dict().items()}}, folder / "m.pt")
    source = {"source": "file", "url": f"{address}/m.pt", "architecture": "resnet_8_2", "mean": [0.5] * 3}
    source["std"] = [0.2, 0.25, 0.3]
    download_checkpoint(source, tmp_path / "files", tmp_path / "download.json")
    record = read_json(tmp_path / "download.json")
    classifier, settings, assumed = convert_checkpoint(source, tmp_path / "files", 10, (0.1,) * 3, (1, 1, 1))

    assert record["source"] == source
    assert record["files"] == check_downloads(tmp_path / "download.json", tmp_path / "files")
    assert record["files"]["m.pt"] == {
        "url": source["url"],
        "sha256": hashlib.sha256((folder / "m.pt").read_bytes()).hexdigest(),
        "size": (folder / "m.pt").stat().st_size,
    }
    assert settings == {
        "architecture": "resnet_8_2",
        "num_classes": 10,
        "mean": [0.5] * 3,
        "std": [0.2, 0.25, 0.3],
        "decomposition": None,
    }
    assert assumed == {"weights": "state_dict", "normalisation": "the config's mean and std", "may_also_be": []}
    same(tmp_path, classifier, settings, Classifier(model, HALF, (0.2, 0.25, 0.3)))


@pytest.mark.parametrize(
    ("url", "name", "digits"),
    [
        ("https://host.org/a/resnet-0a1b2c3d.pt", "resnet-0a1b2c3d.pt", "0a1b2c3d"),
        ("https://host.org/a/resnet-0a1b2c3d.pt?download=1", "resnet-0a1b2c3d.pt", "0a1b2c3d"),
        ("https://host.org/m.safetensors?from=a/b#top", "m.safetensors", ""),
    ],
)
def test_a_file_has_the_name_that_its_address_ends_with(url, name, digits):
    (file,) = remote_files({"source": "file", "url": url, "architecture": "resnet_20"})
    assert file == (name, url, digits, "https")


def test_a_checksum_that_is_stated_or_was_seen_is_compared(tmp_path, web):
    folder, address = web
    (folder / "m.pt").write_bytes(b"first")
    digest = hashlib.sha256(b"first").hexdigest()
    source = {"source": "file", "url": f"{address}/m.pt", "architecture": "resnet_8_2"}
    files, record = tmp_path / "files", tmp_path / "download.json"
    download_checkpoint({**source, "sha256": digest}, files, record)
    with pytest.raises(
        InputError, match=f"has the SHA-256 {digest} and not 00 as http.* move the file elsewhere to have"
    ):
        download_checkpoint({**source, "sha256": "00"}, files, record)

    (folder / "m.pt").write_bytes(b"second")
    download_checkpoint(source, files, record)  # what is there is not asked for again
    (files / "m.pt").unlink()
    with pytest.raises(InputError, match=f"but http.* had {digest} before: move the file elsewhere"):
        download_checkpoint(source, files, record)
    with pytest.raises(InputError, match=r"files/m\.pt is missing or was changed since it was downloaded"):
        check_downloads(record, files)
    record.unlink()
    download_checkpoint(source, files, record)
    assert check_downloads(record, files)["m.pt"]["size"] == 6


def test_a_download_that_fails_leaves_nothing(tmp_path, web):
    _, address = web
    source = {"source": "file", "url": f"{address}/none.pt", "architecture": "resnet_8_2"}
    with pytest.raises(InputError, match=r"none\.pt answers 404 File not found: check .* put it at .*files/none\.pt"):
        download_checkpoint(source, tmp_path / "files", tmp_path / "download.json", pause=0.001)
    assert not list((tmp_path / "files").iterdir())
    assert not (tmp_path / "download.json").exists()


def test_no_error_repeats_what_opens_an_address(tmp_path, web, monkeypatch):
    """Neither the signed address that a server redirects to, nor the password of a proxy."""
    _, address = web
    monkeypatch.setenv("HF_TOKEN", "hf_SECRET")

    def redirect(handler):
        signed = handler.path.startswith("/signed")
        handler.send_response(403 if signed else 302)
        handler.send_header("Location", "/signed/m.pt?X-Amz-Signature=SECRET&token=SECRET")
        handler.end_headers()

    monkeypatch.setattr(Handler, "do_GET", redirect)
    source = {"source": "file", "url": f"{address}/m.pt", "architecture": "resnet_8_2"}
    said = []
    for proxy in ("", "http://user:SECRET@127.0.0.1:1", "http://user:SECRET@["):
        monkeypatch.setenv("http_proxy", proxy)
        with pytest.raises(InputError) as refusal:
            download_checkpoint(source, tmp_path / "files", tmp_path / "download.json", pause=0.001)
        said.append(str(refusal.value))
    assert "/m.pt answers 403 Forbidden: check" in said[0]
    assert "ProxyError" in said[1]
    assert "SECRET" not in "".join(said)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_our_own_decomposed_weights(tmp_path, suffix):
    model = drawn(decompose(build("resnet_8_2", 10), "signal"))
    (torch.save if suffix == "pt" else safetensors.torch.save_file)(model.state_dict(), tmp_path / f"m.{suffix}")
    source = {**OURS, "path": str(tmp_path / f"m.{suffix}")}
    classifier, settings, _ = convert_checkpoint(source, tmp_path, 10, HALF, HALF)

    assert settings["decomposition"] == "weight"
    with torch.inference_mode():
        images = torch.rand(2, 3, 32, 32)
        assert torch.equal(classifier(images), Classifier(model, HALF, HALF)(images))


@pytest.mark.parametrize(
    ("change", "classes", "message"),
    [
        (
            {"architecture": "resnet_8_4"},
            10,
            r"does not fit resnet_8_4 with 10 classes .*, write architecture: resnet_8_2 ",
        ),
        ({}, 7, r"m\.pt does not fit resnet_8_2 with 7 classes \(fc\.weight of shape \[10"),
        ({"sha256": 64 * "0"}, 10, r"m\.pt is missing or does not have the SHA-256 0000"),
        ({"format": "option_a_resnet"}, 10, "resnet_8_2_option_a"),
        ({"path": "nowhere.pt"}, 10, r"nowhere\.pt is missing"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path, change, classes, message):
    torch.save(build("resnet_8_2", 10).state_dict(), tmp_path / "m.pt")
    source = {**OURS, "path": str(tmp_path / "m.pt"), **change}
    with pytest.raises(InputError, match=message):
        convert_checkpoint(source, tmp_path, classes, HALF, HALF)


@pytest.mark.parametrize(
    ("named", "tensors_of", "published", "change", "written"),
    [
        ("resnet_20", "resnet_32", False, {}, "write architecture: resnet_32 in the checkpoint's entry"),
        ("resnet_20", "resnet_14_4_sp", False, {}, "write architecture: resnet_14_4_sp in"),
        ("lowres_resnet9", "wideresnet_16_4", False, {}, "write architecture: wideresnet_16_4 in"),
        ("resnet_8", "resnet_8_option_a", False, {}, "write architecture: resnet_8_option_a in"),
        ("resnet_8", "resnet_8_option_a", True, {},
         "write architecture: resnet_8_option_a with format: option_a_resnet in"),
        ("resnet_14_option_a", "resnet_8_option_a", True, {"format": "option_a_resnet"},
         "m.pt holds a resnet_8_option_a and no resnet_14_option_a: write architecture: resnet_8_option_a in"),
        ("resnet_8", "resnet_8", False, {"format": "option_a_resnet"}, "m.pt does not fit resnet_8_option_a ("),
        ("resnet_8", "lowres_resnet9", False, {"format": "option_a_resnet"}, "m.pt lacks bn1.weight"),
    ],
)  # fmt: skip
def test_tensors_of_another_architecture_are_named(tmp_path, named, tensors_of, published, change, written):
    state = build(tensors_of, 10).state_dict()
    if published:
        state = {name.replace("fc.", "linear."): tensor for name, tensor in state.items()}
    torch.save({"model": {f"module.{name}": tensor for name, tensor in state.items()}}, tmp_path / "m.pt")
    source = {**OURS, "architecture": named, "path": str(tmp_path / "m.pt"), **change}
    with pytest.raises(InputError, match=re.escape(written)) as error:
        convert_checkpoint(source, tmp_path, 10, HALF, HALF)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "m.pt"))


def others_names(model):
    """Return a state dict as kuangliu/pytorch-cifar's code would save it, under the names of its layers."""
    named = {
        name.replace("shortcut", "downsample").replace("fc", "linear"): t for name, t in model.state_dict().items()
    }
    return {f"module.{name}": tensor for name, tensor in named.items() if "num_batches" not in name}


def test_weights_as_people_have_them(tmp_path):
    """Under `net` beside plain values, from `DataParallel`, with other names, without counters of batches."""
    model = drawn(build("resnet_8_2", 10))
    torch.save({"net": others_names(model), "acc": 93.5, "epoch": 200}, tmp_path / "m.pt")
    source = {**OURS, "path": str(tmp_path / "m.pt")}
    with pytest.raises(InputError) as refusal:
        convert_checkpoint(source, tmp_path, 10, HALF, HALF)
    told, _, remedy = str(refusal.value).rpartition("): ")
    assert told == (
        f"{tmp_path / 'm.pt'} does not fit resnet_8_2 with 10 classes ("
        "no layer2.0.shortcut.0.weight, layer2.0.shortcut.1.weight, layer2.0.shortcut.1.bias and 9 more; "
        "unknown layer2.0.downsample.0.weight, layer2.0.downsample.1.weight, layer2.0.downsample.1.bias and 9 more; "
        "read were 47 tensors, net"
    )
    assert remedy == (
        "if these are the same layers, write rename: {downsample: shortcut, linear: fc} in the checkpoint's entry"
    )
    source["rename"] = {"downsample": "shortcut", "linear": "fc"}
    classifier, settings, assumed = convert_checkpoint(source, tmp_path, 10, HALF, HALF)
    assert assumed["weights"] == "net, without counters of batches"
    same(tmp_path, classifier, settings, Classifier(model, HALF, HALF))
    source["rename"] = {"shortcuts": "shortcut"}
    with pytest.raises(InputError, match=r"m\.pt has other names than rename says: unknown part of a name 'shortcuts'"):
        convert_checkpoint(source, tmp_path, 10, HALF, HALF)


def test_a_network_with_its_normalisation_is_taken_apart_where_the_entry_says_so(tmp_path):
    model = drawn(build("resnet_8_2", 10))
    state = {f"1.{name}": tensor for name, tensor in model.state_dict().items()} | {"0.mean": torch.ones(3)}
    torch.save(state, tmp_path / "m.pt")
    source = {**OURS, "path": str(tmp_path / "m.pt")}
    with pytest.raises(InputError, match=r': to leave out 0\.mean, write weights: "1" in the checkpoint\'s entry$'):
        convert_checkpoint(source, tmp_path, 10, HALF, HALF)
    classifier, settings, _ = convert_checkpoint({**source, "weights": "1"}, tmp_path, 10, HALF, HALF)
    same(tmp_path, classifier, settings, Classifier(model, HALF, HALF))


def test_a_torchscript_file(tmp_path):
    model = drawn(build("resnet_8_2", 10))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.trace(model, torch.rand(1, 3, 32, 32)), tmp_path / "m.pt")
    classifier, settings, _ = convert_checkpoint({**OURS, "path": str(tmp_path / "m.pt")}, tmp_path, 10, HALF, HALF)
    same(tmp_path, classifier, settings, Classifier(model, HALF, HALF))


@pytest.mark.parametrize(
    ("given", "mean", "std", "said"),
    [
        ({"normalisation": "none"}, [0, 0, 0], [1, 1, 1], "none"),
        ({"normalisation": "dataset"}, [0.5, 0.4, 0.3], [0.1, 0.2, 0.3], "the data set's"),
        ({"mean": [0, 0, 0], "std": [1, 1, 1]}, [0, 0, 0], [1, 1, 1], "the config's mean and std"),
    ],
)
def test_the_normalisation_is_the_one_that_the_entry_says(tmp_path, given, mean, std, said):
    model = drawn(build("resnet_8_2", 10))
    torch.save(model.state_dict(), tmp_path / "m.pt")
    source = {"source": "file", "architecture": "resnet_8_2", "path": str(tmp_path / "m.pt"), **given}
    classifier, settings, assumed = convert_checkpoint(source, tmp_path, 10, (0.5, 0.4, 0.3), (0.1, 0.2, 0.3))

    assert assumed["normalisation"] == said
    images = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        normalised = (images - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
        assert torch.equal(classifier(images), model(normalised.float()))
    same(tmp_path, classifier, settings, Classifier(model, mean, std))


def test_of_raw_and_averaged_weights_the_entry_says_which(tmp_path):
    raw, averaged = drawn(build("resnet_8_2", 10)), build("resnet_8_2", 10)
    torch.save({"state_dict": raw.state_dict(), "state_dict_ema": averaged.state_dict()}, tmp_path / "m.pt")
    source = {**OURS, "path": str(tmp_path / "m.pt")}
    with pytest.raises(InputError, match="has several weights, state_dict, state_dict_ema: say in the checkpoint's"):
        convert_checkpoint(source, tmp_path, 10, HALF, HALF)
    for key, model in {"state_dict": raw, "state_dict_ema": averaged}.items():
        classifier, _, assumed = convert_checkpoint({**source, "weights": key}, tmp_path, 10, HALF, HALF)
        assert assumed["weights"] == key
        state = model.state_dict()
        assert all(torch.equal(value, state[name]) for name, value in classifier.backbone.state_dict().items())


def test_averaged_parameters_beside_a_model_within_another(tmp_path):
    """As Lightning keeps a model, with an average of its parameters under their own names."""
    raw, averaged = drawn(build("resnet_8_2", 10)), build("resnet_8_2", 10).eval()
    names = {f"model.{name}": tensor for name, tensor in raw.state_dict().items()}
    torch.save({"state_dict": names, "ema": {"shadow": dict(averaged.named_parameters())}}, tmp_path / "m.pt")
    averaged.load_state_dict(dict(raw.named_buffers()), strict=False)
    said = {"state_dict": "state_dict", "ema.shadow": "ema.shadow, with the running statistics of state_dict"}
    for key, model in {"state_dict": raw, "ema.shadow": averaged}.items():
        source = {**OURS, "path": str(tmp_path / "m.pt"), "weights": key}
        classifier, settings, assumed = convert_checkpoint(source, tmp_path, 10, HALF, HALF)
        assert assumed["weights"] == said[key]
        same(tmp_path / key, classifier, settings, Classifier(model, HALF, HALF))


@pytest.mark.slow
def test_what_also_fits_another_architecture_of_timm_is_said(tmp_path):
    """EfficientNet-Lite0 pads as TensorFlow does in the one and as torch does in the other, with the same tensors."""
    import timm

    model = timm.create_model("tf_efficientnet_lite0", num_classes=10)
    torch.save(model.state_dict(), tmp_path / "m.pt")
    source = {"source": "file", "path": str(tmp_path / "m.pt"), "normalisation": "none"}
    source["architecture"] = "timm_efficientnet_lite0"
    _, _, assumed = convert_checkpoint(source, tmp_path, 10, HALF, HALF)
    assert assumed["may_also_be"] == ["timm_tf_efficientnet_lite0"]


def test_weights_that_are_not_finite_are_refused(tmp_path):
    state = build("resnet_8_2", 10).state_dict()
    state["fc.weight"][0, 0] = float("nan")
    torch.save(state, tmp_path / "m.pt")
    source = {**OURS, "path": str(tmp_path / "m.pt")}
    with pytest.raises(InputError, match=r"m\.pt are not all finite \(fc\.weight\)"):
        convert_checkpoint(source, tmp_path, 10, HALF, HALF)


class Malicious:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize(
    "source",
    [
        {**ROBUSTBENCH, "name": "Standard"},
        {"source": "torchvision", "name": "resnet18", "weights": "IMAGENET1K_V1"},
        {"source": "timm", "name": "resnet18.a1_in1k"},
        {"source": "file", "url": "https://host.org/m.pth", "architecture": "resnet_8_2"},
        {"source": "file", "url": "https://host.org/m.th", "architecture": "resnet_8_2", "format": "option_a_resnet"},
    ],
    ids=lambda source: source["source"],
)
def test_no_source_runs_code_from_a_pickle(tmp_path, source, monkeypatch):
    # Even where the environment asks torch to trust every file.
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    if source["source"] == "timm":
        monkeypatch.setattr(pretrained, "_HUB_FILE", "pytorch_model.bin")
    path = tmp_path / remote_files(source)[0].path
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"state_dict": {"weight": Malicious(tmp_path / "proof")}}, path)
    with pytest.raises(InputError, match="would run code"):
        convert_checkpoint(source, tmp_path, 10 if source["source"] == "robustbench" else 1000, HALF, HALF)
    assert not (tmp_path / "proof").exists()


@pytest.mark.parametrize(
    ("name", "prefix", "layers"),
    [
        ("Carmon2019Unlabeled", "module.", 25),  # with the layers that it never calls
        ("Rebuffi2021Fixing_R18_ddpm", "", 17 + 3),  # normalises inside; its three shortcuts are 3x3
        ("Andriushchenko2020Understanding", "", 17),  # keeps its weights under "last"
    ],
)
@pytest.mark.slow
def test_a_robustbench_model(zoo, tmp_path, web, monkeypatch, name, prefix, layers):
    folder, address = web
    original = drawn(zoo["cifar10", "Linf"][name]["model"]())
    state = {f"{prefix}{key}": value for key, value in original.state_dict().items()}
    published = {"last": state, "best": {}} if name.startswith("Andriushchenko") else {"state_dict": state}
    key = zoo["cifar10", "Linf"][name]["gdrive_id"]
    torch.save(published, folder / key)
    assert remote_files({**ROBUSTBENCH, "name": name})[0].url == f"https://drive.google.com/uc?id={key}"
    monkeypatch.setattr(pretrained, "_DRIVE", f"{address}/")
    source = {**ROBUSTBENCH, "name": name}
    download_checkpoint(source, tmp_path / "files", tmp_path / "download.json")
    classifier, settings, assumed = convert_checkpoint(source, tmp_path / "files", 10, HALF, HALF)

    assert assumed["normalisation"] == "inside the model"
    assert (settings["architecture"], settings["mean"]) == (f"robustbench_cifar10_Linf_{name}", [0, 0, 0])
    assert filter_spectra(classifier.backbone)["layer"].nunique() == layers
    same(tmp_path, classifier, settings, original)


DRIVE = {
    "asks": """<html><form id="download-form" action="{address}/weights" method="get">
        <input type="hidden" name="confirm" value="t"></form></html>""",
    "asks again": """<html><form id="download-form" action="{address}/asks again" method="get"></form></html>""",
    "withholds": """<html><p class="uc-error-subcaption">Too many users have viewed it\x1b[2J</p></html>""",
    "leads away": """<html><form id="download-form" action="ftp://elsewhere.invalid/m.pt"></form></html>""",
    "is another": "<html>sign in</html>",
    "is none": """<html><form id="download-form"></form></html>""",
}


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("asks", None),
        ("asks again", "has 3 pages in a row and no file: check"),
        ("withholds", r"is not given out by Google Drive (Too many users have viewed it\x1b[2J): check"),
        ("leads away", "leads to an address without https: check"),
        ("is another", "is not given out by Google Drive (Cannot retrieve the public link of the file."),
        ("is none", "is not given out by Google Drive ('action'): check"),
    ],
)
def test_the_pages_of_google_drive(tmp_path, web, monkeypatch, page, said):
    folder, address = web
    (folder / "weights").write_bytes(b"weights")
    for name, text in DRIVE.items():
        (folder / f"{name}.html").write_text(text.replace("{address}", address).replace("again", "again.html"))
    monkeypatch.setattr(pretrained, "_DRIVE", f"{address}/{page}.html?")
    source = {**ROBUSTBENCH, "name": "Standard"}
    if said is None:
        download_checkpoint(source, tmp_path / "files", tmp_path / "download.json", pause=0.001)
        assert (tmp_path / "files/cifar10/Linf/Standard.pt").read_bytes() == b"weights"
        return
    with pytest.raises(InputError) as refusal:
        download_checkpoint(source, tmp_path / "files", tmp_path / "download.json", pause=0.001)
    assert said in str(refusal.value)
    assert str(refusal.value).endswith("put it at " + str(tmp_path / "files/cifar10/Linf/Standard.pt"))
    assert not [path for path in (tmp_path / "files").rglob("*") if path.is_file()]


def test_a_robustbench_model_of_other_classes_is_refused(tmp_path):
    with pytest.raises(InputError, match="robustbench model Standard has 10 classes, but the data set has 4"):
        convert_checkpoint({**ROBUSTBENCH, "name": "Standard"}, tmp_path, 4, HALF, HALF)


def test_robustbench_weights_of_another_model_are_refused(tmp_path):
    path = tmp_path / "cifar10" / "Linf" / "Standard.pt"
    path.parent.mkdir(parents=True)
    torch.save(
        {"state_dict": robustbench_model(10, "cifar10", "Linf", "Rebuffi2021Fixing_R18_ddpm").state_dict()}, path
    )
    with pytest.raises(InputError, match=r"robustbench model Standard do not fit the model .*Missing key") as refusal:
        convert_checkpoint({**ROBUSTBENCH, "name": "Standard"}, tmp_path, 10, HALF, HALF)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(("name", "weights"), [("resnet18", "IMAGENET1K_V1"), ("densenet121", "IMAGENET1K_V1")])
def test_a_torchvision_model(tmp_path, name, weights):
    """DenseNet's published files have older names, which torchvision puts right as it reads them."""
    import torchvision

    original = drawn(torchvision.models.get_model(name, weights=None))
    source = {"source": "torchvision", "name": name, "weights": weights}
    (file,) = remote_files(source)
    path = tmp_path / "files" / file.path
    path.parent.mkdir(parents=True)
    older = {"norm1": "norm.1", "conv1": "conv.1", "norm2": "norm.2", "conv2": "conv.2"}
    state = original.state_dict()
    if name == "densenet121":
        state = {
            ".".join(older.get(part, part) if "denselayer" in key else part for part in key.split(".")): value
            for key, value in state.items()
            if "num_batches_tracked" not in key
        }
    torch.save(state, path)
    classifier, settings, assumed = convert_checkpoint(source, tmp_path / "files", 1000, HALF, HALF)

    assert file.url == torchvision.models.get_model_weights(name)[weights].url
    assert sha256(path).startswith(file.sha256) is False  # made here, so the download would refuse it
    assert len(file.sha256) == 8
    assert settings["architecture"] == f"torchvision_{name}"
    assert assumed["normalisation"] == "torchvision's for these weights"
    expected = Classifier(original, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    same(tmp_path, classifier, settings, expected, size=64)
    with pytest.raises(InputError, match=f"torchvision model {name} has 1000 classes, but the data set has 10"):
        convert_checkpoint(source, tmp_path / "files", 10, HALF, HALF)


@pytest.mark.parametrize(
    ("name", "kernels"),
    [
        ("efficientnet_b0.ra_in1k", {3: 8, 5: 9}),
        ("convnext_atto.d2_in1k", {2: 0, 7: 12}),
        ("resnet18.a1_in1k", {7: 1, 3: 16}),
    ],
)
def test_a_timm_model(tmp_path, name, kernels):
    """Its weights as the hub has them, through timm's own reading; and the spectra of kernels of every size."""
    import timm

    original = drawn(timm.create_model(name))
    source = {"source": "timm", "name": name}
    (file,) = remote_files(source)
    (tmp_path / "files").mkdir()
    safetensors.torch.save_file(original.state_dict(), tmp_path / "files" / file.path)
    classifier, settings, assumed = convert_checkpoint(source, tmp_path / "files", 1000, HALF, HALF)

    assert file == (
        "model.safetensors",
        f"https://huggingface.co/timm/{name}/resolve/main/model.safetensors",
        "",
        "hub",
    )
    assert settings["architecture"] == f"timm_{name.partition('.')[0]}"
    assert settings["mean"] == list(timm.get_pretrained_cfg(name).mean)
    assert assumed["normalisation"] == "timm's for these weights"
    same(tmp_path, classifier, settings, Classifier(original, settings["mean"], settings["std"]), size=64)
    spectra = filter_spectra(classifier.backbone)
    sides = spectra.groupby("layer")["horizontal"].max() + 1
    assert {side: int((sides == side).sum()) for side in kernels} == kernels
    assert spectra.groupby("layer")["energy_share"].sum().to_numpy() == pytest.approx(1)


class Hub(SimpleHTTPRequestHandler):
    """Answers as the hub does: it redirects to where the file lies, and says its size and tag."""

    CONTENT = b"weights"
    etag = hashlib.sha256(CONTENT).hexdigest()

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        self.server.requests.append((self.command, self.path))
        stored = self.path == "/stored"
        self.send_response(200 if stored else 302)
        self.send_header("Content-Length", str(len(self.CONTENT)))
        if not stored:
            self.send_header("Location", f"{self.server.address}/stored")
        self.send_header("X-Linked-Etag", f'"{self.etag}"')
        self.send_header("X-Linked-Size", str(len(self.CONTENT)))
        self.send_header("X-HF-Warning", "topic; all is well")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(self.CONTENT)

    def log_message(self, *arguments):
        pass


def test_the_hub_is_asked_by_its_own_client_and_its_checksum_compared(tmp_path, monkeypatch, capsys):
    from huggingface_hub import constants

    source = {"source": "timm", "name": "resnet18.a1_in1k"}
    with serving(Hub, tmp_path) as server:
        template = server.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", server.address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        download_checkpoint(source, tmp_path / "files", tmp_path / "download.json", pause=0.001)
        place = "/timm/resnet18.a1_in1k/resolve/main/model.safetensors"
        assert server.requests[-2:] == [("GET", place), ("GET", "/stored")]
        assert ("HEAD", place) in server.requests
        assert "all is well" not in capsys.readouterr().err
        assert [file.name for file in (tmp_path / "files").iterdir()] == ["model.safetensors"]
        assert (tmp_path / "files" / "model.safetensors").read_bytes() == Hub.CONTENT

        (tmp_path / "files" / "model.safetensors").unlink()
        monkeypatch.setattr(Hub, "etag", 64 * "0")
        with pytest.raises(
            InputError, match=r"model\.safetensors has the SHA-256 \w{64} and not 0{64} as the hub says:"
        ):
            download_checkpoint(source, tmp_path / "files", tmp_path / "download.json", pause=0.001)
    assert not list((tmp_path / "files").iterdir())


def test_a_hub_that_cannot_be_reached(tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/{revision}/{filename}")
    source = {"source": "timm", "name": "resnet18.a1_in1k"}
    with pytest.raises(InputError, match=r"model\.safetensors cannot be reached or found \(ConnectError\): check the"):
        download_checkpoint(source, tmp_path / "files", tmp_path / "download.json", pause=0.001)


def test_timm_weights_that_do_not_exist_are_refused():
    with pytest.raises(InputError, match=r"timm has no trained weights 'resnet18\.nothing'"):
        remote_files({"source": "timm", "name": "resnet18.nothing"})
