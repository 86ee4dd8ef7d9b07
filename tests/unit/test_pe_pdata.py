import random
import struct
from pathlib import Path

import pytest

from mdmp.binary.window import Window, map_file
from mdmp.errors import FormatError
from mdmp.formats.pe import pdata
from mdmp.formats.pe.headers import PeImage, open_file
from synth.pe import DATA, pe64, unwind_info, with_pdata


def opened(raw: bytearray) -> PeImage:
    return open_file(Window(bytes(raw), "test.dll"))


def one(info: bytes) -> pdata.UnwindInfo:
    return pdata.read_unwind_info(opened(with_pdata(b"\xc3" * 64, [(0x1000, 0x1040, info)])), 0x2000)


def test_all_codes_of_version_1() -> None:
    info = one(
        unwind_info(
            [
                (40, pdata.UWOP_SAVE_XMM128_FAR, 7, 0x5678, 0x0001),
                (36, pdata.UWOP_SAVE_XMM128, 6, 3),
                (32, pdata.UWOP_SAVE_NONVOL_FAR, 12, 0x0000, 0x0008),
                (28, pdata.UWOP_SAVE_NONVOL, 3, 5),
                (24, pdata.UWOP_SET_FPREG, 0),
                (20, pdata.UWOP_ALLOC_LARGE, 1, 0x0010, 0x0002),
                (16, pdata.UWOP_ALLOC_LARGE, 0, 0x1000),
                (12, pdata.UWOP_ALLOC_SMALL, 4),
                (8, pdata.UWOP_PUSH_NONVOL, 5),
                (0, pdata.UWOP_PUSH_MACHFRAME, 1),
            ],
            40,
            frame=(5, 2),
        )
    )
    assert info.codes == (
        (40, pdata.UWOP_SAVE_XMM128_FAR, 7, 0x15678),
        (36, pdata.UWOP_SAVE_XMM128, 6, 48),
        (32, pdata.UWOP_SAVE_NONVOL_FAR, 12, 0x80000),
        (28, pdata.UWOP_SAVE_NONVOL, 3, 40),
        (24, pdata.UWOP_SET_FPREG, 0, 0),
        (20, pdata.UWOP_ALLOC_LARGE, 1, 0x20010),
        (16, pdata.UWOP_ALLOC_LARGE, 0, 0x8000),
        (12, pdata.UWOP_ALLOC_SMALL, 4, 40),
        (8, pdata.UWOP_PUSH_NONVOL, 5, 0),
        (0, pdata.UWOP_PUSH_MACHFRAME, 1, 0),
    )
    assert (info.version, info.prolog_size, info.frame_register, info.frame_offset) == (1, 40, 5, 32)
    assert info.chained is None and info.handler is None and info.epilogs == ()


def test_epilogs_of_version_2() -> None:
    # Bytes as llvm-mc 22 assembles a function with two epilogs, one at its end (.seh_unwindversion 2).
    info = one(bytes.fromhex("02070500 04161206 074203c0 01500000"))
    assert info.epilogs == ((4, 4), (0x12, 4))
    assert [code[1] for code in info.codes] == [2, 0, 0]
    # The same with one epilog, not at the end.
    info = one(bytes.fromhex("02040300 01060506 04420000"))
    assert info.epilogs == ((5, 1),)


def test_handlers_and_chains() -> None:
    handler = unwind_info([(4, 2, 4)], 4, flags=pdata.UNW_FLAG_EHANDLER, tail=struct.pack("<II", 0x1234, 99))
    info = one(handler)
    assert info.handler == 0x1234 and info.handler_data == 0x2000 + 4 + 4 + 4
    primary = unwind_info([(4, 2, 4)], 4)
    chained = unwind_info([], 0, flags=pdata.UNW_FLAG_CHAININFO, tail=struct.pack("<III", 0x1000, 0x1010, 0x2000))
    image = opened(with_pdata(b"\xc3" * 64, [(0x1000, 0x1010, primary), (0x1010, 0x1040, chained)]))
    function = pdata.find_function(image, 0x1020)
    assert function is not None
    assert [part for part, _ in pdata.unwind_chain(image, function)] == [
        (0x1010, 0x1040, 0x2008),
        (0x1000, 0x1010, 0x2000),
    ]


def test_a_chain_in_a_circle_ends() -> None:
    chained = unwind_info([], 0, flags=pdata.UNW_FLAG_CHAININFO, tail=struct.pack("<III", 0x1000, 0x1040, 0x2000))
    image = opened(with_pdata(b"\xc3" * 64, [(0x1000, 0x1040, chained)]))
    with pytest.raises(FormatError, match="chained"):
        pdata.unwind_chain(image, (0x1000, 0x1040, 0x2000))
    # The same by indirection: an entry that points at an entry.
    with pytest.raises(FormatError):
        pdata.unwind_chain(opened(pe64([(b".d", 0x2000, struct.pack("<III", 0, 0, 0x2001), DATA)])), (0, 1, 0x2001))


@pytest.mark.parametrize("raw", ["05000000", "01040100040b", "01040100 0401", "0104ff00", "0100010000f7"])
def test_damaged_unwind_information_is_told(raw: str) -> None:
    image = opened(pe64([(b".xdata", 0x2000, bytes.fromhex(raw), DATA)]))
    with pytest.raises(FormatError):
        pdata.read_unwind_info(image, 0x2000)


def test_functions_are_found_in_tables_of_any_size() -> None:
    rng = random.Random(7)
    for count in (0, 1, 2, 255, 256, 257, 1000, 5000):
        at, entries = 0x1000, []
        for _ in range(count):
            at += rng.randrange(0, 3) * 16
            size = rng.randrange(1, 64)
            entries.append((at, at + size, rng.randrange(0, 1 << 20) * 4))
            at += size
        table = b"".join(struct.pack("<III", *entry) for entry in entries)
        image = opened(pe64([(b".pdata", 0x2000, table or b"\0", DATA)], {3: (0x2000, len(table))}))
        for rva in [rng.randrange(0, at + 64) for _ in range(200)] + [entry[0] for entry in entries[:50]]:
            expected = next((entry for entry in entries if entry[0] <= rva < entry[1]), None)
            assert pdata.find_function(image, rva) == expected


def test_only_the_part_of_a_table_that_matters_is_read() -> None:
    table = b"".join(struct.pack("<III", 0x1000 + 16 * i, 0x1010 + 16 * i, 0) for i in range(20000))
    raw = bytes(pe64([(b".pdata", 0x2000, table, DATA)], {3: (0x2000, len(table))}))

    class Counting:
        total = 0

        def read(self, rva: int, size: int) -> bytes:
            Counting.total += size
            return raw[rva : rva + size]

    image = PeImage(Counting())
    Counting.total = 0
    assert pdata.find_function(image, 0x1000 + 16 * 12345 + 3) == (0x1000 + 16 * 12345, 0x1010 + 16 * 12345, 0)
    assert Counting.total < 4096


def test_our_own_program_has_sound_tables(data: Path) -> None:
    image = open_file(map_file(data / "windows" / "faults.exe"))
    rva, size = image.directories[3]
    entries = struct.iter_unpack("<III", image.read(rva, size))
    seen = 0
    for begin, end, _ in entries:
        function = pdata.find_function(image, begin)
        assert function is not None and function[:2] == (begin, end)
        assert pdata.find_function(image, end - 1) == function
        for _, info in pdata.unwind_chain(image, function):
            assert info.version == 1 and all(code[0] <= info.prolog_size for code in info.codes)
        seen += 1
    assert seen > 20
