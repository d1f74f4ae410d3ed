"""Models that others trained: from a checkpoint's entry in the config to its files, and from these to a classifier."""

import contextlib
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import torch

from filterfreq.models import registry
from filterfreq.models.classifier import Classifier
from filterfreq.models.external_files import (
    choose_external_state,
    convert_option_a_resnet,
    describe,
    read_external_state,
    read_pickle,
)
from filterfreq.models.file_kinds import WHOLE_COPY
from filterfreq.models.misfits import misfit_remedy
from filterfreq.models.robustbench_models import (
    CLASSES,
    load_robustbench_model,
    robustbench_paths,
)
from filterfreq.models.state_fit import check_fit
from filterfreq.models.state_names import fit_names, fits, rename_parts
from filterfreq.models.surgery.decomposition import decompose
from filterfreq.models.twins import twins
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading, replacing, sha256, write_json
from filterfreq.runtime.schemas import read_record
from filterfreq.runtime.text import one_line
from filterfreq.runtime.web import DownloadError, PageError, ask, fetch

_PAGES = 3  # of Google Drive before a file
_DRIVE = "https://drive.google.com/uc?id="
_SHA256_DIGITS = 64
_HUB_FILE = "model.safetensors"
# torch.hub's convention, which torchvision and timm follow: the name ends with the first digits of the SHA-256.
_DIGITS = re.compile(r"-([0-9a-f]{8,})\.\w+$")
_IDENTITY = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


class RemoteFile(NamedTuple):
    """A file of a downloaded model.

    Attributes:
        path: where it goes, below the checkpoint's folder.
        url: where it lies.
        sha256: its SHA-256 or the first digits of it, as far as its publisher states them; else empty.
        via: "https", "drive" (Google Drive, whose pages before a file gdown reads) or "hub" (the Hugging Face Hub).
    """

    path: str
    url: str
    sha256: str
    via: str


def remote_files(source: Mapping[str, Any]) -> list[RemoteFile]:
    """Return the files of a checkpoint.

    Args:
        source: a checkpoint's entry in the config whose `source` is robustbench, timm, torchvision, or file with a url.

    Raises:
        InputError: there is no such model, or no trained weights of it.
    """
    given = source.get("sha256", "")
    match source["source"]:
        case "robustbench":
            paths = robustbench_paths(source["dataset"], source["threat_model"], source["name"])
            return [RemoteFile(path, f"{_DRIVE}{key}", "", "drive") for path, key in paths.items()]
        case "timm":
            return [_timm_file(source["name"], given)]
        case "torchvision":
            import torchvision

            url = torchvision.models.get_model_weights(source["name"])[source["weights"]].url
            # Where torch.hub looks for it.
            return [RemoteFile(f"checkpoints/{url.rpartition('/')[2]}", url, given or _digits(url), "https")]
    name = urlsplit(source["url"]).path.rpartition("/")[2]  # without what comes after a question mark
    return [RemoteFile(name, source["url"], given or _digits(name), "https")]


def download_checkpoint(source: Mapping[str, Any], folder: Path, record_file: Path, pause: float = 1) -> None:
    """Download the files of a checkpoint into a folder, check them, and write down their checksums.

    A file that lies there already is not downloaded again: one that a browser brought, say. Its SHA-256 must be the one
    that the publisher or the config states, and where neither does, the one that was seen when this record was written
    before; what is published without a checksum is trusted the first time.

    Args:
        source: as for `remote_files`.
        folder: where they go.
        record_file: a JSON file of `source` and `files`: by path, url, sha256 and size in bytes.
        pause: seconds before the second attempt; each further one waits twice as long.

    Raises:
        InputError: a file cannot be downloaded, is another than before or than stated, or the disk is full.
    """
    before = read_record(record_file, "download")["files"] if record_file.is_file() else {}
    files = {}
    for file in remote_files(source):
        target = folder / file.path
        if not target.is_file():
            _fetch(file, target, pause)
        with reading(target, "run again"):
            digest = sha256(target)
        seen = before.get(file.path, {})
        if not digest.startswith(file.sha256):
            raise InputError(
                f"{target} has the SHA-256 {digest} and not {file.sha256} as {file.url} should: correct sha256 in the "
                "config where that is wrong, or move the file elsewhere to have it downloaded again"
            )
        if seen.get("url") == file.url and seen["sha256"] != digest:
            raise InputError(
                f"{target} has the SHA-256 {digest}, but {file.url} had {seen['sha256']} before: move the file "
                f"elsewhere and run again, or move {record_file} if the publisher has replaced it"
            )
        files[file.path] = {"url": file.url, "sha256": digest, "size": target.stat().st_size}
    write_json(record_file, {"source": dict(source), "files": files})


