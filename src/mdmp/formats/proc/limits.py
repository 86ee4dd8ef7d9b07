"""/proc/PID/limits. Source: proc_pid_limits(5)."""

import re
from typing import NamedTuple

_LINE = re.compile(rb"(Max [a-z -]+?) +(unlimited|\d{1,20}) +(unlimited|\d{1,20})(?: +([a-z]+))? *")


class Limit(NamedTuple):
    soft: int | None
    """What holds; None: no limit."""
    hard: int | None
    """What the process may raise it to."""
    unit: str
    """`bytes`, `seconds`, `processes`…, or ""."""


def parse_limits(text: bytes) -> dict[str, Limit]:
    """By the kernel's names: `Max stack size`."""
    found = {}
    for line in text.split(b"\n"):
        match = _LINE.fullmatch(line)
        if match:
            name, soft, hard, unit = match.groups()
            found[name.decode()] = Limit(_number(soft), _number(hard), (unit or b"").decode())
    return found


def _number(text: bytes) -> int | None:
    return None if text == b"unlimited" else int(text)
