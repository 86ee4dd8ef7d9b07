"""/proc/PID/status, and other texts of the shape `Name: value`."""

import re
from collections.abc import Mapping

_NUMBER = re.compile(r"[0-9]{1,20}(?!\S)")


def parse_fields(text: bytes) -> dict[str, str]:
    """Name to value, both without blanks at their ends; the first counts where a name comes twice."""
    found: dict[str, str] = {}
    for line in text.split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon:
            found.setdefault(name.strip().decode("utf-8", "replace"), value.strip().decode("utf-8", "replace"))
    return found


def number(fields: Mapping[str, str], name: str) -> int | None:
    """The number that a value begins with (`VmRSS: 123 kB`), or None."""
    found = _NUMBER.match(fields.get(name, ""))
    return int(found[0]) if found else None


def number_in(text: bytes, name: str) -> int | None:
    """The same from the whole text, for those who need no other field of it."""
    found = re.search(rb"^%s:[ \t]*([0-9]{1,20})(?!\S)" % re.escape(name.encode()), text, re.MULTILINE)
    return int(found[1]) if found else None


def memory_counters(fields: Mapping[str, str]) -> dict[str, int]:
    """By the plain names of `Process.vm_counters`, in bytes."""
    names = {
        "working_set": "VmRSS",
        "peak_working_set": "VmHWM",
        "virtual": "VmSize",
        "peak_virtual": "VmPeak",
        "pagefile": "VmSwap",
    }
    found = {plain: number(fields, name) for plain, name in names.items()}
    return {plain: value * 1024 for plain, value in found.items() if value is not None}
