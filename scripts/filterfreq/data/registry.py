"""The registry of data sets: one entry each. Imports no torch, so that reading it costs nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from filterfreq.errors import InputError, unknown

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
        classes: class names; a label is an index into them. Empty where they are read from the files.
        image_size: height and width of its RGB images, in pixels.
        train_size: number of training images; None where it is what is found.
        test_size: number of test images, likewise.
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
    train_size: int | None
    test_size: int | None
    mean: tuple[float, float, float] | None
    std: tuple[float, float, float] | None
    augmentation: str
    cue_conflict: bool
    sources: tuple[Source, ...]
    prepare: str
    licence: str


@dataclass(frozen=True)
class ImageFolder(Dataset):
    """A data set of class folders, as `filterfreq.data.imagefolder` reads them.

    Attributes:
        path: the folder, tar or zip; None where it is the downloaded source.
        train: the folder in it that holds the class folders to train on, "." being the uppermost.
        test: the folder that holds those to test on; None where a part of the training images is taken.
        test_fraction: that part, above 0 and below 1, of every class; None where there is a folder.
    """

    path: str | None
    train: str
    test: str | None
    test_fraction: float | None


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


def get_dataset(name: str, data: Mapping | None = None) -> Dataset:
    """Return the entry of that name, of the registry or of the config.

    Args:
        name: the data set's name.
        data: the config's section `data`, whose `datasets` are entries like those of the registry.

    Raises:
        InputError: there is none, or the config's entry contradicts itself.
    """
    declared = (data or {}).get("datasets", {})
    if name in DATASETS and name in declared:
        raise InputError(f"data set {name!r} is in the registry already: give the config's own another name")
    if name in declared:
        return _image_folder(name, declared[name])
    if name not in DATASETS:
        raise unknown("data set", name, [*DATASETS, *declared])
    return DATASETS[name]


def _image_folder(name: str, entry: Mapping) -> ImageFolder:
    """The entry that a validated part of the config describes."""
    if ("test" in entry) == ("test_fraction" in entry):
        raise InputError(f"data set {name!r} needs either test, a folder, or test_fraction, a part of the one folder")
    if ("mean" in entry) != ("std" in entry):
        raise InputError(f"data set {name!r} has one of mean and std: give both, or neither to have them measured")
    return ImageFolder(
        name=name,
        classes=(),
        image_size=entry["image_size"],
        train_size=None,
        test_size=None,
        mean=tuple(entry["mean"]) if "mean" in entry else None,
        std=tuple(entry["std"]) if "std" in entry else None,
        augmentation=entry.get("augmentation", "none"),
        cue_conflict=False,
        sources=(),
        prepare="filterfreq.data.imagefolder:prepare",
        licence="the owner's",
        path=entry["path"],
        train=entry.get("train", "train" if "test" in entry else "."),
        test=entry.get("test"),
        test_fraction=entry.get("test_fraction"),
    )


def prepare_dataset(dataset: Dataset, raw_folder: str | Path, output_folder: str | Path, seed: int) -> None:
    """Turn the raw files of a data set into the arrays that `filterfreq.data.arrays` describes.

    Args:
        dataset: the entry.
        raw_folder: holds the files that `Dataset.sources` names.
        output_folder: gets `dataset.json` and the arrays.
        seed: fixes whatever the preparation draws, at least the order of the test images.

    Raises:
        InputError: a raw file is missing or damaged.
    """
    module, function = dataset.prepare.split(":")
    prepare: Callable[[Path, Path, int, Dataset], None] = getattr(import_module(module), function)
    prepare(Path(raw_folder), Path(output_folder), seed, dataset)
