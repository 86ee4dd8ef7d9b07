"""Every call of the operating system that Python does not have itself; the only file with ctypes.

Each function checks what the kernel answers and raises `OSError` with its error number. Sources: ptrace(2),
process_vm_readv(2), and the kernel's include/uapi/linux/ptrace.h.
"""

import ctypes
import fcntl
import os
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Final

_libc = ctypes.CDLL(None, use_errno=True)


class Request(IntEnum):
    """What ptrace can be asked for."""

    CONT = 7
    SYSCALL = 24
    GET_THREAD_AREA = 25
    DETACH = 17
    SETOPTIONS = 0x4200
    GETEVENTMSG = 0x4201
    GETSIGINFO = 0x4202
    GETREGSET = 0x4204
    SETREGSET = 0x4205
    SEIZE = 0x4206
    INTERRUPT = 0x4207
    LISTEN = 0x4208
    GETSIGMASK = 0x420A
    SETSIGMASK = 0x420B
    GET_RSEQ_CONFIGURATION = 0x420F
    GET_SYSCALL_USER_DISPATCH_CONFIG = 0x4210


WALL: Final = 0x40000000
"""__WALL: wait for threads and for children of any kind."""
WNOTHREAD: Final = 0x20000000
"""__WNOTHREAD: only for children and tracees of the calling thread."""
SIGINFO_SIZE: Final = 128
O_TRACESYSGOOD: Final = 1
O_TRACEFORK: Final = 2
O_TRACEVFORK: Final = 4
O_TRACECLONE: Final = 8
O_TRACEEXEC: Final = 0x10
O_TRACEEXIT: Final = 0x40
O_EXITKILL: Final = 1 << 20
"""For copies only, never for the process itself."""
EVENT_CLONE: Final = 3
EVENT_EXEC: Final = 4
EVENT_EXIT: Final = 6
EVENT_STOP: Final = 128
"""Stopped because we asked, or together with the whole process by a stop signal."""


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


_ptrace = _libc.ptrace
_ptrace.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_ptrace.restype = ctypes.c_long
_readv = _libc.process_vm_readv
_readv.argtypes = (
    *(ctypes.c_int, ctypes.POINTER(_Iovec), ctypes.c_ulong, ctypes.POINTER(_Iovec), ctypes.c_ulong),
    ctypes.c_ulong,
)
_readv.restype = ctypes.c_ssize_t


def ptrace(request: Request, tid: int, address: int = 0, data: int = 0) -> None:
    ctypes.set_errno(0)
    if _ptrace(request, tid, address, data) == -1 and ctypes.get_errno():
        raise OSError(ctypes.get_errno(), f"ptrace {request.name} of {tid}: {os.strerror(ctypes.get_errno())}")


def ptrace_read(request: Request, tid: int, address: int, size: int) -> bytes:
    """For requests that fill a buffer of a size that is known: GETSIGINFO, GETEVENTMSG, GETSIGMASK…"""
    buffer = ctypes.create_string_buffer(size)
    ptrace(request, tid, address, ctypes.addressof(buffer))
    return buffer.raw


def ptrace_write(request: Request, tid: int, address: int, raw: bytes) -> None:
    """For requests that take a buffer: SETSIGMASK."""
    buffer = ctypes.create_string_buffer(raw, len(raw))
    ptrace(request, tid, address, ctypes.addressof(buffer))


def get_registers(tid: int, kind: int, size: int) -> bytes:
    """A set of registers (NT_*) of a stopped thread, up to `size` bytes: as many as the kernel has."""
    buffer = ctypes.create_string_buffer(size)
    vector = _Iovec(ctypes.addressof(buffer), size)
    ptrace(Request.GETREGSET, tid, kind, ctypes.addressof(vector))
    return buffer.raw[: vector.size]


def set_registers(tid: int, kind: int, raw: bytes) -> None:
    buffer = ctypes.create_string_buffer(raw, len(raw))
    vector = _Iovec(ctypes.addressof(buffer), len(raw))
    ptrace(Request.SETREGSET, tid, kind, ctypes.addressof(vector))


class ReadBuffer:
    """Bytes of other processes, by way of one buffer that stays in the processor's cache."""

    def __init__(self, size: int) -> None:
        self._buffer = ctypes.create_string_buffer(size)
        self.size = size
        self.view = memoryview(self._buffer).cast("B")
        self._local = _Iovec(ctypes.addressof(self._buffer), size)
        self._remote = _Iovec(None, size)

    def fill(self, pid: int, address: int, size: int) -> memoryview:
        """Up to `size` bytes (never more than the buffer has), as many as can be read from there on.

        They are valid until the next call. `OSError` when not even the first can be read.
        """
        size = min(size, self.size)
        self._local.size = size
        self._remote.base, self._remote.size = address, size
        count = _readv(pid, ctypes.byref(self._local), 1, ctypes.byref(self._remote), 1, 0)
        if count < 0:
            error = ctypes.get_errno()
            raise OSError(error, f"process_vm_readv of {pid} at {address:#x}: {os.strerror(error)}")
        return self.view[:count]


class _UserDesc(ctypes.Structure):
    """struct user_desc of asm/ldt.h."""

    _fields_ = (
        ("entry_number", ctypes.c_uint),
        ("base_addr", ctypes.c_uint),
        ("limit", ctypes.c_uint),
        ("flags", ctypes.c_uint),
    )


def thread_area(tid: int, selector: int) -> int:
    """The base of a segment that a 32-bit x86 thread keeps for itself, by its selector (in gs)."""
    area = _UserDesc()
    ptrace(Request.GET_THREAD_AREA, tid, selector >> 3, ctypes.addressof(area))
    return int(area.base_addr)


_PR_SET_PTRACER = 0x59616D61


def set_ptracer(pid: int) -> None:
    """Lets one more process trace us than Yama would (prctl(2)). `OSError` on systems without Yama."""
    if _libc.prctl(_PR_SET_PTRACER, ctypes.c_ulong(pid), 0, 0, 0) == -1:
        raise OSError(ctypes.get_errno(), f"prctl PR_SET_PTRACER: {os.strerror(ctypes.get_errno())}")


_PR_SET_NO_NEW_PRIVS: Final = 38
_CAPABILITY_VERSION_3: Final = 0x20080522


def drop_capabilities() -> None:
    """What makes root more than the owner of its files (capset(2)); no program that we start gets it back."""
    head = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if _libc.prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), 0, 0, 0) or _libc.capset(head, nothing):
        raise OSError(ctypes.get_errno(), f"capset: {os.strerror(ctypes.get_errno())}")


_PAGEMAP_SCAN: Final = 0xC0606610
_PRESENT_OR_SWAPPED: Final = 8 | 16
_MAX_REGIONS: Final = 1024


def populated(pagemap: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """[low, high) of the pages that a process has, in order, from the open file /proc/PID/pagemap. `OSError` before
    Linux 6.7. Source: struct pm_scan_arg of the kernel's include/uapi/linux/fs.h."""
    found = (ctypes.c_uint64 * (3 * _MAX_REGIONS))()
    while start < end:
        asked = (0, start, end, 0, ctypes.addressof(found), _MAX_REGIONS, 0, 0, 0)
        argument = bytearray(struct.pack("<12Q", 96, *asked, _PRESENT_OR_SWAPPED, _PRESENT_OR_SWAPPED))
        count = fcntl.ioctl(pagemap, _PAGEMAP_SCAN, argument)
        for i in range(count):
            yield found[3 * i], found[3 * i + 1]
        start = struct.unpack_from("<Q", argument, 32)[0]
