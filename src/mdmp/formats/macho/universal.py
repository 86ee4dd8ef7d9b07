"""Universal ("fat") files: the same program for several CPUs; and how a Mach-O file of either kind is opened."""

from typing import NamedTuple

from mdmp.binary.window import Window
from mdmp.errors import FormatError
from mdmp.formats.macho import structs as wire
from mdmp.formats.macho.header import machine_name
from mdmp.formats.macho.macho import MachO

MAX_SLICES = 32
"""More, and it is a Java class: they start with the same bytes, and then with a version of 45 or more."""
_READ = frozenset(wire.CPU.values())


class Slice(NamedTuple):
    machine: str
    """As in `Header.machine`."""
    window: Window


def is_macho(window: Window) -> bool:
    """Does it start as a Mach-O or universal file does, of any width and byte order?"""
    if window.size < 8:
        return False
    magic = window.read(0, 4)
    if int.from_bytes(magic, "little") in (wire.MH_MAGIC, wire.MH_MAGIC_64, wire.MH_CIGAM, wire.MH_CIGAM_64):
        return True
    return _is_universal(window)


def _is_universal(window: Window) -> bool:
    head = window.read(0, 8)
    magic, count = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")
    return magic in (wire.FAT_MAGIC, wire.FAT_MAGIC_64) and count <= MAX_SLICES


def slices(window: Window) -> tuple[Slice, ...]:
    """The parts of a universal file; a plain file is its only part. `FormatError` when a part lies outside."""
    if window.size < 8 or not _is_universal(window):
        return (Slice(machine_name(window.u32(4, "cputype")), window),)
    wide = int.from_bytes(window.read(0, 4), "big") == wire.FAT_MAGIC_64
    row = 32 if wide else 20  # fat_arch_64: cputype, cpusubtype, offset and size of 8 bytes, align, reserved
    found = []
    for i in range(int.from_bytes(window.read(4, 4), "big")):
        raw = window.read(8 + row * i, row, "fat_arch")
        width = 8 if wide else 4
        offset = int.from_bytes(raw[8 : 8 + width], "big")
        size = int.from_bytes(raw[8 + width : 8 + 2 * width], "big")
        machine = machine_name(int.from_bytes(raw[:4], "big"))
        found.append(Slice(machine, window.sub(offset, size, f"{window.name} ({machine})")))
    return tuple(found)


def open_file(window: Window, machine: str | None = None, uuid: bytes | None = None) -> MachO:
    """A Mach-O file, or the part of a universal file that has this UUID, or is for this CPU.

    Without either the first part for a CPU that we read. A file that cannot give what is asked for gives what it
    has: what it is can be seen there. `FormatError` when nothing in it can be used.
    """
    parts = slices(window)
    wanted = [part for part in parts if part.machine == machine] if machine else []
    wanted += [part for part in parts if part not in wanted and part.machine in _READ]
    opened = []
    problem = None
    for part in wanted or parts:
        try:
            opened.append(MachO.in_file(part.window))
        except FormatError as damage:
            problem = problem or damage
            continue
        if uuid is None or opened[-1].uuid == uuid:
            return opened[-1]
    if opened:
        return opened[0]
    raise problem or FormatError(window.name, "this universal file has no parts", 0)
