"""Small valid files, changed at random: each is read, or refused in one sentence, with little memory and time."""

import gzip
import hashlib
import io
import socket
import tarfile
import threading
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import psutil
import pytest
import safetensors.torch
import torch
from PIL import Image
from scipy.io import savemat

from filterfreq.data.archives import list_files, read_files, unpack
from filterfreq.data.download import download
from filterfreq.data.images import decode_image
from filterfreq.data.mnist import read_idx
from filterfreq.data.registry import Source, get_dataset, prepare_dataset
from filterfreq.evaluation.corruptions.published import _array
from filterfreq.evaluation.filters.onnx_file import read_layers
from filterfreq.models.external_files import read_external_state
from filterfreq.models.pretrained import convert_checkpoint
from filterfreq.models.registry import build
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.text import LONGEST, is_one_line

CHANGES = 200  # of each file
MEMORY = 500 << 20  # bytes more than before
SECONDS = 20  # of the processor, for all of them


def changed(content: bytes, rng: np.random.Generator) -> bytes:
    """A file with some bits flipped, or a part cut out, inserted, doubled, exchanged, or made zeros."""
    made = bytearray(content)
    start = int(rng.integers(len(made)))
    length = int(rng.choice([1, 2, 4, 8, 64, 512, 600]))
    match int(rng.integers(7)):
        case 0 | 1:
            for place in rng.integers(8 * len(made), size=int(rng.integers(1, 6))).tolist():
                made[place // 8] ^= 1 << place % 8
        case 2:
            del made[start:]
        case 3:
            del made[start : start + length]
        case 4:
            made[start:start] = rng.bytes(length)
        case 5:
            made[start:start] = made[start : start + length]
        case 6:
            end = min(start + length, len(made))
            made[start:end] = (bytes, lambda count: b"\xff" * count)[int(rng.integers(2))](end - start)
    return bytes(made)


def picture(kind: str, mode: str = "RGB", **options) -> bytes:
    values = np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(values).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def archive(kind: str) -> bytes:
    files = {f"{name}/{number}.png": picture("PNG") for name in ("ant", "bee") for number in range(2)}
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
            for name, content in files.items():
                opened.writestr(name, content)
    else:
        with tarfile.open(fileobj=buffer, mode=f"w:{kind}") as opened:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                opened.addfile(member, io.BytesIO(content))
            member = tarfile.TarInfo("cät/linked.png")
            member.type, member.linkname = tarfile.SYMTYPE, "../ant/0.png"
            opened.addfile(member)
    return buffer.getvalue()


def read_archive(path: Path) -> None:
    names = list_files(path)
    assert sorted(name for name, _ in read_files(path)) == names
    unpack(path, path.with_name("unpacked"))


def written(save: Callable, *arguments, **options) -> bytes:
    buffer = io.BytesIO()
    save(*(buffer if argument is ... else argument for argument in arguments), **options)
    return buffer.getvalue()


MODEL = build("resnet_8_2", 10).state_dict()
TENSORS = {"state_dict": {"module.a": torch.arange(6.0).reshape(2, 3), "module.b": torch.ones(2)}, "epoch": 3}
IDX = b"\0\0\x08\x03" + (3).to_bytes(4, "big") * 3 + bytes(range(27))
DIGITS = {"X": np.zeros((32, 32, 3, 4), dtype=np.uint8), "y": np.ones((4, 1), dtype=np.uint8)}


def read_image(path: Path) -> None:
    assert decode_image(path.read_bytes(), str(path), 16).shape == (16, 16, 3)


def read_array(path: Path) -> None:
    _array(path.read_bytes(), str(path))


def read_checkpoint(path: Path) -> None:
    for tensor in read_external_state(path)[0].values():
        tensor.clone()


def convert(path: Path) -> None:
    source = {"source": "file", "path": str(path), "architecture": "resnet_8_2", "normalisation": "none"}
    convert_checkpoint(source, path.parent, 10, (0, 0, 0), (1, 1, 1))


def prepare(name: str, first: bool = True):
    """Prepare a data set of the registry from a raw file that is changed, and whose checksum is right all the same."""

    def read(path: Path) -> None:
        entry = get_dataset(name)
        source = entry.sources[0]
        (path.parent / source.file).write_bytes(path.read_bytes())
        checksum = f"md5:{hashlib.md5(path.read_bytes()).hexdigest()}"
        sources = tuple(replace(each, file=source.file, checksum=checksum) for each in entry.sources)
        prepare_dataset(replace(entry, sources=sources, train_size=4, test_size=4), path.parent, path.parent / "out", 0)

    return read


def cifar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as opened:
        for name in ("train", "test"):
            content = bytes(4 * (2 + 3072))
            member = tarfile.TarInfo(f"cifar-100-binary/{name}.bin")
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def torchscript() -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return written(torch.jit.save, torch.jit.trace(torch.nn.Linear(2, 3), torch.ones(1, 2)), ...)


def onnx_model() -> bytes:
    tensors = [onnx.numpy_helper.from_array(np.ones((4, 3, 3, 3), np.float32), "w")]
    tensors += [onnx.numpy_helper.from_array(np.ones(4, np.float32), name) for name in "abcd"]
    nodes = [
        onnx.helper.make_node("Conv", ["x", "w"], ["y"]),
        onnx.helper.make_node("BatchNormalization", ["y", *"abcd"], ["z"]),
    ]
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in "xz"]
    return onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors)).SerializeToString()


