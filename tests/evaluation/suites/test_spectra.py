import numpy as np
import pytest
import torch
from torch import nn

from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.registry import SUITES
from filterfreq.evaluation.results import check_rows
from filterfreq.evaluation.suites.spectra import evaluate_spectra
from filterfreq.frequencies.pairs import distinct_frequencies
from filterfreq.runtime.errors import InputError

IMAGES = np.random.default_rng(0).integers(100, 156, (7, 8, 8, 3)).astype(np.uint8)
LABELS = np.array([0, 1, 0, 1, 0, 1, 0])


class Linear(nn.Module):
    """Two classes, told apart by the sign of a linear function of the image."""

    def __init__(self) -> None:
        super().__init__()
        weight = torch.from_numpy(np.random.default_rng(1).normal(size=(3, 8, 8))).float()
        self.weight = nn.Parameter(weight)
        self.passes = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.passes += 1
        score = ((images - 0.5) * self.weight).sum(dim=(1, 2, 3))
        return torch.stack([-score, score], dim=1)


def spectra_of(
    batch_size: int = 7, model: nn.Module | None = None, seed: int = 0, progress: Progress | None = None, **settings
) -> list[dict]:
    settings = {"attack": "fgsm", "epsilon": "0.002"} | settings
    rows = evaluate_spectra(model or Linear(), IMAGES, LABELS, batch_size, "cpu", seed, progress=progress, **settings)
    check_rows(rows, "it", SUITES["spectra"].metrics)
    return rows


def test_the_spectrum_of_a_linear_classifiers_perturbations_by_hand():
    """FGSM adds epsilon times the sign of the weights, towards the other class; misclassified images alone count."""
    weight = Linear().weight.detach().double()
    toward = torch.from_numpy(np.where(LABELS == 0, 1, -1))[:, None, None, None]
    change = 0.002 * toward * weight.sign()
    clean = torch.from_numpy(IMAGES / 255).permute(0, 3, 1, 2)
    scores = ((clean + change - 0.5) * weight).sum(dim=(1, 2, 3))
    wrong = (scores > 0).numpy() != LABELS.astype(bool)
    assert 0 < wrong.sum() < 7
    shifted = np.abs(np.fft.fftshift(np.fft.fft2(change[wrong].numpy()), axes=(2, 3))).mean(axis=(0, 1))
    error, *rows = spectra_of()
    assert (error["value"], error["parameter"]) == (wrong.mean(), "attack=fgsm;norm=linf;epsilon=0.002")
    assert {row["n"] for row in rows} == {wrong.sum()}
    for row, (u, v) in zip(rows, distinct_frequencies(8, 8), strict=True):
        assert row["parameter"] == f"attack=fgsm;norm=linf;epsilon=0.002;u={u};v={v}"
        assert row["value"] == pytest.approx(shifted[u + 4, v + 4], rel=1e-4, abs=1e-5)


def test_the_attack_is_pgd_of_50_steps_unless_settings_say_otherwise():
    model = Linear()
    rows = evaluate_spectra(model, IMAGES, LABELS, 7, "cpu", 0)
    assert rows[0]["parameter"] == "attack=pgd-50;norm=linf;epsilon=8/255"
    assert model.passes == 51
    other = evaluate_spectra(Linear(), IMAGES, LABELS, 7, "cpu", 0, norm="l2", epsilon="0.5", steps=3)
    assert other[0]["parameter"] == "attack=pgd-3;norm=l2;epsilon=0.5"


def test_where_nothing_is_fooled_there_is_no_spectrum():
    class Right(Linear):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            truth = torch.from_numpy(LABELS)
            return torch.stack([1.0 - truth, truth.float()], dim=1) + 0 * super().forward(images)

    error, *rows = spectra_of(model=Right())
    assert error["value"] == 0
    assert {row["n"] for row in rows} == {0}
    assert all(np.isnan(row["value"]) for row in rows)


def test_an_interrupted_suite_goes_on_to_the_same_values(tmp_path):
    # In L2 the result depends on where the attack starts.
    settings = {"attack": "pgd", "norm": "l2", "epsilon": "0.5", "steps": 3, "batch_size": 3}
    expected = spectra_of(**settings)
    assert spectra_of(**settings, seed=1) != expected

    class Stops(Linear):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            if self.passes == 6:
                raise KeyboardInterrupt
            return super().forward(images)

    with pytest.raises(KeyboardInterrupt):
        spectra_of(model=Stops(), progress=Progress(tmp_path / "progress.json"), **settings)
    rest = Linear()
    assert spectra_of(model=rest, progress=Progress(tmp_path / "progress.json"), **settings) == expected
    # Of three batches the first is kept: two more of three steps and one pass each.
    assert rest.passes == 2 * 4


def test_bad_settings_are_refused():
    with pytest.raises(InputError, match="norm 'l1' of an attack is unknown"):
        spectra_of(norm="l1")
