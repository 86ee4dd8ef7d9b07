"""/proc/PID/maps. Source: proc_pid_maps(5)."""

import re
from typing import NamedTuple

MAX_LINES = 1 << 20
_LINE = re.compile(
    rb"([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([r-][w-][x-][ps]) ([0-9a-f]{1,16}) ([0-9a-f]+:[0-9a-f]+) (\d{1,20}) *(.*)"
)
_ESCAPE = re.compile(rb"\\([0-7]{3})")


class Mapping(NamedTuple):
    start: int
    end: int
    permissions: str
    """`rwx` letters, `-` for what is not allowed."""
    shared: bool
    offset: int
    """In the file, in bytes."""
    device: str
    inode: int
    """0 for memory that is no file."""
    path: str
    """The file, a label of the system (`[stack]`), or ""."""

    @property
    def size(self) -> int:
        return self.end - self.start


def parse_maps(text: bytes) -> tuple[Mapping, ...]:
    found = []
    for line in text.split(b"\n")[:MAX_LINES]:
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        low, high, permissions, offset, device, inode, path = match.groups()
        start, end = int(low, 16), int(high, 16)
        if start < end:
            letters = permissions.decode()
            # The kernel writes a line feed in a name as \012.
            name = _ESCAPE.sub(lambda code: bytes((int(code[1], 8) & 0xFF,)), path).decode("utf-8", "surrogateescape")
            found.append(
                Mapping(start, end, letters[:3], letters[3] == "s", int(offset, 16), device.decode(), int(inode), name)
            )
    return tuple(found)
