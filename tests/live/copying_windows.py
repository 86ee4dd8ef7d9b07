"""`mdmp capture` on a system that makes copies of processes, which Wine does not: PssCaptureSnapshot and its kin are
played here as processsnapshot.h describes them, and the process itself is the copy. Run by Windows Python.
"""

import ctypes
import sys
from typing import Any

from mdmp.capture.windows import win32
from mdmp.capture.windows.contexts import ContextReader
from mdmp.capture.windows.freeze import freeze
from mdmp.capture.windows.threads import basic
from mdmp.cli.__main__ import main

SNAPSHOT, MARKER = 0x51, 0x52
left: list[tuple[int, bytes, int, int]] = []
alive: list[Any] = []


def capture(process: int, what: int, flags: int, out: Any) -> int:
    assert what & 0x181 == 0x181
    assert flags == 0x10001F
    reader = ContextReader("amd64", False)
    with freeze(process, int(sys.argv[1]), 2) as frozen:
        for tid, held in frozen.threads.items():
            context = ctypes.string_at(reader.fill(held.handle), 1232)
            left.append((tid, context, held.suspend_count, basic(held.handle).TebBaseAddress or 0))
    alive.append(process)
    out._obj.value = SNAPSHOT
    return 0


def query(snapshot: Any, kind: int, out: Any, size: int) -> int:
    assert (snapshot.value, kind, size) == (SNAPSHOT, 1, 8)
    out._obj.value = alive[0]
    return 0


def create_marker(allocator: None, out: Any) -> int:
    out._obj.value = MARKER
    return 0


def walk(snapshot: Any, kind: int, marker: Any, out: Any, size: int) -> int:
    assert (snapshot.value, kind, marker.value, size) == (SNAPSHOT, 3, MARKER, 120)
    if not left:
        raise ctypes.WinError(259)
    entry = out._obj
    tid, context, count, teb = left.pop(0)
    alive.append(ctypes.create_string_buffer(context, len(context)))
    entry.ThreadId, entry.TebBaseAddress, entry.SuspendCount = tid, teb, count
    entry.ContextRecord, entry.SizeOfContextRecord = ctypes.addressof(alive[-1]), len(context)
    return 0


def free(process: int, snapshot: Any) -> int:
    assert snapshot.value == SNAPSHOT
    print("freed")
    return 0


win32.PssCaptureSnapshot = capture
win32.PssQuerySnapshot = query
win32.PssWalkMarkerCreate = create_marker
win32.PssWalkSnapshot = walk
win32.PssWalkMarkerFree = lambda marker: 0
win32.PssFreeSnapshot = free
sys.exit(main(["capture", *sys.argv[1:]]))
