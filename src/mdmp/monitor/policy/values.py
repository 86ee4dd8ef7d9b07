"""What each key of a policy may hold, whether it comes from a file, the registry, the environment or a command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import NamedTuple

from mdmp.binary.sizes import SHIFTS, parse_size
from mdmp.monitor.fault import KINDS
from mdmp.monitor.finalize.name import template_problem
from mdmp.snapshot.dump_type import DUMP_TYPES

LOCAL_DUMPS_TYPES = ("custom", "mini", "full")
"""DumpType 0, 1, 2 of WER's LocalDumps."""

NOTICES = ("terminal", "desktop")

_AGE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([smhdw])", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_MAX_COUNT = 1_000_000
_MAX_BYTES = 1 << 62
_MAX_AGE = timedelta(days=36500)
_MAX_TEXT = 4096


class Key(NamedTuple):
    parse: Callable[[object], object]
    """Of a value as TOML has it, or of text, to a field of `Settings`. `ValueError` when it is none."""
    expected: str
    """For messages."""


def flag(value: object) -> bool:
    if isinstance(value, str):
        value = _FLAGS.get(value.lower())
    if not isinstance(value, bool):
        raise ValueError
    return value


def number(value: object) -> int:
    """A whole number; text may be hexadecimal after `0x`."""
    if isinstance(value, str):
        value = int(value, 0) if len(value) < 32 else None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError
    return value


def count(value: object) -> int:
    found = number(value)
    if found > _MAX_COUNT:
        raise ValueError
    return found


def bits(value: object) -> int:
    found = number(value)
    if found >> 32:
        raise ValueError
    return found


def size(value: object) -> int:
    """Bytes: a number, or text like `500M`, `1.5 GiB` (units of 1024)."""
    if isinstance(value, str) and not value.lower().startswith("0x"):
        value = parse_size(value)
    found = number(value)
    if found > _MAX_BYTES:
        raise ValueError
    return found


def age(value: object) -> timedelta:
    match = _AGE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError
    found = timedelta(seconds=float(match[1]) * _SECONDS[match[2].lower()])
    if found > _MAX_AGE:
        raise ValueError
    return found


def text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _MAX_TEXT or not value.isprintable():
        raise ValueError
    return value


def names(value: object) -> tuple[str, ...]:
    """A list, or text with commas."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list | tuple) or len(value) > _MAX_TEXT:
        raise ValueError
    return tuple(text(part) for part in value)


def dump_type(value: object) -> str:
    """A name, or the number of LocalDumps."""
    if isinstance(value, str) and value.lower() in (*DUMP_TYPES, "custom"):
        return value.lower()
    return LOCAL_DUMPS_TYPES[_below(3, number(value))]


def _below(limit: int, found: int) -> int:
    if found >= limit:
        raise ValueError
    return found


def _rule(value: object) -> str:
    return "none" if value == "none" else dump_type(value)


def _notices(value: object) -> tuple[str, ...]:
    found = () if value == "none" else names(value)
    if not set(found) <= set(NOTICES):
        raise ValueError
    return found


def _url(value: object) -> str:
    found = text(value)
    if not re.match(r"https?://[^\s/]", found):
        raise ValueError
    return found


def _file_name(value: object) -> str:
    found = text(value)
    if re.search(r"[/\\]", found) or not found.strip(".") or template_problem(found):
        raise ValueError
    return found


def _or_none(parse: Callable[[object], object]) -> Callable[[object], object]:
    return lambda value: None if value == "none" else parse(value)


_TYPES = ", ".join(DUMP_TYPES)
_FLAG = "true or false"
_LIMIT = 'a size like 500M, or "none"'

KEYS: Mapping[str, Key] = {
    "enabled": Key(flag, _FLAG),
    "folder": Key(_or_none(text), 'a folder, or "none" for the default one'),
    "count": Key(count, f"a number from 0 to {_MAX_COUNT}"),
    "type": Key(dump_type, f"{_TYPES}, custom, or 0, 1, 2 as in LocalDumps"),
    "custom_flags": Key(bits, "MINIDUMP_TYPE bits like 0x121"),
    "name": Key(_file_name, "the name of a file without a folder, with fields like {program}, {pid}, {time}"),
    "budget": Key(_or_none(size), _LIMIT),
    "scrub_stacks": Key(flag, _FLAG),
    "max_age": Key(_or_none(age), 'an age like 30d, 12h, 2w, or "none"'),
    "max_total": Key(_or_none(size), _LIMIT),
    "min_free": Key(size, "a size like 1G"),
    "repeat": Key(count, f"a number from 0 (no limit) to {_MAX_COUNT}"),
    "log": Key(flag, _FLAG),
    "notice": Key(_notices, f'a list of {", ".join(NOTICES)}; or "none"'),
    "webhook": Key(_or_none(_url), 'a URL of http or https, or "none"'),
    "report": Key(flag, _FLAG),
    **{f"rules.{kind}": Key(_rule, f"{_TYPES}, custom, or none") for kind in KINDS},
}
"""Field of `Settings` -> what it may hold. Each rule is a key of its own, so that all are inherited alike."""


def shown(key: str, value: object) -> str:
    """A value as people would write it."""
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return _shortest(value.total_seconds(), {unit: _SECONDS[unit] for unit in "smhd"})
    if key in ("budget", "max_total", "min_free") and isinstance(value, int):
        return shown_size(value)
    if key == "custom_flags" and isinstance(value, int):
        return hex(value)
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def shown_size(value: int) -> str:
    return _shortest(value, {unit.upper(): 1 << shift for unit, shift in SHIFTS.items()})


def _shortest(value: float, units: Mapping[str, int]) -> str:
    """In the biggest unit that there is one of."""
    unit, size_ = max(((u, s) for u, s in units.items() if s <= max(value, 1)), key=lambda pair: pair[1])
    return f"{value / size_:.1f}".removesuffix(".0") + unit
