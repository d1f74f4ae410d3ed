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

_DIGITS = tuple("0123456789")


def _idx_sources(urls: tuple[str, ...], facts: Mapping[str, tuple[str, int]]) -> tuple[Source, ...]:
    """The four files of MNIST and of what is made like it: SHA-256 and size by name."""
    return tuple(
        Source(f"{name}-ubyte.gz", tuple(f"{url}/{name}-ubyte.gz" for url in urls), f"sha256:{checksum}", size)
        for name, (checksum, size) in facts.items()
    )


# Checksums and sizes are those of TensorFlow Datasets, and agree with torchvision's addresses; those of cinic10 and
# tinyimagenet are in common use (torchvision has neither).
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
        ImageFolder(
            name="cinic10",
            classes=_CIFAR10_CLASSES,
            image_size=32,
            train_size=90_000,
            test_size=90_000,
            mean=(0.47889522, 0.47227842, 0.43047404),
            std=(0.24205776, 0.23828046, 0.25874835),
            augmentation="crop_flip",
            cue_conflict=False,
            sources=(
                Source(
                    file="CINIC-10.tar.gz",
                    urls=(
                        "https://datashare.ed.ac.uk/bitstream/handle/10283/3192/CINIC-10.tar.gz",
                        "https://datashare.ed.ac.uk/bitstreams/e8e186cc-2688-48f1-aa5a-3fda1a43f8b6/download",
                    ),
                    checksum="md5:6ee4d0c996905fe93221de577967a372",
                    size=687_544_992,
                ),
            ),
            prepare="filterfreq.data.imagefolder:prepare",
            licence="CC BY 4.0; a part of its images is ImageNet's: for research and education, not for commerce",
            path=None,
            train="train",
            test="test",
            test_fraction=None,
        ),
        Dataset(
            name="svhn",
            classes=_DIGITS,
            image_size=32,
            train_size=73_257,
            test_size=26_032,
            mean=(0.4377, 0.4438, 0.4728),
            std=(0.1980, 0.2010, 0.1970),
            augmentation="none",
            cue_conflict=False,
            sources=(
                Source(
                    file="train_32x32.mat",
                    urls=("http://ufldl.stanford.edu/housenumbers/train_32x32.mat",),
                    checksum="sha256:435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
                    size=182_040_794,
                ),
                Source(
                    file="test_32x32.mat",
                    urls=("http://ufldl.stanford.edu/housenumbers/test_32x32.mat",),
                    checksum="sha256:cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
                    size=64_275_384,
                ),
            ),
            prepare="filterfreq.data.svhn:prepare",
            licence="not for commercial use; Netzer et al., Reading Digits in Natural Images, 2011",
        ),
        Dataset(
            name="mnist",
            classes=_DIGITS,
            image_size=32,
            train_size=60_000,
            test_size=10_000,
            mean=(0.1307, 0.1307, 0.1307),
            std=(0.3081, 0.3081, 0.3081),
            augmentation="none",
            cue_conflict=False,
            sources=_idx_sources(
                (
                    "https://storage.googleapis.com/cvdf-datasets/mnist",
                    "https://ossci-datasets.s3.amazonaws.com/mnist",
                ),
                {
                    "train-images-idx3": (
                        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                        9_912_422,
                    ),
                    "train-labels-idx1": ("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881),
                    "t10k-images-idx3": ("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877),
                    "t10k-labels-idx1": ("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542),
                },
            ),
            prepare="filterfreq.data.mnist:prepare",
            licence="CC BY-SA 3.0",
        ),
        Dataset(
            name="kmnist",
            classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
            image_size=32,
            train_size=60_000,
            test_size=10_000,
            mean=(0.1918, 0.1918, 0.1918),
            std=(0.3483, 0.3483, 0.3483),
            augmentation="none",
            cue_conflict=False,
            sources=_idx_sources(
                ("http://codh.rois.ac.jp/kmnist/dataset/kmnist",),
                {
                    "train-images-idx3": (
                        "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
                        18_165_135,
                    ),
                    "train-labels-idx1": ("e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17", 29_497),
                    "t10k-images-idx3": ("edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5", 3_041_136),
                    "t10k-labels-idx1": ("20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c", 5_120),
                },
            ),
            prepare="filterfreq.data.mnist:prepare",
            licence="CC BY-SA 4.0",
        ),
        Dataset(
            name="fashionmnist",
            classes=(
                "T-shirt/top",
                "Trouser",
                "Pullover",
                "Dress",
                "Coat",
                "Sandal",
                "Shirt",
                "Sneaker",
                "Bag",
                "Ankle boot",
            ),
            image_size=32,
            train_size=60_000,
            test_size=10_000,
            mean=(0.2860, 0.2860, 0.2860),
            std=(0.3530, 0.3530, 0.3530),
            augmentation="none",
            cue_conflict=False,
            sources=_idx_sources(
                ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",),
                {
                    "train-images-idx3": (
                        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                        26_421_880,
                    ),
                    "train-labels-idx1": ("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29_515),
                    "t10k-images-idx3": ("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4_422_102),
                    "t10k-labels-idx1": ("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5_148),
                },
            ),
            prepare="filterfreq.data.mnist:prepare",
            licence="MIT",
        ),
        Dataset(
            name="tinyimagenet",
            classes=(),
            image_size=64,
            train_size=100_000,
            test_size=10_000,
            mean=(0.4802, 0.4481, 0.3975),
            std=(0.2764, 0.2689, 0.2816),
            augmentation="crop",
            cue_conflict=False,
            sources=(
                Source(
                    file="tiny-imagenet-200.zip",
                    urls=(
                        "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
                        "https://zenodo.org/records/10720917/files/tiny-imagenet-200.zip",
                    ),
                    checksum="md5:90528d7ca1a48142e341f4ef8d21d0de",
                    size=248_100_043,
                ),
            ),
            prepare="filterfreq.data.tinyimagenet:prepare",
            licence="ImageNet's terms: for research and education, not for commerce",
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