def convert_checkpoint(
    source: Mapping[str, Any], folder: Path, num_classes: int, mean: Sequence[float], std: Sequence[float]
) -> tuple[Classifier, dict[str, Any], dict[str, Any]]:
    """Read a third-party checkpoint, without running any code in it.

    Args:
        source: a checkpoint's entry in the config.
        folder: where `download_checkpoint` put its files; a `file` with a path is read from there.
        num_classes: the number of classes of the data set that it is evaluated on.
        mean: the data set's, for a `file` that takes these.
        std: likewise.

    Returns:
        The classifier in eval mode, its settings for the record beside `save_checkpoint`'s weights, and what was taken
        for granted: which `weights` of the file, whose `normalisation`, and as which other architectures
        (`may_also_be`) the file could be read, with other results.

    Raises:
        InputError: a file is missing, damaged, or holds more than tensors; it does not fit its architecture; the
            numbers of classes differ; or a weight is not finite.
    """
    architecture = registry.architecture_of(source)
    decomposition, also = None, []
    with _explaining_misfit(source):
        match source["source"]:
            case "robustbench":
                backbone, (mean, std) = _robustbench_backbone(source, folder, num_classes), _IDENTITY
                weights, normalisation = "those that RobustBench reads", "inside the model"
            case "timm":
                backbone, mean, std, weights = _timm_backbone(source, folder, num_classes)
                normalisation = "timm's for these weights"
            case "torchvision":
                backbone, mean, std = _torchvision_backbone(source, folder, num_classes)
                weights, normalisation = "the only ones of the file", "torchvision's for these weights"
            case "file":
                if "path" in source:
                    path, whole = Path(source["path"]).expanduser(), WHOLE_COPY
                else:
                    path, whole = folder / remote_files(source)[0].path, fetch_again(folder)
                backbone, decomposition, weights = _file_backbone(source, path, whole, num_classes)
                if "mean" in source:
                    mean, std, normalisation = source["mean"], source["std"], "the config's mean and std"
                elif source["normalisation"] == "none":
                    (mean, std), normalisation = _IDENTITY, "none"
                else:
                    normalisation = "the data set's"
                if decomposition is None:
                    also = twins(backbone.eval(), architecture, num_classes)
    for name, tensor in backbone.state_dict().items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise InputError(f"the weights of {_title(source)} are not all finite ({name}): take others")
    settings = {
        "architecture": architecture,
        "num_classes": num_classes,
        "mean": [float(value) for value in mean],
        "std": [float(value) for value in std],
        "decomposition": decomposition,
    }
    assumed = {"weights": weights, "normalisation": normalisation, "may_also_be": also}
    return Classifier(backbone, mean, std).eval(), settings, assumed


def check_downloads(record_file: Path, folder: Path) -> dict[str, dict]:
    """Check that the files of a checkpoint are those that were downloaded, and return what is recorded of them.

    Raises:
        InputError: one is missing or was changed.
    """
    files = read_record(record_file, "download")["files"]
    for path, file in files.items():
        if not (folder / path).is_file() or sha256(folder / path) != file["sha256"]:
            raise InputError(
                f"{folder / path} is missing or was changed since it was downloaded: move what lies "
                "there elsewhere and run again"
            )
    return files


