"""Apple's compact unwind encodings as rules.

An encoding tells how to unwind from the body of a function, where calls are. A thread that was interrupted may stand
in the prolog, in the epilog, or on a path that needs no frame: there the instructions around it tell.
Source: Apple's <mach-o/compact_unwind_encoding.h>.
"""

from collections.abc import Callable

from mdmp.formats.macho import UnwindEntry
from mdmp.unwind import compact_amd64, compact_arm64
from mdmp.unwind.compact_code import Surroundings
from mdmp.unwind.rule import Rule

MAX_CODE = 1 << 14
"""Bytes of a function that are looked at around an interrupted thread."""

_BY_CPU = {
    "amd64": (compact_amd64.body, compact_amd64.interrupted),
    "arm64": (compact_arm64.body, compact_arm64.interrupted),
}


def rule_at(entry: UnwindEntry, cpu: str, rva: int, exact: bool, read: Callable[[int, int], bytes]) -> Rule | None:
    """The rule for the address `rva`; None where the encoding has none, or leaves it to DWARF.

    `exact`: the thread stands there; else it is behind a call. `read` gives the bytes at an address, or fewer, or
    none, where they are not at hand. Addresses are relative to the image's base.
    """
    if cpu not in _BY_CPU or entry.encoding == 0:
        return None
    body, interrupted = _BY_CPU[cpu]
    if exact:
        low, high = entry.function
        start = low if rva - low < MAX_CODE else rva
        code = read(start, min(high - start, MAX_CODE))
        rule = interrupted(entry.encoding, Surroundings(code, rva - start, low - start, high - start))
        if rule is not None:
            return rule
    return body(entry, read)
