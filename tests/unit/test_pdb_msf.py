import random
import struct

import pytest
from msf_files import info_stream, msf_file, string_table

from mdmp.binary.window import Window
from mdmp.errors import FormatError, UnusableInputError
from mdmp.formats.pdb import Pdb
from mdmp.formats.pdb.info import PdbInfo, StringTable
from mdmp.formats.pdb.msf import Msf


def opened(data: bytes | bytearray) -> Msf:
    return Msf(Window(bytes(data), "test.pdb"))


@pytest.mark.parametrize("page_size", [512, 1024, 2048, 4096, 8192, 16384, 32768])
def test_scattered_streams_of_any_page_size(page_size: int) -> None:
    source = random.Random(page_size)
    streams = [source.randbytes(size) for size in (0, 1, page_size, page_size + 1, 7 * page_size - 3)]
    msf = opened(msf_file([*streams, None], page_size))
    assert len(msf) == 6 and not msf.exists(5) and not msf.exists(6)
    for index, expected in enumerate(streams):
        stream = msf.stream(index)
        assert stream.size == len(expected)
        assert stream.read(0, stream.size) == expected
        for _ in range(200):
            start = source.randrange(len(expected) + 1)
            size = source.randrange(len(expected) - start + 1)
            assert stream.read(start, size) == expected[start : start + size]


def test_a_directory_whose_map_takes_several_pages() -> None:
    streams = [bytes([i % 251]) * 600 for i in range(12000)]
    data = msf_file(list(streams))
    msf = opened(data)
    for index in (0, 1, 6000, 11999):
        assert msf.stream(index).read(0, 600) == streams[index]


def test_reads_past_the_end_are_refused() -> None:
    stream = opened(msf_file([b"x" * 700])).stream(0)
    for offset, size in ((0, 701), (700, 1), (-1, 1), (1 << 40, 1), (5, -1)):
        with pytest.raises(FormatError):
            stream.read(offset, size)
    assert stream.read(700, 0) == b""
    assert stream.cstring(690) == b"x" * 10
    assert stream.cstring(0, 5) == b"x" * 5


def test_a_page_outside_of_the_file_costs_only_what_lies_on_it() -> None:
    whole = b"a" * 512 + b"b" * 512
    data = msf_file([whole])
    directory_page = struct.unpack_from("<I", data, 3 * 512)[0]
    struct.pack_into("<I", data, directory_page * 512 + 12, 0xFFFFFF)  # the second page of the stream
    stream = opened(data).stream(0)
    assert stream.read(0, 512) == whole[:512]
    with pytest.raises(FormatError):
        stream.read(511, 2)


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (32, 0),  # page size
        (32, 513),
        (32, 1 << 31),
        (44, 0),  # size of the directory
        (44, 0xFFFFFFFF),
        (52, 0xFFFFFF),  # where its map is
    ],
)
def test_a_damaged_header_is_one_clear_error(offset: int, value: int) -> None:
    data = msf_file([b"", info_stream()])
    struct.pack_into("<I", data, offset, value)
    with pytest.raises((FormatError, UnusableInputError)):
        opened(data)
    with pytest.raises(UnusableInputError):
        Pdb(Window(bytes(data), "test.pdb"))


def test_more_streams_than_the_directory_holds() -> None:
    data = msf_file([b"abc"])
    directory_page = struct.unpack_from("<I", data, 3 * 512)[0]
    struct.pack_into("<I", data, directory_page * 512, 0x7FFFFFFF)
    with pytest.raises(FormatError, match="do not fit"):
        opened(data)


def test_a_stream_larger_than_the_file() -> None:
    data = msf_file([b"abc"])
    directory_page = struct.unpack_from("<I", data, 3 * 512)[0]
    struct.pack_into("<I", data, directory_page * 512 + 4, 0x7FFFFFFF)
    with pytest.raises(FormatError):
        opened(data).stream(0)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "not a PDB"),
        (b"Microsoft C/C++ MSF 7.00", "not a PDB"),
        (b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0", "ends within"),
        (b"Microsoft C/C++ program database 2.00\r\n\x1aJG\0\0" + bytes(100), "PDB 2.0"),
        (b"BSJB\x01\0\x01\0" + bytes(100), "portable"),
        (b"MZ" + bytes(100), "not a PDB"),
    ],
)
def test_other_files(data: bytes, word: str) -> None:
    with pytest.raises(UnusableInputError, match=word):
        Pdb(Window(data, "test.pdb"))


def test_info_stream() -> None:
    data = info_stream(3, {"/LinkInfo": 5, "/names": 9}, (20140508, 0x4D544F4E))
    info = PdbInfo(opened(msf_file([b"", data])).stream(1))
    assert (info.age, info.signature, info.guid) == (3, 7, bytes(range(16)))
    assert info.named_streams == {"/LinkInfo": 5, "/names": 9}
    assert info.features == ("VC140", "no type merge") and info.has_id_stream
    # One without anything behind the GUID, as old linkers wrote it.
    assert PdbInfo(opened(msf_file([data[:28]])).stream(0)).named_streams == {}
    for size in range(28):
        with pytest.raises(FormatError):
            PdbInfo(opened(msf_file([data[:size]])).stream(0))
    for size in range(29, len(data) - 12):
        with pytest.raises(FormatError):
            PdbInfo(opened(msf_file([data[:size]])).stream(0))


def test_fastlink_is_refused_with_advice() -> None:
    data = msf_file([b"", info_stream(features=(20140508, 0x494E494D))])
    with pytest.raises(UnusableInputError, match=r"FASTLINK.*mspdbcmf"):
        Pdb(Window(bytes(data), "test.pdb"))


def test_a_pdb_with_identity_only_answers_nothing() -> None:
    pdb = Pdb(Window(bytes(msf_file([b"", info_stream(2)])), "test.pdb"))
    assert pdb.age == 2 and pdb.machine == 0
    assert pdb.lookup(0x1000) == () and pdb.find("main") == () and pdb.public_names(0x1000) == ()
    assert pdb.frame_data(0x1000) is None and pdb.fpo(0x1000) is None
    assert not [*pdb.functions(), *pdb.publics(), *pdb.modules(), *pdb.source_files()]
    assert [issue.place for issue in pdb.issues.freeze()] == ["PDB debug information stream (DBI)"]


def test_string_table() -> None:
    data, offsets = string_table("a.cpp", "ä" * 300, "c")
    table = StringTable(opened(msf_file([data])).stream(0))
    assert [table.get(offset) for offset in offsets] == ["a.cpp", "ä" * 300, "c"]
    with pytest.raises(FormatError):
        table.get(len(data))
    with pytest.raises(FormatError, match="signature"):
        StringTable(opened(msf_file([b"\0" * 20])).stream(0))
