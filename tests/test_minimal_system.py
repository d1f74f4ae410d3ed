"""The environment needs no library that a minimal system lacks: `make` asks for Python, git and make alone."""

import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import PIL
import pytest
import torch

# glibc, and what Debian's package manager and Python themselves are linked to.
GLIBC = {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1"}
LOADERS = {"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
MINIMAL = GLIBC | LOADERS | {"libgcc_s.so.1", "libstdc++.so.6", "libz.so.1"}

# Loaded by name where it serves and passed over elsewhere: what loads it, and what it may need.
OPTIONAL = {
    # torch, once it computes on a GPU; comes with NVIDIA's driver.
    "torch/lib/libcaffe2_nvrtc.so": {"libcuda.so.1"},
    # cuFile and NVSHMEM, for the network that joins several nodes with GPUs, or for the launcher that started them.
    "nvidia/cu*/lib/libcufile_rdma.so.*": {"libibverbs.so.1", "libmlx5.so.1", "librdmacm.so.1"},
    "nvidia/nvshmem/lib/nvshmem_transport_*.so.*": {"libfabric.so.1", "libmlx5.so.1", "libucp.so.0", "libucs.so.0"},
    "nvidia/nvshmem/lib/nvshmem_bootstrap_*.so.*": {"libmpi.so.40", "liboshmem.so.40", "libpmix.so.2"},
    # numba, for its parallel loops, of which nothing here has any.
    "numba/np/ufunc/omppool.*.so": {"libgomp.so.1", "libgomp.so.1.0.0"},
    "numba/np/ufunc/tbbpool.*.so": {"libtbb.so.12"},
}

ELF, LOAD, DYNAMIC = b"\x7fELF", 1, 2
END, NEEDED, STRINGS = 0, 1, 5

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems' libraries are not in ELF files")


class Segment(NamedTuple):
    """An entry of the program header of a 64-bit ELF file (elf(5), Elf64_Phdr)."""

    type: int
    flags: int
    offset: int
    address: int
    physical: int
    size: int
    size_in_memory: int
    alignment: int


def machine(path: str | Path) -> bytes | None:
    """An ELF file's word size, byte order and processor; None of another file."""
    with open(path, "rb") as file:
        start = file.read(20)
    return start[4:6] + start[18:20] if start.startswith(ELF) else None


def needed_libraries(path: Path) -> list[str]:
    """The libraries that a 64-bit little-endian ELF file asks the loader for, DT_NEEDED (elf(5))."""
    with open(path, "rb") as file:
        header = file.read(64)
        (start,) = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        file.seek(start)
        table = file.read(size * count)
        segments = [Segment(*struct.unpack_from("<IIQQQQQQ", table, size * place)) for place in range(count)]
        entries = []
        for segment in segments:
            if segment.type == DYNAMIC:
                file.seek(segment.offset)
                entries = list(struct.iter_unpack("<QQ", file.read(segment.size // 16 * 16)))
        entries = entries[: [tag for tag, _ in entries].index(END)] if entries else []
        addresses = [value for tag, value in entries if tag == STRINGS]
        # The dynamic section tells addresses, and the segment that holds one, where that is in the file.
        strings = [
            address - segment.address + segment.offset
            for address in addresses
            for segment in segments
            if segment.type == LOAD and segment.address <= address < segment.address + segment.size
        ]
        names = []
        for tag, place in entries:
            if tag == NEEDED:
                file.seek(strings[0] + place)
                names.append(file.read(256).partition(b"\0")[0].decode())
        return names


def missing_libraries(folder: Path) -> Iterator[str]:
    """What the programs and libraries of a folder need and neither it nor a minimal system has, by file."""
    mine = machine(sys.executable)
    files = [path for path in folder.rglob("*") if path.is_file()]
    there = {path.name for path in files} | MINIMAL
    for path in files:
        # Some packages bring programs for several processors.
        if path.is_symlink() or machine(path) != mine:
            continue
        name = path.relative_to(folder).as_posix()
        excused = set().union(*(libraries for pattern, libraries in OPTIONAL.items() if fnmatch(name, f"*/{pattern}")))
        for library in needed_libraries(path):
            if library not in there and library not in excused:
                yield f"{name} needs {library}"


@pytest.mark.slow
@on_linux
@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="the packages are not in an environment of their own")
def test_no_package_needs_more_than_a_minimal_system_has():
    assert not list(missing_libraries(Path(sys.prefix)))


@on_linux
def test_what_is_missing_is_seen():
    # A wheel that was repaired for Linux has the libraries that it needs in a folder beside it (PEP 600's auditwheel).
    library = Path(PIL.__file__).parent
    beside = {path.name for path in library.with_name("pillow.libs").iterdir()}
    found = {line.rpartition(" ")[2] for line in missing_libraries(library)}
    assert {name.partition("-")[0] for name in found} >= {"libjpeg", "libtiff", "libfreetype"}
    assert found <= beside


@on_linux
@pytest.mark.skipif(not shutil.which("readelf"), reason="there is no readelf (binutils) to compare with")
def test_needs_are_those_that_readelf_shows():
    libraries = [*Path(torch.__file__).parent.glob("lib/*.so"), *Path(PIL.__file__).parent.glob("*.so")]
    for file in [Path(sys.executable), *libraries]:
        shown = subprocess.run(["readelf", "--dynamic", file], capture_output=True, text=True, check=True).stdout
        assert needed_libraries(file) == re.findall(r"\(NEEDED\).*\[(.+)\]", shown), file
