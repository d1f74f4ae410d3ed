import resource
import tracemalloc

import cv2
import imagecorruptions
import numpy as np
import pytest
from oracles.corruptions import corrupt_image

from filterfreq.evaluation.corruptions import COMMON, CORRUPTIONS, EXTRA, generation
from filterfreq.evaluation.corruptions.functions import FUNCTIONS
from filterfreq.evaluation.corruptions.generation import corrupt_images, generate
from filterfreq.evaluation.corruptions.severities import IMAGENET_C
from filterfreq.evaluation.corruptions.stored import load_corrupted
from filterfreq.runtime.errors import InputError


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Smooth random images, the first two alike."""
    images = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
    images[1] = images[0]
    return images


def test_names_order_and_families_are_the_fields():
    assert list(COMMON) == imagecorruptions.get_corruption_names("common")
    assert list(EXTRA) == imagecorruptions.get_corruption_names("validation")
    for family in ("noise", "blur", "weather", "digital"):
        names = [name for name, its_family in COMMON.items() if its_family == family]
        assert names == imagecorruptions.get_corruption_names(family)
    assert len(CORRUPTIONS) == 19


@pytest.mark.parametrize("corruption", ["defocus_blur", "brightness", "contrast", "pixelate", "jpeg_compression"])
def test_corruptions_without_chance_of_large_images_are_the_librarys_in_blocks_of_severity(images, corruption):
    large = images[1:].repeat(4, 1).repeat(4, 2)
    corrupted = corrupt_images(large, corruption, seed=0)
    expected = [corrupt_image(image, corruption, severity, seed=0) for severity in range(1, 6) for image in large]
    assert corrupted.dtype == np.uint8
    assert np.array_equal(corrupted, expected)


@pytest.mark.parametrize(
    ("side", "strengths"),
    [
        # The standard deviations of CIFAR-10-C, Tiny-ImageNet-C and ImageNet-C.
        (32, [0.04, 0.06, 0.08, 0.09, 0.10]),
        (64, [0.04, 0.08, 0.12, 0.15, 0.18]),
        (224, [0.08, 0.12, 0.18]),
        # Halfway is where the ratios to both sizes are equal.
        (45, [0.04, 0.06, 0.08, 0.09, 0.10]),
        (46, [0.04, 0.08, 0.12, 0.15, 0.18]),
        (119, [0.04, 0.08, 0.12, 0.15, 0.18]),
        (120, [0.08, 0.12, 0.18]),
    ],
)
def test_noise_is_as_strong_as_in_the_published_set_of_the_nearest_size(side, strengths):
    grey = np.full((max(1, 20_000 // side**2), side, side, 3), 128, dtype=np.uint8)
    noise = corrupt_images(grey, "gaussian_noise", seed=0).reshape(5, -1)[: len(strengths)].astype(float) - 127.5
    np.testing.assert_allclose(noise.std(axis=1) / 255, strengths, rtol=0.03)
    # The noise of one severity is not that of another, made stronger.
    np.testing.assert_allclose(np.corrcoef(noise), np.eye(len(strengths)), atol=0.03)


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_an_image_is_corrupted_alike_among_fewer_images_and_in_parallel(images, corruption, monkeypatch):
    monkeypatch.setattr(generation, "_BLOCK_PIXELS", 4 * 32 * 32)
    whole = corrupt_images(images, corruption, seed=0).reshape(5, 6, 32, 32, 3)
    assert np.array_equal(corrupt_images(images[:5], corruption, seed=0).reshape(5, 5, 32, 32, 3), whole[:, :5])
    parallel = corrupt_images(images, corruption, seed=0, processes=2)
    assert np.array_equal(parallel.reshape(whole.shape), whole)


def test_images_larger_than_a_block_are_corrupted_one_by_one():
    large = np.random.default_rng(0).integers(0, 256, (3, 190, 200, 3), dtype=np.uint8)
    large[2] = large[0]
    whole = corrupt_images(large, "snow", seed=0).reshape(5, 3, 190, 200, 3)
    assert (whole[:, 2] != whole[:, 0]).any(axis=(1, 2, 3)).all()
    assert np.array_equal(corrupt_images(large[:2], "snow", seed=0).reshape(5, 2, 190, 200, 3), whole[:, :2])


@pytest.mark.parametrize("corruption", ["gaussian_noise", "impulse_noise", "glass_blur", "motion_blur", "frost", "fog"])
def test_chance_differs_between_images_severities_and_seeds(images, corruption):
    zero, one = (corrupt_images(images, corruption, seed=seed).reshape(5, 6, 32, 32, 3) for seed in (0, 1))
    assert not np.array_equal(zero[:, 0], zero[:, 1])  # these two images are alike
    assert all((before != after).any() for before, after in zip(zero[0], one[0], strict=True))
    assert len({block.tobytes() for block in zero}) == 5


def test_the_global_generator_is_left_alone(images):
    np.random.seed(5)  # noqa: NPY002  # the generator in question
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    for corruption in CORRUPTIONS:
        corrupt_images(images[:1], corruption, seed=0)
    assert np.random.random() == expected  # noqa: NPY002


def test_opencvs_number_of_threads_is_left_alone(images):
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(3)
        corrupt_images(images[:1], "defocus_blur", seed=0)
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(threads)


def test_spatter_without_a_drop_leaves_the_image_instead_of_blackening_it():
    grey = np.full((100, 32, 32, 3), 128, dtype=np.uint8)
    rng = np.random.default_rng(0)
    corrupted = np.concatenate([FUNCTIONS["spatter"](grey, rng, *row) for row in IMAGENET_C["spatter"]])
    assert corrupted.reshape(500, -1).max(axis=1).min() > 0
    assert (corrupted == 128).all(axis=(1, 2, 3)).any()


def test_generate_writes_one_file_and_one_line_per_corruption(images, tmp_path, capsys):
    generate(images[:2], tmp_path / "corruptions", 7, ["fog", "contrast"], processes=2)
    assert sorted(path.name for path in (tmp_path / "corruptions").iterdir()) == [
        "checksums.json",
        "contrast.npy",
        "fog.npy",
    ]
    for corruption in ("fog", "contrast"):
        written = np.load(tmp_path / "corruptions" / f"{corruption}.npy")
        assert np.array_equal(written, corrupt_images(images[:2], corruption, seed=7))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert "1/2  fog" in lines[0]
    assert "2/2  contrast" in lines[1]


def test_files_have_the_same_bytes_for_any_number_of_processes(images, tmp_path):
    for processes in (1, 2):
        generate(images, tmp_path / str(processes), 7, ["fog", "frost"], processes, announce=lambda line: None)
    one, two = (sorted((tmp_path / name).iterdir()) for name in "12")
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    np.save(tmp_path / "fog.npy", corrupt_images(images, "fog", seed=7))
    assert (tmp_path / "1/fog.npy").read_bytes() == (tmp_path / "fog.npy").read_bytes()


def test_neither_images_nor_corrupted_ones_are_held_in_memory(tmp_path):
    np.save(tmp_path / "images.npy", np.zeros((2000, 32, 32, 3), dtype=np.uint8))
    images = np.load(tmp_path / "images.npy", mmap_mode="r")
    generate(images[:1], tmp_path, 0, ["impulse_noise"], announce=lambda line: None)
    tracemalloc.start()
    try:
        generate(images, tmp_path, 0, ["impulse_noise"], announce=lambda line: None)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < images.nbytes / 4


def test_a_full_disk_is_named_and_leaves_no_file(images, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(InputError, match=r"no space left while writing .*fog\.npy"):
            generate(images, tmp_path, 0, ["fog"], processes=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (np.zeros((2, 32, 32, 3), dtype=np.float32), "float32"),
        (np.zeros((2, 32, 32), dtype=np.uint8), r"\[2, 32, 32\]"),
        (np.zeros((2, 32, 32, 1), dtype=np.uint8), r"\[2, 32, 32, 1\]"),
        (np.zeros((0, 32, 32, 3), dtype=np.uint8), "one or more"),
        (np.zeros((2, 28, 28, 3), dtype=np.uint8), "28 x 28"),
    ],
)
def test_images_that_cannot_be_corrupted_are_refused(wrong, named):
    with pytest.raises(InputError, match=named):
        corrupt_images(wrong, "fog", seed=0)


def test_an_unknown_corruption_is_refused_before_any_file_is_written(images, tmp_path):
    with pytest.raises(InputError, match=r"'gausian_noise'.*gaussian_noise"):
        generate(images, tmp_path, 0, ["fog", "gausian_noise"])
    assert not list(tmp_path.iterdir())


def test_damaged_corrupted_images_are_named(images, tmp_path):
    generate(images[:1], tmp_path, 0, ["contrast"], announce=lambda line: None)
    path = tmp_path / "contrast.npy"
    assert load_corrupted(path).shape == (5, *images.shape[1:])
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"contrast.npy is damaged"):
        load_corrupted(path)
    np.save(path, np.zeros((5, 32, 32)))
    with pytest.raises(InputError, match=r"contrast.npy holds float64 \[5, 32, 32\]"):
        load_corrupted(path)
    with pytest.raises(InputError, match=r"fog.npy is missing"):
        load_corrupted(tmp_path / "fog.npy")
