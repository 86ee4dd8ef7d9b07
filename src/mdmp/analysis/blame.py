"""Which frame to blame: the first of the crashing stack that is the application's own doing.

The rules of `blame_rules.txt` name what to skip. Inline functions count as frames of their own: a crash inside an
inlined standard function is blamed on the line that called it.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from mdmp.analysis.crash_reason import CrashReason
from mdmp.analysis.names import module_stem, plain_name
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


def blame(
    thread_index: int,
    frames: tuple[Frame, ...],
    system_modules: Collection[str] = (),
    reason: CrashReason | None = None,
) -> Blame | None:
    """The frame to blame of a thread, and why; None for a thread without frames.

    `system_modules` are names (lower case) of modules known to be the system's by their folder. After a call to a
    wrong place (`reason` tells) the innermost frame is not in code: its caller is to blame. After a stack overflow
    it is the innermost frame of the recursion.
    """
    no_code = reason is not None and reason.kind == "access" and reason.access == "execute"
    recursion = recursive_functions(frames) if reason is not None and reason.kind == "stack-overflow" else ()
    skipped: list[str] = []
    weak: Place | None = None
    unknown: Place | None = None
    for place in places(frames):
        module = place.frame.module
        if module is None and place.frame.managed:
            return _blamed(
                thread_index, place, "the first managed frame; which method it is only .NET's own tables say"
            )
        if module is None:
            unknown = unknown or place
            skipped.append("outside of all modules")
            continue
        if no_code and place.frame is frames[0] and len(frames) > 1:
            skipped.append("no code")
            continue
        rule = skip_class(module, place.function, system_modules)
        if rule is None and recursion and qualified(place) not in recursion:
            skipped.append("not part of the recursion")
        elif rule is None:
            return _blamed(thread_index, place, _why(skipped))
        else:
            weak = weak or (place if rule in _WEAK else None)
            skipped.append(_WORDS[rule])
    if weak is not None:
        return _blamed(thread_index, weak, "no frame is the application's own; this is the first outside the system")
    if unknown is not None and not any(frame.module for frame in frames):
        return _blamed(thread_index, unknown, "no frame lies in a known module")
    first = next(places(frames), None)
    return _blamed(thread_index, first, "no frame is the application's own; this is the innermost") if first else None


def qualified(place: Place) -> str:
    """`app!Cart::total`, or `app+0x1234` where no function is known; outside of all modules `managed code` or `?`."""
    frame = place.frame
    if frame.module is None:
        return "managed code" if frame.managed else "?"
    module = module_stem(frame.module)
    return f"{module}!{plain_name(place.function)}" if place.function else f"{module}+{frame.module_offset or 0:#x}"


def recursive_functions(frames: tuple[Frame, ...]) -> tuple[str, ...]:
    """Qualified names of the application's functions that stand on the stack many times, sorted."""
    counts = Counter(
        qualified(place)
        for place in places(frames)
        if place.frame.module and skip_class(place.frame.module, place.function) is None
    )
    top = max(counts.values(), default=0)
    return tuple(sorted(name for name, count in counts.items() if count >= max(3, top // 2)))


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
