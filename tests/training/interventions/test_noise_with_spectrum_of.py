import numpy as np
import pytest
import torch

from filterfreq.data.batches import Share
from filterfreq.data.noise import save_deviations
from filterfreq.frequencies.fourier import fourier_basis_vector
from filterfreq.frequencies.pairs import distinct_frequencies
from filterfreq.runtime.errors import InputError
from filterfreq.training.intervention import interventions_of

GREY = torch.full((4000, 3, 8, 6), 0.5)


@pytest.fixture(scope="module")
def deviations() -> np.ndarray:
    """Small enough that nothing is clipped."""
    found, draws = np.zeros((3, 8, 6)), np.random.default_rng(0)
    for u, v in distinct_frequencies(8, 6):
        found[:, u, v] = draws.uniform(0.01, 0.05, 3)
    return found


@pytest.fixture
def change(tmp_path, deviations):
    save_deviations(tmp_path / "fog.npy", deviations)
    files = {"noise_with_spectrum_of": str(tmp_path / "fog.npy")}
    return interventions_of({"noise_with_spectrum_of": "fog"}, files)["noise_with_spectrum_of"].change_images


def test_each_basis_vector_has_its_deviation_and_every_image_noise_of_its_own(change, deviations):
    """The coefficients of 4,000 images, one vector after the other; the draw is fixed."""
    noise = (change(GREY, 0, None) - GREY).double()
    for u, v in distinct_frequencies(8, 6):
        found = (noise * fourier_basis_vector(8, 6, u, v)).sum(dim=(2, 3))
        # The deviation of 4,000 normal draws is off by 1.1 %: four times that.
        np.testing.assert_allclose(found.std(dim=0), deviations[:, u, v], rtol=0.045)
        assert (found.mean(dim=0).abs() < 4 * torch.from_numpy(deviations[:, u, v]) / 4000**0.5).all()
    # Nothing else: these 26 vectors span all noise, of 48 dimensions of images.
    assert torch.linalg.matrix_rank(noise[:100, 0].flatten(1), atol=1e-4) == 26


def test_a_share_of_a_batch_gets_the_noise_that_it_has_in_the_whole_and_images_stay_images(change):
    images = torch.rand(6, 3, 8, 6, generator=torch.Generator().manual_seed(0)).round()
    whole, rows = change(images, 5, None), torch.tensor([1, 4])
    torch.testing.assert_close(change(images[rows], 5, Share(rows, 6)), whole[rows])
    assert (whole.min(), whole.max()) == (0, 1)
    assert not torch.equal(whole, images)


def test_a_file_that_is_no_such_noise_is_refused(tmp_path, deviations):
    files = {"noise_with_spectrum_of": str(tmp_path / "fog.npy")}
    for wrong in (deviations[0], deviations.astype(np.float32), -deviations):
        save_deviations(tmp_path / "fog.npy", wrong)
        with pytest.raises(InputError, match=r"holds no standard deviations of noise.*: delete it and run again"):
            interventions_of({"noise_with_spectrum_of": "fog"}, files)
    save_deviations(tmp_path / "fog.npy", deviations)
    np.save(tmp_path / "fog.npy", 2 * deviations)
    with pytest.raises(InputError, match="was changed since it was written"):
        interventions_of({"noise_with_spectrum_of": "fog"}, files)
