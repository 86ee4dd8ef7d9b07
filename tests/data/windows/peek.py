"""What make_expected.py must know of programs and dumps: as llvm's tools see them, or read off their bytes."""

import bisect
import lzma
import re
import struct
import subprocess
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

CODES = {
    0xC0000005: "access violation", 0xC0000094: "integer divide by zero", 0xC000001D: "illegal instruction",
    0xC0000096: "privileged instruction", 0x80000003: "breakpoint", 0xC0000409: "fast fail",
    0xC00000FD: "stack overflow", 0xE06D7363: "C++ exception", 0xE0424242: "a code of the program's own",
}  # fmt: skip
ACCESS = {0: "read", 1: "write", 8: "execute"}


def run(*command: object) -> str:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True, timeout=300).stdout


@dataclass
class Image:
    """A program or DLL as llvm's tools see it."""

    path: Path

    def __post_init__(self) -> None:
        data = self.path.read_bytes()
        pe = struct.unpack_from("<I", data, 60)[0]
        wide = struct.unpack_from("<H", data, pe + 24)[0] == 0x20B
        self.preferred_base = struct.unpack_from("<Q" if wide else "<I", data, pe + 24 + (24 if wide else 28))[0]
        count, optional = struct.unpack_from("<H", data, pe + 6)[0], struct.unpack_from("<H", data, pe + 20)[0]
        at = pe + 24 + optional
        self.sections = [struct.unpack_from("<II", data, at + 40 * i + 8) for i in range(count)]  # size, address
        self.publics: dict[int, list[str]] = {}
        self.functions = self._functions() if self.path.with_suffix(".pdb").exists() else []
        exports = run("llvm-readobj-22", "--coff-exports", self.path)
        self.exports = sorted(
            (int(rva, 16), name) for name, rva in re.findall(r"Name: (\S+)\s+RVA: (0x[0-9A-Fa-f]+)", exports)
        )

    def _place(self, section: str, offset: str | int) -> int:
        return self.sections[int(section) - 1][1] + int(offset)

    def _functions(self) -> list[tuple[int, int, str]]:
        """(offset, size, name) of each procedure record, and of the publics in code without one (size: a guess)."""
        text = run("llvm-pdbutil-22", "dump", "--symbols", "--publics", self.path.with_suffix(".pdb"))
        pattern = r"S_[GL]PROC32 \[size = \d+\] `(.*)`\n.*addr = (\d+):(\d+), code size = (\d+)"
        found = [(self._place(*place), int(size), name) for name, *place, size in re.findall(pattern, text)]
        pattern = r"S_PUB32 \[size = \d+\] `(.*)`\n.*addr = (0001):(\d+)"
        for name, *place in re.findall(pattern, text):
            self.publics.setdefault(self._place(*place), []).append(name)
        known = {start for start, _, _ in found}
        guesses = [(at, 64, name) for at, names in self.publics.items() for name in names if at not in known]
        return sorted(found + guesses)

    @cached_property
    def double_lines(self) -> set[tuple[int, int]]:
        """Where code has two line records for its first byte: the tools take one or the other."""
        text = run("llvm-pdbutil-22", "dump", "-l", self.path.with_suffix(".pdb"))
        found = set()
        for section, end, block in re.findall(
            r"(\d{4}):[0-9A-F]{8}-([0-9A-F]{8}), line.*\n((?:.* [0-9A-F]{8} .*\n)*)", text
        ):
            starts = [self._place(section, int(at, 16)) for at in re.findall(r" ([0-9A-F]{8}) ", block)]
            edges = [*starts, self._place(section, int(end, 16))]
            found |= {(at, min(edge for edge in edges if edge > at)) for at in starts if starts.count(at) > 1}
        return found

    @property
    def code(self) -> tuple[int, int]:
        return self.sections[0][1], self.sections[0][1] + self.sections[0][0]

    def names_at(self, offset: int) -> list[str]:
        return [name for start, size, name in self.functions if start <= offset < start + size]

    def starts_of(self, offset: int) -> set[int]:
        return {start for start, size, _ in self.functions if start <= offset < start + size}

    def export_at(self, offset: int) -> str | None:
        index = bisect.bisect_right(self.exports, (offset, "\xff")) - 1
        return self.exports[index][1] if index >= 0 else None

    @cache  # noqa: B019
    def calls(self) -> dict[int, int | None]:
        """Offset behind each call instruction -> offset that it calls (None: through a pointer)."""
        lines = run("llvm-objdump-22", "-d", "--no-show-raw-insn", self.path).splitlines()
        calls: dict[int, int | None] = {}
        pending: tuple[int | None] | None = None
        for line in lines:
            match = re.match(r"\s*([0-9a-f]+):\s+(\S+)\s*(.*)", line)
            if not match:
                continue
            if pending:
                calls[int(match[1], 16) - self.preferred_base] = pending[0]
            pending = None
            if match[2].startswith("call"):
                target = re.match(r"0x([0-9a-f]+)", match[3])
                pending = (int(target[1], 16) - self.preferred_base if target else None,)
        return calls

    def __hash__(self) -> int:
        return hash(self.path)


