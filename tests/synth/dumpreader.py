"""A small reader of minidumps for tests of the layers above the format: threads, modules, memory. Shares no code."""

import bisect
import struct
from pathlib import Path
from typing import Any

from mdmp.errors import MemoryUnavailable

AMD64 = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *(f"r{n}" for n in range(8, 16)), "rip")
X86 = ("edi", "esi", "ebx", "edx", "ecx", "eax", "ebp", "eip", "cs", "eflags", "esp")


class Bytes:
    """Memory of a process, out of (address, bytes) pieces."""

    def __init__(self, pieces: list[tuple[int, bytes]]) -> None:
        self.pieces = sorted(pieces, key=lambda piece: piece[0])
        self.starts = [piece[0] for piece in self.pieces]

    def read_some(self, address: int, size: int) -> bytes:
        i = bisect.bisect_right(self.starts, address) - 1
        if i < 0:
            return b""
        start, data = self.pieces[i]
        return bytes(data[address - start : address - start + size])

    def read(self, address: int, size: int) -> bytes:
        data = self.read_some(address, size)
        if len(data) != size:
            raise MemoryUnavailable(address, size)
        return data

    def word(self, address: int, size: int) -> int | None:
        data = self.read_some(address, size)
        return int.from_bytes(data, "little") if len(data) == size else None


class Dump:
    def __init__(self, path: Path) -> None:
        raw = memoryview(path.read_bytes())
        self.raw = raw
        count, directory = struct.unpack_from("<II", raw, 8)
        self.streams: dict[int, tuple[int, int]] = {}
        for i in range(count):
            kind, size, rva = struct.unpack_from("<III", raw, directory + 12 * i)
            self.streams.setdefault(kind, (rva, size))
        pieces: list[tuple[int, Any]] = []
        if 9 in self.streams:
            at = self.streams[9][0]
            n, offset = struct.unpack_from("<QQ", raw, at)
            for i in range(n):
                start, size = struct.unpack_from("<QQ", raw, at + 16 + 16 * i)
                pieces.append((start, raw[offset : offset + size]))
                offset += size
        if 5 in self.streams:
            at = self.streams[5][0]
            (n,) = struct.unpack_from("<I", raw, at)
            at += 8 if self.streams[5][1] == 8 + 16 * n else 4
            for i in range(n):
                start, size, offset = struct.unpack_from("<QII", raw, at + 16 * i)
                pieces.append((start, raw[offset : offset + size]))
        self.arch = struct.unpack_from("<H", raw, self.streams[7][0])[0]
        self.modules: list[tuple[int, int, str]] = []
        at = self.streams[4][0]
        (n,) = struct.unpack_from("<I", raw, at)
        at += 8 if self.streams[4][1] == 8 + 108 * n else 4
        for i in range(n):
            base, size, _, _, name = struct.unpack_from("<QIIII", raw, at + 108 * i)
            (length,) = struct.unpack_from("<I", raw, name)
            self.modules.append((base, size, bytes(raw[name + 4 : name + 4 + length]).decode("utf-16-le")))
        self.threads: list[tuple[int, dict[str, int], tuple[int, int]]] = []
        at = self.streams[3][0]
        (n,) = struct.unpack_from("<I", raw, at)
        at += 8 if self.streams[3][1] == 8 + 48 * n else 4
        for i in range(n):
            tid, _, _, _, _, start, size, offset, _, context = struct.unpack_from("<IIIIQQIIII", raw, at + 48 * i)
            if size and not any(piece[0] <= start < piece[0] + len(piece[1]) for piece in pieces):
                pieces.append((start, raw[offset : offset + size]))
            self.threads.append((tid, self.context(context), (start, start + size)))
        self.memory = Bytes(pieces)
        self.exception: tuple[int, dict[str, int]] | None = None
        if 6 in self.streams:
            at = self.streams[6][0]
            self.exception = (
                struct.unpack_from("<I", raw, at)[0],
                self.context(struct.unpack_from("<I", raw, at + 164)[0]),
            )

    def context(self, at: int) -> dict[str, int]:
        if self.arch == 9:
            return dict(zip(AMD64, struct.unpack_from("<17Q", self.raw, at + 0x78), strict=True))
        if self.arch == 0:
            return dict(zip(X86, struct.unpack_from("<11I", self.raw, at + 0x9C), strict=True))
        if self.arch == 12:
            values = struct.unpack_from("<33Q", self.raw, at + 8)
            return dict(zip((*(f"x{n}" for n in range(31)), "sp", "pc"), values, strict=True))
        raise ValueError(f"architecture {self.arch}")


class Module:
    """A module for the unwinder: a PE image, frame records of a PDB, rows of call-frame tables; any of them."""

    def __init__(
        self, base: int, size: int, name: str = "", image: Any = None, records: Any = (), rows: Any = ()
    ) -> None:
        self.base = base
        self.end = base + size
        self.name = name
        self._image = image
        self._records = records
        self._rows = rows

    def pe_image(self) -> Any:
        return self._image

    def read(self, rva: int, size: int) -> bytes:
        image = self.pe_image()
        if image is None:
            raise MemoryUnavailable(self.base + rva, size)
        return bytes(image.read(rva, size))

    def executable(self, rva: int) -> bool | None:
        image = self.pe_image()
        return image.is_executable(rva) if image is not None else False if rva < 0x1000 else None

    def frame_data(self, rva: int) -> Any:
        return next((r for r in self._records if r.start <= rva < r.start + r.size), None)

    def compact_unwind(self, rva: int) -> Any:
        return None

    def call_frame(self, rva: int) -> Any:
        return next((r for r in self._rows if not isinstance(r, dict) and r.start <= rva < r.end), None)

    def stack_cfi(self, rva: int) -> Any:
        return next((r for r in self._rows if isinstance(r, dict)), None)


class Source:
    def __init__(self, modules: list[Module], executable: Any = None) -> None:
        self.modules = sorted(modules, key=lambda m: m.base)
        self._starts = [m.base for m in self.modules]
        self._executable = executable

    def module_at(self, address: int) -> Module | None:
        i = bisect.bisect_right(self._starts, address) - 1
        return self.modules[i] if i >= 0 and address < self.modules[i].end else None

    def executable(self, address: int) -> bool | None:
        return self._executable(address) if self._executable else None

    def run_time_function(self, address: int) -> Any:
        return None
