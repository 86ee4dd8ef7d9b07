"""The memory of a living process of Linux."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from mdmp.capture.linux.syscalls import ReadBuffer
from mdmp.capture.memory import ProcessMemory, joined

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mdmp.formats.proc.maps import Mapping

BUFFER = 1 << 18
_NO_MEMORY = ("[vvar", "[vsyscall]", "/dev/", "/sys/", "/proc/")
"""What cannot be read from outside, whatever the permissions say; and devices, which may take a look at their registers
for a command. The kernel's own dumps are without both, too."""
_MEMORY = ("/dev/shm/", "/dev/zero", "/dev/hugepages", "/dev/ashmem")


def readable(maps: Iterable[Mapping]) -> tuple[tuple[int, int], ...]:
    """(start, size) of what can be read, ranges that touch joined."""
    return joined(
        (mapping.start, mapping.size)
        for mapping in maps
        if mapping.permissions[0] == "r"
        and (mapping.path.startswith(_MEMORY) or not mapping.path.startswith(_NO_MEMORY))
    )


class LiveMemory(ProcessMemory):
    def __init__(
        self, pid: int, ranges: tuple[tuple[int, int], ...], by_file: bool = False, file: int | None = None
    ) -> None:
        """`by_file`: all is read through /proc/PID/mem. By process_vm_readv the kernel makes pages that are shared with
        another process its own first, as for writing, and waits for whom serves page faults (userfaultfd(2)).

        `file`: /proc/PID/mem, opened by who may; all is read through it, and `close` closes it."""
        super().__init__(ranges, BUFFER)
        self._pid = pid
        self._only_file = by_file or file is not None
        self._buffer = ReadBuffer(BUFFER)
        self._file = -1 if file is None else file
        if file is None:
            with suppress(OSError):
                self._file = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        super().close()
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _fill(self, address: int, size: int) -> memoryview:
        if not self._only_file:
            with suppress(OSError):
                return self._buffer.fill(self._pid, address, size)
        return self._from_file(address, size)

    def _from_file(self, address: int, size: int) -> memoryview:
        """Also a second way for where process_vm_readv is forbidden; nothing for pages that are not there."""
        view = self._buffer.view[:size]
        try:
            return view[: os.preadv(self._file, [view], address)] if address < 1 << 63 else view[:0]
        except OSError:
            return view[:0]
