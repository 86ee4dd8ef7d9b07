"""The exception tree, and the log of problems that were survived.

    MdmpError
    ├── UnusableInputError   the file cannot be used at all: missing, empty, not of this format, unusable header
    ├── FormatError          one part of a file breaks the rules of its format; the rest may be fine
    ├── MemoryUnavailable    an address whose bytes the snapshot does not hold
    ├── SaveError            a dump could not be written; nothing is left under its name
    └── UsageError           the caller asked for something that makes no sense

A `FormatError` that a reader survives becomes an `Issue` in an `IssueLog`; only an unusable header is fatal.
"""

from typing import NamedTuple

MAX_ISSUES = 200


class MdmpError(Exception):
    """Base of every error that mdmp raises on purpose."""


class UnusableInputError(MdmpError):
    """The input as a whole cannot be used; the message is one line for the user."""


class UsageError(MdmpError):
    """The request itself is wrong; the message is one line for the user."""


class SaveError(MdmpError):
    """A dump could not be written, and nothing is left under its name; the message is one line for the user."""


class MemoryUnavailable(MdmpError, LookupError):  # noqa: N818 - reads as a condition, like LookupError
    """No bytes are kept for an address of the crashed process."""

    def __init__(self, address: int, size: int) -> None:
        super().__init__(f"no memory kept for {size} bytes at {address:#x}")
        self.address = address
        self.size = size


class FormatError(MdmpError):
    """A part of a file breaks its format.

    `place` names the part (`ThreadListStream.Threads[7].Stack`), `offset` is where it starts in the file or
    image (None when that has no meaning), `problem` says what was expected and what was found.
    """

    def __init__(self, place: str, problem: str, offset: int | None = None) -> None:
        self.place = place
        self.problem = problem
        self.offset = offset
        at = "" if offset is None else f" at {offset:#x}"
        super().__init__(f"{place}{at}: {problem}")


class Issue(NamedTuple):
    """A problem that was survived: which part it cost, and why."""

    place: str
    problem: str
    offset: int | None = None

    def __str__(self) -> str:
        at = "" if self.offset is None else f" at {self.offset:#x}"
        return f"{self.place}{at}: {self.problem}"


class IssueLog:
    """Collects issues, each once; keeps the first `MAX_ISSUES` and counts the rest, so that a hostile file cannot
    fill memory."""

    def __init__(self) -> None:
        self._issues: dict[Issue, None] = {}
        self._dropped = 0

    def add(self, place: str, problem: str, offset: int | None = None) -> None:
        issue = Issue(place, problem, offset)
        if len(self._issues) < MAX_ISSUES:
            self._issues[issue] = None
        elif issue not in self._issues:
            self._dropped += 1

    def survive(self, error: FormatError) -> None:
        """Note an error whose part is given up."""
        self.add(error.place, error.problem, error.offset)

    def freeze(self) -> tuple[Issue, ...]:
        if self._dropped:
            return (*self._issues, Issue("issues", f"{self._dropped} more like these are not listed"))
        return tuple(self._issues)
