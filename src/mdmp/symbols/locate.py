"""The search for one file: candidates in order, each opened and its identity checked; what was found is told."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from mdmp.errors import MdmpError

T = TypeVar("T", covariant=True)

FOUND, MISSING, MISMATCHED, DAMAGED = "found", "missing", "mismatched", "damaged"


class Located(NamedTuple, Generic[T]):
    """The outcome. `file` is there when `state` is `found`; `note` says what was wrong with those passed over."""

    state: str
    path: Path | None = None
    file: T | None = None
    note: str | None = None
    tried: tuple[str, ...] = ()


def locate(
    candidates: Iterable[Path], read: Callable[[Path], T], objection: Callable[[T], str | None], tried: tuple[str, ...]
) -> Located[T]:
    """The first candidate that `read` can open and that `objection` has nothing against.

    Without one, the outcome is the best of the failures: a file of another build says more than a damaged one,
    and that more than none at all.
    """
    notes: list[str] = []
    failed, failed_path = MISSING, None
    for path in candidates:
        try:
            file = read(path)
            problem = objection(file)
        except MdmpError as damage:
            notes.append(f"{path}: {_without_path(str(damage), path)}")
            if failed == MISSING:
                failed, failed_path = DAMAGED, path
            continue
        if problem is None:
            return Located(FOUND, path, file, None, tried)
        notes.append(f"{path}: {problem}")
        if failed != MISMATCHED:
            failed, failed_path = MISMATCHED, path
    return Located(failed, failed_path, None, "; ".join(notes) or None, tried)


def _without_path(text: str, path: Path) -> str:
    return text.removeprefix(f"{path}: ").removeprefix(f"{path.name}: ")
