"""Names of numbered codes, from sorted text tables `XXXXXXXX NAME` beside this file.

A table is read at the first question and searched as text: no dictionary of thousands of names is built
for the one name that a report needs.

Sources (values and names only): Microsoft's Windows SDK metadata (the constants of ntstatus.h and winerror.h),
completed by mingw-w64's ntstatus.h, winerror.h and corerror.h.
"""

from functools import cache
from importlib.resources import files


@cache
def _table(name: str) -> str:
    return "\n" + files("mdmp.platforms").joinpath("data", f"{name}.txt").read_text("ascii")


def name_of(table: str, code: int) -> str | None:
    """The name of `code` in `table` (`ntstatus`, `win32`, `hresult`), or None."""
    text = _table(table)
    at = text.find(f"\n{code:08X} ")
    return text[at + 10 : text.index("\n", at + 10)] if at >= 0 else None


def entries(table: str) -> list[tuple[int, str]]:
    """All (code, name) of a table, sorted by code."""
    return [(int(line[:8], 16), line[9:]) for line in _table(table).splitlines() if line]
