"""What a thread is beside its registers -> `Thread`."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from mdmp.arch import CPUS
from mdmp.binary.clock import from_filetime
from mdmp.snapshot import Thread
from mdmp.snapshot.stacks import pointer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from typing import Any

    from mdmp.snapshot import Context, MemoryReader, Region

assert sys.platform == "win32"

from mdmp.capture.windows import win32

_PRIORITY_UNKNOWN = 0x7FFFFFFF
"""THREAD_PRIORITY_ERROR_RETURN"""
_WOW64_TEB = 0x2000
"""How far behind a thread's 64-bit block its 32-bit one lies."""


class _Block(NamedTuple):
    """Offsets in the TEB."""

    stack_base: int
    stack_limit: int
    itself: int
    last_error: int
    word: int


_BLOCKS = {4: _Block(0x4, 0x8, 0x18, 0x34, 4), 8: _Block(0x8, 0x10, 0x30, 0x68, 8)}


class Seen(NamedTuple):
    """What is known of a thread however it was captured."""

    tid: int
    context: Context | None
    suspend_count: int
    teb: int
    """As the system tells it: of a 32-bit program on a 64-bit system, the 64-bit one."""
    handle: int | None
    """To ask more; None when that cannot be opened any more."""


def make_thread(seen: Seen, memory: MemoryReader, regions: Sequence[Region], priority_class: int | None) -> Thread:
    cpu = seen.context.cpu if seen.context else None
    word = CPUS[cpu].pointer_size if cpu in CPUS else ctypes.sizeof(ctypes.c_void_p)
    block = _BLOCKS[word]
    teb = _own_block(seen.teb, block, memory)
    stack = _stack(seen.context, teb, block, memory, regions)
    facts: dict[str, Any] = {} if seen.handle is None else _ask(seen.handle)
    return Thread(
        tid=seen.tid,
        context=seen.context,
        stack_start=stack[0] if stack else None,
        stack_size=stack[1] if stack else None,
        teb=teb or None,
        suspend_count=seen.suspend_count,
        priority_class=priority_class,
        last_error=memory.word(teb + block.last_error, 4) if teb else None,
        **facts,
    )


def _own_block(teb: int, block: _Block, memory: MemoryReader) -> int:
    """The TEB of the program's own width: it is the one that points to itself."""
    for place in (teb, teb + _WOW64_TEB, memory.word(teb, 4) or 0):
        if place and memory.word(place + block.itself, block.word) == place:
            return place
    return teb


def _stack(
    context: Context | None, teb: int, block: _Block, memory: MemoryReader, regions: Sequence[Region]
) -> tuple[int, int] | None:
    """(start, size) of what is committed of the stack: as the TEB tells it when the stack pointer lies in there, else
    by the memory map, since fibers and damaged programs have others."""
    base = memory.word(teb + block.stack_base, block.word) if teb else None
    limit = memory.word(teb + block.stack_limit, block.word) if teb else None
    told = (limit, base - limit) if base and limit and limit < base else None
    sp = pointer_of(context, "sp")
    if sp is None or (told and told[0] <= sp < sum(told)):
        return told
    for region in regions:
        if (
            region.start <= sp < region.end
            and region.state == "commit"
            and not region.guard
            and "w" in region.protection
        ):
            return region.start, region.size
    return told


def _ask(handle: int) -> dict[str, Any]:
    """Each thing that the system does not tell is left out."""
    found: dict[str, Any] = {}

    def ask(names: tuple[str, ...], question: Callable[[int], tuple[Any, ...]]) -> None:
        with suppress(OSError):
            found.update(zip(names, question(handle), strict=True))

    ask(("create_time", "exit_time", "kernel_time", "user_time"), _times)
    ask(("start_address",), lambda thread: (_number(thread, win32.THREAD_START_ADDRESS),))
    ask(("name",), lambda thread: (_name(thread),))
    ask(("affinity", "exit_status"), _basic)
    priority = win32.GetThreadPriority(handle)
    return found if priority == _PRIORITY_UNKNOWN else found | {"priority": priority}


def basic(handle: int) -> win32.THREAD_BASIC_INFORMATION:
    info = win32.THREAD_BASIC_INFORMATION()
    win32.NtQueryInformationThread(handle, win32.THREAD_BASIC, ctypes.byref(info), ctypes.sizeof(info), None)
    return info


def _basic(handle: int) -> tuple[int, int]:
    info = basic(handle)
    return info.AffinityMask, info.ExitStatus


def _number(handle: int, what: int) -> int:
    value = ctypes.c_size_t()
    win32.NtQueryInformationThread(handle, what, ctypes.byref(value), ctypes.sizeof(value), None)
    return value.value


def _times(handle: int) -> tuple[datetime | None, datetime | None, timedelta, timedelta]:
    return times(win32.GetThreadTimes, handle)


def times(call: Callable[..., int], handle: int) -> tuple[datetime | None, datetime | None, timedelta, timedelta]:
    """As `filetimes`, in plain words."""
    created, ended, kernel, user = filetimes(call, handle)
    return (
        from_filetime(created),
        from_filetime(ended),
        timedelta(microseconds=kernel // 10),
        timedelta(microseconds=user // 10),
    )


def filetimes(call: Callable[..., int], handle: int) -> tuple[int, ...]:
    """When it began and ended, and how long it ran in the kernel and in the program; of a thread or a process. In units
    of 100 ns, moments since 1601."""
    moments = (ctypes.c_uint64 * 4)()
    call(handle, *(ctypes.addressof(moments) + at for at in (0, 8, 16, 24)))
    return tuple(moments)


def _name(handle: int) -> str | None:
    text = ctypes.c_void_p()
    win32.GetThreadDescription(handle, ctypes.byref(text))
    if not text.value:
        return None
    try:
        return ctypes.wstring_at(text.value) or None
    finally:
        win32.LocalFree(text.value)
