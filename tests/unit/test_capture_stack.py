"""Which mapping is a thread's stack, by its stack pointer."""

from collections.abc import Sequence

import pytest

from mdmp.capture.linux.threads import stack_at
from mdmp.formats.proc.maps import Mapping

PAGE = 0x1000
THREADS = 10_000


class Counted(Sequence[Mapping]):
    """Stacks of many threads, each behind a guard page; counts how often somebody looks at one."""

    looks = 0

    def __len__(self) -> int:
        return 2 * THREADS

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        self.looks += 1
        start = 0x7F0000000000 + index // 2 * 0x100000
        low, high, letters = (start, start + PAGE, "---") if index % 2 == 0 else (start + PAGE, start + 0x100000, "rw-")
        return Mapping(low, high, letters, False, 0, "00:00", 0, "")


MAPS = (
    Mapping(0x10000, 0x20000, "r-x", False, 0, "08:01", 5, "/bin/a"),
    Mapping(0x7F000000, 0x7F001000, "---", False, 0, "00:00", 0, ""),
    Mapping(0x7F001000, 0x7F010000, "rw-", False, 0, "00:00", 0, ""),
    Mapping(0xFFFFFFFFFF600000, 0xFFFFFFFFFF601000, "--x", False, 0, "00:00", 0, "[vsyscall]"),
)


@pytest.mark.parametrize("pointer", [0x7F001000, 0x7F00FFFF, 0x7F000008, 0x7F001000 - (1 << 20) + 1])
def test_the_pointer_lies_in_the_stack_or_right_below(pointer: int) -> None:
    assert stack_at(MAPS, pointer) is MAPS[2]


@pytest.mark.parametrize("pointer", [0, 0x7F001000 - (1 << 20), 0x7F010000, 0xFFFFFFFFFF600008, (1 << 64) - 1])
def test_there_is_no_stack_near_the_pointer(pointer: int) -> None:
    assert stack_at(MAPS, pointer) is None


def test_a_process_of_many_threads_is_not_searched_from_its_first_mapping_on() -> None:
    maps = Counted()
    found = stack_at(maps, 0x7F0000000000 + 9000 * 0x100000 + 0x8000)
    assert found is not None and found.start == 0x7F0000000000 + 9000 * 0x100000 + PAGE
    assert maps.looks < 50
