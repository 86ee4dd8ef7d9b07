"""Mach-O files and images: look-ups against llvm-symbolizer's, headers and unwind tables against llvm-objdump's."""

import json
import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mdmp.binary.window import Window, map_file
from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.macho import MachO, is_macho, open_file, slices
from mdmp.formats.macho.unwind_info import UnwindInfo

IMAGES = ("frames amd64", "libframes.dylib amd64", "libframes.dylib arm64")


@pytest.fixture(scope="module")
def macos(data: Path) -> Path:
    return data / "macos"


@pytest.fixture(scope="module")
def expected(macos: Path) -> dict[str, Any]:
    table: dict[str, Any] = json.loads((macos / "expected.json").read_text())
    return table


@pytest.fixture(scope="module")
def image(macos: Path) -> Callable[[str], MachO]:
    def image(name: str) -> MachO:
        file, cpu = name.split()
        return open_file(map_file(macos / file), cpu)

    return image


def with_dsym(macos: Path, name: str, macho: MachO) -> MachO:
    file, cpu = name.split()
    macho.debug = open_file(map_file(macos / f"{file}.dSYM/Contents/Resources/DWARF/{file}"), cpu)
    return macho


@pytest.mark.parametrize("name", IMAGES)
def test_every_address(macos: Path, expected: dict[str, Any], image: Callable[[str], MachO], name: str) -> None:
    macho = with_dsym(macos, name, image(name))
    texts, table = expected["texts"], expected[name]
    known = {at: frames for start, end, frames in table["lookups"] for at in range(start, end)}
    for address in range(*table["code"]):
        found = [(f.linkage_name or f.function, f.file or "", f.line or 0) for f in macho.lookup(address)]
        want = [(texts[function], texts[file], line) for function, file, line in known.get(address, ())]
        assert found == want, hex(address)
    assert macho.issues.freeze() == macho.debug.issues.freeze() == ()


@pytest.mark.parametrize("name", IMAGES)
def test_symbols_alone(expected: dict[str, Any], image: Callable[[str], MachO], name: str) -> None:
    macho = image(name)
    table = expected[name]
    names = {at: symbol for start, end, symbol in table["symbols"] for at in range(start, end)}
    for address in range(*table["code"]):
        symbol = macho.symbol(address)
        assert symbol is not None
        assert symbol.name.removeprefix("_") == names[address]
        assert symbol.address <= address < symbol.address + symbol.size
        (frame,) = macho.lookup(address)
        assert (frame.function, frame.source, frame.file) == (symbol.name.removeprefix("_"), "symtab", None)
    assert macho.symbol(table["code"][1]) is None
    assert macho.lookup(table["code"][0] - 1) == ()


@pytest.mark.parametrize("name", IMAGES)
def test_headers(expected: dict[str, Any], image: Callable[[str], MachO], name: str) -> None:
    macho = image(name)
    table = expected[name]
    assert macho.machine == name.split()[1]
    assert macho.uuid is not None
    assert macho.uuid.hex().upper() == table["uuid"].replace("-", "")
    assert macho.build is not None
    assert tuple(macho.build) == ("macos", "11.0", "11.0")
    assert macho.load_address == (0x100000000 if name.startswith("frames") else 0)
    assert macho.commands.install_name == (None if name.startswith("frames") else "@rpath/libframes.dylib")
    start, end = table["code"]
    assert macho.executable(start)
    assert macho.executable(end - 1)
    assert not macho.executable(end)
    assert not macho.executable(macho.load_address)
    assert start in macho.function_starts


@pytest.mark.parametrize("name", IMAGES)
def test_unwind_entries(expected: dict[str, Any], image: Callable[[str], MachO], name: str) -> None:
    macho = image(name)
    table = expected[name]
    start, end = (at - macho.load_address for at in table["code"])
    rows = [*table["unwind"], [end, 0]]
    for (at, encoding), (after, _) in pairwise(rows):
        for rva in (at, at + 1, after - 1):
            entry = macho.unwind_entry(rva)
            assert entry is not None
            assert entry[:3] == (at, after, encoding)
            assert entry.function[0] <= rva < entry.function[1]
    assert macho.unwind_entry(start - 1) is None
    assert macho.unwind_entry(end) is None


def test_dwarf_entries_by_offset(image: Callable[[str], MachO], expected: dict[str, Any]) -> None:
    name = "libframes.dylib arm64"
    macho = image(name)
    dwarf = [at for at, encoding in expected[name]["unwind"] if encoding >> 24 == 3]
    assert len(dwarf) > 10
    for at in dwarf:
        row = macho.row(at)
        assert row is not None
        assert row.start == at


class Memory:
    """An image as the loader lays it out; `missing` are linked addresses [start, end) that a dump left out."""

    def __init__(self, macho: MachO, raw: Window, missing: tuple[int, int] = (0, 0)) -> None:
        self.base = macho.load_address
        size = max(s.address + s.size for s in macho.segments) - self.base
        self.data = bytearray(size)
        self.missing = missing
        for s in macho.segments:
            if s.file_size:
                at = s.address - self.base
                self.data[at : at + s.file_size] = raw.read(s.offset, s.file_size)

    def read(self, rva: int, size: int) -> bytes:
        start = rva + self.base
        if start < self.missing[1] and start + size > self.missing[0]:
            raise MemoryUnavailable(start, size)
        if rva < 0 or rva + size > len(self.data):
            raise FormatError("memory", "out of bounds", rva)
        return bytes(self.data[rva : rva + size])


