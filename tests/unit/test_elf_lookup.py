"""Look-ups in ELF files against llvm-symbolizer's answers, and what the headers say."""

import json
import re
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from mdmp.binary.window import Window, map_file
from mdmp.errors import FormatError
from mdmp.formats.elf.elf import Elf, ElfFrame
from mdmp.formats.elf.header import is_elf
from mdmp.formats.elf.loaded import LoadedElf

CLONE = re.compile(r"(\.(isra|part|constprop|cold))+(\.\d+)*$")


@pytest.fixture(scope="module")
def linux(data: Path) -> Path:
    return data / "linux"


@pytest.fixture(scope="module")
def expected(linux: Path) -> dict[str, Any]:
    table: dict[str, Any] = json.loads((linux / "expected.json").read_text())
    return table


def same(frame: ElfFrame, name: str, file: str, line: int) -> bool:
    """llvm-symbolizer takes the symbol table's name, with what GCC adds for copies of a function."""
    name = CLONE.sub("", name)
    scoped = frame.function or ""
    named = name in (CLONE.sub("", frame.linkage_name or ""), scoped) or (
        not frame.linkage_name and scoped.endswith(f"::{name}")
    )
    return named and (frame.line or 0) == line and (not line or frame.file == file)


LOOKUPS = (
    *("clang5_amd64", "clang4_amd64", "clang5_arm64", "clang4_arm", "clang5_x86"),
    *("gcc5_amd64", "gcc4_amd64", "gcc2_amd64", "gcc64bit_amd64", "types_amd64", "split_amd64"),
)


def check(elf: Elf, texts: list[str], lookups: list[Any]) -> None:
    at = lookups[0][0]
    for start, end, frames in lookups:
        for address in range(at, start):
            assert elf.lookup(address) == (), hex(address)
        at = end
        for address in range(start, end):
            found = elf.lookup(address)
            assert len(found) == len(frames), hex(address)
            for mine, (name, file, line) in zip(found, frames, strict=True):
                assert same(mine, texts[name], texts[file], line), (hex(address), mine, texts[name], line)
            assert [frame.inline for frame in found] == [True] * (len(found) - 1) + [False]


@pytest.mark.parametrize("program", LOOKUPS)
def test_every_address(linux: Path, expected: dict[str, Any], program: str) -> None:
    elf = Elf(map_file(linux / program))
    check(elf, expected["texts"], expected[program]["lookups"])
    if program != "split_amd64":
        assert elf.issues.freeze() == ()


def test_zstd(linux: Path, expected: dict[str, Any]) -> None:
    elf = Elf(map_file(linux / "zstd_amd64"))
    if sys.version_info >= (3, 14):
        check(elf, expected["texts"], expected["clang5_amd64"]["lookups"])
    else:
        found = elf.lookup(expected["clang5_amd64"]["lookups"][0][0])
        assert found[-1].source == "symtab"
        assert "zstd" in elf.issues.freeze()[0].problem


def test_separate_debug_file(linux: Path, expected: dict[str, Any]) -> None:
    debug = map_file(linux / "gcc5_amd64.debug")
    elf = Elf(map_file(linux / "gcc5_amd64.stripped"), Elf(debug))
    assert elf.debug and elf.build_id == elf.debug.build_id == Elf(map_file(linux / "gcc5_amd64")).build_id
    assert elf.debug_link and elf.debug_link.name == "gcc5_amd64.debug"
    assert elf.debug_link.crc == zlib.crc32(debug.tobytes())
    check(elf, expected["texts"], expected["gcc5_amd64"]["lookups"])


def test_stripped(linux: Path) -> None:
    elf = Elf(map_file(linux / "gcc5_amd64.stripped"))
    full = Elf(map_file(linux / "gcc5_amd64"))
    run = next(frame for a in range(*elf.code[-1]) for frame in elf.lookup(a) if frame.function == "run")
    assert run.source == "dynsym" and run.start is not None
    assert run == full.lookup(run.start)[-1]._replace(file=None, line=None, source="dynsym")


def test_mini_debug_information(linux: Path) -> None:
    elf, full = Elf(map_file(linux / "mini_amd64")), Elf(map_file(linux / "clang4_amd64"))
    local = [a for a in range(*full.code[0]) if (found := full.lookup(a)) and found[-1].linkage_name == "_ZL8complainl"]
    assert local
    for address in local:
        (frame,) = elf.lookup(address)
        assert (frame.linkage_name, frame.start, frame.source) == ("_ZL8complainl", local[0], "debugdata")


