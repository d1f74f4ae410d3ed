"""The registry of what else models are shown: test images of other distributions, and published corrupted ones.

One entry each. Imports no torch and no numpy, so that reading it costs nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from filterfreq.data.objects import OBJECT_DATASETS
from filterfreq.data.registry import AS_STORED, DATASETS, Rendering, Source, get_dataset
from filterfreq.runtime.errors import InputError, unknown_name

CUE_CONFLICT = "cue-conflict"
"""The published stimuli on which the suite `cue_conflict` measures models of ImageNet's classes."""

LARGEST_IN_ARRAYS = 64
"""Pixels of the images that become arrays; larger ones stay in files."""

_FOLDER = "filterfreq.data.shifted.prepare:prepare_folder"
_GEIRHOS = "clone github.com/rgeirhos/texture-vs-shape and give its folder"


@dataclass(frozen=True)
class ShiftedSet:
    """What is known about a shifted set before it is prepared.

    Attributes:
        name: the key in `SHIFTED_SETS` or in the config.
        shift_of: the data set whose models it is shown to.
        prepare: "module:function" called as function(raw_folder, output_folder, seed, entry).
        licence: the terms of the images.
        image_size: height and width that a model is shown, in pixels.
        resize: the shorter side before the centre is cut out, or (height, width); None where it is `image_size`.
        sources: the raw files to download; empty where there are none.
        folder: the folder that holds the class folders; "." where `filterfreq.data.imagefolder.test_folder` finds it.
        names: the pattern of the names of those images that belong to the set.
        folders: what the class folders are named by: "classes", the names of the base's classes, "indices", their
            labels, or "categories", the 16 categories of `filterfreq.data.shifted.imagenet_categories`.
        path: the folder, tar or zip of class folders that the config gives, in place of the sources.
        dataset: the data set whose test images it is.
        how: what the user does to get a set that cannot be downloaded.
        responses: a folder of published answers to its images, that models are compared with.
        rendering: how its image files are read.
        base_classes: the classes of the data set whose models it is shown to; empty where its files tell them.
    """

    name: str
    shift_of: str
    prepare: str
    licence: str
    image_size: int
    resize: int | tuple[int, int] | None = None
    sources: tuple[Source, ...] = ()
    folder: str = "."
    names: str = "*"
    folders: str = "classes"
    path: str | None = None
    dataset: str | None = None
    how: str = ""
    responses: str | None = None
    rendering: Rendering = AS_STORED
    base_classes: tuple[str, ...] = ()

    @property
    def storage(self) -> str:
        """What becomes of images in class folders: "arrays" of small ones; others stay in "files".

        The cue-conflict stimuli do always, as their names say what they show.
        """
        return "arrays" if self.image_size <= LARGEST_IN_ARRAYS and self.name != CUE_CONFLICT else "files"


def _imagenet_set(name: str, licence: str, *sources: Source, folders: str = "classes", how: str = "") -> ShiftedSet:
    """A set that is shown as ImageNet's test images are: the shorter side 256 pixels, the central 224."""
    return ShiftedSet(name, "imagenet", _FOLDER, licence, 224, 256, sources, folders=folders, how=how)


def _geirhos_set(name: str, folder: str) -> ShiftedSet:
    """Stimuli of 224 pixels in folders of the 16 categories."""
    how = f"{_GEIRHOS} stimuli/{folder}"
    return ShiftedSet(name, "imagenet", _FOLDER, "CC BY 4.0", 224, folders="categories", how=how)


def _drawn_set(name: str) -> ShiftedSet:
    return ShiftedSet(
        name, "texdigits", f"filterfreq.data.texdigits:prepare_{name.partition('-')[2]}", "MNIST: CC BY-SA 3.0", 32
    )


