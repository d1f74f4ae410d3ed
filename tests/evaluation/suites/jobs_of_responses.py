"""Jobs of the suites that compare answers with labels, on the data set of four colours."""

from pathlib import Path

import torch
from torch import nn

from filterfreq.evaluation.job import SuiteJob


class ByMean(nn.Module):
    """Classes red, green, blue and grey of the data set `tiny`, told apart by their mean colours."""

    def __init__(self, strength: float = 2.0) -> None:
        super().__init__()
        self.strength = strength

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        means = images.mean(dim=(2, 3))
        excess = 255 * (means - means.min(dim=1, keepdim=True).values) - 50
        return self.strength * torch.cat([excess, torch.zeros_like(excess[:, :1])], dim=1)


def job_of(dataset, tmp_path: Path, settings: dict, classifier: nn.Module | None = None, opened=None) -> SuiteJob:
    """A job on a data set without changed labels."""
    return SuiteJob(
        classifier=classifier or ByMean(),
        record={"run": {"dataset": dataset.name}},
        parameters={"settings": settings, "code": "code"},
        batch_size=16,
        device=torch.device("cpu"),
        inputs={"dataset": str(dataset.folder / "dataset.json"), "weights": str(tmp_path / "model.safetensors")},
        output=tmp_path / "results.csv",
        threads=1,
        compute={},
        announce=lambda line: None,
        opened={} if opened is None else opened,
    )