@pytest.mark.parametrize("name", IMAGES)
def test_image_in_memory(macos: Path, expected: dict[str, Any], image: Callable[[str], MachO], name: str) -> None:
    macho = image(name)
    file, cpu = name.split()
    raw = next(part.window for part in slices(map_file(macos / file)) if part.machine == cpu)
    loaded = MachO.in_memory(Memory(macho, raw))
    assert loaded.uuid == macho.uuid
    for address in range(*expected[name]["code"]):
        rva = address - macho.load_address
        assert loaded.symbol(address) == macho.symbol(address)
        assert loaded.unwind_entry(rva) == macho.unwind_entry(rva)
        assert loaded.row(address) == macho.row(address)
    linkedit = next(s for s in macho.segments if s.name == "__LINKEDIT")
    parts = MachO.in_memory(Memory(macho, raw, (linkedit.address, linkedit.address + linkedit.size)))
    start = expected[name]["code"][0]
    assert parts.symbol(start) is None
    entry, whole = parts.unwind_entry(start - macho.load_address), macho.unwind_entry(start - macho.load_address)
    assert entry is not None
    assert whole is not None
    assert entry[:3] == whole[:3]
    assert parts.issues.freeze()


def test_universal(macos: Path) -> None:
    window = map_file(macos / "libframes.dylib")
    parts = slices(window)
    assert [part.machine for part in parts] == ["amd64", "arm64"]
    for part in parts:
        uuid = MachO.in_file(part.window).uuid
        assert open_file(window, uuid=uuid).machine == part.machine
        assert open_file(window, part.machine).uuid == uuid
    assert open_file(window).machine == "amd64"
    assert open_file(window, "arm").machine == "amd64"
    assert open_file(window, uuid=bytes(16)).uuid != bytes(16)
    assert is_macho(window)
    assert not is_macho(Window(bytes.fromhex("cafebabe00000041"), "Java.class"))
    assert not is_macho(Window(b"\xcf\xfa", "short"))


def fat64(*parts: tuple[int, bytes]) -> bytes:
    out = struct.pack(">II", 0xCAFEBABF, len(parts))
    at = 8 + 32 * len(parts)
    for cpu, raw in parts:
        out += struct.pack(">IIQQII", cpu, 0, at, len(raw), 0, 0)
        at += len(raw)
    return out + b"".join(raw for _, raw in parts)


def test_64_bit_universal(macos: Path) -> None:
    raw = (macos / "frames").read_bytes()
    old = struct.pack("<7I", 0xFEEDFACE, 7, 3, 2, 0, 0, 0)
    file = Window(fat64((7, old), (0x01000007, raw)), "both")
    assert [part.machine for part in slices(file)] == ["x86", "amd64"]
    assert open_file(file).machine == "amd64"
    with pytest.raises(FormatError, match=r"32-bit .x86."):
        open_file(Window(fat64((7, old)), "old"))


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (struct.pack("<II", 0xFEEDFACE, 7), "32-bit .x86."),
        (struct.pack("<II", 0xFEEDFACE, 12), "32-bit .arm."),
        (struct.pack("<II", 0xFEEDFACE, 0x0200000C), "32-bit .arm64_32."),
        (struct.pack(">II", 0xFEEDFACF, 0x01000012), "big-endian"),
        (b"\x7fELF\2\1\1\0", "expected 0xfeedfacf"),
    ],
)
def test_not_read(head: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        MachO.in_file(Window(head.ljust(32, b"\0"), "other"))


def test_stripped_names_leave_gaps(macos: Path) -> None:
    """A function whose name was stripped is not taken for the one before it: the function starts tell."""
    raw = bytearray((macos / "frames").read_bytes())
    macho = MachO.in_file(Window(bytes(raw), "whole"))
    symtab = macho.commands.symtab
    assert symtab is not None
    starts = macho.function_starts
    third = macho.symbol(starts[2])
    assert third is not None
    for i in range(symtab.nsyms):
        at = symtab.symoff + 16 * i
        if struct.unpack_from("<Q", raw, at + 8)[0] == third.address:
            raw[at + 4] = 0x64  # N_SO, as a stab
    stripped = MachO.in_file(Window(bytes(raw), "stripped"))
    assert stripped.symbol(starts[2]) is None
    assert stripped.symbol(starts[3] - 1) is None
    before = stripped.symbol(starts[2] - 1)
    assert before is not None
    assert before.address + before.size == starts[2]
    assert stripped.symbol(starts[3]) == macho.symbol(starts[3])


def test_regular_pages() -> None:
    """Pages that spell out every entry, as linkers write them where encodings differ much, and one of each kind."""
    regular = struct.pack("<IHH", 2, 8, 3) + struct.pack("<6I", 0x1000, 1, 0x1010, 2, 0x1080, 3)
    compressed = struct.pack("<IHHHH", 3, 12, 3, 24, 1)
    compressed += struct.pack("<III", 0x00000000, 0x01000010, 0x02000020) + struct.pack("<I", 0x33)
    common = struct.pack("<II", 0x11, 0x22)
    index_at = 28 + len(common)
    pages = index_at + 36
    header = struct.pack("<7I", 1, 28, 2, 0, 0, index_at, 3)
    index = struct.pack("<9I", 0x1000, pages, 0, 0x2000, pages + len(regular), 0, 0x2100, 0, 0)
    info = UnwindInfo(Window(header + common + index + regular + compressed, "unwind_info"))
    assert info.find(0xFFF) is None
    assert info.find(0x1000) == (0x1000, 0x1010, 1)
    assert info.find(0x107F) == (0x1010, 0x1080, 2)
    assert info.find(0x1FFF) == (0x1080, 0x2000, 3)
    assert info.find(0x2000) == (0x2000, 0x2010, 0x11)
    assert info.find(0x2010) == (0x2010, 0x2020, 0x22)
    assert info.find(0x20FF) == (0x2020, 0x2100, 0x33)
    assert info.find(0x2100) is None