DOORS = {
    **{f"tar.{kind}" if kind else "tar": (archive(kind), read_archive) for kind in ("", "gz", "bz2", "xz")},
    "zip": (archive("zip"), read_archive),
    "png": (picture("PNG"), read_image),
    "png of a palette": (picture("PNG", "P", bits=8), read_image),
    "jpg": (picture("JPEG"), read_image),
    "progressive jpg": (picture("JPEG", progressive=True), read_image),
    "gif": (picture("GIF"), read_image),
    "bmp": (picture("BMP"), read_image),
    "ppm": (picture("PPM"), read_image),
    "webp": (picture("WEBP"), read_image),
    "tif": (picture("TIFF"), read_image),
    "compressed tif": (picture("TIFF", compression="tiff_deflate"), read_image),
    "mpo": (picture("MPO"), read_image),
    "pt": (written(torch.save, TENSORS, ...), read_checkpoint),
    "old pt": (written(torch.save, TENSORS, ..., _use_new_zipfile_serialization=False), read_checkpoint),
    "torchscript pt": (torchscript(), read_checkpoint),
    "safetensors": (safetensors.torch.save({"a": torch.ones(2, 3), "b": torch.ones(2)}), read_checkpoint),
    "model.pt": (written(torch.save, MODEL, ...), convert),
    "model.safetensors": (safetensors.torch.save(MODEL), convert),
    "npy": (written(np.save, ..., np.arange(12).reshape(3, 4)), read_array),
    "idx": (IDX, read_idx),
    "idx.gz": (gzip.compress(IDX, mtime=0), read_idx),
    "mat": (written(savemat, ..., DIGITS, do_compression=True), prepare("svhn")),
    "uncompressed mat": (written(savemat, ..., DIGITS), prepare("svhn")),
    "cifar.tar.gz": (cifar(), prepare("cifar100")),
    "onnx": (onnx_model(), read_layers),
}


def said(read: Callable, *arguments) -> str | None:
    """Return the sentence that refuses, if one does."""
    try:
        read(*arguments)
    except InputError as refusal:
        return str(refusal)
    return None


@pytest.mark.parametrize("door", DOORS)
def test_what_is_changed_at_random_is_read_or_refused(tmp_path, door):
    content, read = DOORS[door]
    rng = np.random.default_rng(0)
    process = psutil.Process()
    memory, seconds = process.memory_info().rss, process.cpu_times().user
    refused = 0
    for number in range(-1, CHANGES):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = folder / f"x.{door.rpartition(' ')[2]}"
        # The first as it is, or what follows would say nothing.
        path.write_bytes(changed(content, rng) if number >= 0 else content)
        sentence = said(read, path)
        assert sentence is None or (number >= 0 and is_one_line(sentence) and len(sentence) <= LONGEST), number
        refused += sentence is not None
    assert refused > 0
    assert process.memory_info().rss - memory < MEMORY
    assert process.cpu_times().user - seconds < SECONDS


ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Type: application/octet-stream\r\nConnection: close\r\n\r\n"
    + bytes(1000)
)
ANSWERS = {
    "whole": ANSWER,
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + bytes(1000) + b"\r\n0\r\nX: y\r\n\r\n",
    "moved": b"HTTP/1.1 302 Found\r\nLocation: /file?a=b#c\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ANSWERS)
def test_answers_that_are_changed_at_random_are_a_file_or_refused(tmp_path, kind):
    rng = np.random.default_rng(0)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1 << 16)
                    connection.sendall(answers[0])

        threading.Thread(target=serve, daemon=True).start()
        source = Source("file", (f"http://127.0.0.1:{server.getsockname()[1]}/file",), "md5:00", 1000)
        for _ in range(CHANGES):
            answers = [changed(ANSWERS[kind], rng)]
            sentence = said(lambda: download(source, tmp_path / "file", timeout=(0.5, 0.5), backoff=0.0001))
            assert sentence is not None  # no content has this checksum
            assert is_one_line(sentence)
            assert len(sentence) <= LONGEST
        server.shutdown(socket.SHUT_RDWR)