# Checksums and sizes are those of TensorFlow Datasets, but for CIFAR-10.1, whose are in common use.
SHIFTED_SETS: dict[str, ShiftedSet] = {
    entry.name: entry
    for entry in (
        _drawn_set("texdigits-silhouettes"),
        _drawn_set("texdigits-edges"),
        ShiftedSet(
            name="cinic10",
            shift_of="cifar10",
            prepare=_FOLDER,
            licence=DATASETS["cinic10"].licence,
            image_size=32,
            sources=DATASETS["cinic10"].sources,
            folder="test",
            # The others are CIFAR-10's, of which half are training images.
            names="n[0-9]*",
        ),
        ShiftedSet(
            name="cifar10.1",
            shift_of="cifar10",
            prepare="filterfreq.data.shifted.prepare:prepare_cifar_10_1",
            licence="MIT; Recht et al., Do CIFAR-10 Classifiers Generalize to CIFAR-10?, 2018",
            image_size=32,
            sources=tuple(
                Source(
                    file=f"cifar10.1_v6_{part}.npy",
                    urls=(
                        "https://github.com/modestyachts/CIFAR-10.1/raw/master/datasets/cifar10.1_v6_" + part + ".npy",
                    ),
                    checksum=f"sha256:{checksum}",
                    size=size,
                )
                for part, checksum, size in (
                    ("data", "2997188e5816f5bd545dc77771b6227828c28146049fcecf3fa10775474cacc6", 6_144_128),
                    ("labels", "ae40beda001693674edc94d925ee8268cfe68905f8f9aff800c8dcdfcd6c9448", 8_128),
                )
            ),
        ),
        _imagenet_set(
            "imagenet-r",
            "no licence stated; Hendrycks et al., The Many Faces of Robustness, ICCV 2021",
            Source(
                file="imagenet-r.tar",
                urls=("https://people.eecs.berkeley.edu/~hendrycks/imagenet-r.tar",),
                checksum="sha256:18c6bf493b39a0d975d48e587437f562caab9c52ae6327dcfa9dd8eb54aa1b52",
                size=2_191_079_936,
            ),
        ),
        _imagenet_set(
            "imagenet-a",
            "MIT; Hendrycks et al., Natural Adversarial Examples, CVPR 2021",
            Source(
                file="imagenet-a.tar",
                urls=("https://people.eecs.berkeley.edu/~hendrycks/imagenet-a.tar",),
                checksum="sha256:3bb3632277e6ba6392ea64c02ddbf4dd2266c9caffd6bc09c9656d28f012589e",
                size=687_552_512,
            ),
        ),
        _imagenet_set(
            "imagenet-sketch",
            "MIT; Wang et al., Learning Robust Global Representations by Penalizing Local Predictive Power, 2019",
            Source(
                file="ImageNet-Sketch.zip",
                urls=(
                    "https://huggingface.co/datasets/songweig/imagenet_sketch/resolve/main/data/ImageNet-Sketch.zip",
                ),
                checksum="sha256:4d3ce6b82a7c48aabf14aeac105eb533e75707f152cc858f55bfc022031a72ed",
                size=7_593_573_012,
            ),
        ),
        _imagenet_set(
            "imagenetv2",
            "MIT; Recht et al., Do ImageNet Classifiers Generalize to ImageNet?, ICML 2019",
            Source(
                file="imagenetv2-matched-frequency.tar.gz",
                urls=(
                    "https://huggingface.co/datasets/vaishaal/ImageNetV2/resolve/main/"
                    "imagenetv2-matched-frequency.tar.gz",
                    "https://s3-us-west-2.amazonaws.com/imagenetv2public/imagenetv2-matched-frequency.tar.gz",
                ),
                checksum="sha256:f0c37fdf925916b19ea1323cd9a2208cdb6959ba2c32eef2a7fc393835c9ca7c",
                size=1_264_079_360,
            ),
            folders="indices",
        ),
        _imagenet_set(
            "stylized-imagenet",
            "not to be shared, as ImageNet's images are not",
            how=(
                "make it with github.com/rgeirhos/Stylized-ImageNet: put the paintings of Kaggle's painter-by-numbers "
                "(train.zip) into code/paintings_raw, set IMAGENET_PATH and STYLIZED_IMAGENET_PATH in code/general.py, "
                "run create_stylized_imagenet.sh in code, and give the folder val of what it makes"
            ),
        ),
        _geirhos_set("silhouettes", "filled-silhouettes"),
        _geirhos_set("edges", "edges"),
        _geirhos_set(CUE_CONFLICT, "style-transfer-preprocessed-512"),
    )
}


