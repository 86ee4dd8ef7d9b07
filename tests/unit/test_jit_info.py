"""JIT_DEBUG_INFO, and random numbers in its place."""

import struct

import pytest

from mdmp.monitor.windows.jit_info import read_jit_info

AT, RECORD, CONTEXT = 0x10000, 0x20000, 0x30000


class Memory:
    ranges = ()

    def __init__(self, **changes: int) -> None:
        facts = {"size": 40, "architecture": 9, "tid": 7, "reserved": 0, "place": 0x401000, "record": RECORD}
        facts |= changes
        info = struct.pack("<4I3Q", *facts.values(), CONTEXT)
        record = struct.pack("<IIQQII15Q", 0xC0000005, 0, 0, 0x401000, 2, 0, 1, 0x18, *(0,) * 13)
        self.pieces = {AT: info, RECORD: record}

    def read_some(self, address: int, size: int) -> bytes:
        return self.pieces.get(address, b"")[:size]

    def read(self, address: int, size: int) -> bytes:
        return self.read_some(address, size)

    def word(self, address: int, size: int) -> int | None:
        return None


def test_what_the_system_tells() -> None:
    record = read_jit_info(Memory(), AT, {7, 8})
    assert record is not None
    assert (record.tid, record.code, record.address, record.parameters) == (7, 0xC0000005, 0x401000, (1, 0x18))


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 41},
        {"architecture": 77},
        {"tid": 9},
        {"reserved": 1},
        {"place": 0x401001},
        {"record": RECORD + 8},
        {"record": 0},
    ],
)
def test_what_does_not_fit_together_is_not_believed(changes: dict[str, int]) -> None:
    assert read_jit_info(Memory(**changes), AT, {7, 8}) is None


def test_nothing_there() -> None:
    assert read_jit_info(Memory(), 0, {7}) is None
    assert read_jit_info(Memory(), 0xDEADBEEF, {7}) is None
