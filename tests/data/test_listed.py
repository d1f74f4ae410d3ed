"""Data sets with lists, from tiny files in their authors' layouts; an image's grey level tells which it is."""

import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.image_files import ImageFiles
from filterfreq.data.registry import Source, get_dataset, prepare_dataset
from filterfreq.runtime.errors import InputError


def flat(grey, size=(40, 60), form="png") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (grey,) * 3).save(buffer, form)
    return buffer.getvalue()


def write_tar(path: Path, files: dict[str, bytes], mode="w:gz") -> None:
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def prepared(name, raw, output, **changes) -> PreparedDataset:
    """Prepare a data set of the registry, of tiny files under the names of its own."""
    entry = get_dataset(name)
    sources = tuple(
        Source(source.file, source.urls, f"md5:{hashlib.md5((raw / source.file).read_bytes()).hexdigest()}", None)
        for source in entry.sources
    )
    entry = replace(entry, sources=sources, **{"train_size": None, "test_size": None, **changes})
    prepare_dataset(entry, raw, output, 0)
    return PreparedDataset(output)


def greys(dataset, split) -> list[tuple[int, int]]:
    """The grey level of each image and its label, in order of the levels."""
    images = np.asarray(dataset.images(split))
    assert images.shape[1:] == (dataset.image_size if split == "test" else images.shape[1],) * 2 + (3,)
    assert (images == images[:, :1, :1, :1]).all()
    return sorted(zip(images[:, 0, 0, 0].tolist(), dataset.labels(split).tolist(), strict=True))


def make_flowers(raw) -> None:
    write_tar(
        raw / "102flowers.tgz", {f"jpg/image_{number:05d}.jpg": flat(number) for number in range(1, 10)}, mode="w"
    )
    savemat(raw / "imagelabels.mat", {"labels": np.array([[77, 102, 1, 77, 102, 1, 77, 102, 1]], dtype=np.uint8)})
    splits = {"trnid": [[2, 3, 1]], "valid": [[4, 5, 6]], "tstid": [[9, 8, 7]]}
    savemat(raw / "setid.mat", {name: np.array(ids, dtype=np.uint16) for name, ids in splits.items()})


def test_flowers(tmp_path):
    make_flowers(tmp_path)
    dataset = prepared("flowers102", tmp_path, tmp_path / "out", train_size=3)
    assert isinstance(dataset.images("train"), ImageFiles)
    assert dataset.image_size == 224
    assert greys(dataset, "train") == [(1, 76), (2, 101), (3, 0)]
    assert greys(dataset, "test") == [(7, 76), (8, 101), (9, 0)]
    assert dataset.classes[76] == "passion flower"
    assert set(dataset.record["sources"]) == {"102flowers.tgz", "imagelabels.mat", "setid.mat"}


def test_other_numbers_than_the_registry_says_or_a_damaged_file(tmp_path):
    make_flowers(tmp_path)
    with pytest.raises(InputError, match="flowers102 has 3 test images and 3 labels, but there should be 6149"):
        prepared("flowers102", tmp_path, tmp_path / "out", test_size=6_149)
    (tmp_path / "setid.mat").write_bytes(b"no variables")
    with pytest.raises(InputError, match=r"setid\.mat is damaged or not what it should be \(.*\): replace it"):
        prepared("flowers102", tmp_path, tmp_path / "out")
    with pytest.raises(InputError, match=r"102flowers\.tgz has .* not the checksum sha256:2d01ecc8"):
        prepare_dataset(get_dataset("flowers102"), tmp_path, tmp_path / "out", 0)


def test_pets(tmp_path):
    # One of the real files is a GIF by its content.
    images = {f"images/{name}.jpg": flat(grey) for name, grey in (("Abyssinian_1", 1), ("great_pyrenees_10", 2))}
    images |= {"images/Abyssinian_2.jpg": flat(3, form="gif"), "images/great_pyrenees_7.jpg": flat(4)}
    write_tar(tmp_path / "images.tar.gz", {**images, "images/Abyssinian_1.mat": b""})
    lists = {
        "annotations/trainval.txt": b"great_pyrenees_10 2 2 1\nAbyssinian_1 1 1 1\n",
        "annotations/test.txt": b"Abyssinian_2 1 1 1\ngreat_pyrenees_7 2 2 1\n",
        "annotations/list.txt": b"#Image CLASS-ID SPECIES BREED ID\n",
    }
    write_tar(tmp_path / "annotations.tar.gz", lists)
    dataset = prepared("oxfordiiitpet", tmp_path, tmp_path / "out")
    assert dataset.classes == ("Abyssinian", "great_pyrenees")
    assert greys(dataset, "train") == [(1, 0), (2, 1)]
    assert greys(dataset, "test") == [(3, 0), (4, 1)]


