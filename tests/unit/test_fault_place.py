"""Where a fault happened, told the same way in each run."""

import pytest

from mdmp.formats.proc.maps import parse_maps
from mdmp.monitor.linux.place import place_of
from mdmp.snapshot.thread import Context

MAPS = parse_maps(b"""\
1000-2000 r--p 00000000 08:01 1 /opt/shop
2000-4000 r-xp 00001000 08:01 1 /opt/shop
7000-9000 r-xp 00010000 08:01 2 /usr/lib/libc.so.6
9000-a000 rw-p 00012000 08:01 2 /usr/lib/libc.so.6
b000-c000 rwxp 00000000 00:00 0
f000-10000 rw-p 00000000 00:00 0 [stack]
""")


class Stack:
    def __init__(self, *words: int) -> None:
        self.data = b"".join(word.to_bytes(8, "little") for word in words)

    def read_some(self, address: int, size: int) -> bytes:
        return self.data[:size] if address == 0xF100 else b""


@pytest.mark.parametrize(
    ("pc", "words", "place"),
    [
        (0x2345, (), "shop+0x1345"),
        (0x7010, (5, 0x1100, 0x9100, 0x7020, 0x3001, 0x2001), "shop+0x2001"),
        (0x7010, (5, 0x7020), "libc.so.6+0x10010"),
        (0xB010, (0x2010,), "shop+0x1010"),
        (0, (0x2010,), "shop+0x1010"),
        (0, (), ""),
        (0x9010, (), ""),
        (1 << 63, (), ""),
    ],
)
def test_place(pc: int, words: tuple[int, ...], place: str) -> None:
    context = Context("amd64", {"rip": pc, "rsp": 0xF100})
    assert place_of(context, MAPS, Stack(*words)) == place  # type: ignore[arg-type]


def test_no_registers() -> None:
    assert place_of(None, MAPS, Stack()) == ""  # type: ignore[arg-type]
    assert place_of(Context("vax", {}), MAPS, Stack()) == ""  # type: ignore[arg-type]
    assert place_of(Context("amd64", {}), MAPS, Stack()) == ""  # type: ignore[arg-type]
