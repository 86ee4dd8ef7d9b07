"""The name of a dump, from a template; harmless in any file system, whatever the program calls itself."""

from __future__ import annotations

import os
import re
import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mdmp.monitor.finalize.describe import code_text, host
from mdmp.monitor.policy.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mdmp.monitor.fault import Fault

MAX_NAME = 200
"""Bytes of a name in UTF-8: file systems allow 255, and reports and part files add to it."""
MAX_FIELD = 80
"""Bytes of one field, so that a long program name does not push out process and time."""
MAX_NUMBER = 9999
"""Dumps of one name; a folder with more of them has another problem."""
SUFFIX = ".dmp"
REPORTS = (".txt", ".html", ".md", ".json")
"""What reports add to the name of their dump."""
DEFAULT = Settings().name
FIELDS: Mapping[str, str] = {
    "program": "the file name of the executable",
    "pid": "the process",
    "tid": "the thread",
    "time": "when, in UTC: 20260102T030405Z",
    "kind": "of fault: access_violation, hang…",
    "code": "SIGSEGV, or the exception's code in hexadecimal",
    "signal": "the same",
    "uid": "the user's number; Windows: empty",
    "host": "the computer's name",
    "count": "1, 2, …: the first number that gives a name without a file; without it one is added where it is needed",
}
"""What a template can name between braces."""

_FIELD = re.compile(r"\{([^{}]*)\}")
_GLOBS = {"pid": "[0-9]*", "time": f"{'[0-9]' * 8}T{'[0-9]' * 6}Z", "count": "[0-9]*"}
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(?=$|\.)", re.IGNORECASE)


def dump_paths(folder: str, template: str, fault: Fault, when: datetime | None = None) -> Iterator[str]:
    """Paths in the folder, the best one first; the dump takes the first that has no file.

    Left out are those where the report on a dump lies that has gone: it would be taken for a report on this one.
    """
    if template_problem(template):
        template = DEFAULT
    values = _values(fault, when or datetime.now(UTC))
    for number in range(1, MAX_NUMBER + 1):
        path = os.path.join(folder, file_name(template, values, number))
        if not any(os.path.lexists(path + suffix) for suffix in REPORTS):
            yield path


def template_problem(template: str) -> str | None:
    """What is wrong with a template, for people; the default is used in its place."""
    if unknown := [name for name in _FIELD.findall(template) if name not in FIELDS]:
        known = ", ".join(f"{{{name}}}" for name in FIELDS)
        return f"the name {template!r} has an unknown field {{{unknown[0]}}} (there are: {known}); {DEFAULT} is used"
    return None


def file_name(template: str, values: Mapping[str, str], number: int = 1) -> str:
    """One component of a path that ends in `.dmp`; a different one for each number."""
    stem = template[: -len(SUFFIX)] if template.lower().endswith(SUFFIX) else template
    counted = "{count}" in stem
    tail = "" if number == 1 or counted else f".{number}"
    values = {**{name: _cut(_harmless(value), MAX_FIELD) for name, value in values.items()}, "count": str(number)}
    stem = _harmless(_FIELD.sub(lambda field: values.get(field[1], ""), stem))
    if counted and len(stem.encode()) > MAX_NAME - len(SUFFIX):
        tail = f".{number}"  # what is cut off may be the number
    stem = re.sub(r"^[.-]", "_", stem)
    if _RESERVED.match(stem):
        stem = f"_{stem}"
    return f"{_cut(stem, MAX_NAME - len(SUFFIX + tail)) or 'dump'}{tail}{SUFFIX}"


def name_globs(template: str) -> list[str]:
    """Patterns (of `fnmatch`) of the names that `file_name` makes from a template, whatever the values."""
    template = DEFAULT if template_problem(template) else template
    stem = template[: -len(SUFFIX)] if template.lower().endswith(SUFFIX) else template
    parts = _FIELD.split(stem)
    glob = "".join(_GLOBS.get(part, "*") if i % 2 else _harmless(part) for i, part in enumerate(parts))
    glob = re.sub(r"^[.-]", "?", glob) or "dump"
    return [f"{start}{glob}{tail}{SUFFIX}" for start in ("", "_") for tail in ("", ".[0-9]*")]


def _values(fault: Fault, when: datetime) -> dict[str, str]:
    subject, code = fault.subject, code_text(fault) or ""
    return {
        "program": subject.name or "process",
        "pid": str(subject.pid),
        "tid": "" if fault.tid is None else str(fault.tid),
        "time": f"{when.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        "kind": fault.kind,
        "code": code,
        "signal": code,
        "uid": "" if subject.uid is None else str(subject.uid),
        "host": host(),
    }


def _harmless(text: str) -> str:
    """Letters, digits and a few signs: no separators, controls, overrides of direction, halves of surrogates, and
    nothing that a shell or a file system takes for its own."""
    text = unicodedata.normalize("NFC", text[: 4 * MAX_NAME])
    text = unicodedata.normalize("NFC", "".join(c if _is_harmless(c) else "_" for c in text))
    return f"_{text[1:]}" if unicodedata.combining(text[:1] or "_") else text


def _is_harmless(char: str) -> bool:
    return char in "._-+@=" or unicodedata.category(char)[0] in "LMN"


def _cut(text: str, size: int) -> str:
    """At most `size` bytes, no character cut in two."""
    return text.encode()[:size].decode(errors="ignore")
