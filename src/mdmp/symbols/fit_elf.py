"""Does an ELF file belong to a module whose dump tells no build id? What its data look like in memory is evidence.

A linker lays down tables of pointers and the dynamic section, and the loader relocates them, once: from then on the
words of a program in memory are those of its file, some with the distance between linked and real address added.
Another build has other functions at other places, and so other tables.
"""

from mdmp.formats.elf.elf import Elf
from mdmp.formats.elf.structs import PF_W, PT_GNU_RELRO, PT_LOAD
from mdmp.snapshot import MemoryReader

_MAX_BYTES = 1 << 17
_MIN_WORDS = 16
_PER_CENT = 95


def misfit(elf: Elf, memory: MemoryReader, base: int) -> str | None:
    """What speaks against `elf` being what was loaded at `base`; None when its data are there."""
    size = elf.header.address_size
    mask, bias = (1 << 8 * size) - 1, base - elf.load_address
    found = [s for s in elf.segments if s.type == PT_GNU_RELRO]
    segments = found or [s for s in elf.segments if s.type == PT_LOAD and s.flags & PF_W]
    seen = same = 0
    for segment in segments:
        count = min(segment.file_size, _MAX_BYTES, max(0, elf.window.size - segment.offset))
        there = memory.read_some(segment.address + bias & mask, count)
        want = elf.window.read(segment.offset, len(there))
        for at in range(0, len(there) - size + 1, size):
            word = int.from_bytes(want[at : at + size], "little")
            if word:
                seen += 1
                same += int.from_bytes(there[at : at + size], "little") in (word, word + bias & mask)
    if seen < _MIN_WORDS:
        return "the dump holds no identity to compare it with"
    if same * 100 < seen * _PER_CENT:
        return f"another build: {seen - same} of {seen} words of its data differ from the memory"
    return None
