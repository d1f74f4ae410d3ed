"""ImageNet from tiny tars in the challenge's layout, and from folders."""

import hashlib
import io
import shutil
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat
from torchvision.datasets.imagenet import parse_devkit_archive

from filterfreq.data import imagenet
from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.registry import Source, get_dataset
from filterfreq.runtime.errors import InputError

WNIDS = ("n03000000", "n01000000", "n02000000")  # in the order of the development kit's numbers
KIT = "ILSVRC2012_devkit_t12"


def jpeg(grey) -> bytes:
    buffer = io.BytesIO()
    Image.new("L" if grey % 2 else "RGB", (60, 80), grey if grey % 2 else (grey,) * 3).save(buffer, "jpeg")
    return buffer.getvalue()


def tar(files, mode="w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def kit() -> bytes:
    """Three classes and the node above them, with the columns of the real table."""
    columns = ("ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children", "wordnet_height")
    rows = [(number + 1, wnid, f"word {wnid}, other", "gloss", 0, [], 0) for number, wnid in enumerate(WNIDS)]
    rows.append((4, "n00000001", "entity", "gloss", 3, [1, 2, 3], 1))
    table = np.empty((len(rows), 1), dtype=[(name, object) for name in columns])
    for place, row in enumerate(rows):
        for name, value in zip(columns, row, strict=True):
            table[place, 0][name] = value
    buffer = io.BytesIO()
    savemat(buffer, {"synsets": table})
    truth = "".join(f"{number % 3 + 1}\n" for number in range(6))
    files = {"data/meta.mat": buffer.getvalue(), "data/ILSVRC2012_validation_ground_truth.txt": truth.encode()}
    return tar({f"{KIT}/{name}": content for name, content in {**files, "readme.txt": b""}.items()}, "w:gz")


@pytest.fixture
def raw(tmp_path):
    """Four training and two validation images of each class; a grey level tells which image it is."""
    train = {
        f"{wnid}.tar": tar({f"{wnid}_{number}.JPEG": jpeg(10 * place + number) for number in range(4)})
        for place, wnid in enumerate(WNIDS)
    }
    val = {f"ILSVRC2012_val_{number + 1:08d}.JPEG": jpeg(100 + number) for number in reversed(range(6))}
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "ILSVRC2012_img_train.tar").write_bytes(tar(train))
    (folder / "ILSVRC2012_img_val.tar").write_bytes(tar(val))
    (folder / f"{KIT}.tar.gz").write_bytes(kit())
    return folder


def entry(raw):
    """The registry's, of the tiny tars."""
    full = get_dataset("imagenet")
    sources = tuple(
        Source(source.file, (), f"md5:{hashlib.md5((raw / source.file).read_bytes()).hexdigest()}", None)
        for source in full.sources
    )
    return replace(full, sources=sources, train_size=12, test_size=6)


