import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import filterfreq
from filterfreq.evaluation.corruptions.generation import corrupt_images
from filterfreq.runtime.errors import InputError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def images() -> Tensor:
    return torch.randint(256, (6, 3, 32, 32), generator=torch.Generator().manual_seed(0)) / 255


class MeanOfImage(nn.Module):
    """Tells apart images that are brighter or darker than the middle."""

    def forward(self, images: Tensor) -> Tensor:
        bright = images.mean(dim=(1, 2, 3)) - 0.5
        return torch.stack([-bright, bright], dim=1)


def test_a_heat_map_of_a_mean_changes_at_no_frequency_but_zero(images):
    flat = torch.full((6, 3, 32, 32), 128 / 255)
    labels = torch.ones(6, dtype=torch.long)
    errors = filterfreq.fourier_heat_map(MeanOfImage(), flat, labels, norm=4, highest_frequency=1)
    assert list(errors.columns) == ["u", "v", "error", "ci_low", "ci_high", "n"]
    assert len(errors) == 5
    waves = errors[(errors["u"] != 0) | (errors["v"] != 0)]
    assert (waves["error"] == 0).all()
    assert (errors["n"] == 6).all()
    constant = errors[(errors["u"] == 0) & (errors["v"] == 0)]["error"].item()
    assert 0 < constant < 1


def test_u_counts_cycles_down_and_v_across():
    """A model that sees the differences of neighbours in a column alone is moved by frequencies with u alone."""

    class Down(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            moved = images.diff(dim=2).square().sum(dim=(1, 2, 3)) - 1e-3
            return torch.stack([-moved, moved], dim=1)

    flat = torch.full((3, 3, 32, 32), 128 / 255)
    errors = filterfreq.fourier_heat_map(Down(), flat, torch.zeros(3, dtype=torch.long), norm=4, highest_frequency=1)
    assert errors.set_index(["u", "v"])["error"].loc[[(0, 0), (0, -1), (-1, 0)]].tolist() == [0, 0, 1]


def test_corrupted_images_are_those_of_the_workflow(images):
    corrupted = filterfreq.corrupt(images, "gaussian_noise", seed=3)
    assert corrupted.shape == (5, 6, 3, 32, 32)
    stored = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    expected = corrupt_images(np.ascontiguousarray(stored), "gaussian_noise", 3)
    np.testing.assert_array_equal((corrupted[4] * 255).round().permute(0, 2, 3, 1).numpy(), expected[24:])


def test_shape_bias_counts_answers(images):
    bright = torch.stack([torch.zeros(3, 32, 32), torch.ones(3, 32, 32), torch.ones(3, 32, 32)])
    found = filterfreq.shape_bias(MeanOfImage(), bright, torch.tensor([0, 1, 0]), torch.tensor([1, 0, 1]))
    assert found.overall == pytest.approx(2 / 3)


def test_filter_statistics_have_a_row_a_layer():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 40, 3), nn.ReLU(), nn.Conv2d(40, 8, 3), nn.Conv2d(8, 8, 1))
    with torch.no_grad():
        model[2].weight[:4] = 0
    layers = filterfreq.filter_statistics(model, image_size=16)
    assert list(layers["layer"]) == ["0", "2"]
    assert list(layers["num_filters"]) == [120, 320]
    assert list(layers["sparsity"]) == [0, 0.5]


def test_the_page_runs_as_it_stands(images):
    """Its examples, on two batches of a network of timm."""
    first, second = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "library.md").read_text(), re.DOTALL)
    labels = torch.arange(6) % 10
    names = {"batches": [(images, labels)] * 2}
    exec(first, names)
    plain, model = names["plain"].eval(), names["model"].eval()
    with torch.no_grad():
        torch.testing.assert_close(plain(images), model(images), rtol=1e-3, atol=1e-4)
    names = {"images": images, "labels": labels, "model": plain}
    exec(second, names)
    assert len(names["errors"]) == 13
    assert len(names["layers"]) == 16
    assert names["corrupted"].shape == (5, 6, 3, 32, 32)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (torch.zeros(2, 3, 32), r"the images are torch.float32 \[2, 3, 32\]: give a tensor N x C x H x W"),
        (torch.zeros(1, 3, 32, 32, dtype=torch.uint8), "the images are torch.uint8"),
        (torch.full((1, 3, 32, 32), 2.0), r"the images reach from 2 to 2: give values in \[0, 1\]"),
        (torch.full((1, 3, 32, 32), torch.nan), "the images reach from nan to nan"),
        ("image.png", "the images are str"),
    ],
)
def test_other_images_are_refused(wrong, sentence):
    with pytest.raises(InputError, match=sentence):
        filterfreq.corrupt(wrong, "fog")


def test_labels_of_another_number_are_refused(images):
    with pytest.raises(InputError, match=r"labels are torch.int64 \[2\]: give 6 whole numbers"):
        filterfreq.fourier_heat_map(MeanOfImage(), images, torch.tensor([0, 1]), norm=4)


@pytest.mark.parametrize(("stride", "groups", "dilation"), [(1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2)])
def test_singular_values_are_those_of_the_matrix_of_the_map(stride, groups, dilation):
    torch.manual_seed(0)
    options = {"stride": stride, "groups": groups, "dilation": dilation, "bias": False, "dtype": torch.float64}
    wrapped = nn.Conv2d(4, 6, 3, padding=dilation, padding_mode="circular", **options)
    units = torch.eye(4 * 36, dtype=torch.float64).view(-1, 4, 6, 6)
    matrix = wrapped(units).detach().flatten(1).numpy()
    expected = np.linalg.svd(matrix, compute_uv=False)
    found = filterfreq.singular_values(wrapped, 6, 6).numpy()
    np.testing.assert_allclose(found[: len(expected)], expected, atol=1e-12)
    assert filterfreq.operator_norm(wrapped, 6, 6, "circular") == pytest.approx(expected[0], rel=1e-10)
    padded = nn.Conv2d(4, 6, 3, padding=dilation, **options)
    expected = np.linalg.norm(padded(units).detach().flatten(1).numpy(), 2)
    assert filterfreq.operator_norm(padded, 6, 6) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(
    ("layer", "size", "sentence"),
    [
        (nn.Linear(3, 2), (8, 8), "the layer is a Linear: give a Conv2d"),
        (nn.Conv2d(3, 2, 3), (0, 8), "height is 0: give the pixels"),
        (nn.Conv2d(3, 2, 3), (8, 8.5), "width is 8.5: give the pixels"),
        (nn.Conv2d(3, 2, 2, padding="same"), (8, 8), r"pads with 'same' unevenly, by \[1, 1\] pixels"),
    ],
)
def test_what_has_no_operator_norm_is_refused(layer, size, sentence):
    with pytest.raises(InputError, match=sentence):
        filterfreq.operator_norm(layer, *size)