def _robustbench_backbone(source: Mapping[str, Any], folder: Path, num_classes: int) -> torch.nn.Module:
    key = source["dataset"], source["threat_model"], source["name"]
    _check_classes(source, CLASSES[source["dataset"]], num_classes)
    for path in robustbench_paths(*key):
        # robustbench reads it again, by what its own code says of this model.
        read_pickle(folder / path, fetch_again(folder))
    return load_robustbench_model(folder, *key)


def _timm_backbone(
    source: Mapping[str, Any], folder: Path, num_classes: int
) -> tuple[torch.nn.Module, Sequence[float], Sequence[float], str]:
    import timm

    path = folder / remote_files(source)[0].path
    state, weights = read_external_state(path, source.get("weights"), fetch_again(folder))
    # timm renames tensors of older versions on the way.
    model = timm.create_model(source["name"], pretrained=True, pretrained_cfg_overlay={"state_dict": state})
    _check_classes(source, model.num_classes, num_classes)
    return model, model.pretrained_cfg["mean"], model.pretrained_cfg["std"], weights


def _torchvision_backbone(
    source: Mapping[str, Any], folder: Path, num_classes: int
) -> tuple[torch.nn.Module, Sequence[float], Sequence[float]]:
    import torchvision

    weights = torchvision.models.get_model_weights(source["name"])[source["weights"]]
    _check_classes(source, CLASSES["imagenet"], num_classes)
    read_pickle(folder / remote_files(source)[0].path, fetch_again(folder))
    # torchvision reads it again, because some of its models rename tensors on the way; from this folder, not the web.
    before = torch.hub.get_dir()
    torch.hub.set_dir(folder)
    try:
        model = torchvision.models.get_model(source["name"], weights=weights)
    finally:
        torch.hub.set_dir(before)
    transforms = weights.transforms()
    return model, transforms.mean, transforms.std


def _file_backbone(
    source: Mapping[str, Any], path: Path, whole: str, num_classes: int
) -> tuple[torch.nn.Module, str | None, str]:
    """Return the backbone, how it is decomposed if it is, and which of the file's weights it has.

    Args:
        source: the checkpoint's entry.
        path: its file.
        whole: how to get a whole copy of that.
        num_classes: of the data set.
    """
    if "sha256" in source and (not path.is_file() or sha256(path) != source["sha256"]):
        raise InputError(
            f"{path} is missing or does not have the SHA-256 {source['sha256']} of the config: get it again"
        )
    chosen, architecture = choose_external_state(path, source.get("weights"), whole), source["architecture"]
    state = chosen.state
    if "rename" in source:
        try:
            state = rename_parts(state, source["rename"])
        except InputError as error:
            raise InputError(f"{path} {error}") from error
    if source.get("format") == "option_a_resnet":
        found, state = convert_option_a_resnet(state, path)
        if found != architecture:
            raise InputError(
                f"{path} holds a {found} and no {architecture}: write architecture: {found} in the checkpoint's entry"
            )
    backbone = registry.build(architecture, num_classes)
    decomposition = "weight" if any(name.endswith("coefficients") for name in state) else None
    if decomposition:
        backbone = decompose(backbone, decomposition)
    expected = backbone.state_dict()
    state, note = fit_names(state, expected)
    weights = describe(chosen._replace(note=chosen.note + note))
    if not fits(state, expected):
        remedy = misfit_remedy(state, expected, chosen.key, num_classes, decomposition)
        check_fit(state, expected, path, f"{architecture} with {num_classes} classes", remedy, weights)
    backbone.load_state_dict(state)
    return backbone, decomposition, weights


def _check_classes(source: Mapping[str, Any], model_classes: int, data_classes: int) -> None:
    if model_classes != data_classes:
        raise InputError(
            f"{_title(source)} has {model_classes} classes, but the data set has {data_classes}: "
            "list it in an experiment on a data set of its classes"
        )


