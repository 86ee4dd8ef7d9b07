"""One value of a policy file set or removed; all else in it, comments and order too, stays as it is.

The change is made to lines of text, and then proven: the new text has to parse to what the old one says but for this
value. A file that is written in a way that the few rules here cannot change is left alone, with words.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from mdmp.errors import UsageError
from mdmp.monitor.whole_file import write_whole

_KEY = re.compile(r"""\s*("[^"]*"|'[^']*'|[\w-]+)\s*=""")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def set_value(path: str, table: Sequence[str], key: str, value: object) -> bool:
    """Writes `value` (None: removes the key) to the file, which is made if need be. Returns whether anything changed.

    The new file replaces the old one in one step. `UsageError` when it cannot be read, changed or written.
    """
    # A link to the file, as those have it who keep such files elsewhere, stays one.
    target = os.path.realpath(path)
    try:
        with open(target, encoding="utf-8", newline="") as file:
            old = file.read()
    except FileNotFoundError:
        old = ""
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"cannot read {path}: {problem}") from None
    new = changed(old, table, key, value, path)
    if new == old:
        return False
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        mode = os.stat(target).st_mode & 0o777 if os.path.exists(target) else 0o644
        write_whole(target, new.encode(), mode)
    except OSError as problem:
        raise UsageError(f"cannot write {path}: {problem.strerror}") from None
    return True


def changed(text: str, table: Sequence[str], key: str, value: object, name: str = "the file") -> str:
    """The text of a TOML file with one value changed."""
    try:
        wanted = tomllib.loads(text)
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"{name} is not TOML, mend it first: {problem}") from None
    if value is None and key not in _inner(wanted, table):
        return text
    _change(wanted, table, key, value)
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    _edit(lines, table, key, value, "\r\n" if text.endswith("\r\n") else "\n")
    new = "".join(lines)
    try:
        proven = tomllib.loads(new) == wanted
    except ValueError:
        proven = False
    if not proven:
        place = ".".join((*map(_name, table), _name(key)))
        what = "remove it" if value is None else f"set it to {_text(value)}"
        raise UsageError(f"{place} in {name} is written in a way that only people can change; {what} with an editor")
    return new


def _inner(document: dict[str, Any], table: Sequence[str]) -> dict[str, Any]:
    found: Any = document
    for part in table:
        found = found.get(part, {}) if isinstance(found, dict) else {}
    return found if isinstance(found, dict) else {}


def _change(document: dict[str, Any], table: Sequence[str], key: str, value: object) -> None:
    for part in table:
        document = document.setdefault(part, {})
        if not isinstance(document, dict):
            raise UsageError(f"{part} is no table in the file, mend it first")
    if value is None:
        del document[key]
    else:
        document[key] = tomllib.loads(f"x = {_text(value)}")["x"]


def _edit(lines: list[str], table: Sequence[str], key: str, value: object, end: str) -> None:
    start, stop = _section(lines, table)
    if start is None:
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += end
        header = f"[{'.'.join(map(_name, table))}]{end}"
        lines += [*([end] if lines else []), header, f"{_name(key)} = {_text(value)}{end}"]
        return
    last, index = start if table else _after_introduction(lines), start
    while index < stop:
        if not _KEY.match(lines[index]):
            index += 1
            continue
        after = _end_of_value(lines, index, stop)
        if _only_key(lines[index:after]) == key:
            new = [] if value is None else [f"{_name(key)} = {_text(value)}{_comment(lines[index:after])}{end}"]
            lines[index:after] = new
            return
        last = index = after
    if last and not lines[last - 1].endswith("\n"):
        lines[last - 1] += end
    blank = end if not table and lines[last:] and not _KEY.match(lines[last - 1] if last else "") else ""
    lines.insert(last, f"{_name(key)} = {_text(value)}{end}{blank}")


def _section(lines: list[str], table: Sequence[str]) -> tuple[int | None, int]:
    """The lines after a table's header to the next header; the lines before the first header for no table."""
    start = None if table else 0
    index = 0
    while index < len(lines):
        if lines[index].lstrip().startswith("["):
            if start is not None:
                return start, index
            if _header(lines[index]) == list(table):
                start = index + 1
        index = _end_of_value(lines, index, len(lines)) if _KEY.match(lines[index]) else index + 1
    return start, len(lines)


def _after_introduction(lines: list[str]) -> int:
    """The line after the comments at the beginning that do not belong to what follows them."""
    first = next((index for index, line in enumerate(lines) if line.strip() and line.lstrip()[0] != "#"), len(lines))
    if first < len(lines):
        while first > 0 and lines[first - 1].strip():
            first -= 1
    return first


def _header(line: str) -> list[str] | None:
    """`[a."b.c"]` -> a, b.c"""
    try:
        found = tomllib.loads(line)
    except ValueError:
        return None
    path = []
    while isinstance(found, dict) and found:
        (part, found) = next(iter(found.items()))
        path.append(part)
    return path


def _end_of_value(lines: list[str], index: int, stop: int) -> int:
    """The line after those of a value, which may be several."""
    for after in range(index + 1, min(stop, index + 1000) + 1):
        with suppress(ValueError):
            tomllib.loads("".join(lines[index:after]))
            return after
    return index + 1


def _only_key(lines: list[str]) -> str | None:
    try:
        return next(iter(tomllib.loads("".join(lines))))
    except (ValueError, StopIteration):
        return None


def _comment(lines: list[str]) -> str:
    """What stands behind a value in its last line."""
    text = "".join(lines)
    value = tomllib.loads(text)
    last = lines[-1]
    for match in re.finditer("#", last):
        with suppress(ValueError):
            if tomllib.loads(text[: len(text) - len(last)] + last[: match.start()]) == value:
                return "  " + last[match.start() :].rstrip()
    return ""


def _name(key: str) -> str:
    return key if _BARE.fullmatch(key) else _quoted(key)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value))}]"
    text = str(value)
    # Paths of Windows are easier to read without doubled backslashes.
    return f"'{text}'" if "\\" in text and "'" not in text else _quoted(text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
