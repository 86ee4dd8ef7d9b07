import struct
from pathlib import Path

import pytest

from mdmp.binary.window import Window, map_file
from mdmp.errors import FormatError
from mdmp.formats.pe.debug import decode_codeview, read_codeview, read_debug_directory
from mdmp.formats.pe.exports import Export, read_exports
from mdmp.formats.pe.headers import PeImage, open_file
from mdmp.formats.pe.version import read_version
from synth.pe import CODE, DATA, pe64


def with_exports(names: list[tuple[bytes, int]], functions: list[int], extra: bytes = b"", count: int = -1) -> PeImage:
    """`names` are (name, index); the directory is at 0x2000 and `extra` right behind its tables."""
    tables = 0x2000 + 40
    pointers = tables + 4 * len(functions)
    ordinals = pointers + 4 * len(names)
    text = ordinals + 2 * len(names)
    block, at = b"", text + len(extra)
    name_rvas = []
    for name, _ in names:
        name_rvas.append(at + len(block))
        block += name + b"\0"
    directory = struct.pack(
        "<IIHHIIIIIII",
        0,
        0,
        0,
        0,
        text,
        5,
        len(functions) if count < 0 else count,
        len(names),
        tables,
        pointers,
        ordinals,
    )
    data = directory + struct.pack(f"<{len(functions)}I", *functions) + struct.pack(f"<{len(names)}I", *name_rvas)
    data += struct.pack(f"<{len(names)}H", *(index for _, index in names)) + extra + block
    image = pe64([(b".text", 0x1000, b"\xc3" * 64, CODE), (b".edata", 0x2000, data, DATA)], {0: (0x2000, len(data))})
    return open_file(Window(bytes(image), "test.dll"))


def test_exports_have_names_ordinals_and_forwarders() -> None:
    forwarder = 0x2000 + 40 + 4 * 4 + 4 * 2 + 2 * 2
    image = with_exports(
        [(b"first", 0), (b"again", 0)], [0x1000, 0, 0x1010, forwarder], extra=b"NTDLL.RtlAllocateHeap\0"
    )
    assert read_exports(image) == (
        Export(5, "again", 0x1000, None),
        Export(5, "first", 0x1000, None),
        Export(7, None, 0x1010, None),
        Export(8, None, forwarder, "NTDLL.RtlAllocateHeap"),
    )


def test_an_absurd_number_of_exports_is_refused() -> None:
    with pytest.raises(FormatError, match="NumberOfFunctions"):
        read_exports(with_exports([], [0x1000], count=0x7FFFFFFF))


def test_no_tables_give_nothing() -> None:
    image = open_file(Window(bytes(pe64([(b".text", 0x1000, b"\xc3", CODE)])), "t"))
    assert read_exports(image) == ()
    assert read_debug_directory(image) == ()
    assert read_codeview(image) is None
    assert read_version(image) is None


def test_our_own_program_names_its_pdb_and_version(data: Path) -> None:
    image = open_file(map_file(data / "windows" / "shop.exe"))
    found = read_codeview(image)
    assert found is not None and (found.kind, found.path, len(found.signature)) == ("RSDS", "shop.pdb", 16)
    version = read_version(image)
    assert version is not None and version.fixed is not None
    assert (version.fixed.FileVersionMS, version.fixed.FileVersionLS) == (0x00010004, 0x00020007)
    assert version.strings["ProductVersion"] == "1.4"


def test_codeview_records() -> None:
    found = decode_codeview(b"RSDS" + bytes(range(16)) + struct.pack("<I", 3) + "C:\\ü.pdb".encode() + b"\0rest")
    assert found is not None and (found.age, found.path, found.signature) == (3, "C:\\ü.pdb", bytes(range(16)))
    found = decode_codeview(b"NB10" + struct.pack("<III", 0, 0x3C000000, 2) + b"C:\\\xfc.pdb\0")
    assert found is not None and (found.kind, found.signature, found.path) == ("NB10", b"\0\0\0<", "C:\\ü.pdb")
    assert decode_codeview(b"NB09....") is None
    with pytest.raises(FormatError):
        decode_codeview(b"RSDS1234")


def test_damaged_debug_entries_are_passed_over() -> None:
    record = b"RSDS" + bytes(16) + struct.pack("<I", 1) + b"a.pdb\0"
    entries = struct.pack("<IIHHIIII", 0, 0, 0, 0, 2, 99, 0x700000, 0)
    entries += struct.pack("<IIHHIIII", 0, 0, 0, 0, 13, 4, 0x2000, 0)
    entries += struct.pack("<IIHHIIII", 0, 0, 0, 0, 2, len(record), 0x2000 + 84, 0x2000 + 84)
    data = entries + record
    image = open_file(Window(bytes(pe64([(b".rdata", 0x2000, data, DATA)], {6: (0x2000, 84)})), "t"))
    found = read_codeview(image)
    assert found is not None and found.path == "a.pdb"


def version_block(key: str, value: bytes, kind: int, children: bytes = b"", units: int | None = None) -> bytes:
    head = struct.pack("<HHH", 0, len(value) if units is None else units, kind) + key.encode("utf-16-le") + b"\0\0"
    head += b"\0" * (-len(head) % 4) + value
    head += b"\0" * (-len(head) % 4) + children
    return struct.pack("<H", len(head)) + head[2:]


def with_version(root: bytes) -> PeImage:
    level = struct.pack("<IIHHHH", 0, 0, 0, 0, 0, 1)
    tree = level + struct.pack("<II", 16, 0x80000018) + level + struct.pack("<II", 1, 0x80000030)
    tree += level + struct.pack("<II", 1033, 0x48) + struct.pack("<IIII", 0x2058, len(root), 0, 0)
    data = tree + root
    return open_file(Window(bytes(pe64([(b".rsrc", 0x2000, data, DATA)], {2: (0x2000, len(data))})), "t"))


def test_version_resources_made_by_hand() -> None:
    string = version_block("Company", "Ä\0".encode("utf-16-le"), 1, units=2)
    padded = string + b"\0" * (-len(string) % 4)
    table = version_block("040904b0", b"", 1, padded + version_block("Empty", b"", 1))
    fixed = struct.pack("<13I", 0xFEEF04BD, 0x10000, 1 << 16 | 2, 3 << 16 | 4, *([0] * 9))
    root = version_block("VS_VERSION_INFO", fixed, 0, version_block("StringFileInfo", b"", 1, table))
    version = read_version(with_version(root))
    assert version is not None and version.fixed is not None
    assert version.strings == {"Company": "Ä", "Empty": ""}
    assert version.fixed.FileVersionLS == 3 << 16 | 4
    with pytest.raises(FormatError, match="szKey"):
        read_version(with_version(version_block("OTHER", b"", 1)))
    cut = version_block("VS_VERSION_INFO", fixed, 0, struct.pack("<HHH", 0x7000, 0, 1) + bytes(10))
    version = read_version(with_version(cut))
    assert version is not None and version.strings == {} and version.fixed is not None
