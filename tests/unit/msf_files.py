"""Writes small MSF 7.0 files, page by page, for the tests of the PDB reader; shares nothing with it."""

import random
import struct


def msf_file(streams: list[bytes | None], page_size: int = 512, seed: int = 0) -> bytearray:
    """Streams scattered over the pages of a file in random order; None is a stream that was deleted."""
    shuffle = random.Random(seed)
    chunks = [[s[i : i + page_size] for i in range(0, len(s), page_size)] if s is not None else [] for s in streams]
    total = sum(map(len, chunks))
    sizes = struct.pack(f"<{len(streams)}I", *(0xFFFFFFFF if s is None else len(s) for s in streams))
    directory_size = 4 + len(sizes) + 4 * total
    directory_pages = -(-directory_size // page_size)
    map_pages = -(-4 * directory_pages // page_size)
    numbers = list(range(3 + map_pages, 3 + map_pages + total + directory_pages))
    shuffle.shuffle(numbers)
    pages: dict[int, bytes] = {}
    lists = b""
    for stream in chunks:
        for chunk in stream:
            number = numbers.pop()
            pages[number] = chunk
            lists += struct.pack("<I", number)
    directory = struct.pack("<I", len(streams)) + sizes + lists
    block_map = b""
    for i in range(directory_pages):
        number = numbers.pop()
        pages[number] = directory[i * page_size : (i + 1) * page_size]
        block_map += struct.pack("<I", number)
    count = 3 + map_pages + total + directory_pages
    data = bytearray(count * page_size)
    data[:32] = b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0"
    data[32:56] = struct.pack("<6I", page_size, 1, count, len(directory), 0, 3)
    data[3 * page_size : 3 * page_size + len(block_map)] = block_map
    for number, chunk in pages.items():
        data[number * page_size : number * page_size + len(chunk)] = chunk
    return data


def info_stream(age: int = 1, named: dict[str, int] | None = None, features: tuple[int, ...] = ()) -> bytes:
    names, pairs = b"", b""
    for name, index in (named or {}).items():
        pairs += struct.pack("<II", len(names), index)
        names += name.encode() + b"\0"
    count = len(pairs) // 8
    table = (
        struct.pack("<I", len(names))
        + names
        + struct.pack("<IIII", count, 8, 1, (1 << count) - 1)
        + struct.pack("<I", 0)
    )
    return (
        struct.pack("<III", 20000404, 7, age)
        + bytes(range(16))
        + table
        + pairs
        + struct.pack(f"<I{len(features)}I", 0, *features)
    )


def string_table(*texts: str) -> tuple[bytes, list[int]]:
    """The stream /names, and the offset of each text."""
    data, offsets = b"\0", []
    for text in texts:
        offsets.append(len(data))
        data += text.encode() + b"\0"
    return struct.pack("<III", 0xEFFEEFFE, 1, len(data)) + data, offsets
