"""Assembles minidumps for tests, with `struct` only: it shares no code with the reader it tests."""

import struct

AMD64, X86, ARM, ARM64, ARM64_OLD = 9, 0, 5, 12, 0x8003
WINDOWS, MACOS, LINUX = 2, 0x8101, 0x8201


class DumpFile:
    """Pieces are placed one after the other; `build` writes header and directory in front of them."""

    def __init__(self, *, capacity: int = 16, flags: int = 0, timestamp: int = 1_600_000_000, version: int = 0xA793):
        self.capacity = capacity
        self.flags, self.timestamp, self.version = flags, timestamp, version
        self.streams: list[tuple[int, int, int]] = []
        self.body = bytearray()

    def place(self, data: bytes) -> int:
        """The RVA at which `data` now lies."""
        rva = 32 + 12 * self.capacity + len(self.body)
        self.body += data
        return rva

    def string(self, text: str) -> int:
        raw = text.encode("utf-16-le")
        return self.place(struct.pack("<I", len(raw)) + raw + b"\0\0")

    def utf8(self, text: str) -> int:
        raw = text.encode()
        return self.place(struct.pack("<I", len(raw)) + raw + b"\0")

    def stream(self, number: int, data: bytes) -> int:
        rva = self.place(data)
        self.streams.append((number, len(data), rva))
        return rva

    def build(self) -> bytes:
        assert len(self.streams) <= self.capacity
        head = struct.pack("<4sIIIIIQ", b"MDMP", self.version, len(self.streams), 32, 0, self.timestamp, self.flags)
        directory = b"".join(struct.pack("<III", *entry) for entry in self.streams)
        return head + directory.ljust(12 * self.capacity, b"\0") + bytes(self.body)


def system_info(arch: int, platform: int, csd_rva: int = 0, version: tuple[int, int, int] = (10, 0, 19045)) -> bytes:
    cpu = struct.pack("<12sIII", b"GenuineIntel", 0x306A9, 0xBFEBFBFF, 0)
    return struct.pack("<HHHBBIIIIIHH", arch, 6, 0x3A09, 8, 1, *version, platform, csd_rva, 0x100, 0) + cpu


def thread(
    tid: int, *, teb: int = 0, stack: tuple[int, int, int] = (0, 0, 0), context: tuple[int, int] = (0, 0)
) -> bytes:
    """`stack` is (address, size, rva); `context` is (size, rva)."""
    return struct.pack("<IIIIQQIIII", tid, 1, 32, 0xFFFFFFFF, teb, *stack, *context)


def module(base: int, size: int, name_rva: int, *, cv: tuple[int, int] = (0, 0), stamp: int = 0x5F5E1000) -> bytes:
    """`cv` is (size, rva)."""
    version = struct.pack("<13I", 0xFEEF04BD, 0x10000, 0x00010002, 0x00030004, 0x00050006, 0x00070008, *[0] * 7)
    return (
        struct.pack("<QIIII", base, size, 0xABCD, stamp, name_rva) + version + struct.pack("<IIIIQQ", *cv, 0, 0, 0, 0)
    )


def counted(entries: list[bytes], padding: bool = False) -> bytes:
    return struct.pack("<I", len(entries)) + (b"\0" * 4 if padding else b"") + b"".join(entries)


def sized(entries: list[bytes], header: int = 12, entry: int | None = None) -> bytes:
    """A list whose header may be longer than its three numbers, and whose entries are padded to `entry` bytes."""
    step = entry or (len(entries[0]) if entries else 0)
    head = struct.pack("<III", header, step, len(entries)).ljust(header, b"\0")
    return head + b"".join(one.ljust(step, b"\xee") for one in entries)


def rsds(guid: bytes, age: int, path: str) -> bytes:
    return b"RSDS" + guid + struct.pack("<I", age) + path.encode() + b"\0"


def exception(tid: int, code: int, address: int, parameters: list[int], context: tuple[int, int] = (0, 0)) -> bytes:
    values = parameters + [0] * (15 - len(parameters))
    return struct.pack("<IIIIQQII15QII", tid, 0, code, 0, 0, address, len(parameters), 0, *values, *context)


def context_amd64(flags: int = 0x10001F, **registers: int) -> bytes:
    """Registers by lower-case name; xmm0 counts up from 1 byte by byte."""
    raw = bytearray(1232)
    struct.pack_into("<II", raw, 48, flags, 0x1F80)
    struct.pack_into("<6HI", raw, 56, 0x33, 0x2B, 0x2B, 0x53, 0x2B, 0x2B, registers.pop("eflags", 0x202))
    order = [
        "rax",
        "rcx",
        "rdx",
        "rbx",
        "rsp",
        "rbp",
        "rsi",
        "rdi",
        "r8",
        "r9",
        "r10",
        "r11",
        "r12",
        "r13",
        "r14",
        "r15",
        "rip",
    ]
    for name, value in registers.items():
        struct.pack_into("<Q", raw, 120 + 8 * order.index(name), value)
    raw[256 + 160 : 256 + 176] = bytes(range(1, 17))
    return bytes(raw)


def context_x86(flags: int = 0x1003F, **registers: int) -> bytes:
    raw = bytearray(716)
    struct.pack_into("<I", raw, 0, flags)
    order = [
        "gs",
        "fs",
        "es",
        "ds",
        "edi",
        "esi",
        "ebx",
        "edx",
        "ecx",
        "eax",
        "ebp",
        "eip",
        "cs",
        "eflags",
        "esp",
        "ss",
    ]
    for name, value in registers.items():
        struct.pack_into("<I", raw, 140 + 4 * order.index(name), value)
    raw[204 + 160 : 204 + 176] = bytes(range(1, 17))
    return bytes(raw)


def memory64(ranges: list[tuple[int, int]], base_rva: int) -> bytes:
    return struct.pack("<QQ", len(ranges), base_rva) + b"".join(struct.pack("<QQ", *one) for one in ranges)
