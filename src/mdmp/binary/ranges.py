"""Half-open integer ranges with values, looked up by bisection."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
Span = tuple[int, int]
"""(start, size)."""


def merge(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Sorted and without overlaps; what touches is joined, what is empty is left out."""
    found: list[Span] = []
    for start, size in sorted(spans):
        if size <= 0:
            continue
        if found and start <= sum(found[-1]):
            low = found[-1][0]
            found[-1] = (low, max(sum(found[-1]), start + size) - low)
        else:
            found.append((start, size))
    return tuple(found)


def intersect(first: Sequence[Span], second: Sequence[Span]) -> tuple[Span, ...]:
    """What lies in both; each is as `merge` gives it."""
    found, i = [], 0
    k = max(bisect_right(second, first[0]) - 1, 0) if first else 0
    while i < len(first) and k < len(second):
        low, end = max(first[i][0], second[k][0]), min(sum(first[i]), sum(second[k]))
        if low < end:
            found.append((low, end - low))
        if sum(first[i]) < sum(second[k]):
            i += 1
        else:
            k += 1
    return tuple(found)


def subtract(first: Sequence[Span], second: Sequence[Span]) -> tuple[Span, ...]:
    """What of `first` is not in `second`; each is as `merge` gives it."""
    found, k = [], 0
    for start, size in first:
        end = start + size
        while k < len(second) and sum(second[k]) <= start:
            k += 1
        i = k
        while i < len(second) and second[i][0] < end:
            if start < second[i][0]:
                found.append((start, second[i][0] - start))
            start = sum(second[i])
            i += 1
        if start < end:
            found.append((start, end - start))
    return tuple(found)


class RangeMap(Generic[T]):
    """Which value covers a number? Ranges are (start, end, value), `end` not included.

    Where ranges overlap, the one that starts last before the number is asked first, then the ones before it,
    so that a small module inside a large bogus one is still found.
    """

    __slots__ = ("_items", "_reach", "_starts")

    def __init__(self, items: Iterable[tuple[int, int, T]]) -> None:
        self._items = sorted((item for item in items if item[0] < item[1]), key=lambda item: (item[0], -item[1]))
        self._starts = [item[0] for item in self._items]
        reach, top = [], 0
        for item in self._items:
            top = max(top, item[1])
            reach.append(top)
        self._reach = reach

    def find(self, number: int) -> tuple[int, int, T] | None:
        """The (start, end, value) that covers `number`, or None."""
        i = bisect_right(self._starts, number) - 1
        while i >= 0 and self._reach[i] > number:
            if number < self._items[i][1]:
                return self._items[i]
            i -= 1
        return None

    def get(self, number: int) -> T | None:
        found = self.find(number)
        return found[2] if found else None

    def __iter__(self) -> Iterator[tuple[int, int, T]]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)
