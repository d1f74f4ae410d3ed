"""Detectors of torchvision, from their files; images in [0, 1] of any size go in, boxes come out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from filterfreq.models.external_files import choose_external_state, describe, read_pickle
from filterfreq.models.file_kinds import WHOLE_COPY
from filterfreq.models.pretrained import fetch_again, remote_files
from filterfreq.models.state_fit import COUNTERS, check_fit
from filterfreq.models.state_names import fit_names
from filterfreq.runtime.errors import InputError

_CLASS_LAYER = "head.classification_head.cls_logits.bias"


def load_detector(name: str, source: Mapping[str, Any], folder: Path | None = None) -> tuple[nn.Module, str]:
    """Build a detector and load its weights, without running any code in their file.

    Normalisation and resizing are inside: torchvision's detectors scale the shorter side to 800 pixels, or the longer
    one to 1,333 where that is less, and take away ImageNet's mean.

    Args:
        name: one of `filterfreq.evaluation.detection.registry.DETECTORS`.
        source: where its file is from, as `filterfreq.study.detections.Detections.source` says.
        folder: where `filterfreq.models.pretrained.download_checkpoint` has put the file, if it was downloaded.

    Returns:
        The detector in eval mode. It takes a list of images, float32, 3 x H x W, in [0, 1], and returns for each a
        mapping of boxes (left, top, right and bottom in pixels, N x 4), labels (int64, N), which are numbers of
        categories, and scores in [0, 1] (N). And which weights of the file it has, in words.

    Raises:
        InputError: the file is missing, damaged, no checkpoint, or does not fit.
    """
    import torchvision

    if source["source"] == "torchvision":
        read_pickle(folder / remote_files(source)[0].path, fetch_again(folder))
        # torchvision reads it again, from this folder, not the web: with these weights it builds other layers too.
        before = torch.hub.get_dir()
        torch.hub.set_dir(folder)
        try:
            model = torchvision.models.get_model(name, weights=source["weights"])
        finally:
            torch.hub.set_dir(before)
        weights = "the only ones of the file"
    else:
        path, whole = Path(source["path"]).expanduser() if "path" in source else None, WHOLE_COPY
        if path is None:
            path, whole = folder / remote_files(source)[0].path, fetch_again(folder)
        model, weights = _load_file(name, path, whole)
    for key, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise InputError(f"the weights of {name} are not all finite ({key}): take others")
    return model.eval(), weights


def num_categories(detector: nn.Module) -> int:
    """Return how many categories a detector tells apart, whose numbers begin at 0; COCO's own leave 0 out."""
    return detector.head.classification_head.num_classes


def _load_file(name: str, path: Path, whole: str) -> tuple[nn.Module, str]:
    """Build a detector for the weights of a file, which say how many categories it has."""
    import torchvision

    chosen = choose_external_state(path, remedy=whole)
    remedy = f"give the state dict of torchvision's {name}"
    if _CLASS_LAYER not in chosen.state:
        raise InputError(f"{path} does not fit {name} (no {_CLASS_LAYER}): {remedy}")
    anchors = torchvision.models.get_model(name, weights=None, weights_backbone=None, num_classes=1)
    per_place = len(anchors.state_dict()[_CLASS_LAYER])
    count = len(chosen.state[_CLASS_LAYER]) // per_place
    model = torchvision.models.get_model(name, weights=None, weights_backbone=None, num_classes=count)
    expected = model.state_dict()
    state, note = fit_names(chosen.state, expected)
    # Those that were trained from a frozen backbone have no counters.
    counters = {key: value for key, value in expected.items() if key.endswith(COUNTERS) and key not in state}
    weights = describe(chosen._replace(note=chosen.note + note))
    check_fit(state | counters, expected, path, f"{name} with {count} categories", remedy, weights)
    model.load_state_dict(state | counters)
    return model, weights