@dataclass(frozen=True)
class CorruptedImages:
    """The published corrupted test images of a data set.

    Attributes:
        sources: the archives to download.
        layout: "arrays", one array for each corruption as in CIFAR-10-C, or "files", images in
            `<corruption>/<severity>/<class>` as in ImageNet-C.
        resize: of images in files, the shorter side before the centre is cut out; None where it is the data set's
            `image_size`.
    """

    sources: tuple[Source, ...]
    layout: str
    resize: int | None = None


def _zenodo(records: tuple[int, ...], file: str, checksum: str, size: int) -> Source:
    return Source(
        file, tuple(f"https://zenodo.org/records/{record}/files/{file}" for record in records), checksum, size
    )


# Hendrycks and Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, ICLR 2019.
PUBLISHED_CORRUPTIONS: dict[str, CorruptedImages] = {
    "cifar10": CorruptedImages(
        (
            _zenodo(
                (2535967,),
                "CIFAR-10-C.tar",
                "sha256:c72763e101c723b7c507b96205f7e938912a5d587376173b825850cf3cb876a7",
                2_918_471_680,
            ),
        ),
        "arrays",
    ),
    "cifar100": CorruptedImages(
        (
            _zenodo(
                (3555552,),
                "CIFAR-100-C.tar",
                "sha256:30ee6543a1bfd049fa33834b7c1ada301e7064b7fbe8fc38340eb8b62ced4b33",
                2_918_473_216,
            ),
        ),
        "arrays",
    ),
    # Without the four extra corruptions, which are in a further archive.
    "tinyimagenet": CorruptedImages(
        (_zenodo((8206060, 2536630), "Tiny-ImageNet-C.tar", "md5:f9c9a9dbdc11469f0b850190f7ad8be1", 1_794_775_040),),
        "files",
        # As the test images: the centre of 64x64 pixels.
        resize=64,
    ),
    "imagenet": CorruptedImages(
        tuple(
            _zenodo((2235448,), f"{family}.tar", f"md5:{checksum}", size)
            for family, checksum, size in (
                ("noise", "e80562d7f6c3f8834afb1ecf27252745", 22_565_673_785),
                ("blur", "2d8e81fdd8e07fef67b9334fa635e45c", 7_112_704_951),
                ("weather", "33ffea4db4d93fe4a428c40a6ce0c25d", 12_797_438_995),
                ("digital", "89157860d7b10d5797849337ca2e5c03", 7_757_510_705),
                ("extra", "d492dfba5fc162d8ec2c3cd8ee672984", 15_789_490_144),
            )
        ),
        "files",
    ),
}


def downloads(name: str) -> dict[str, Source]:
    """Return all raw files that are known under a name.

    They are those of a data set, of its corrupted images, of a shifted set, or of a data set of objects.
    """
    sources = [*DATASETS[name].sources] if name in DATASETS else []
    sources += [*OBJECT_DATASETS[name].sources] if name in OBJECT_DATASETS else []
    sources += [*PUBLISHED_CORRUPTIONS[name].sources] if name in PUBLISHED_CORRUPTIONS else []
    sources += [*SHIFTED_SETS[name].sources] if name in SHIFTED_SETS else []
    return {source.file: source for source in sources}


def get_shifted(name: str, data: Mapping | None = None, dataset: str | None = None) -> ShiftedSet:
    """Return the entry of that name, of the registry or of the config, as it is shown to the models of a data set.

    Args:
        name: the set's name.
        dataset: the data set, by default the one that the set is a shift of. To those of another one with the same
            classes it is shown in the size of their own test images.
        data: the config's section `data`, whose `shifted` has entries like those of the registry, and the folders of
            those that it has.

    Raises:
        InputError: there is none, the config's entry contradicts itself, the set is one that the user gets and the
            config does not say where it lies, or the data set has other classes.
    """
    entry = _base_entry(name, data)
    entry = replace(entry, base_classes=get_dataset(entry.shift_of, data).classes)
    if dataset in (None, entry.shift_of):
        return entry
    other = get_dataset(dataset, data)
    if not other.has_classes_of(entry.shift_of):
        raise InputError(f"the shifted set {name} is for models of {entry.shift_of}'s classes, which {dataset} has not")
    if entry.prepare != _FOLDER and entry.image_size != other.image_size:
        raise InputError(
            f"the shifted set {name} has images of {entry.image_size} pixels, but {dataset} has {other.image_size}: "
            "leave it out"
        )
    # Whole where the registry's are: stimuli are square, and their rims belong to them.
    resize = other.resize if entry.resize is not None or entry.name not in SHIFTED_SETS else None
    return replace(entry, shift_of=dataset, image_size=other.image_size, resize=resize)


