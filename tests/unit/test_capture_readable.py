"""Which mappings of a process may be read."""

import sys

import pytest

if sys.platform != "linux":
    pytest.skip("processes of Linux are read on Linux", allow_module_level=True)

from mdmp.capture.linux.memory import readable
from mdmp.formats.proc.maps import parse_maps


@pytest.mark.parametrize(
    ("permissions", "path", "yes"),
    [
        ("rw-p", "", True),
        ("r-xp", "/usr/bin/device", True),
        ("rw-s", "/dev/shm/queue", True),
        ("rw-s", "/dev/zero (deleted)", True),
        ("rw-s", "/dev/hugepages/pool", True),
        ("rw-s", "/memfd:pool (deleted)", True),
        ("r-xp", "[vdso]", True),
        ("---p", "", False),
        ("-w-s", "/dev/shm/log", False),
        ("r--p", "[vvar]", False),
        ("r--p", "[vvar_vclock]", False),
        ("r-xp", "[vsyscall]", False),
        ("rw-s", "/dev/mem", False),
        ("rw-s", "/sys/devices/pci0000:00/0000:00:02.0/resource0", False),
        ("rw-s", "/proc/bus/pci/00/02.0", False),
    ],
)
def test_what_is_read(permissions: str, path: str, yes: bool) -> None:
    maps = parse_maps(f"1000-3000 {permissions} 00000000 00:05 77 {path}\n".encode())
    assert readable(maps) == (((0x1000, 0x2000),) if yes else ())
