"""Which frame to blame: the first of the crashing stack that is the application's own doing.

The rules of `blame_rules.txt` name what to skip. Inline functions count as frames of their own: a crash inside an
inlined standard function is blamed on the line that called it.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from mdmp.analysis.names import plain_name
from mdmp.report import Blame, Frame

_WORDS = {
    "os": "the system's",
    "runtime": "a language runtime's",
    "helper": "only a helper",
    "throw": "only raises the error",
    "std": "inside the standard library",
}
_WEAK = ("helper", "std")
"""Better to blame than nothing: what an application at least calls itself."""


class Place(NamedTuple):
    """A function on the stack, inline or not."""

    frame: Frame
    function: str | None
    file: str | None
    line: int | None
    inline: bool


def places(frames: Iterable[Frame]) -> Iterator[Place]:
    """Every function on the stack from the innermost on, inline ones where the compiler dissolved them."""
    for frame in frames:
        for inner in frame.inlines:
            yield Place(frame, inner.function, inner.file, inner.line, True)
        yield Place(frame, frame.function, frame.file, frame.line, False)


def skip_class(module: str | None, function: str | None, system_modules: Collection[str] = ()) -> str | None:
    """The class of rule that takes a frame out of question, None when it may be blamed."""
    if module is None:
        return None
    if module.lower() in system_modules:
        return "os"
    whole, single = _rules()
    for name, pattern in whole:
        if pattern.fullmatch(module):
            return name
    if function:
        text = f"{module}!{plain_name(function)}"
        for name, pattern in single:
            if pattern.fullmatch(text):
                return name
    return None


def blame(thread_index: int, frames: tuple[Frame, ...], system_modules: Collection[str] = ()) -> Blame | None:
    """The frame to blame of a thread, and why; None for a thread without frames.

    `system_modules` are names (lower case) of modules known to be the system's by their folder.
    """
    skipped: list[str] = []
    weak: Place | None = None
    unknown: Place | None = None
    for place in places(frames):
        module = place.frame.module
        if module is None:
            unknown = unknown or place
            skipped.append("outside of all modules")
            continue
        reason = skip_class(module, place.function, system_modules)
        if reason is None:
            return _blamed(thread_index, place, _why(skipped))
        if reason in _WEAK and weak is None:
            weak = place
        skipped.append(_WORDS[reason])
    if weak is not None:
        return _blamed(thread_index, weak, "no frame is the application's own; this is the first outside the system")
    if unknown is not None and not any(frame.module for frame in frames):
        return _blamed(thread_index, unknown, "no frame lies in a known module")
    first = next(places(frames), None)
    return _blamed(thread_index, first, "no frame is the application's own; this is the innermost") if first else None


def _blamed(thread_index: int, place: Place, why: str) -> Blame:
    frame = place.frame
    if frame.trust in ("scan", "cfi_scan"):
        why += "; the frame itself is a guess (found by scanning the stack)"
    return Blame(thread_index, frame.index, place.function, frame.module, place.file, place.line, why)


def _why(skipped: list[str]) -> str:
    if not skipped:
        return "the innermost frame is the application's own"
    kinds = ", ".join(dict.fromkeys(skipped))
    count = len(skipped)
    above = "the one above it is" if count == 1 else f"the {count} above it are"
    return f"the first frame of the application; {above} not to blame ({kinds})"


@cache
def _rules() -> tuple[tuple[tuple[str, re.Pattern[str]], ...], tuple[tuple[str, re.Pattern[str]], ...]]:
    """One pattern a class: for whole modules, and for `module!function`."""
    whole: dict[str, list[str]] = {}
    single: dict[str, list[str]] = {}
    for line in files("mdmp.analysis").joinpath("blame_rules.txt").read_text("utf-8").splitlines():
        name, *patterns = line.split() if line and not line.startswith("#") else [""]
        for pattern in patterns:
            module, _, function = pattern.partition("!")
            if function == "*":
                whole.setdefault(name, []).append(_regex(module))
            else:
                single.setdefault(name, []).append(f"{_regex(module)}!{_regex(function)}")
    flags = re.IGNORECASE
    return (
        tuple((name, re.compile("|".join(parts), flags)) for name, parts in whole.items()),
        tuple((name, re.compile("|".join(parts), flags)) for name, parts in single.items()),
    )


def _regex(glob: str) -> str:
    """A glob with `*` and `?` as a regular expression; `*` of a module stops at `!`."""
    return re.escape(glob).replace(r"\*", ".*").replace(r"\?", ".")


_SYSTEM_FOLDERS = re.compile(
    r"^(?:\\\?\?\\)?[a-z]:\\windows\\|^/(?:usr/)?lib(?:32|64)?/(?!.*/opt/)|^/system/|^/apex/|^/usr/lib/|^/System/Library/",
    re.IGNORECASE,
)


def system_module_names(modules: Iterable[tuple[str, str]], main: str | None = None) -> frozenset[str]:
    """Names (lower case) of modules that lie in a folder of the system; `main` is never one of them.

    Takes (name, path) pairs.
    """
    return frozenset(
        name.lower() for name, path in modules if _SYSTEM_FOLDERS.match(path) and name.lower() != (main or "").lower()
    )
