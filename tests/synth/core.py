"""Assembles 64-bit core files from notes and memory, without mdmp's own readers."""

import struct
from dataclasses import dataclass, field

NT_PRSTATUS, NT_PRPSINFO, NT_AUXV, NT_SIGINFO, NT_FILE = 1, 3, 6, 0x53494749, 0x46494C45
AMD64, ARM64, RISCV = 62, 183, 243


@dataclass
class CoreFile:
    machine: int = AMD64
    notes: list[bytes] = field(default_factory=list)
    memory: list[tuple[int, bytes, int, int]] = field(default_factory=list)
    """Address, bytes kept, size in the process, permissions (4 r, 2 w, 1 x)."""

    def note(self, kind: int, content: bytes, name: bytes = b"CORE\0") -> None:
        head = struct.pack("<III", len(name), len(content), kind)
        self.notes.append(head + padded(name, 4) + padded(content, 4))

    def load(self, address: int, content: bytes, permissions: int = 6, size: int | None = None) -> None:
        self.memory.append((address, content, len(content) if size is None else size, permissions))

    def build(self) -> bytes:
        count = len(self.memory) + 1
        at = 64 + 56 * count
        notes = b"".join(self.notes)
        rows = [struct.pack("<IIQQQQQQ", 4, 0, at, 0, 0, len(notes), 0, 4)]
        body, at = notes, at + len(notes)
        for address, content, size, permissions in self.memory:
            rows.append(struct.pack("<IIQQQQQQ", 1, permissions, at, address, 0, len(content), size, 4096))
            body, at = body + content, at + len(content)
        head = (
            b"\x7fELF\2\1\1"
            + bytes(9)
            + struct.pack("<HHIQQQIHHHHHH", 4, self.machine, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0)
        )
        return head + b"".join(rows) + body


def padded(content: bytes, align: int) -> bytes:
    return content + bytes(-len(content) % align)


def prstatus(tid: int, registers: list[int], signal: int = 0, user_time: tuple[int, int] = (0, 0)) -> bytes:
    head = struct.pack("<iiihHQQiiii", signal, 0, 0, signal, 0, 0, 0, tid, 1, 1, 1)
    times = struct.pack("<8Q", *user_time, 0, 0, 0, 0, 0, 0)
    return head + times + struct.pack(f"<{len(registers)}Q", *registers) + bytes(8)


def prpsinfo(pid: int, name: bytes, arguments: bytes) -> bytes:
    return struct.pack("<BcBBIQIIiiii16s80s", 0, b"R", 0, 0, 0, 0, 1000, 1000, pid, 1, 1, 1, name, arguments)


def siginfo(signal: int, code: int, address: int) -> bytes:
    return struct.pack("<iiiiQ", signal, 0, code, 0, address).ljust(128, b"\0")


def auxv(pairs: dict[int, int]) -> bytes:
    return b"".join(struct.pack("<QQ", *pair) for pair in [*pairs.items(), (0, 0)])


def files(rows: list[tuple[int, int, int, bytes]], page: int = 4096) -> bytes:
    """Start, end, offset in pages, path."""
    table = b"".join(struct.pack("<QQQ", *row[:3]) for row in rows)
    return struct.pack("<QQ", len(rows), page) + table + b"".join(row[3] + b"\0" for row in rows)


def image(build_id: bytes | None = None, size: int = 0x3000, machine: int = AMD64) -> bytes:
    """The first page of a small shared library."""
    note = struct.pack("<III", 4, len(build_id), 3) + b"GNU\0" + build_id if build_id else b""
    rows = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, size, size, 4096)
    rows += struct.pack("<IIQQQQQQ", 4, 4, 0x200, 0x200, 0, len(note), len(note), 4)
    head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    return ((head + rows).ljust(0x200, b"\0") + note).ljust(4096, b"\0")
