import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.registry import Dataset
from filterfreq.data.saving import save_dataset, save_files
from filterfreq.runtime.environment import make_neutral

ROOT = Path(__file__).parents[1]
# Before matplotlib is imported.
make_neutral(os.environ, ROOT / ".snakemake" / "matplotlib")

TINY = Dataset(
    name="tiny",
    classes=("red", "green", "blue", "grey"),
    image_size=32,
    train_size=96,
    test_size=32,
    mean=(0.5, 0.5, 0.5),
    std=(0.25, 0.25, 0.25),
    augmentation="crop_flip",
    cue_conflict=False,
    sources=(),
    prepare="",
    licence="none",
)


# Files with slow tests that share something and run one after the other, the longest first.
LONGEST = ("test_slurm.py", "test_distributed.py", "test_pretrained.py", "test_interruption.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell pytest-xdist what to hand out together: the tests of a file, but slow ones that share nothing one by one.

    What is long comes first, so that no process waits for another in the end.
    """
    for item in items:
        shares = any(
            definitions[-1].scope in ("module", "class") for definitions in item._fixtureinfo.name2fixturedefs.values()
        )
        if shares or not item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.xdist_group(item.path.relative_to(ROOT).as_posix()))
    order = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (order.get(item.path.name, len(order)), not item.get_closest_marker("slow")))


@pytest.fixture(autouse=True, scope="session")
def interruptible():
    """Tests that are started in the background ignore SIGINT, under nohup SIGHUP, and so would all that they start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory) -> PreparedDataset:
    """Four classes that a network can tell apart by their colour, 96 training and 32 test images."""
    rng = np.random.default_rng(0)
    arrays = {}
    for split, count in (("train", 96), ("test", 32)):
        labels = np.arange(count) % 4
        images = rng.integers(0, 120, (count, 32, 32, 3))
        for channel in range(3):
            images[labels == channel, :, :, channel] += 100
        arrays |= {f"{split}_images": images.astype(np.uint8), f"{split}_labels": labels.astype(np.int64)}
    folder = tmp_path_factory.mktemp("tiny")
    save_dataset(folder, TINY, arrays, seed=0, sources={})
    return PreparedDataset(folder)


@pytest.fixture(scope="session")
def tiny_files(tiny_dataset, tmp_path_factory) -> PreparedDataset:
    """The images of `tiny_dataset` in files, with test images in another order."""
    folder = tmp_path_factory.mktemp("tiny_files")
    splits = []
    for split in ("train", "test"):
        names = [f"{split}/{number}.png" for number in range(len(tiny_dataset.labels(split)))]
        (folder / "images" / split).mkdir(parents=True)
        for name, image in zip(names, tiny_dataset.images(split), strict=True):
            Image.fromarray(image).save(folder / "images" / name)
        splits.append((names, tiny_dataset.labels(split)))
    save_files(folder, TINY, folder / "images", *splits, seed=0, sources={})
    return PreparedDataset(folder)


@pytest.fixture
def tiny_spec() -> dict:
    """A run on `tiny_dataset` that takes a second."""
    return {
        "run": {"dataset": "tiny", "model": "resnet_8_4", "variant": "any", "seed": 0},
        "variant": {},
        "training": {
            "epochs": 4,
            "batch_size": 32,
            "optimizer": "adamw",
            "learning_rate": 0.01,
            "weight_decay": 0.01,
            "schedule": "cosine",
            "augmentation": "crop_flip",
        },
    }