def _base_entry(name: str, data: Mapping | None) -> ShiftedSet:
    """The entry as it is shown to the models of the data set that it is a shift of."""
    declared = (data or {}).get("shifted", {})
    if name not in SHIFTED_SETS:
        if name not in declared:
            raise unknown_name("shifted set", name, [*SHIFTED_SETS, *declared])
        return _declared_entry(name, declared[name], data)
    entry = SHIFTED_SETS[name]
    given = declared.get(name, {})
    for key in given:
        if key not in ("path", "responses") or (key == "responses" and name != CUE_CONFLICT):
            raise InputError(f"shifted set {name!r} is in the registry already, leave its {key} out")
    entry = replace(entry, **given)
    if entry.how and not entry.path:
        raise InputError(f"shifted set {name!r} is not downloaded: {entry.how} as data.shifted.{name}.path")
    if entry.path:
        entry = replace(entry, prepare=_FOLDER, sources=(), dataset=None)
    return entry


def _declared_entry(name: str, given: Mapping, data: Mapping) -> ShiftedSet:
    """The entry that a validated part of the config describes."""
    if "shift_of" not in given or ("path" in given) == ("dataset" in given):
        raise InputError(
            f"shifted set {name!r} needs shift_of, a data set, and either path, a folder or an archive of class "
            "folders, or dataset, the one whose test images it is"
        )
    if "responses" in given:
        raise InputError(f"shifted set {name!r} has responses: only {CUE_CONFLICT} can, leave them out")
    base = get_dataset(given["shift_of"], data)
    if "dataset" in given:
        other = get_dataset(given["dataset"], data)
        for key in ("resize", "upright", "background"):
            if key in given:
                raise InputError(
                    f"shifted set {name!r} has {key}: the images of {other.name} are prepared, leave it out"
                )
        if other.image_size != base.image_size:
            raise InputError(
                f"shifted set {name!r} has images of {other.image_size} pixels, but {base.name} has "
                f"{base.image_size}: give images of that size"
            )
        prepare = "filterfreq.data.shifted.prepare:prepare_known_dataset"
    else:
        prepare = _FOLDER
    if given.get("resize", base.image_size) < base.image_size:
        raise InputError(
            f"shifted set {name!r} has a resize below the image_size of {base.name}: make it {base.image_size} or more"
        )
    return ShiftedSet(
        name=name,
        shift_of=base.name,
        prepare=prepare,
        licence="the owner's",
        image_size=base.image_size,
        resize=given.get("resize", base.resize),  # shown as the base's test images are
        path=given.get("path"),
        dataset=given.get("dataset"),
        rendering=Rendering(
            given.get("upright", base.rendering.upright), given.get("background", base.rendering.background)
        ),
    )


def prepare_shifted(entry: ShiftedSet, raw_folder: str | Path, output_folder: str | Path, seed: int) -> None:
    """Prepare a shifted set, as `filterfreq.data.shifted.prepared` describes it.

    Args:
        entry: the entry.
        raw_folder: holds the raw files that the entry names, or is the folder of the prepared data set that it names.
        output_folder: gets `set.json` and the images.
        seed: fixes the order of the images.

    Raises:
        InputError: a raw file is missing or damaged.
    """
    module, function = entry.prepare.split(":")
    prepare: Callable[[Path, Path, int, ShiftedSet], None] = getattr(import_module(module), function)
    prepare(Path(raw_folder), Path(output_folder), seed, entry)
