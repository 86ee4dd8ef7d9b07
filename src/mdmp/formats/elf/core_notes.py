"""The notes of a core: threads, their registers, the process, the signal, the auxiliary vector, mapped files."""

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from mdmp.binary.window import Window
from mdmp.errors import FormatError, IssueLog
from mdmp.formats.elf import core_structs as wire
from mdmp.formats.elf.elf import Elf
from mdmp.formats.elf.notes import Note, read_notes
from mdmp.formats.elf.regsets import general, general_size
from mdmp.formats.elf.structs import PT_NOTE

MAX_NOTES = 1 << 19
MAX_PATH = 4096
"""PATH_MAX of the kernel."""


class Siginfo(NamedTuple):
    si_signo: int
    si_errno: int
    si_code: int
    """Signed: up to 0 where a program sent the signal."""
    address: int
    """si_addr; for a signal that a program sent si_pid, and si_uid in the upper 32 bits."""


class CoreThread(NamedTuple):
    status: wire.elf_prstatus_64 | wire.elf_prstatus_32
    registers: dict[str, int]
    """By name; empty for a CPU whose layout is not known here."""
    others: dict[int, Window]
    """Its other notes by type: floating-point and vector registers."""


class MappedFile(NamedTuple):
    start: int
    end: int
    offset: int
    """In the file, in bytes."""
    path: str


Prpsinfo = wire.elf_prpsinfo_64 | wire.elf_prpsinfo_32 | wire.elf_prpsinfo_32_short_ids


class CoreNotes:
    """Everything that the notes of `core` tell; damage costs the note, or what follows if its size is damaged."""

    def __init__(self, core: Elf, issues: IssueLog) -> None:
        self._bits = core.header.bits
        self._cpu = core.machine
        self.threads: list[CoreThread] = []
        """The one that got the signal comes first."""
        self.process: Prpsinfo | None = None
        self.auxv: dict[int, int] = {}
        """AT_* to value."""
        self.auxv_bytes = b""
        """The same as the program found it on its stack, without the entry that ends it."""
        self.files: list[MappedFile] | None = None
        """None: the core has no list of them."""
        self.siginfo: Siginfo | None = None
        """Of the thread that got the signal."""
        readers = {
            wire.NT_PRSTATUS: self._thread,
            wire.NT_PRPSINFO: self._process,
            wire.NT_SIGINFO: self._siginfo,
            wire.NT_AUXV: self._auxv,
            wire.NT_FILE: self._files,
        }
        for note in _notes(core, issues):
            if note.name in ("CORE", "LINUX"):
                try:
                    if note.type in readers:
                        readers[note.type](note.content)
                    elif self.threads:
                        self.threads[-1].others.setdefault(note.type, note.content)
                except FormatError as problem:
                    issues.survive(problem)

    def _thread(self, content: Window) -> None:
        kind = wire.elf_prstatus_64 if self._bits == 64 else wire.elf_prstatus_32
        status = kind.read(content)
        raw = content.read(kind.SIZE, general_size(self._cpu), "pr_reg")
        self.threads.append(CoreThread(status, general(self._cpu, raw), {}))

    def _process(self, content: Window) -> None:
        if self._bits == 64:
            self.process = wire.elf_prpsinfo_64.read(content)
        elif content.size >= wire.elf_prpsinfo_32.SIZE:
            self.process = wire.elf_prpsinfo_32.read(content)
        else:
            self.process = wire.elf_prpsinfo_32_short_ids.read(content)

    def _siginfo(self, content: Window) -> None:
        """gdb writes one for each thread; the first is that of the signal."""
        if self.siginfo is not None:
            return
        number, errno, code = wire.siginfo_head.read(content)
        at = 16 if self._bits == 64 else 12
        # si_pid and si_uid are 32-bit numbers everywhere; an address has the width of a pointer.
        address = content.u64(at) if self._bits == 64 or code <= 0 else content.u32(at)
        self.siginfo = Siginfo(number, errno, code, address)

    def _auxv(self, content: Window) -> None:
        if self.auxv:
            return
        pair = Struct("<QQ" if self._bits == 64 else "<II")
        raw = content.tobytes()
        for at in range(0, len(raw) - pair.size + 1, pair.size):
            kind, value = pair.unpack_from(raw, at)
            if kind == 0:
                raw = raw[:at]
                break
            self.auxv.setdefault(kind, value)
        self.auxv_bytes = raw

    def _files(self, content: Window) -> None:
        """`count` and the unit of offsets, `count` ranges, and as many paths, each ended by a NUL."""
        if self.files is not None:
            return
        size = self._bits // 8
        word = content.u64 if size == 8 else content.u32
        count, unit = word(0, "count"), word(size, "page_size")
        table = content.read(2 * size, count * 3 * size, "ranges")
        paths = content.read(2 * size + len(table), content.size - 2 * size - len(table)).split(b"\0", count)[:count]
        ranges = Struct("<QQQ" if size == 8 else "<III").iter_unpack(table)
        self.files = [
            MappedFile(start, end, offset * unit, path[:MAX_PATH].decode("utf-8", "replace"))
            for (start, end, offset), path in zip(ranges, paths, strict=False)
            if start < end
        ]


def _notes(core: Elf, issues: IssueLog) -> Iterator[Note]:
    """The notes of all segments, no more than `MAX_NOTES`; what lies behind the end of the file is left out."""
    left = MAX_NOTES
    for segment in core.segments:
        if segment.type != PT_NOTE or not segment.file_size:
            continue
        size = min(segment.file_size, max(0, core.window.size - segment.offset))
        try:
            for note in read_notes(core.window.sub(segment.offset, size, "PT_NOTE"), segment.align):
                if left == 0:
                    issues.add("PT_NOTE", f"only the first {MAX_NOTES} notes are read")
                    return
                left -= 1
                yield note
        except FormatError as problem:
            issues.survive(problem)
