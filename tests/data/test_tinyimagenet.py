import hashlib
import io
import zipfile
from dataclasses import replace

import pytest
from PIL import Image

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.registry import Source, get_dataset
from filterfreq.data.tinyimagenet import prepare
from filterfreq.runtime.errors import InputError

WNIDS = ("n03000000", "n01000000", "n02000000")  # not sorted, as in wnids.txt
ROOT = "tiny-imagenet-200"


def flat(grey) -> bytes:
    """A JPEG of one grey level, which it keeps."""
    buffer = io.BytesIO()
    Image.new("L" if grey % 2 else "RGB", (64, 64), grey if grey % 2 else (grey,) * 3).save(buffer, "jpeg")
    return buffer.getvalue()


def make_set(folder, stranger=None):
    """Four training and two test images of each class; an image's grey level tells which it is."""
    files = {f"{ROOT}/wnids.txt": "\n".join(WNIDS), f"{ROOT}/words.txt": "n01000000\tbird", f"{ROOT}/test/": ""}
    for place, wnid in enumerate(WNIDS):
        files[f"{ROOT}/train/{wnid}/{wnid}_boxes.txt"] = f"{wnid}_0.JPEG\t0\t0\t62\t62\n"
        for number in range(4):
            files[f"{ROOT}/train/{wnid}/images/{wnid}_{number}.JPEG"] = flat(10 * place + number)
    annotations = ""
    for number in range(6):
        wnid = WNIDS[number % 3]
        files[f"{ROOT}/val/images/val_{number}.JPEG"] = flat(100 + 10 * (number % 3) + number)
        annotations += f"val_{number}.JPEG\t{stranger or wnid}\t0\t32\t44\t62\n"
        files[f"{ROOT}/test/images/test_{number}.JPEG"] = flat(200)
    files[f"{ROOT}/val/val_annotations.txt"] = annotations
    path = folder / "tiny-imagenet-200.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    entry = get_dataset("tinyimagenet")
    checksum = "md5:" + hashlib.md5(path.read_bytes()).hexdigest()
    source = Source(path.name, entry.sources[0].urls, checksum, path.stat().st_size)
    return replace(entry, sources=(source,), train_size=12, test_size=6)


def test_every_image_and_label_arrives(tmp_path):
    prepare(tmp_path, tmp_path / "out", 0, make_set(tmp_path))
    prepared = PreparedDataset(tmp_path / "out")
    assert prepared.classes == ("n01000000", "n02000000", "n03000000")
    place = {0: 2, 1: 0, 2: 1}  # from the order of WNIDS to that of the names
    train, test = (prepared.images(split) for split in ("train", "test"))
    # Training crops are cut from the whole images, tests are on their centres.
    assert train.shape == (12, 64, 64, 3)
    assert test.shape == (6, 56, 56, 3)
    assert (train == train[:, :1, :1, :1]).all()
    assert [place[grey // 10] for grey in train[:, 0, 0, 0]] == prepared.labels("train").tolist()
    assert sorted(train[:, 0, 0, 0]) == [10 * i + number for i in range(3) for number in range(4)]
    assert [place[grey // 10 - 10] for grey in test[:, 0, 0, 0]] == prepared.labels("test").tolist()
    assert (test[:, 0, 0, 0] % 10).tolist() == prepared.array("test_order").tolist()
    assert sorted(prepared.labels("test")[:3]) == [0, 1, 2]


def test_an_annotation_of_no_class(tmp_path):
    entry = make_set(tmp_path, stranger="n09999999")
    with pytest.raises(InputError, match=r"val_annotations.txt in .*zip has the class 'n09999999', which is not"):
        prepare(tmp_path, tmp_path / "out", 0, entry)


def test_other_numbers_than_the_registry_says(tmp_path):
    entry = replace(make_set(tmp_path), train_size=100_000)
    with pytest.raises(InputError, match="tinyimagenet has 12 train images and 12 labels, but there should be 100000"):
        prepare(tmp_path, tmp_path / "out", 0, entry)
