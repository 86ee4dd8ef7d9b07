"""Which exceptions are triggers although the program may handle them."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING

from mdmp.monitor.windows.faults import names_of
from mdmp.platforms.ntstatus import HARMLESS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mdmp.snapshot.exception import ExceptionRecord
    from mdmp.snapshot.thrown import ThrownObject

_TO_DEBUGGERS = HARMLESS | {0x40010005, 0x40010008}
"""Not the program's: texts and names for us, Ctrl+C and Ctrl+Break."""


class Filters:
    """`C0000005`, `access_violation`, `STATUS_INTEGER_*`, `C++`, `CLR`, `std::out_of_range`, `*Timeout*`, `*`.

    Case does not matter. A filter has to fit the whole of a code, of a name, of a C++ class (or one of its bases), of
    a .NET class, or of what a C++ exception says; `*` stands for any text.
    """

    def __init__(self, filters: Iterable[str]) -> None:
        self._patterns = [re.compile(translate(text.strip().lower().replace("[", "[[]"))) for text in filters]

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def match(self, record: ExceptionRecord, thrown: ThrownObject | None) -> bool:
        if not self._patterns or record.code in _TO_DEBUGGERS:
            return False
        names = names_of(record, thrown)
        return any(pattern.match(name) for pattern in self._patterns for name in names)
