import os
import re
import signal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from xdist.scheduler import LoadScopeScheduling

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


# Files with long tests that share something and run one after the other, the longest first.
LONGEST = ("test_slurm.py", "test_distributed.py", "test_pretrained.py", "test_interruption.py")
# What a file has whose tests share something: fixtures of its own, or the one of tests/workflow.
SHARING = re.compile(r'scope="(module|class)"|shared_project')


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what is long, so that no process of pytest-xdist waits for another in the end."""
    order = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (order.get(item.path.name, len(order)), not item.get_closest_marker("slow")))


class Scheduling(LoadScopeScheduling):
    """Hands out tests one by one, in their order, and together those of a file whose tests share something."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if shares_something(ROOT / file) else nodeid


@cache
def shares_something(file: Path) -> bool:
    """Whether the tests of a file have to run in one process."""
    return SHARING.search(file.read_text(encoding="utf-8")) is not None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Have pytest-xdist schedule so."""
    config.option.loadscopereorder = False
    return Scheduling(config, log)


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