class Dump:
    """As much of a minidump as this script needs."""

    def __init__(self, path: Path) -> None:
        self.data = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
        count, directory = struct.unpack_from("<II", self.data, 8)
        self.streams = {}
        for i in range(count):
            kind, _, rva = struct.unpack_from("<III", self.data, directory + 12 * i)
            self.streams[kind] = rva
        self.cpu = {0: "x86", 9: "amd64"}[struct.unpack_from("<H", self.data, self.streams[7])[0]]
        self.word = 8 if self.cpu == "amd64" else 4
        self.modules = [self._module(rva) for rva in self._list(self.streams[4], 108)]
        self.threads = {}
        for rva in self._list(self.streams[3], 48):
            self.threads[self._number(rva)] = self._registers(self._number(rva + 44))
        self.names = {}
        if 24 in self.streams:
            for rva in self._list(self.streams[24], 12):
                thread, name = struct.unpack_from("<IQ", self.data, rva)
                self.names[thread] = self._string(name)
        self.ranges = []
        if 5 in self.streams:
            for rva in self._list(self.streams[5], 16):
                self.ranges.append(struct.unpack_from("<QII", self.data, rva))
        if 9 in self.streams:
            count, at = struct.unpack_from("<QQ", self.data, self.streams[9])
            for i in range(count):
                start, size = struct.unpack_from("<QQ", self.data, self.streams[9] + 16 + 16 * i)
                self.ranges.append((start, size, at))
                at += size

    def _number(self, rva: int, size: int = 4) -> int:
        return int.from_bytes(self.data[rva : rva + size], "little")

    def _list(self, rva: int, size: int) -> list[int]:
        return [rva + 4 + size * i for i in range(self._number(rva))]

    def _string(self, rva: int) -> str:
        size = self._number(rva)
        return self.data[rva + 4 : rva + 4 + size].decode("utf-16-le")

    def _module(self, rva: int) -> tuple[int, int, str]:
        return self._number(rva, 8), self._number(rva + 8), self._string(self._number(rva + 20))

    def _registers(self, context: int) -> tuple[int, int]:
        """Program counter and stack pointer of a CONTEXT."""
        if self.cpu == "amd64":
            return self._number(context + 248, 8), self._number(context + 152, 8)
        return self._number(context + 184), self._number(context + 196)

    def exception(self) -> dict[str, Any] | None:
        if 6 not in self.streams:
            return None
        rva = self.streams[6]
        thread, _, code, _, _, address, count = struct.unpack_from("<IIIIQQI", self.data, rva)
        parameters = struct.unpack_from(f"<{count}Q", self.data, rva + 40)
        found: dict[str, Any] = {
            "thread_id": thread,
            "code": hex(code),
            "meaning": CODES[code],
            "address": hex(address),
            "parameters": [hex(parameter) for parameter in parameters],
        }
        if code == 0xC0000005:
            found["access"], found["accessed"] = ACCESS[parameters[0]], hex(parameters[1])
        self.threads[thread] = self._registers(self._number(rva + 164))
        return found

    def words(self, start: int) -> list[tuple[int, int]]:
        """(address, word) from start to the end of the memory range(s) that hold the stack."""
        found = []
        for base, size, rva in sorted(self.ranges):
            if base <= start < base + size:
                places = range(start, base + size - self.word + 1, self.word)
                found.extend((at, self._number(rva + at - base, self.word)) for at in places)
                start = base + size
        return found

    def module_at(self, address: int) -> tuple[int, str] | None:
        for base, size, path in self.modules:
            if base <= address < base + size:
                return base, path.rsplit("\\", 1)[-1]
        return None
