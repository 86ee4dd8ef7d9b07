"""A minidump file: header, directory, and streams that are decoded when somebody asks."""

from collections.abc import Iterator
from typing import Any

from mdmp.binary.window import Window
from mdmp.errors import FormatError, IssueLog
from mdmp.formats.minidump.header import MINIDUMP_DIRECTORY, read_directory, read_header
from mdmp.formats.minidump.streams.table import decoder, stream_name


class Minidump:
    """Header and directory are read at once, nothing else. Problems survived while decoding go to `issues`."""

    def __init__(self, window: Window) -> None:
        """`UnusableInputError` when the file is no minidump or its directory cannot be read at all."""
        self.window = window
        self.issues = IssueLog()
        self.header = read_header(window)
        self.directory = read_directory(window, self.header, self.issues)
        self._decoded: dict[int, Any] = {}

    def entries(self, number: int) -> Iterator[int]:
        """Places in the directory of the streams of one type, in file order; empty ones count as absent."""
        return (
            index
            for index, entry in enumerate(self.directory)
            if entry.StreamType == number and entry.Location.DataSize
        )

    def stream(self, number: int) -> Any:
        """The stream of a type, decoded as its codec does; None when it is absent or unreadable.

        Where a type is repeated the first counts, as for MiniDumpReadDumpStream; that is an issue.
        """
        found = None
        for order, index in enumerate(self.entries(number)):
            if order == 0:
                found = self.decode(index)
            else:
                entry = self.directory[index]
                what = f"{stream_name(number)} ({index})"
                self.issues.add(what, "expected one stream of this type; found another", entry.Location.Rva)
        return found

    def streams(self, number: int) -> tuple[Any, ...]:
        """All readable streams of a type, decoded; LLDB writes one Exception stream for each stopped thread."""
        return tuple(one for one in map(self.decode, self.entries(number)) if one is not None)

    def decode(self, index: int) -> Any:
        """One directory entry, decoded once; bytes where no codec is known; None where it cannot be read."""
        if index in self._decoded:
            return self._decoded[index]
        try:
            found = decoder(self.directory[index].StreamType)(self.raw(index), self.window, self.issues)
        except FormatError as error:
            self.issues.survive(error)
            found = None
        if not isinstance(found, bytes):  # bytes are the file's own: a thousand entries may claim the same ones
            self._decoded[index] = found
        return found

    def raw(self, index: int) -> Window:
        """The bytes of a directory entry, cut where the file ends; `FormatError` when none of it is in the file."""
        entry: MINIDUMP_DIRECTORY = self.directory[index]
        name, rva, size = stream_name(entry.StreamType), entry.Location.Rva, entry.Location.DataSize
        if rva + size > len(self.window) >= rva:
            problem = f"expected an end <= {len(self.window):#x} (file size); found {rva + size:#x}"
            self.issues.add(name, problem, rva)
            size = len(self.window) - rva
        if rva > len(self.window):
            raise FormatError(name, f"expected a start <= {len(self.window):#x} (file size); found {rva:#x}", rva)
        return self.window.sub(rva, size, name)
