"""A Windows program to be captured, run by Windows Python: threads with names, one of them suspended, memory of every
kind, and handles. It prints what it knows of itself; and for each line that it reads, how it is.
"""

import ctypes
import json
import os
import sys
import threading
import time
from ctypes import c_int32, c_size_t, c_uint32, c_void_p, c_wchar_p

# Python's own lock is kept during these calls: a thread that is suspended while it has that lock would stop us all.
kernel = ctypes.PyDLL("kernel32")
sys.setswitchinterval(1000)
ntdll = ctypes.WinDLL("ntdll")
for name, result, arguments in (
    ("CreateMutexW", c_void_p, (c_void_p, c_int32, c_wchar_p)),
    ("CreateEventW", c_void_p, (c_void_p, c_int32, c_int32, c_wchar_p)),
    ("CreateToolhelp32Snapshot", c_void_p, (c_uint32, c_uint32)),
    ("FreeLibrary", c_int32, (c_void_p,)),
    ("GetCurrentThread", c_void_p, ()),
    ("LoadLibraryW", c_void_p, (c_wchar_p,)),
    ("Module32FirstW", c_int32, (c_void_p, c_void_p)),
    ("Module32NextW", c_int32, (c_void_p, c_void_p)),
    ("OpenThread", c_void_p, (c_uint32, c_int32, c_uint32)),
    ("ResumeThread", c_uint32, (c_void_p,)),
    ("SetLastError", None, (c_uint32,)),
    ("SetThreadDescription", c_int32, (c_void_p, c_wchar_p)),
    ("SetThreadPriority", c_int32, (c_void_p, c_int32)),
    ("SuspendThread", c_uint32, (c_void_p,)),
    ("VirtualAlloc", c_size_t, (c_size_t, c_size_t, c_uint32, c_uint32)),
    ("VirtualQuery", c_size_t, (c_size_t, c_void_p, c_size_t)),
):
    call = getattr(kernel, name)
    call.restype, call.argtypes = result, arguments
ntdll.NtQueryInformationThread.argtypes = (c_void_p, c_uint32, c_void_p, c_uint32, c_void_p)
ntdll.RtlGetCurrentPeb.restype = c_size_t

READWRITE, NOACCESS, GUARD, COMMIT, RESERVE = 0x4, 0x1, 0x100, 0x1000, 0x2000
SUSPENDED = 2
counts = [0, 0, 0]
tids = [0, 0, 0]


def work(index: int) -> None:
    tids[index] = threading.get_native_id()
    kernel.SetThreadDescription(kernel.GetCurrentThread(), f"worker-{index}")
    counts[index] += 1
    if index == SUSPENDED:
        ctypes.WinDLL("kernel32").Sleep(0xFFFFFFFF)
    while True:
        counts[index] += 1
        time.sleep(0.01)


def thread(tid: int) -> int:
    return kernel.OpenThread(0x1FFFFF, False, tid)


def teb(tid: int) -> int:
    words = (c_size_t * 6)()
    ntdll.NtQueryInformationThread(thread(tid), 0, words, ctypes.sizeof(words), None)
    return words[1]


class Entry(ctypes.Structure):
    """MODULEENTRY32W"""

    _fields_ = (
        *(("size", c_uint32), ("id", c_uint32), ("pid", c_uint32), ("usage", c_uint32), ("own_usage", c_uint32)),
        *(("base", c_size_t), ("length", c_uint32), ("handle", c_void_p)),
        *(("name", ctypes.c_wchar * 256), ("path", ctypes.c_wchar * 260)),
    )


def modules() -> list[tuple[int, int, str]]:
    found, entry = [], Entry(ctypes.sizeof(Entry))
    listing = kernel.CreateToolhelp32Snapshot(0x18, 0)
    there = kernel.Module32FirstW(listing, ctypes.byref(entry))
    while there:
        found.append((entry.base, entry.length, entry.path))
        there = kernel.Module32NextW(listing, ctypes.byref(entry))
    return found


def protection(address: int) -> int:
    words = (c_uint32 * 12)()
    kernel.VirtualQuery(address, words, ctypes.sizeof(words))
    return words[9]


def suspend_counts() -> dict[int, int]:
    found = {}
    for tid in tids:
        handle = thread(tid)
        found[tid] = kernel.SuspendThread(handle)
        kernel.ResumeThread(handle)
    return found


for index in range(3):
    threading.Thread(target=work, args=(index,), daemon=True).start()
while not all(counts):
    time.sleep(0.01)
time.sleep(0.1)
kernel.SuspendThread(thread(tids[SUSPENDED]))
kernel.SetThreadPriority(thread(tids[1]), -2)
kernel.FreeLibrary(kernel.LoadLibraryW("winmm.dll"))
block = kernel.VirtualAlloc(0, 0x3000, COMMIT | RESERVE, READWRITE)
ctypes.memset(block, 0x5A, 0x3000)
ctypes.memmove(block, b"the first bytes", 15)
guard = kernel.VirtualAlloc(0, 0x1000, COMMIT | RESERVE, READWRITE | GUARD)
closed = kernel.VirtualAlloc(0, 0x1000, COMMIT | RESERVE, NOACCESS)
reserved = kernel.VirtualAlloc(0, 0x10000, RESERVE, NOACCESS)
peb = ntdll.RtlGetCurrentPeb()
parameters = c_size_t.from_address(peb + 0x20).value
facts = {
    "pid": os.getpid(),
    "main": threading.get_native_id(),
    "tids": tids,
    "tebs": {str(tid): teb(tid) for tid in (threading.get_native_id(), *tids)},
    "environment": c_size_t.from_address(parameters + 0x80).value,
    "modules": modules(),
    "block": block,
    "guard": guard,
    "closed": closed,
    "reserved": reserved,
    "mutex": kernel.CreateMutexW(None, False, "mdmp test mutex"),
    "event": kernel.CreateEventW(None, False, False, None),
}
print(json.dumps(facts), flush=True)
for _ in sys.stdin:
    before = list(counts)
    time.sleep(0.1)
    facts = {
        "ran": [after - b for after, b in zip(counts, before, strict=True)],
        "suspended": [suspend_counts()[tid] for tid in tids],
        "guard": protection(guard),
    }
    print(json.dumps(facts), flush=True)
