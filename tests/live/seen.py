"""The table that the tests of faults make: what crashed, how mdmp came to it, and where the dump says it was."""

from collections.abc import Iterator

WAYS = ("run", "attach", "postmortem")
_rows: dict[tuple[str, str, str, str, str], set[str]] = {}


def note(system: str, fault: str, kind: str, code: str, place: str, way: str) -> None:
    """A dump was right in everything."""
    _rows.setdefault((system, fault, kind, code, place), set()).add(way)


def table() -> Iterator[str]:
    """Markdown; nothing when no test of faults has run."""
    if _rows:
        yield f"| system | fault | kind | signal or code | line in the dump | {' | '.join(WAYS)} |"
        yield "|---" * (5 + len(WAYS)) + "|"
    for row, ways in _rows.items():
        cells = (*row, *("yes" if way in ways else "" for way in WAYS))
        yield f"| {' | '.join(cells)} |"
