import io
import pickle
import struct
import zipfile

import psutil
import pytest
import torch

from filterfreq.models.external_files import read_external_state
from filterfreq.models.pickles import refuse_costly
from filterfreq.runtime.errors import InputError


# The opcodes of pickle's protocol 2, as Lib/pickletools.py describes them.
def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value: int) -> bytes:
    if value < 2**31:
        return b"J" + struct.pack("<i", value)
    encoded = pickle.encode_long(value)
    return b"\x8a" + bytes([len(encoded)]) + encoded


def called(module: str, name: str, *arguments: bytes) -> bytes:
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n(" + b"".join(arguments) + b"tR"


def mapping(*items: bytes) -> bytes:
    return b"\x80\x02}(" + b"".join(items) + b"u."


def numbers(values) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def tensor(stored: int, size, stride, old: bool) -> bytes:
    kind = b"ctorch\nFloatStorage\n"
    storage = b"(" + text("storage") + kind + text("0") + text("cpu") + number(stored) + (b"N" if old else b"") + b"tQ"
    arguments = (storage, number(0), numbers(size), numbers(stride), b"\x89", called("collections", "OrderedDict"))
    return called("torch._utils", "_rebuild_tensor_v2", *arguments)


def file_of(content: bytes, old: bool, storage: bytes = bytes(4)) -> bytes:
    """A file as torch writes it, of one storage; the old form is one pickle after the other and then the storage."""
    if old:
        sizes = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
        before = b"".join(pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, sizes))
        return before + content + pickle.dumps(["0"], 2) + struct.pack("<q", len(storage) // 4) + storage
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, part in (("data.pkl", content), ("byteorder", "little"), ("data/0", storage), ("version", "3\n")):
            archive.writestr(f"archive/{name}", part)
    return buffer.getvalue()


KEPT = range(60)
TENFOLD = b"]q\0(" + b"K\1" * 100 + b"e"
NESTED = "holds objects within objects, more than tensors need: give a checkpoint that holds tensors alone"
CODE = "and was not loaded: give a checkpoint that holds tensors alone"
COSTLY = {
    "bytes of any number": (
        mapping(text("a"), called("builtins", "bytearray", number(2**32))),
        f"would run code (builtins.bytearray) {CODE}",
    ),
    "in Python 2": (
        mapping(text("a"), called("__builtin__", "bytearray", number(2**32))),
        f"would run code (__builtin__.bytearray) {CODE}",
    ),
    "text that doubles": (
        mapping(text("a"), called("_codecs", "encode", text("x"), text("hex"))),
        f"would run code (_codecs.encode) {CODE}",
    ),
    "control characters": (
        mapping(text("a"), called("os\x1b[2J", "sys\rtem")),
        f"would run code (os\\x1b[2J.sys\\rtem) {CODE}",
    ),
    # Each tuple holds the one before it twice; its hash would take 2^60 steps.
    "a key": (
        b"\x80\x02}N\x85q\0" + b"".join(b"h%ch%c\x86q%c" % (n, n, n + 1) for n in KEPT) + b"Ns.",
        NESTED,
    ),
    "lists of lists": (
        mapping(text("a"), TENFOLD, b"".join(b"]q%c(" % (n + 1) + b"h%c" % n * 100 + b"e" for n in range(4))),
        NESTED,
    ),
    "a list in itself": (b"\x80\x02}" + text("a") + b"]q\0" + b"h\0a" * 60 + b"s.", NESTED),
    "depth": (b"\x80\x02}N" + b"\x85" * 200_000 + b"Ns.", NESTED),
    "a long text": (b"\x80\x02}X" + struct.pack("<I", 4_000_000_000) + b"abc", "is damaged or not what it should be ("),
}


def refusal(path) -> str:
    process = psutil.Process()
    before, cpu = process.memory_info().rss, process.cpu_times().user
    with pytest.raises(InputError) as caught:
        read_external_state(path)
    assert process.memory_info().rss - before < 100 << 20
    assert process.cpu_times().user - cpu < 5
    assert str(caught.value).startswith(f"{path} ")
    return str(caught.value)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("kind", COSTLY)
def test_a_small_pickle_that_would_take_much_is_refused(tmp_path, kind, old):
    content, sentence = COSTLY[kind]
    (tmp_path / "m.pt").write_bytes(file_of(content, old))
    assert sentence in refusal(tmp_path / "m.pt")


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize(
    ("stored", "size", "stride"),
    [(2**50, [1], [1]), (1, [2**50], [1]), (1, [2**33], [0]), (1, [2**62], [0]), (1, [-5], [1]), (2**28, [1], [1])],
)
def test_a_tensor_larger_than_its_file_is_refused(tmp_path, stored, size, stride, old):
    (tmp_path / "m.pt").write_bytes(file_of(mapping(text("a"), tensor(stored, size, stride, old)), old))
    said = refusal(tmp_path / "m.pt")
    assert "is damaged or not what it should be (RuntimeError: " in said or "more than the file can hold" in said


@pytest.mark.parametrize("old", [False, True])
def test_what_these_tests_write_is_what_torch_reads(tmp_path, old):
    content = mapping(text("a"), tensor(2, [2], [1], old))
    (tmp_path / "m.pt").write_bytes(file_of(content, old, struct.pack("<2f", 1.5, -2)))
    assert read_external_state(tmp_path / "m.pt")[0]["a"].tolist() == [1.5, -2]


def test_a_compressed_file_of_torchs_is_refused(tmp_path):
    torch.save({"a": torch.zeros(1 << 20)}, tmp_path / "m.pt")
    with (
        zipfile.ZipFile(tmp_path / "m.pt") as archive,
        zipfile.ZipFile(tmp_path / "n.pt", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for member in archive.infolist():
            packed.writestr(member.filename, archive.read(member))
    assert refusal(tmp_path / "n.pt").endswith(
        "unpacks to more than it is large: give a checkpoint that holds tensors alone, as "
        "torch.save(model.state_dict(), FILE) writes it"
    )


@pytest.mark.parametrize("kind", ["key is a number", "sparse", "no data"])
def test_what_is_no_name_and_tensor_is_refused(tmp_path, kind):
    value = torch.ones(2)
    state = {"key is a number": {5: value}, "sparse": {"a": value.to_sparse()}, "no data": {"a": value.to("meta")}}[
        kind
    ]
    torch.save(state, tmp_path / "m.pt")
    said = refusal(tmp_path / "m.pt")
    assert (
        "and no state dict: give the model's tensors by their names" in said
        or "would run code (torch._utils._rebuild_" in said
    )


@pytest.mark.parametrize("old", [False, True])
def test_a_checkpoint_of_a_training_is_read(tmp_path, old):
    """With all that people keep in one: optimizer, schedule, random state, settings."""
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.rand(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5])
    settings = {"epochs": 3, "types": {1, 2}, "dtype": torch.bfloat16, "device": torch.device("cpu"), "pair": (1, 2.5)}
    content = {
        "state_dict": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "parameters": list(model.parameters()),
        "random": torch.get_rng_state(),
        "size": torch.Size([1, 2]),
        "history": [[epoch, 0.5] for epoch in range(1000)],
        **settings,
    }
    torch.save(content, tmp_path / "m.pt", _use_new_zipfile_serialization=not old)
    refuse_costly(tmp_path / "m.pt")
    state, _ = read_external_state(tmp_path / "m.pt")
    assert state.keys() == model.state_dict().keys()
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in state.items())


@pytest.mark.parametrize("old", [True, False])
def test_a_tensor_that_was_on_a_gpu_is_read(tmp_path, old):
    """Its storage has a type of torch.cuda in some files, which torch's own reader takes too."""
    content = mapping(text("a"), tensor(1, [1], [1], old)).replace(b"ctorch\nFloat", b"ctorch.cuda\nFloat")
    assert b"torch.cuda" in content
    (tmp_path / "a.pt").write_bytes(file_of(content, old, struct.pack("<f", 1.5)))
    assert read_external_state(tmp_path / "a.pt")[0]["a"].tolist() == [1.5]
