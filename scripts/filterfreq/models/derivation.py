"""A model made of another run's without training."""

from pathlib import Path
from typing import Any

from filterfreq.models.checkpoints import load_checkpoint
from filterfreq.models.classifier import Classifier
from filterfreq.models.registry import libraries
from filterfreq.models.surgery.registry import apply_surgery
from filterfreq.runtime.provenance import environment


def derive(source: str | Path, spec: dict[str, Any], code: str) -> tuple[Classifier, dict[str, Any], list[str]]:
    """Return another run's model, changed as a spec says.

    Args:
        source: the other run's `run.json`; its weights are composed into plain convolutions first.
        spec: the derived run's, with "run" and "derived": `from` and the settings of each change in `SURGERY`.
        code: the version of the code, for the record.

    Returns:
        The classifier on the CPU in eval mode; its record for `save_checkpoint`, which has no metrics of the source,
        as they are another model's; and the names of the tensors that are not the source's.

    Raises:
        InputError: the source's files are missing or damaged, or a change is not possible on its model.
    """
    classifier, made_of = load_checkpoint(source)
    before = {name: tensor.clone() for name, tensor in classifier.backbone.state_dict().items()}
    classifier = apply_surgery(classifier, spec["derived"]).eval()
    after = classifier.backbone.state_dict()
    changed = [name for name in after if name not in before or not after[name].equal(before[name])]
    settings = made_of["classifier"]
    record = {
        **spec,
        "classifier": {**settings, "decomposition": None},
        "metrics": {"parameters": sum(parameter.numel() for parameter in classifier.parameters())},
        **{key: made_of[key] for key in ("labels",) if key in made_of},
        "provenance": {
            **environment(*libraries(settings["architecture"])),
            "code": code,
            "from": {"run": made_of["run"], "sha256": made_of["checkpoint"]["sha256"]},
        },
    }
    return classifier, record, changed
