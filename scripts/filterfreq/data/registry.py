"""The registry of data sets: one entry each. Imports no torch, so that reading it costs nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from filterfreq.runtime.errors import InputError, unknown_name

AUGMENTATIONS: tuple[str, ...] = (
    "none",
    "flip",
    "crop",
    "crop_flip",
    "resized_crop",
    "resized_crop_flip",
    "resized_crop_flips",
)
"""The training augmentations of `filterfreq.data.batches`."""


class Rendering(NamedTuple):
    """What is made of an image file beyond its colours.

    Attributes:
        upright: whether it is turned and mirrored as the orientation in its EXIF data says.
        background: the colour that shows through what is transparent, "white" or "black"; None where the colours that
            are stored there are taken as they are.
    """

    upright: bool = False
    background: str | None = None


AS_STORED = Rendering()
"""As torchvision reads images, and with it most who publish results on a data set."""


@dataclass(frozen=True)
class Source:
    """A raw file to download.

    Attributes:
        file: its name in the folder of raw files.
        urls: where it lies; the first is asked first. The checksum decides, so a mirror cannot change the content. None
            where users have to get it themselves.
        checksum: "md5:<hex digits>" or "sha256:<hex digits>", as pooch's `known_hash`.
        size: bytes; None where it is not known, of a file that is not downloaded here.
        folder: where torchvision keeps it below its root.
        forms: other files in which people have the same content, such as unpacked ones: for each form all of its files.
    """

    file: str
    urls: tuple[str, ...]
    checksum: str
    size: int | None
    folder: str = ""
    forms: tuple[tuple["Source", ...], ...] = ()


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
        storage: "arrays", prepared as uint8 arrays, or "files", where images stay in their files.
        resize: the shorter side that images are scaled to before the centre of `image_size` is cut out, or (height,
            width); None where it is `image_size`.
        train_resize: likewise of training images, before the augmentation cuts `image_size` out of them: in arrays they
            are stored as squares of this side. None: in arrays `resize`, in files each in its own size.
        rendering: how its image files are read.
        fetch: what a user has to get, and from where, if it cannot be downloaded here.
        folders: what a folder of the user holds that serves in place of `sources`.
        test_folder: which of these it may hold alone, with any part of the images in it, to evaluate models without
            training any; None where all are needed.
        test_sources: the files of `sources` that are enough for that.
        evaluation_only: whether there are no training images.
        classes_of: the data set of the registry whose classes it has, of which some may have no image; None where they
            are its own.
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
    storage: str = field(default="arrays", kw_only=True)
    resize: int | tuple[int, int] | None = field(default=None, kw_only=True)
    train_resize: int | None = field(default=None, kw_only=True)
    rendering: Rendering = field(default=AS_STORED, kw_only=True)
    fetch: str | None = field(default=None, kw_only=True)
    folders: tuple[str, ...] = field(default=(), kw_only=True)
    test_folder: str | None = field(default=None, kw_only=True)
    test_sources: tuple[str, ...] = field(default=(), kw_only=True)
    evaluation_only: bool = field(default=False, kw_only=True)
    classes_of: str | None = field(default=None, kw_only=True)

    @property
    def num_classes(self) -> int:
        """How many classes are known before the files are read."""
        return len(self.classes)

    @property
    def is_known(self) -> bool:
        """Whether users get its files, but models can be shown other images of its classes without them."""
        return self.fetch is not None and bool(self.classes)

    def has_classes_of(self, name: str) -> bool:
        """Return whether its labels are those of another data set, as the models' are that were trained on it."""
        return name in (self.name, self.classes_of)

    def is_ready(self, folder: str | Path) -> bool:
        """Return whether a folder holds the images as folders, so that no raw file is needed."""
        return bool(self.folders) and all(Path(folder, name).expanduser().is_dir() for name in self.folders)


@dataclass(frozen=True)
class ImageFolder(Dataset):
    """A data set of class folders, as `filterfreq.data.imagefolder` reads them.

    Attributes:
        path: the folder, tar or zip; None where it is the downloaded source.
        train: the folder in it that holds the class folders to train on, "." being the uppermost; None where there are
            none.
        test: the folder that holds those to test on; None where a part of the training images is taken, or of an entry
            for evaluation alone "test", "val" or the uppermost, as `filterfreq.data.imagefolder.test_folder` finds it.
        test_fraction: that part, above 0 and below 1, of every class; None where there is a folder.
    """

    path: str | None
    train: str | None
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

