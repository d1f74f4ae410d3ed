"""A model made of another run's without training."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from filterfreq.data.stored_indices import INDICES_FILES
from filterfreq.models.checkpoints import RECORD_FILE, load_checkpoint
from filterfreq.models.classifier import Classifier
from filterfreq.models.registry import libraries
from filterfreq.models.surgery.registry import apply_surgery, composed_settings
from filterfreq.runtime.provenance import environment


def derive(
    source: str | Path, spec: dict[str, Any], code: str, folder: str | Path
) -> tuple[Classifier, dict[str, Any], list[str]]:
    """Return another run's model, changed as a spec says.

    Args:
        source: the other run's `run.json`; its weights are composed into plain convolutions first.
        spec: the derived run's, with "run" and "derived": `from` and the settings of each change in `SURGERY`.
        code: the version of the code, for the record.
        folder: where the derived run is to lie: the record names the source's files relative to it.

    Returns:
        The classifier on the CPU in eval mode; its record for `save_checkpoint`, which has no metrics of the source,
        as they are another model's; and the names of the tensors that are not the source's, see `changed_tensors`.

    Raises:
        InputError: the source's files are missing or damaged, or a change is not possible on its model.
    """
    classifier, made_of = load_checkpoint(source)
    before = {name: tensor.clone() for name, tensor in classifier.backbone.state_dict().items()}
    classifier = apply_surgery(classifier, spec["derived"]).eval()
    settings, sha256 = made_of["classifier"], made_of["checkpoint"]["sha256"]
    beside = os.path.relpath(Path(source).parent, folder)
    files = {key: made_of[key] for key in ("labels", *INDICES_FILES) if key in made_of}
    record = {
        **spec,
        "classifier": composed_settings(settings),
        "metrics": {"parameters": sum(parameter.numel() for parameter in classifier.parameters())},
        **{key: {**found, "file": f"{beside}/{found['file']}"} for key, found in files.items()},
        "provenance": {
            **environment(*libraries(settings["architecture"])),
            "code": code,
            "from": {"run": made_of["run"], "sha256": sha256},
        },
        "checkpoint": {"unchanged_in": {"record": f"{beside}/{RECORD_FILE}", "sha256": sha256}},
    }
    return classifier, record, changed_tensors(before, classifier.backbone.state_dict())


def changed_tensors(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> list[str]:
    """Return the names of the tensors that a model has not had before, or not with the same bits.

    Args:
        before: its state dict, of tensors on the CPU.
        after: the same later.
    """
    return [name for name, tensor in after.items() if name not in before or not _have_same_bits(tensor, before[name])]


def _have_same_bits(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are the same, in which 0 and -0 are not."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return torch.equal(*(tensor.contiguous().view(-1).view(torch.uint8) for tensor in (one, other)))
