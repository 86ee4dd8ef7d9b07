"""The Mach-O header and load commands, of a file or of an image in memory."""

from typing import NamedTuple

from mdmp.binary.window import Window
from mdmp.errors import FormatError, IssueLog
from mdmp.formats.macho import structs as wire

MAX_COMMANDS = 1 << 20
"""Bytes of load commands; those of the largest programs take some ten thousand."""


class Segment(NamedTuple):
    name: str
    address: int
    """As linked."""
    size: int
    """In memory."""
    offset: int
    """In the file."""
    file_size: int
    protection: int
    """VM_PROT_* that it is loaded with."""


class Section(NamedTuple):
    name: str
    segment: str
    address: int
    """As linked."""
    size: int
    offset: int
    """In the file."""
    flags: int

    @property
    def is_code(self) -> bool:
        return bool(self.flags & (wire.S_ATTR_PURE_INSTRUCTIONS | wire.S_ATTR_SOME_INSTRUCTIONS))


class Header(NamedTuple):
    machine: str
    """The CPU's name as in `mdmp.arch`; that of another CPU, or `cpu N`."""
    raw: wire.mach_header_64

    @property
    def file_type(self) -> int:
        """MH_*."""
        return self.raw.filetype


class Build(NamedTuple):
    """What it was built for."""

    platform: str
    """`macos`, `ios`…; `platform N` when nobody told us."""
    min_os: str
    sdk: str


class Commands:
    """What the load commands say. A command that is damaged is left out and listed in `issues`."""

    def __init__(self, window: Window, header: Header, issues: IssueLog) -> None:
        self.segments: list[Segment] = []
        self.sections: list[Section] = []
        self.uuid: bytes | None = None
        self.build: Build | None = None
        self.install_name: str | None = None
        self.symtab: wire.symtab_command | None = None
        self.function_starts: tuple[int, int] | None = None
        """(file offset, size)"""
        at, end = wire.mach_header_64.SIZE, window.size
        for _ in range(header.raw.ncmds):
            try:
                command = wire.load_command.read(window, at)
                if command.cmdsize < wire.load_command.SIZE or command.cmdsize > end - at:
                    raise FormatError(
                        "load_command.cmdsize", f"expected 8 to {end - at:#x}; found {command.cmdsize:#x}", at
                    )
            except FormatError as problem:
                issues.survive(problem)
                break
            try:
                self._take(command.cmd, window.sub(at, command.cmdsize, f"load command {command.cmd:#x}"))
            except FormatError as problem:
                issues.survive(problem)
            at += command.cmdsize

    def _take(self, cmd: int, window: Window) -> None:
        if cmd == wire.LC_SEGMENT_64:
            self._take_segment(window)
        elif cmd == wire.LC_UUID:
            self.uuid = wire.uuid_command.read(window).uuid
        elif cmd == wire.LC_SYMTAB:
            self.symtab = wire.symtab_command.read(window)
        elif cmd == wire.LC_FUNCTION_STARTS:
            data = wire.linkedit_data_command.read(window)
            self.function_starts = data.dataoff, data.datasize
        elif cmd == wire.LC_BUILD_VERSION:
            build = wire.build_version_command.read(window)
            platform = wire.PLATFORMS.get(build.platform, f"platform {build.platform}")
            self.build = Build(platform, _version(build.minos), _version(build.sdk))
        elif cmd in wire.LC_VERSION_MIN:
            least = wire.version_min_command.read(window)
            self.build = Build(wire.PLATFORMS[wire.LC_VERSION_MIN[cmd]], _version(least.version), _version(least.sdk))
        elif cmd == wire.LC_ID_DYLIB:
            at = wire.dylib_command.read(window).name
            self.install_name = window.cstring(at).decode("utf-8", "replace")

    def _take_segment(self, window: Window) -> None:
        raw = wire.segment_command_64.read(window)
        name = _name(raw.segname)
        segment = Segment(name, raw.vmaddr, raw.vmsize, raw.fileoff, raw.filesize, raw.initprot)
        self.segments.append(segment)
        for s in wire.section_64.read_many(window, raw.SIZE, raw.nsects):
            self.sections.append(Section(_name(s.sectname), _name(s.segname), s.addr, s.size, s.offset, s.flags))


def check_magic(window: Window) -> None:
    """`FormatError` when these 8 bytes start no Mach-O, or one that is not read: 32-bit or big-endian."""
    magic = window.u32(0, "magic")
    if magic == wire.MH_MAGIC:
        number = window.u32(4, "cputype")
        cpu = wire.CPU_OTHERS.get(number, f"cpu {number:#x}")
        raise FormatError(f"{window.name}.magic", f"this Mach-O is 32-bit ({cpu}); only 64-bit ones are read", 0)
    if magic in (wire.MH_CIGAM, wire.MH_CIGAM_64):
        raise FormatError(f"{window.name}.magic", "this Mach-O is big-endian; only little-endian ones are read", 0)
    if magic != wire.MH_MAGIC_64:
        raise FormatError(f"{window.name}.magic", f"expected 0xfeedfacf (64-bit Mach-O); found {magic:#x}", 0)


def read_header(window: Window) -> Header:
    raw = wire.mach_header_64.read(window)
    if raw.sizeofcmds > MAX_COMMANDS:
        raise FormatError(
            f"{window.name}.sizeofcmds", f"expected at most {MAX_COMMANDS:#x}; found {raw.sizeofcmds:#x}", 20
        )
    return Header(machine_name(raw.cputype), raw)


def machine_name(cputype: int) -> str:
    return wire.CPU.get(cputype) or wire.CPU_OTHERS.get(cputype) or f"cpu {cputype:#x}"


def _name(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace")


def _version(packed: int) -> str:
    """16 bits major, 8 bits minor, 8 bits patch, which is mostly left out when 0."""
    patch = packed & 0xFF
    return f"{packed >> 16}.{packed >> 8 & 0xFF}" + (f".{patch}" if patch else "")