def test_scopes_where_there_is_no_linkage_name(linux: Path) -> None:
    elf = Elf(map_file(linux / "gcc4_amd64"))
    frames = {frame.function: frame for a in range(*elf.code[0]) for frame in elf.lookup(a)}
    inner = frames["(anonymous namespace)::Hidden::inlined"]
    assert (inner.inline, inner.linkage_name) == (True, None)
    # GCC gives static functions no linkage name, the symbol table has it.
    outer = frames["(anonymous namespace)::local"]
    assert (outer.inline, outer.linkage_name) == (False, "_ZN12_GLOBAL__N_15localEl")
    assert frames["depth_three"].linkage_name is None


def test_split_dwarf_is_told(linux: Path) -> None:
    elf = Elf(map_file(linux / "split_amd64"))
    elf.lookup(elf.code[0][0])
    assert any("shapes.dwo" in issue.problem for issue in elf.issues.freeze())


def test_supplementary_file(linux: Path) -> None:
    whole = Elf(map_file(linux / "gcc2_amd64"))
    elf, alone = (Elf(map_file(linux / "dwz_amd64.debug")) for _ in range(2))
    common = Elf(map_file(linux / "dwz_common.debug"))
    link = elf.supplementary_link
    assert link and (link.path, link.build_id) == ("dwz_common.debug", common.build_id)
    elf.supply(common)
    for address in range(*whole.code[-1]):
        assert elf.lookup(address) == whole.lookup(address)
        assert [f.line for f in alone.lookup(address)] == [f.line for f in whole.lookup(address)]
    assert elf.issues.freeze() == ()
    assert [issue.problem for issue in alone.issues.freeze()] == [
        "names are in a supplementary file (.gnu_debugaltlink), which is not at hand"
    ]


def test_headers(linux: Path) -> None:
    machines = {"clang5_amd64": "amd64", "clang5_arm64": "arm64", "clang4_arm": "arm", "clang5_x86": "x86"}
    for program, machine in machines.items():
        elf = Elf(map_file(linux / program))
        assert elf.machine == machine
        assert elf.header.bits == (64 if "64" in machine else 32)
        assert elf.build_id and len(elf.build_id) == 20
        assert elf.type == (3 if program.startswith("clang5_a") else 2)
        assert elf.load_address == (0 if elf.type == 3 else elf.load_address)
    assert not is_elf(Window(b"MZ\0\0", "other"))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "end"),
        (b"MZ" + bytes(62), "expected 7f 45 4c 46"),
        (b"\x7fELF\x02\x02\x01" + bytes(57), "big-endian"),
        (b"\x7fELF\x03\x01\x01" + bytes(57), "not defined"),
        (b"\x7fELF\x02\x01\x01" + bytes(40), "end"),
    ],
)
def test_not_usable(raw: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        Elf(Window(raw, "file"))


class Memory:
    """An image laid out as the loader does it."""

    def __init__(self, elf: Elf) -> None:
        loads = [segment for segment in elf.segments if segment.type == 1]
        end = max(segment.address + segment.memory_size for segment in loads)
        self.bytes = bytearray(end - elf.load_address)
        for segment in loads:
            at = segment.address - elf.load_address
            self.bytes[at : at + segment.file_size] = elf.window.read(segment.offset, segment.file_size)

    def read(self, rva: int, size: int) -> bytes:
        if rva < 0 or rva + size > len(self.bytes):
            raise FormatError("memory", "out of bounds", rva)
        return bytes(self.bytes[rva : rva + size])


@pytest.mark.parametrize("program", ["gcc5_amd64", "clang5_arm64", "clang5_x86"])
def test_image_in_memory(linux: Path, program: str) -> None:
    elf = Elf(map_file(linux / program))
    loaded = LoadedElf(Memory(elf), 0x7F0000000000)
    assert (loaded.build_id, loaded.machine) == (elf.build_id, elf.machine)
    assert loaded.linked(0x7F0000000123) == elf.load_address + 0x123
    stripped = Elf(map_file(linux / "gcc5_amd64.stripped"))
    for address in range(*elf.code[-1]):
        assert loaded.row(address) == elf.row(address)
        if program == "gcc5_amd64":
            assert loaded.lookup(address) == stripped.lookup(address)
    assert loaded.issues.freeze() == ()


def test_compression_bomb_is_refused() -> None:
    from mdmp.formats.elf.compress import FREE_SIZE, decompress

    size = FREE_SIZE + 1
    packed = zlib.compress(bytes(size))
    window = Window(b"ZLIB" + size.to_bytes(8, "big") + packed, "section")
    with pytest.raises(FormatError, match="more than is believed"):
        decompress(window, ".zdebug_info", 0, 64)
    window = Window(b"ZLIB" + (100).to_bytes(8, "big") + packed, "section")
    assert decompress(window, ".zdebug_info", 0, 64).tobytes() == bytes(100)
