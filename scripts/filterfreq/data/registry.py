"""The registry of data sets: one entry each. Imports no torch, so that reading it costs nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from filterfreq.errors import unknown

AUGMENTATIONS: tuple[str, ...] = ("none", "flip", "crop", "crop_flip")
"""The training augmentations of `filterfreq.data.batches`."""


@dataclass(frozen=True)
class Source:
    """A raw file to download.

    Attributes:
        file: its name in the folder of raw files.
        urls: where it lies; the first is asked first. The checksum decides, so a mirror cannot change the content.
        checksum: "md5:<hex digits>" or "sha256:<hex digits>", as pooch's `known_hash`.
        size: bytes.
    """

    file: str
    urls: tuple[str, ...]
    checksum: str
    size: int


@dataclass(frozen=True)
class Dataset:
    """What is known about a data set before it is prepared.

    Attributes:
        name: the key in `DATASETS`.
        classes: class names; a label is an index into them.
        image_size: height and width of its RGB images, in pixels.
        train_size: number of training images.
        test_size: number of test images.
        mean: mean per channel, in units of [0, 1]; None where it is measured on the training images.
        std: standard deviation per channel, likewise.
        augmentation: the default training augmentation, one of `AUGMENTATIONS`.
        cue_conflict: whether it has a split whose shapes and textures disagree.
        sources: the raw files to download; empty where everything comes with a pinned package.
        prepare: "module:function" called as function(raw_folder, output_folder, seed, dataset).
        licence: the terms of the images.
    """

    name: str
    classes: tuple[str, ...]
    image_size: int
    train_size: int
    test_size: int
    mean: tuple[float, float, float] | None
    std: tuple[float, float, float] | None
    augmentation: str
    cue_conflict: bool
    sources: tuple[Source, ...]
    prepare: str
    licence: str


_CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

_CIFAR100_CLASSES = tuple(
    """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
    caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant
    flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree
    motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate
    poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider
    squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
    wardrobe whale willow_tree wolf woman worm
    """.split()  # noqa: SIM905  # a hundred quoted names would take a page
)

_CIFAR_LICENCE = "no licence stated; Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009"

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            name="texdigits",
            classes=(
                "0 brick",
                "1 grass",
                "2 gravel",
                "3 coins",
                "4 coffee",
                "5 hubble",
                "6 tissue",
                "7 cat",
                "8 retina",
                "9 rocket",
            ),
            image_size=32,
            train_size=4_000,
            test_size=1_000,
            mean=None,
            std=None,
            augmentation="none",
            cue_conflict=True,
            sources=(),
            prepare="filterfreq.data.texdigits:prepare",
            licence="MNIST: CC BY-SA 3.0; photographs: see the README of skimage.data",
        ),
        Dataset(
            name="cifar10",
            classes=_CIFAR10_CLASSES,
            image_size=32,
            train_size=50_000,
            test_size=10_000,
            mean=(0.49139968, 0.48215841, 0.44653091),
            std=(0.24703223, 0.24348513, 0.26158784),
            augmentation="crop_flip",
            cue_conflict=False,
            sources=(
                Source(
                    file="cifar-10-binary.tar.gz",
                    urls=("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
                    checksum="md5:c32a1d4ab5d03f1284b67883e8d87530",
                    size=170_052_171,
                ),
            ),
            prepare="filterfreq.data.cifar:prepare",
            licence=_CIFAR_LICENCE,
        ),
        Dataset(
            name="cifar100",
            classes=_CIFAR100_CLASSES,
            image_size=32,
            train_size=50_000,
            test_size=10_000,
            mean=(0.50707516, 0.48654887, 0.44091784),
            std=(0.26733429, 0.25643846, 0.27615047),
            augmentation="crop_flip",
            cue_conflict=False,
            sources=(
                Source(
                    file="cifar-100-binary.tar.gz",
                    urls=("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",),
                    checksum="md5:03b5dce01913d631647c71ecec9e9cb8",
                    size=168_513_733,
                ),
            ),
            prepare="filterfreq.data.cifar:prepare",
            licence=_CIFAR_LICENCE,
        ),
    )
}


def get_dataset(name: str) -> Dataset:
    """Return the registry's entry of that name.

    Raises:
        InputError: there is none.
    """
    if name not in DATASETS:
        raise unknown("data set", name, DATASETS)
    return DATASETS[name]


def prepare_dataset(name: str, raw_folder: str | Path, output_folder: str | Path, seed: int) -> None:
    """Turn the raw files of a data set into the arrays that `filterfreq.data.arrays` describes.

    Args:
        name: a key of `DATASETS`.
        raw_folder: holds the files that `Dataset.sources` names.
        output_folder: gets `dataset.json` and the arrays.
        seed: fixes whatever the preparation draws, at least the order of the test images.

    Raises:
        InputError: the data set is unknown, or a raw file is missing or damaged.
    """
    dataset = get_dataset(name)
    module, function = dataset.prepare.split(":")
    prepare: Callable[[Path, Path, int, Dataset], None] = getattr(import_module(module), function)
    prepare(Path(raw_folder), Path(output_folder), seed, dataset)
