"""NT_PRPSINFO and the first thread's stack -> `Process`."""

from collections.abc import Iterator

from mdmp.formats.elf.core_notes import CoreNotes
from mdmp.formats.elf.core_structs import AT_EXECFN, AT_RANDOM
from mdmp.snapshot import MemoryReader, Process

_MAX_ARGUMENTS = 1 << 12
_MAX_POINTERS = 1 << 14
_MAX_TEXT = 1 << 16
_REACH = 1 << 22
"""How far the strings of arguments and environment may reach above the auxiliary vector (a kernel's limit: 2 MiB)."""


def load_process(notes: CoreNotes, memory: MemoryReader, word: int) -> Process:
    info = notes.process
    command_line = _command_line(notes, memory, word)
    if info is None:
        pid = notes.threads[0].status.pr_pid if len(notes.threads) == 1 else None
        return Process(pid=pid, command_line=command_line)
    short = info.pr_psargs.split(b"\0")[0].decode("utf-8", "replace").strip()
    return Process(pid=info.pr_pid, command_line=command_line or short or None)


def _command_line(notes: CoreNotes, memory: MemoryReader, word: int) -> str | None:
    """All of the arguments, of which NT_PRPSINFO keeps but 80 bytes; None when the stack does not hold them.

    On its stack a program finds argc, the pointers to its arguments, 0, those to its environment, 0, and the
    auxiliary vector, which is in a note as well: where its bytes are is known, and one can go back from there.
    """
    at = _auxv_address(notes, memory)
    if at is None:
        return None
    low = next((start for start, size in memory.ranges if start <= at < start + size), at)
    count = min((at - low) // word, _MAX_POINTERS)
    raw = memory.read_some(at - count * word, count * word)
    words = [int.from_bytes(raw[i : i + word], "little") for i in range(0, len(raw), word)]
    if not words or words.pop() != 0:
        return None
    while words and words[-1]:
        words.pop()  # the environment: nobody's business
    if not words:
        return None
    words.pop()
    for count in range(min(len(words), _MAX_ARGUMENTS)):
        if words[-1 - count] == count:
            arguments = words[len(words) - count :]
            return " ".join(_texts(arguments, memory)) or None
    return None


def _texts(addresses: list[int], memory: MemoryReader) -> Iterator[str]:
    left = _MAX_TEXT
    for address in addresses:
        text = memory.read_some(address, min(left, 4096)).split(b"\0")[0]
        left -= len(text)
        yield text.decode("utf-8", "replace")
        if left <= 0:
            return


def _auxv_address(notes: CoreNotes, memory: MemoryReader) -> int | None:
    """Where the auxiliary vector stands on the first thread's stack; the strings it points to lie above it."""
    above = notes.auxv.get(AT_RANDOM) or notes.auxv.get(AT_EXECFN)
    if not above or len(notes.auxv_bytes) < 64:
        return None
    for start, size in memory.ranges:
        if start <= above < start + size:
            low = max(start, above - _REACH)
            found = memory.read_some(low, above - low).rfind(notes.auxv_bytes)
            return low + found if found >= 0 else None
    return None
