"""Builds small PE images for tests: the bytes as they lie in memory, every section at file offset = RVA."""

import struct

HEADERS = 0x400


def pe64(
    sections: list[tuple[bytes, int, bytes, int]],
    directories: dict[int, tuple[int, int]] | None = None,
    *,
    machine: int = 0x8664,
    base: int = 0x140000000,
    timestamp: int = 0x60000000,
) -> bytearray:
    """`sections` are (name, rva, bytes, characteristics); `directories` give (rva, size) by index."""
    end = max((rva + len(data) for _, rva, data, _ in sections), default=HEADERS)
    size = end + 0xFFF & ~0xFFF
    image = bytearray(size)
    image[0:2] = b"MZ"
    struct.pack_into("<I", image, 0x3C, 0x80)
    image[0x80:0x84] = b"PE\0\0"
    struct.pack_into("<HHIIIHH", image, 0x84, machine, len(sections), timestamp, 0, 0, 240, 0x22)
    head = struct.pack("<HBBIIIII", 0x20B, 14, 0, 0x1000, 0, 0, 0x1000, 0x1000)
    head += struct.pack("<QIIHHHHHHIIIIHH", base, 0x1000, 0x200, 6, 0, 0, 0, 6, 0, 0, size, HEADERS, 0, 3, 0x8160)
    head += struct.pack("<QQQQII", 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    image[0x98 : 0x98 + len(head)] = head
    for index, (rva, length) in (directories or {}).items():
        struct.pack_into("<II", image, 0x98 + 112 + 8 * index, rva, length)
    for i, (name, rva, data, flags) in enumerate(sections):
        entry = struct.pack("<8sIIIIIIHHI", name, len(data), rva, len(data), rva, 0, 0, 0, 0, flags)
        image[0x188 + 40 * i : 0x188 + 40 * i + 40] = entry
        image[rva : rva + len(data)] = data
    return image


CODE, DATA = 0x60000020, 0x40000040


def unwind_info(
    codes: list[tuple[int, ...]],
    prolog: int,
    *,
    version: int = 1,
    flags: int = 0,
    frame: tuple[int, int] = (0, 0),
    tail: bytes = b"",
) -> bytes:
    """UNWIND_INFO bytes. A code is (offset, op, info, extra 16-bit slots…); `frame` is (register, offset / 16)."""
    slots = b""
    for offset, op, info, *extra in codes:
        slots += bytes([offset, op | info << 4]) + b"".join(struct.pack("<H", value) for value in extra)
    count = len(slots) // 2
    return bytes([version | flags << 3, prolog, count, frame[0] | frame[1] << 4]) + slots + b"\0\0" * (count & 1) + tail


def with_pdata(code: bytes, functions: list[tuple[int, int, bytes]]) -> bytearray:
    """An image whose .text (at 0x1000) is `code`, with (begin, end, unwind info) for each function."""
    infos, table = b"", b""
    rdata = 0x1000 + (len(code) + 0xFFF & ~0xFFF)
    for begin, end, info in functions:
        infos += b"\0" * (-len(infos) % 4)
        table += struct.pack("<III", begin, end, rdata + len(infos))
        infos += info
    pdata = rdata + (len(infos) + 0xFFF & ~0xFFF)
    sections = [(b".text", 0x1000, code, CODE), (b".rdata", rdata, infos, DATA), (b".pdata", pdata, table, DATA)]
    return pe64(sections, {3: (pdata, len(table))})