def fetch_again(folder: Path) -> str:
    """What to do about a damaged file that was downloaded into a folder."""
    return f"move {folder} elsewhere and run again, to have it downloaded again"


def _title(source: Mapping[str, Any]) -> str:
    return f"{source['source']} model {source.get('name') or source.get('path') or source.get('url')}"


@contextlib.contextmanager
def _explaining_misfit(source: Mapping[str, Any]) -> Iterator[None]:
    """Turn what a library says of weights that do not fit its model into one sentence."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        reason = one_line(" ".join(str(error).split()), 200)
        raise InputError(
            f"the files of {_title(source)} do not fit the model ({reason}): correct the checkpoint's entry in the "
            "config, or get other files"
        ) from error


def _timm_file(name: str, given: str) -> RemoteFile:
    import timm

    try:
        config = timm.get_pretrained_cfg(name)
    except RuntimeError:  # an unknown tag
        config = None
    if config is None or not config.has_weights:
        raise InputError(f"timm has no trained weights {name!r}: timm.list_pretrained() lists what it has")
    if config.hf_hub_id:
        filename = config.hf_hub_filename or _HUB_FILE
        return RemoteFile(filename, f"https://huggingface.co/{config.hf_hub_id}/resolve/main/{filename}", given, "hub")
    return RemoteFile(config.url.rpartition("/")[2], config.url, given or _digits(config.url), "https")


def _digits(url: str) -> str:
    match = _DIGITS.search(url)
    return match[1] if match else ""


def _fetch(file: RemoteFile, target: Path, pause: float) -> None:
    take = {"https": _fetch_from_web, "drive": _fetch_from_drive, "hub": _fetch_from_hub}[file.via]
    try:
        with replacing(target) as temporary:
            take(file, temporary, pause)
    except DownloadError as error:
        raise InputError(
            f"{file.url} {error}: check the connection and run again, or get the file elsewhere and put it at {target}"
        ) from error


def _fetch_from_web(file: RemoteFile, target: Path, pause: float) -> None:
    # The first digits of a checksum find damage; somebody on the way could make a file that has them.
    fetch(file.url, target, file.path, verified=len(file.sha256) == _SHA256_DIGITS, backoff=pause)


def _fetch_from_drive(file: RemoteFile, target: Path, pause: float) -> None:
    """Download a file of Google Drive, past the pages that it shows before a large one."""
    from gdown.download import get_url_from_gdrive_confirmation

    url = file.url
    for _ in range(_PAGES):
        try:
            fetch(url, target, file.path, backoff=pause)
            return
        except PageError as error:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of its parser, which renames its methods
                    url = urljoin(url, get_url_from_gdrive_confirmation(error.page))
            except Exception as refusal:  # whatever a page of another kind makes its parser raise
                raise DownloadError(f"is not given out by Google Drive ({one_line(refusal, 200)})") from refusal
            if urlsplit(url).scheme != urlsplit(file.url).scheme:
                raise DownloadError("leads to an address without https") from error
    raise DownloadError(f"has {_PAGES} pages in a row and no file")


def _fetch_from_hub(file: RemoteFile, target: Path, pause: float) -> None:
    """Ask the hub's own client for the size and the checksum of a file, and compare what comes with them."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, logging

    logging.set_verbosity_error()  # or it would show warnings that a server sends
    repository, filename = re.fullmatch(r"https://[^/]+/(.+)/resolve/main/(.+)", file.url).groups()
    url = hf_hub_url(repository, filename)
    found = ask(lambda: get_hf_file_metadata(url), backoff=pause)
    # For a large file the hub's tag is its SHA-256.
    expected = found.etag if len(found.etag or "") == _SHA256_DIGITS else None
    fetch(url, target, file.path, size=found.size, verified=expected is not None, backoff=pause)
    if expected is not None and sha256(target) != expected:
        raise DownloadError(f"has the SHA-256 {sha256(target)} and not {expected} as the hub says")