def check(dataset) -> None:
    assert dataset.classes == tuple(sorted(WNIDS))
    assert dataset.image_size == 224
    place = {0: 2, 1: 0, 2: 1}  # from the order of WNIDS to that of the names
    train, test = (np.asarray(dataset.images(split))[:, 0, 0, 0] for split in ("train", "test"))
    assert sorted(train) == [10 * i + number for i in range(3) for number in range(4)]
    assert [place[grey // 10] for grey in train] == dataset.labels("train").tolist()
    assert sorted(test) == list(range(100, 106))
    assert [place[(grey - 100) % 3] for grey in test.tolist()] == dataset.labels("test").tolist()
    assert sorted(dataset.labels("test")[:3]) == [0, 1, 2]


def test_tars_are_unpacked_once_and_a_folder_of_the_result_is_used_where_it_lies(raw, tmp_path):
    imagenet.prepare(raw, tmp_path / "out", 0, entry(raw))
    dataset = PreparedDataset(tmp_path / "out")
    check(dataset)
    assert dataset.record["sources"] == {source.file: source.checksum for source in entry(raw).sources}
    (unpacked,) = (tmp_path / "out" / "images").iterdir()
    assert {path.name for path in unpacked.rglob("*.tar")} == set()
    made_at = unpacked.stat().st_mtime_ns
    imagenet.prepare(raw, tmp_path / "out", 0, entry(raw))
    assert unpacked.stat().st_mtime_ns == made_at

    imagenet.prepare(unpacked, tmp_path / "other", 0, entry(raw))
    ready = PreparedDataset(tmp_path / "other")
    check(ready)
    assert not (tmp_path / "other" / "images").exists()
    assert ready.images("test").names == dataset.images("test").names


def test_the_kit_is_read_as_torchvision_does(raw, tmp_path):
    (tmp_path / f"{KIT}.tar.gz").write_bytes(kit())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torchvision.datasets.imagenet._verify_archive", lambda *_: None)
        # torchvision names no filter, of which Python 3.12 and 3.13 warn.
        if hasattr(tarfile, "data_filter"):  # from Python 3.11.4 on
            patch.setattr("tarfile.TarFile.extraction_filter", staticmethod(tarfile.data_filter), raising=False)
        parse_devkit_archive(tmp_path)
    _, expected = torch.load(tmp_path / "meta.bin", weights_only=True)
    assert imagenet._validation_classes(raw / f"{KIT}.tar.gz") == expected


def test_what_is_wrong_is_said(raw, tmp_path):
    good = entry(raw)
    with pytest.raises(InputError, match="imagenet has 12 train images and 12 labels, but there should be 1281167"):
        imagenet.prepare(raw, tmp_path / "out", 0, replace(good, train_size=1_281_167))
    (raw / "ILSVRC2012_img_val.tar").write_bytes(tar({"ILSVRC2012_val_00000001.JPEG": jpeg(0)}))
    with pytest.raises(InputError, match=r"img_val\.tar has .* bytes and not the checksum md5:"):
        imagenet.prepare(raw, tmp_path / "new", 0, good)
    with pytest.raises(InputError, match=r"img_val\.tar holds 1 images, but .*devkit_t12\.tar\.gz has classes for 6"):
        imagenet.prepare(raw, tmp_path / "new", 0, entry(raw))
    (raw / "ILSVRC2012_img_val.tar").unlink()
    with pytest.raises(InputError, match=r"img_val\.tar is missing: download it first$"):
        imagenet.prepare(raw, tmp_path / "new", 0, good)


def test_nothing_half_unpacked_is_left(raw, tmp_path):
    train = raw / "ILSVRC2012_img_train.tar"
    train.write_bytes(tar({f"{WNIDS[0]}.tar": tar({"one.JPEG": jpeg(1)}), f"{WNIDS[1]}.tar": b"damaged"}))
    with pytest.raises(InputError, match=rf"{WNIDS[1]}\.tar cannot be read \(neither tar nor zip\)"):
        imagenet.prepare(raw, tmp_path / "out", 0, entry(raw))
    assert not list((tmp_path / "out" / "images").iterdir())


def test_folders_that_do_not_fit(raw, tmp_path):
    imagenet.prepare(raw, tmp_path / "out", 0, entry(raw))
    (unpacked,) = (tmp_path / "out" / "images").iterdir()
    with pytest.raises(InputError, match=r"there should be 13: get whole copies of its folders$"):
        imagenet.prepare(unpacked, tmp_path / "other", 0, replace(entry(raw), train_size=13))
    (unpacked / "val" / WNIDS[0]).rename(unpacked / "val" / "n09999999")
    with pytest.raises(InputError, match="has 3 classes in train and 3 in val, and not the same ones"):
        imagenet.prepare(unpacked, tmp_path / "other", 0, entry(raw))


def test_validation_images_alone_keep_the_labels_of_all_classes(raw, tmp_path):
    """Of the tars without that of the training images, and of a folder with some of the images."""
    (raw / "ILSVRC2012_img_train.tar").unlink()
    found = get_dataset("imagenet", {"raw": {"imagenet": str(raw)}})
    assert (found.evaluation_only, len(found.sources)) == (True, 2)
    classes = ("n00000000", *sorted(WNIDS), "n09999999")
    sources = tuple(
        replace(source, checksum=f"md5:{hashlib.md5((raw / source.file).read_bytes()).hexdigest()}")
        for source in found.sources
    )
    imagenet.prepare(raw, tmp_path / "out", 0, replace(found, sources=sources, classes=classes, test_size=6))
    dataset = PreparedDataset(tmp_path / "out")
    assert (dataset.classes, dataset.has_split("train")) == (classes, False)
    assert sorted(dataset.labels("test")) == [1, 1, 2, 2, 3, 3]
    assert dataset.mean == get_dataset("imagenet").mean

    (unpacked,) = (tmp_path / "out" / "images").iterdir()
    shutil.rmtree(unpacked / "val" / "n01000000")
    found = get_dataset("imagenet", {"raw": {"imagenet": str(unpacked)}})
    assert (found.evaluation_only, found.sources, found.test_size) == (True, (), None)
    found = replace(found, classes=classes)
    (unpacked / "val" / "n02000000" / "one.heic").write_bytes(b"")
    imagenet.prepare(unpacked, tmp_path / "part", 0, found)
    part = PreparedDataset(tmp_path / "part")
    assert part.record["remarks"] == [
        "left out of the class folders, by suffix: 1 .heic",
        "without test images: 3 of 5 classes, n00000000, n01000000, n09999999",
    ]
    # The k-th validation image is of class k modulo 3 in WNIDS and has the grey level 100 + k.
    greys = np.asarray(part.images("test"))[:, 0, 0, 0].tolist()
    assert dict(zip(greys, part.labels("test").tolist(), strict=True)) == {100: 3, 103: 3, 102: 2, 105: 2}
    assert imagenet.describe_part(unpacked, found) == "4 of 50,000 validation images, of 2 of 5 classes"
    (unpacked / "val" / "n02000000").rename(unpacked / "val" / "cat")
    with pytest.raises(InputError, match="has a folder 'cat', which is none of imagenet's 5 classes"):
        imagenet.prepare(unpacked, tmp_path / "other", 0, found)


def test_validation_images_as_their_tar_unpacks_are_refused_with_what_to_do(tmp_path):
    for name in ("val/ILSVRC2012_val_00000001.JPEG", "val/ILSVRC2012_val_00000002.JPEG"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(jpeg(0))
    found = get_dataset("imagenet", {"raw": {"imagenet": str(tmp_path)}})
    message = (
        r"val has files and no class folders, as ILSVRC2012_img_val\.tar unpacks: put each image into a folder named"
    )
    with pytest.raises(InputError, match=message):
        imagenet.describe_part(tmp_path, found)
