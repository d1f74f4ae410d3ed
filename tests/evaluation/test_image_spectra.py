from pathlib import Path

import numpy as np
import pytest

from filterfreq.evaluation.columns import RUN_COLUMNS
from filterfreq.evaluation.corruptions import CORRUPTIONS
from filterfreq.evaluation.corruptions.generation import corrupt_images
from filterfreq.evaluation.corruptions.sets import CORRUPTION_SETS, corruption_names
from filterfreq.evaluation.image_spectra import measure_image_spectra
from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.registry import SUITES
from filterfreq.evaluation.results import check_rows, write_results
from filterfreq.frequencies.pairs import distinct_frequencies
from filterfreq.runtime.errors import InputError

LOSSLESS = Path(__file__).parents[3] / "shared" / "data" / "cifar10_lossless_4000.npz"


def images_of(count: int, side: int = 8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3)).astype(np.uint8)


def values_of(rows: list[dict], metric: str) -> list[float]:
    return [row["value"] for row in rows if row["metric"] == metric]


def test_spectra_by_hand(monkeypatch):
    # Batches of two images, the last one of one.
    monkeypatch.setattr("filterfreq.evaluation.image_spectra._BATCH_PIXELS", 128)
    images = images_of(5)
    # Three of the five are corrupted, at five severities; one image stays as it is at the first.
    fog = np.concatenate([images[:3] // (severity + 1) for severity in range(1, 6)])
    fog[1] = images[1]
    rows = measure_image_spectra(images, {"fog": fog}, severity=2, bandwidth=5)
    check_rows(rows, "it", SUITES["spectra"].metrics)
    frequencies = distinct_frequencies(8, 8)

    def magnitudes(values: np.ndarray) -> list[float]:
        shifted = np.abs(np.fft.fftshift(np.fft.fft2(values, axes=(1, 2)), axes=(1, 2))).mean(axis=(0, 3))
        return [shifted[u + 4, v + 4] for u, v in frequencies]

    assert values_of(rows, "natural_magnitude") == pytest.approx(magnitudes(images / 255), rel=1e-5)
    before = np.concatenate([images[:3]] * 5) / 255
    difference = fog / 255 - before
    assert values_of(rows, "corruption_magnitude") == pytest.approx(magnitudes(difference[3:6]), rel=1e-4, abs=1e-5)
    assert [row["parameter"] for row in rows[34:36]] == [f"corruption=fog;severity=2;u=-4;v={v}" for v in (-4, -3)]
    spectrum = np.abs(np.fft.fft2(np.delete(difference, 1, axis=0), axes=(1, 2))) ** 2
    near = np.abs(np.abs(np.fft.fftfreq(8) * 8) - 4) <= 2
    shares = (spectrum * np.outer(near, near)[None, :, :, None]).sum(axis=(1, 2)) / spectrum.sum(axis=(1, 2))
    energy = rows[-1]
    assert (energy["metric"], energy["parameter"], energy["n"]) == (
        "high_frequency_energy",
        "corruption=fog;bandwidth=5",
        14,
    )
    assert energy["value"] == pytest.approx(shares.mean(), rel=1e-5)


def test_a_corruption_that_changes_nothing_has_no_energy():
    images = images_of(2)
    energy = measure_image_spectra(images, {"fog": np.concatenate([images] * 5)}, bandwidth=5)[-1]
    assert np.isnan(energy["value"])
    assert energy["n"] == 0


def test_sets_of_corruptions_by_name():
    paper, common = (set(corruption_names([name])) for name in ("yin2019", "common"))
    assert {len(paper), len(common)} == {15}
    assert paper - common == {"gaussian_blur", "speckle_noise"}
    assert common - paper == {"gaussian_noise", "frost"}
    assert corruption_names(["saturate", "fog", "common"]) == [*CORRUPTION_SETS["common"], "saturate"]
    assert corruption_names([]) == []
    with pytest.raises(InputError, match="unknown corruption 'fogg'"):
        corruption_names(["fogg"])


@pytest.mark.skipif(not LOSSLESS.exists(), reason="needs CIFAR-10's first training images in ../shared")
def test_the_energy_of_corruptions_of_cifar10_is_as_published():
    """Figure 6 of Yin et al. (2019), read off to 0.002; Gaussian noise, which it lacks, is as other noises."""
    images = np.load(LOSSLESS)["images"][:500]
    published = {"shot_noise": 0.704, "jpeg_compression": 0.549, "glass_blur": 0.47, "fog": 0.042, "contrast": 0.088}
    corrupted = {name: corrupt_images(images, name, seed=0) for name in CORRUPTIONS if name in published}
    noise = np.random.default_rng(0).normal(scale=0.1, size=(5 * len(images), 32, 32, 3))
    noisy = np.clip(np.concatenate([images] * 5) / 255 + noise, 0, 1)
    corrupted["gaussian_noise"] = (255 * noisy).round().astype(np.uint8)
    rows = measure_image_spectra(images, corrupted)
    found = dict(zip(corrupted, values_of(rows, "high_frequency_energy"), strict=True))
    assert found == pytest.approx({**published, "gaussian_noise": 0.706}, abs=0.006)


def test_rows_of_images_are_of_no_run(tmp_path):
    images = images_of(2)
    rows = measure_image_spectra(images, {"fog": np.concatenate([images // 2] * 5)}, bandwidth=5)
    of_images = ["toy_set", "", "", 0]
    path = tmp_path / "spectra.csv"
    write_results(path, dict(zip(RUN_COLUMNS, of_images, strict=True)), "spectra", rows)
    read = read_results([path], [of_images], "spectra")
    assert len(read) == len(rows)
    assert set(read["variant"]) == {""}
    assert read.loc[read["metric"] == "natural_magnitude", "u"].min() == -4
