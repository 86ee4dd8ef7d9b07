import struct
from pathlib import Path

import pytest

from mdmp.binary.window import Window, map_file
from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.pe.headers import PeImage, open_file, open_memory
from mdmp.formats.pe.image import FileImage, LayeredImage, MemoryImage, read_text
from synth.dumpreader import Bytes
from synth.pe import CODE, DATA, pe64

BASE = 0x7FF600000000


def loaded(raw: bytes) -> bytes:
    """An image file laid out as the loader does it, written independently of the reader."""
    at = struct.unpack_from("<I", raw, 0x3C)[0]
    count, optional = struct.unpack_from("<H", raw, at + 6)[0], struct.unpack_from("<H", raw, at + 20)[0]
    size, headers = struct.unpack_from("<II", raw, at + 24 + 56)
    image = bytearray(size)
    image[:headers] = raw[:headers]
    for i in range(count):
        _, span, rva, stored, offset = struct.unpack_from("<8sIIII", raw, at + 24 + optional + 40 * i)
        data = raw[offset : offset + min(stored, span)]
        image[rva : rva + len(data)] = data
    return bytes(image)


def test_a_file_and_its_image_in_memory_read_alike(data: Path) -> None:
    for name in ("shop.exe", "shop32.exe"):
        path = data / "windows" / name
        in_file = open_file(map_file(path))
        raw = loaded(path.read_bytes())
        in_memory = open_memory(Bytes([(BASE, raw)]), BASE, len(raw))
        assert in_file.machine == in_memory.machine == (0x14C if "32" in name else 0x8664)
        assert in_file.sections == in_memory.sections
        assert in_file.directories == in_memory.directories
        for section in in_file.sections:
            rva, size = section.VirtualAddress, section.VirtualSize
            assert in_file.read(rva, size) == in_memory.read(rva, size) == raw[rva : rva + size]


def test_a_section_ends_with_zeros_that_the_file_does_not_hold() -> None:
    image = pe64([(b".data", 0x1000, b"abcd", DATA)])
    struct.pack_into("<I", image, 0x188 + 8, 0x100)
    opened = open_file(Window(bytes(image), "test.dll"))
    assert opened.read(0x1002, 4) == b"cd\0\0"
    assert opened.read(0x1080, 4) == bytes(4)
    with pytest.raises(FormatError):
        opened.read(0x10FE, 4)
    with pytest.raises(FormatError):
        opened.read(0x1000, 1 << 31)


def test_sections_tell_what_is_code() -> None:
    image = open_file(Window(bytes(pe64([(b".text", 0x1000, b"\xc3" * 64, CODE), (b".d", 0x2000, b"x", DATA)])), "t"))
    assert image.is_executable(0x1000) and image.is_executable(0x103F)
    assert not image.is_executable(0x1040) and not image.is_executable(0x2000) and not image.is_executable(0x10)
    assert image.timestamp == 0x60000000 and image.preferred_base == 0x140000000 and image.size == 0x3000


@pytest.mark.parametrize(
    ("offset", "value", "place"),
    [
        (0, b"ZM", "e_magic"),
        (0x80, b"NE", "Signature"),
        (0x98, b"\x07\x01", "Magic"),
        (0x3C, b"\xff\xff\xff\x7f", "test.dll"),
    ],
)
def test_what_is_no_pe_image_says_so(offset: int, value: bytes, place: str) -> None:
    image = pe64([(b".text", 0x1000, b"\xc3", CODE)])
    image[offset : offset + len(value)] = value
    with pytest.raises(FormatError, match=place):
        open_file(Window(bytes(image), "test.dll"))


def test_missing_pages_cost_what_is_in_them() -> None:
    raw = bytes(pe64([(b".text", 0x1000, b"\xc3" * 16, CODE), (b".rdata", 0x2000, b"words", DATA)]))
    memory = Bytes([(BASE, raw[:0x1000]), (BASE + 0x2000, raw[0x2000:])])
    image = open_memory(memory, BASE, len(raw))
    assert image.read(0x2000, 5) == b"words"
    with pytest.raises(MemoryUnavailable):
        image.read(0x1000, 4)
    with pytest.raises(FormatError):
        image.read(len(raw) - 2, 4)
    file = FileImage(Window(raw, "t"), ((0, len(raw), 0, len(raw)),))
    both = PeImage(LayeredImage(MemoryImage(memory, BASE, len(raw)), file))
    assert both.read(0x1000, 4) == b"\xc3" * 4


def test_text_ends_at_a_nul_or_where_the_bytes_end() -> None:
    image = MemoryImage(Bytes([(BASE, b"hello\0" + b"y" * 95)]), BASE, 0x1000)
    assert read_text(image, 0) == b"hello"
    assert read_text(image, 6) == b"y" * 95
    assert read_text(image, 6, limit=10) == b"y" * 10
    with pytest.raises(MemoryUnavailable):
        read_text(image, 200)
