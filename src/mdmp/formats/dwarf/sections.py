"""The DWARF sections of one image, whatever container they lie in, and reading by section offset."""

from collections.abc import Callable, Mapping

from mdmp.binary.window import Window
from mdmp.errors import FormatError

MAX_STRING = 1 << 16
"""Bytes; the names of deeply nested templates do get long."""

_NOTHING = Window(b"", "no section")
_CUT_SHORT = {"debug_str_offs": "debug_str_offsets"}
"""Mach-O section names have 16 characters."""


class Sections:
    """Sections by plain name (`debug_info`), each opened at its first use: it may have to be decompressed."""

    __slots__ = ("_find", "_known", "ranges_read", "supplementary")

    def __init__(self, find: Callable[[str], Window | None]) -> None:
        """`find` gives the section of a plain name, None when there is none; it may raise `FormatError`."""
        self._find = find
        self._known: dict[str, Window | FormatError | None] = {}
        self.ranges_read = 0
        self.supplementary: Sections | None = None

    @classmethod
    def of(cls, windows: Mapping[str, Window]) -> "Sections":
        """Of sections at hand; `.debug_info`, `.zdebug_info` and `__debug_info` are the same."""
        return cls({plain(name): window for name, window in windows.items()}.get)

    def _open(self, name: str) -> Window | None:
        if name not in self._known:
            try:
                self._known[name] = self._find(name)
            except FormatError as problem:
                self._known[name] = problem
        found = self._known[name]
        if isinstance(found, FormatError):
            raise found
        return found

    def get(self, name: str) -> Window:
        """The section, or an empty window when there is none."""
        return self._open(name) or _NOTHING

    def need(self, name: str) -> Window:
        found = self._open(name)
        if found is None:
            raise FormatError(name, "the file refers to this section, but has none")
        return found

    def count_ranges(self, count: int, name: str) -> None:
        """Entries can share a list of ranges, so that its bytes do not bound the work: as many ranges as bytes do."""
        self.ranges_read += count
        if self.ranges_read > max(self.get(name).size, 1 << 16):
            raise FormatError(name, "too many entries share the lists of address ranges")

    def string(self, name: str, offset: int) -> str:
        """The NUL-ended text at an offset of a string section."""
        return self.need(name).cstring(offset, MAX_STRING, "string").decode("utf-8", "replace")

    def number(self, name: str, offset: int, size: int) -> int:
        return int.from_bytes(self.need(name).read(offset, size), "little")


def plain(name: str) -> str:
    """The name of a section without what its container puts before it."""
    name = name.lstrip("._")
    name = name[1:] if name.startswith("zdebug") else name
    return _CUT_SHORT.get(name, name)