def test_textures(tmp_path):
    classes = ("zigzagged", "banded")
    files = {f"dtd/images/{name}/{name}_000{i}.jpg": flat(10 * i + j) for j, name in enumerate(classes) for i in (1, 2)}
    for split, i in (("train", 1), ("test", 2)):
        files[f"dtd/labels/{split}1.txt"] = "".join(f"{name}/{name}_000{i}.jpg\n" for name in classes).encode()
    write_tar(tmp_path / "dtd-r1.0.1.tar.gz", files)
    dataset = prepared("dtd", tmp_path, tmp_path / "out")
    assert dataset.classes == ("banded", "zigzagged")
    assert greys(dataset, "train") == [(10, 1), (11, 0)]
    assert greys(dataset, "test") == [(20, 1), (21, 0)]
    assert dataset.record["files"]["train"]["resize"] == dataset.record["files"]["test"]["resize"] == 256
    files["dtd/labels/test1.txt"] = b"dotted/dotted_0001.jpg\n"
    write_tar(tmp_path / "dtd-r1.0.1.tar.gz", files)
    with pytest.raises(InputError, match=r"dtd-r1\.0\.1\.tar\.gz tests the class 'dotted', which is not trained on"):
        prepared("dtd", tmp_path, tmp_path / "other")


def test_scenes(tmp_path):
    files = {"SUN397/ClassName.txt": b"/a/abbey\n/u/underwater/ocean_deep\n", "SUN397/README.txt": b""}
    for place, folder in enumerate(("u/underwater/ocean_deep", "a/abbey")):
        files |= {f"SUN397/{folder}/sun_{number:03d}.jpg": flat(100 * place + number) for number in range(20)}
    write_tar(tmp_path / "SUN397.tar.gz", files)
    dataset = prepared("sun397", tmp_path, tmp_path / "out")
    assert dataset.classes == ("abbey", "underwater/ocean_deep")
    assert dataset.images("train").shape == (34, 64, 64, 3)
    assert dataset.images("test").shape == (6, 32, 32, 3)
    found = greys(dataset, "train") + greys(dataset, "test")
    assert sorted(found) == [(100 * (1 - label) + number, label) for label in (1, 0) for number in range(20)]
    assert np.bincount(dataset.labels("test")).tolist() == [3, 3]


def test_groceries(tmp_path):
    raw = tmp_path / "dataset"
    names = "Class Name (str),Class ID (int),Coarse Class Name (str),Coarse Class ID (int),Iconic Image Path (str)\n"
    rows = "Royal-Gala,0,Apple,0,/iconic\nPink-Lady,1,Apple,0,/iconic\nOatly,2,Oat-Milk,1,/iconic\n"
    for grey, name in enumerate(("train/Apple/Gala_1", "train/Oat/Oatly_1", "val/Oat/Oatly_2", "test/Oat/Oatly_3")):
        (raw / name).parent.mkdir(parents=True, exist_ok=True)
        (raw / f"{name}.jpg").write_bytes(flat(grey))
    (raw / "classes.csv").write_text(names + rows)
    (raw / "train.txt").write_text("train/Oat/Oatly_1.jpg, 2, 1\ntrain/Apple/Gala_1.jpg, 0, 0\n")
    (raw / "test.txt").write_text("test/Oat/Oatly_3.jpg, 2, 1\n")
    dataset = prepared("grocerystore", raw, tmp_path / "out")
    assert dataset.classes == ("Apple", "Oat-Milk")
    assert dataset.images("train").shape == (2, 48, 48, 3)
    assert dataset.image_size == 32
    assert greys(dataset, "train") == [(0, 0), (1, 1)]
    assert greys(dataset, "test") == [(3, 1)]
    (raw / "test.txt").write_text("test/Oat/Oatly_3.jpg\n")
    with pytest.raises(InputError, match=r"test\.txt in .* has a line other than image, class, coarse class"):
        prepared("grocerystore", raw, tmp_path / "other")