_FLOWERS102_CLASSES = tuple(
    """
    pink primrose, hard-leaved pocket orchid, canterbury bells, sweet pea, english marigold, tiger lily, moon orchid,
    bird of paradise, monkshood, globe thistle, snapdragon, colt's foot, king protea, spear thistle, yellow iris,
    globe-flower, purple coneflower, peruvian lily, balloon flower, giant white arum lily, fire lily, pincushion
    flower, fritillary, red ginger, grape hyacinth, corn poppy, prince of wales feathers, stemless gentian, artichoke,
    sweet william, carnation, garden phlox, love in the mist, mexican aster, alpine sea holly, ruby-lipped cattleya,
    cape flower, great masterwort, siam tulip, lenten rose, barbeton daisy, daffodil, sword lily, poinsettia, bolero
    deep blue, wallflower, marigold, buttercup, oxeye daisy, common dandelion, petunia, wild pansy, primula,
    sunflower, pelargonium, bishop of llandaff, gaura, geranium, orange dahlia, pink-yellow dahlia?, cautleya spicata,
    japanese anemone, black-eyed susan, silverbush, californian poppy, osteospermum, spring crocus, bearded iris,
    windflower, tree poppy, gazania, azalea, water lily, rose, thorn apple, morning glory, passion flower, lotus, toad
    lily, anthurium, frangipani, clematis, hibiscus, columbine, desert-rose, tree mallow, magnolia, cyclamen,
    watercress, canna lily, hippeastrum, bee balm, ball moss, foxglove, bougainvillea, camellia, mallow, mexican
    petunia, bromelia, blanket flower, trumpet creeper, blackberry lily
    """.replace("\n   ", "")
    .strip()
    .split(", ")
)

_CIFAR_LICENCE = "no licence stated; Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009"

IMAGENET_NAMES: Mapping[str, str] = dict(
    line.split(" ", 1) for line in Path(__file__).with_name("imagenet_classes.txt").read_text("ascii").splitlines()
)
"""The WordNet numbers of ILSVRC 2012's classes, in the labels' order, and what torchvision calls them."""
_IMAGENET_CLASSES = tuple(IMAGENET_NAMES)

_IMAGENET_LICENCE = "ImageNet's terms: for research and education, not for commerce"

_DIGITS = tuple("0123456789")


# A header of 4 bytes and 4 more for each dimension, and a byte for each value.
_IDX_SIZES = {
    "train-images-idx3": 16 + 60_000 * 28 * 28,
    "train-labels-idx1": 8 + 60_000,
    "t10k-images-idx3": 16 + 10_000 * 28 * 28,
    "t10k-labels-idx1": 8 + 10_000,
}


def _idx_sources(
    urls: tuple[str, ...],
    folder: str,
    facts: Mapping[str, tuple[str, int]],
    unpacked: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Source, ...]:
    """The four files of MNIST and of what is made like it: SHA-256 and size by name; unpacked, the MD5 by name."""
    return tuple(
        Source(
            f"{name}-ubyte.gz",
            tuple(f"{url}/{name}-ubyte.gz" for url in urls),
            f"sha256:{checksum}",
            size,
            folder=folder,
            # gzip leaves the name that others unpack with a point in it.
            forms=tuple(
                (Source(file, (), f"md5:{unpacked[name]}", _IDX_SIZES[name], folder=folder),)
                for file in (f"{name}-ubyte", f"{name.replace('-idx', '.idx')}-ubyte")
                if name in unpacked
            ),
        )
        for name, (checksum, size) in facts.items()
    )


def _cifar_forms(
    archive: tuple[str, str, int], folder: str, files: Mapping[str, tuple[str, int | None]]
) -> tuple[tuple[Source, ...], ...]:
    """CIFAR's version for Python: its archive, and what is unpacked of it, MD5 and size of each file by name."""
    name, md5, size = archive
    unpacked = tuple(Source(file, (), f"md5:{md5}", size, folder=folder) for file, (md5, size) in files.items())
    return (Source(name, (), f"md5:{md5}", size),), unpacked


def _vgg_sources(path: str, folder: str, facts: Mapping[str, tuple[str, int]]) -> tuple[Source, ...]:
    """Files of Oxford's Visual Geometry Group: SHA-256 and size by name."""
    return tuple(
        Source(file, (f"https://www.robots.ox.ac.uk/~vgg/data/{path}/{file}",), f"sha256:{checksum}", size, folder)
        for file, (checksum, size) in facts.items()
    )


