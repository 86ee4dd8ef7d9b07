"""The dynamic linker's list of what it loaded, for cores without a list of mapped files.

Source: link.h of the GNU C library and of musl (`struct r_debug`, `struct link_map`), which debuggers read too.
"""

from mdmp.snapshot import MemoryReader

MAX_IMAGES = 4096
_REACH = 1 << 22
"""The linker's data lie this close above its base."""
_VERSIONS = (1, 2)
_STATES = 3


def load_link_map(memory: MemoryReader, linker: int, word: int) -> list[tuple[int, str]]:
    """(where it was loaded, path) of each image; the path of the program itself is empty. `linker`: its base.

    The path is "" for what has none. What is given is the difference between linked and real addresses: the base,
    but for programs linked to a fixed address, which are left out.
    """
    at = _find_debug_record(memory, linker, word) if linker else None
    found: list[tuple[int, str]] = []
    seen: set[int] = set()
    entry = memory.word(at + word, word) if at is not None else None
    while entry and entry not in seen and len(seen) < MAX_IMAGES:
        seen.add(entry)
        base, name = memory.word(entry, word), memory.word(entry + word, word)
        if base and name is not None:
            path = memory.read_some(name, 4096).split(b"\0")[0]
            found.append((base, path.decode("utf-8", "replace")))
        entry = memory.word(entry + 3 * word, word)
    return found


def _find_debug_record(memory: MemoryReader, linker: int, word: int) -> int | None:
    """The address of `_r_debug`: the last of its five fields is the linker's own base.

    The program's DT_DEBUG points there, but a core may lack the program's headers that lead to it.
    """
    needle = linker.to_bytes(word, "little")
    for start, size in memory.ranges:
        if not (start < linker + _REACH and start + size > linker):
            continue
        low = max(start, linker)
        raw = memory.read_some(low, min(start + size, linker + _REACH) - low)
        at = raw.find(needle)
        while at >= 0:
            record = low + at - 4 * word
            if record % word == 0 and _is_debug_record(memory, record, word):
                return record
            at = raw.find(needle, at + 1)
    return None


def _is_debug_record(memory: MemoryReader, at: int, word: int) -> bool:
    version, entry, state = memory.word(at, 4), memory.word(at + word, word), memory.word(at + 3 * word, 4)
    if version not in _VERSIONS or not entry or state is None or state >= _STATES:
        return False
    return memory.word(entry + 3 * word, word) is not None
