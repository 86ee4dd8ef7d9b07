"""LinuxAuxv and LinuxDsoDebug <-> the auxiliary vector and `Linker`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import table
from mdmp.formats.minidump.writer import Layout
from mdmp.snapshot import LinkedLibrary, Linker, Snapshot

if TYPE_CHECKING:
    from mdmp.formats.minidump.streams.linux_dso_debug import DsoDebug

_NARROW = ("x86", "arm", "mips", "ppc", "riscv")


def load_auxv(dump: Minidump) -> tuple[tuple[int, int], ...] | None:
    pairs: tuple[tuple[int, int], ...] | None = dump.stream(table.LINUX_AUXV)
    return pairs


def load_linker(dump: Minidump) -> Linker | None:
    found: DsoDebug | None = dump.stream(table.LINUX_DSO_DEBUG)
    if found is None:
        return None
    record = found.record
    libraries = (LinkedLibrary(link.addr, name or "", link.ld) for link, name in found.libraries)
    return Linker(record.version, record.brk, record.ldbase, record.dynamic, found.dynamic, tuple(libraries))


def save_linker(snapshot: Snapshot, out: Layout) -> None:
    word = 4 if snapshot.system.cpu in _NARROW else 8
    if snapshot.auxv is not None:
        from mdmp.formats.minidump.streams import linux_auxv

        out.stream(table.LINUX_AUXV, linux_auxv.encode(snapshot.auxv, word))
    if (linker := snapshot.linker) is not None:
        from mdmp.formats.minidump.streams import linux_dso_debug

        header = (linker.version, linker.breakpoint, linker.base, linker.dynamic_address)
        links = [(library.base, library.name, library.dynamic) for library in linker.libraries]
        out.stream(table.LINUX_DSO_DEBUG, linux_dso_debug.encode(out, word, header, links, linker.dynamic))