# Checksums and sizes are those of TensorFlow Datasets, and agree with torchvision's addresses; those of cinic10 and
# tinyimagenet are in common use (torchvision has neither), and the checksums of imagenet are torchvision's. Of other
# forms those of CIFAR are torchvision's, and those of unpacked IDX files are in common use; of KMNIST's there are none.
# The sizes of CIFAR's other forms are what people have listed of their folders.
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
                    forms=_cifar_forms(
                        ("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a", 170_498_071),
                        "cifar-10-batches-py",
                        {
                            "data_batch_1": ("c99cafc152244af753f735de768cd75f", 31_035_704),
                            "data_batch_2": ("d4bba439e000b95fd0a9bffe97cbabec", 31_035_320),
                            "data_batch_3": ("54ebc095f3ab1f0389bbae665268c751", 31_035_999),
                            "data_batch_4": ("634d18415352ddfa80567beed471001a", 31_035_696),
                            "data_batch_5": ("482c414d41f54cd18b22e5b47cb7c3cb", 31_035_623),
                            "test_batch": ("40351d587109b95175f43aff81a1287e", 31_035_526),
                        },
                    ),
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
                    forms=_cifar_forms(
                        ("cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85", 169_001_437),
                        "cifar-100-python",
                        {
                            "train": ("16019d7e3df5f24257cddd939b257f8d", 155_249_918),
                            "test": ("f0ef6b0ae62326f3e7ffdfab6717acfc", None),
                        },
                    ),
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
                "MNIST/raw",
                {
                    "train-images-idx3": (
                        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                        9_912_422,
                    ),
                    "train-labels-idx1": ("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881),
                    "t10k-images-idx3": ("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877),
                    "t10k-labels-idx1": ("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542),
                },
                unpacked={
                    "train-images-idx3": "6bbc9ace898e44ae57da46a324031adb",
                    "train-labels-idx1": "a25bea736e30d166cdddb491f175f624",
                    "t10k-images-idx3": "2646ac647ad5339dbf082846283269ea",
                    "t10k-labels-idx1": "27ae3e4e09519cfbb04c329615203637",
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
                "KMNIST/raw",
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
                "FashionMNIST/raw",
                {
                    "train-images-idx3": (
                        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                        26_421_880,
                    ),
                    "train-labels-idx1": ("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29_515),
                    "t10k-images-idx3": ("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4_422_102),
                    "t10k-labels-idx1": ("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5_148),
                },
                unpacked={
                    "train-images-idx3": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
                    "train-labels-idx1": "9018921c3c673c538a1fc5bad174d6f9",
                    "t10k-images-idx3": "8181f5470baa50b63fa0f6fddb340f0a",
                    "t10k-labels-idx1": "15d484375f8d13e6eb1aabb0c3f46965",
                },
            ),
            prepare="filterfreq.data.mnist:prepare",
            licence="MIT",
        ),
        Dataset(
            name="tinyimagenet",
            classes=(),
            image_size=56,
            resize=64,
            train_resize=64,
            train_size=100_000,
            test_size=10_000,
            mean=(0.4802, 0.4481, 0.3975),
            std=(0.2764, 0.2689, 0.2816),
            augmentation="resized_crop",
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
            licence=_IMAGENET_LICENCE,
        ),
        Dataset(
            name="imagenet",
            classes=_IMAGENET_CLASSES,
            storage="files",
            image_size=224,
            resize=256,
            train_size=1_281_167,
            test_size=50_000,
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            augmentation="resized_crop_flip",
            cue_conflict=False,
            sources=(
                Source("ILSVRC2012_img_train.tar", (), "md5:1d675b47d978889d74fa0da5fadfb00e", 147_897_477_120),
                Source("ILSVRC2012_img_val.tar", (), "md5:29b22e2961454d5413ddabcf34fc5622", 6_744_924_160),
                Source("ILSVRC2012_devkit_t12.tar.gz", (), "md5:fa75699e90414af021442c21a62c3abf", None),
            ),
            fetch=(
                "get ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar and ILSVRC2012_devkit_t12.tar.gz with an account "
                "of https://image-net.org into one folder, or have one with a folder for each class in train and val; "
                "to evaluate models alone, the last two files, or val with any of its images, are enough"
            ),
            folders=("train", "val"),
            test_folder="val",
            test_sources=("ILSVRC2012_img_val.tar", "ILSVRC2012_devkit_t12.tar.gz"),
            prepare="filterfreq.data.imagenet:prepare",
            licence=_IMAGENET_LICENCE,
        ),
        Dataset(
            name="sun397",
            classes=(),
            image_size=32,
            resize=38,
            train_resize=64,
            train_size=None,
            test_size=None,
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            augmentation="resized_crop",
            cue_conflict=False,
            sources=(
                Source(
                    file="SUN397.tar.gz",
                    urls=("https://vision.princeton.edu/projects/2010/SUN/SUN397.tar.gz",),
                    checksum="sha256:f404130965a7ad77bed5ececc71e720ab50f3cc1e1bb257257610d38f3b928ec",
                    size=39_077_296_924,
                ),
            ),
            prepare="filterfreq.data.listed:prepare_sun397",
            licence="see https://vision.princeton.edu/projects/2010/SUN; Xiao et al., SUN Database, CVPR 2010",
        ),
        Dataset(
            name="grocerystore",
            classes=(),
            image_size=32,
            resize=48,
            train_resize=48,
            train_size=None,
            test_size=None,
            mean=(0.5525, 0.4104, 0.2445),
            std=(0.2205, 0.1999, 0.1837),
            augmentation="resized_crop_flip",
            cue_conflict=False,
            sources=(),
            fetch="clone https://github.com/marcusklasson/GroceryStoreDataset and take the folder dataset in it",
            folders=("train", "test"),
            prepare="filterfreq.data.listed:prepare_grocerystore",
            licence="see the repository; Klasson et al., A Hierarchical Grocery Store Image Dataset, WACV 2019",
        ),
        Dataset(
            name="flowers102",
            classes=_FLOWERS102_CLASSES,
            storage="files",
            image_size=224,
            resize=(224, 224),
            train_size=1_020,
            test_size=6_149,
            mean=(0.4330, 0.3819, 0.2964),
            std=(0.2736, 0.2240, 0.2525),
            augmentation="crop_flip",
            cue_conflict=False,
            sources=_vgg_sources(
                "flowers/102",
                "flowers-102",
                {
                    "102flowers.tgz": (
                        "2d01ecc807db462958cfe3d92f57a8c252b4abd240eb955770201e45f783b246",
                        344_862_509,
                    ),
                    "imagelabels.mat": ("4903e94206bac23bf772aadf06451916df56b58fc483a62db32a97b82656651d", 502),
                    "setid.mat": ("46b8678f91fd95d3c8f4feab80d271a6c834a1dd896fe29fd3e6ad9ce5c8dccd", 14_989),
                },
            ),
            prepare="filterfreq.data.listed:prepare_flowers102",
            licence="see https://www.robots.ox.ac.uk/~vgg/data/flowers; Nilsback and Zisserman, 2008",
        ),
        Dataset(
            name="oxfordiiitpet",
            classes=(),
            storage="files",
            image_size=224,
            resize=(224, 224),
            train_size=3_680,
            test_size=3_669,
            mean=(0.4783, 0.4459, 0.3957),
            std=(0.2627, 0.2572, 0.2653),
            augmentation="crop_flip",
            cue_conflict=False,
            sources=_vgg_sources(
                "pets/data",
                "oxford-iiit-pet",
                {
                    "images.tar.gz": (
                        "67195c5e1c01f1ab5f9b6a5d22b8c27a580d896ece458917e61d459337fa318d",
                        791_918_971,
                    ),
                    "annotations.tar.gz": (
                        "52425fb6de5c424942b7626b428656fcbd798db970a937df61750c0f1d358e91",
                        19_173_078,
                    ),
                },
            ),
            prepare="filterfreq.data.listed:prepare_oxfordiiitpet",
            licence="see https://www.robots.ox.ac.uk/~vgg/data/pets; Parkhi et al., Cats and Dogs, CVPR 2012",
        ),
        Dataset(
            name="dtd",
            classes=(),
            storage="files",
            image_size=224,
            resize=256,
            train_resize=256,
            train_size=1_880,
            test_size=1_880,
            mean=(0.5347, 0.4772, 0.4275),
            std=(0.2624, 0.2535, 0.2612),
            augmentation="resized_crop_flips",
            cue_conflict=False,
            sources=_vgg_sources(
                "dtd/download",
                "dtd",
                {
                    "dtd-r1.0.1.tar.gz": (
                        "e42855a52a4950a3b59612834602aa253914755c95b0cff9ead6d07395f8e205",
                        625_239_812,
                    )
                },
            ),
            prepare="filterfreq.data.listed:prepare_dtd",
            licence="see https://www.robots.ox.ac.uk/~vgg/data/dtd; Cimpoi et al., CVPR 2014",
        ),
    )
}
# As networks that take vectors are shown it: no pixel is made up.
DATASETS["mnist-28"] = replace(DATASETS["mnist"], name="mnist-28", image_size=28)


def get_dataset(name: str, data: Mapping | None = None) -> Dataset:
    """Return the entry of that name, of the registry or of the config.

    Args:
        name: the data set's name.
        data: the config's section `data`, whose `datasets` are entries like those of the registry. Where the folder
            that its `raw` names holds test images alone, the entry says so.

    Raises:
        InputError: there is none, or the config's entry contradicts itself.
    """
    declared = (data or {}).get("datasets", {})
    if name in DATASETS and name in declared:
        raise InputError(f"data set {name!r} is in the registry already: give the config's own another name")
    if name in declared:
        return _image_folder(name, declared[name])
    if name not in DATASETS:
        raise unknown_name("data set", name, [*DATASETS, *declared])
    return _prefer_folder(DATASETS[name], (data or {}).get("raw", {}).get(name))


def _prefer_folder(dataset: Dataset, given: str | None) -> Dataset:
    """The entry, or where a folder of the user's holds enough to evaluate models and not to train any, that of this."""
    if given is None or dataset.test_folder is None:
        return dataset
    folder = Path(given).expanduser()
    there = tuple(source for source in dataset.sources if (folder / source.file).is_file())
    if there == dataset.sources:
        return dataset
    if not any((folder / name).exists() for name in dataset.folders):
        if {source.file for source in there} == set(dataset.test_sources):
            return replace(dataset, evaluation_only=True, sources=there, train_size=None)
    elif all((folder / name).is_dir() == (name == dataset.test_folder) for name in dataset.folders):
        return replace(
            dataset, evaluation_only=True, folders=(dataset.test_folder,), sources=(), train_size=None, test_size=None
        )
    return dataset


def _image_folder(name: str, entry: Mapping) -> ImageFolder:
    """The entry that a validated part of the config describes."""
    evaluation_only = entry.get("evaluation_only", False)
    for key in ("train", "test_fraction", "train_resize", "augmentation") if evaluation_only else ():
        if key in entry:
            raise InputError(f"data set {name!r} is evaluation_only and has {key}, which training needs: leave one out")
    if not evaluation_only and ("test" in entry) == ("test_fraction" in entry):
        raise InputError(
            f"data set {name!r} must say in one way what to test on: write test: test where that folder lies beside "
            "train, test_fraction: 0.2 to draw from one folder, or evaluation_only: true"
        )
    classes_of = entry.get("classes")
    known = [other.name for other in DATASETS.values() if other.classes]
    if classes_of is not None and classes_of not in known:
        raise InputError(
            f"data set {name!r} has classes: {unknown_name('data set of known classes', classes_of, known)}"
        )
    if ("mean" in entry) != ("std" in entry):
        raise InputError(f"data set {name!r} has one of mean and std: give both, or neither to have them measured")
    # Its models were trained with these, and a few test images say little of them.
    known_statistics = DATASETS[classes_of] if classes_of and evaluation_only else None
    resize = entry.get("resize")
    for key in ("resize", "train_resize"):
        sides = entry.get(key, entry["image_size"])
        if min(sides if isinstance(sides, list) else [sides]) < entry["image_size"]:
            raise InputError(
                f"data set {name!r} has a {key} below its image_size: make it {entry['image_size']} or more"
            )
    return ImageFolder(
        name=name,
        classes=DATASETS[classes_of].classes if classes_of else (),
        image_size=entry["image_size"],
        train_size=None,
        test_size=None,
        mean=tuple(entry["mean"]) if "mean" in entry else known_statistics and known_statistics.mean,
        std=tuple(entry["std"]) if "std" in entry else known_statistics and known_statistics.std,
        augmentation=entry.get("augmentation", "none"),
        cue_conflict=False,
        sources=(),
        prepare="filterfreq.data.imagefolder:prepare",
        licence="the owner's",
        path=entry["path"],
        train=None if evaluation_only else entry.get("train", "train" if "test" in entry else "."),
        test=entry.get("test"),
        test_fraction=entry.get("test_fraction"),
        storage=entry.get("storage", "arrays"),
        resize=tuple(resize) if isinstance(resize, list) else resize,
        train_resize=entry.get("train_resize"),
        rendering=Rendering(entry.get("upright", False), entry.get("background")),
        evaluation_only=evaluation_only,
        classes_of=classes_of,
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
