"""What of a process is nobody's business: where its command line and environment lie."""

from collections.abc import Iterator
from typing import NamedTuple

from mdmp.binary.ranges import Span, merge
from mdmp.snapshot.snapshot import Snapshot

AT_RANDOM = 25
"""The kernel puts 16 random bytes on the first stack, and the strings of arguments and environment above them."""
_MAX = 1 << 20


class Offsets(NamedTuple):
    """Of what Windows keeps of a process in its memory. Source: ntdoc.m417z.com (not in the SDK)."""

    peb: int
    """In the TEB."""
    parameters: int
    """In the PEB."""
    command_line: int
    """The rest in RTL_USER_PROCESS_PARAMETERS."""
    environment: int
    environment_size: int
    word: int


WINDOWS = {
    "amd64": Offsets(0x60, 0x20, 0x70, 0x80, 0x3F0, 8),
    "arm64": Offsets(0x60, 0x20, 0x70, 0x80, 0x3F0, 8),
    "x86": Offsets(0x30, 0x10, 0x40, 0x48, 0x290, 4),
    "arm": Offsets(0x30, 0x10, 0x40, 0x48, 0x290, 4),
}
"""By processor: programs on WOW64 have a PEB of their own width, too."""


def secret_spans(snapshot: Snapshot) -> tuple[Span, ...]:
    """Where they are in memory, as far as can be told."""
    return merge((*_on_linux(snapshot), *_on_windows(snapshot)))


def process_block(snapshot: Snapshot) -> int | None:
    """Address of the PEB (Windows)."""
    offsets = WINDOWS.get(snapshot.system.cpu)
    tebs = (thread.teb for thread in snapshot.threads or () if thread.teb)
    teb = next(tebs, None)
    if snapshot.system.os != "windows" or offsets is None or teb is None:
        return None
    return snapshot.memory.word(teb + offsets.peb, offsets.word)


def process_parameters(snapshot: Snapshot) -> int | None:
    """Address of RTL_USER_PROCESS_PARAMETERS (Windows)."""
    peb, offsets = process_block(snapshot), WINDOWS.get(snapshot.system.cpu)
    return snapshot.memory.word(peb + offsets.parameters, offsets.word) if peb and offsets else None


def _on_linux(snapshot: Snapshot) -> Iterator[Span]:
    random = dict(snapshot.auxv or ()).get(AT_RANDOM)
    if random:
        region = snapshot.region_at(random)
        end = region.end if region else random + _MAX
        yield random + 16, end - random - 16


def _on_windows(snapshot: Snapshot) -> Iterator[Span]:
    parameters, offsets = process_parameters(snapshot), WINDOWS.get(snapshot.system.cpu)
    if not parameters or offsets is None:
        return
    word, read = offsets.word, snapshot.memory.word
    length, text = read(parameters + offsets.command_line, 2), read(parameters + offsets.command_line + word, word)
    if length and text:
        yield text, length
    environment, size = read(parameters + offsets.environment, word), read(parameters + offsets.environment_size, word)
    if environment:
        yield environment, min(size or _MAX, _MAX)
