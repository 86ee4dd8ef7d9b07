"""Threads that wait for a lock, and who holds it.

A thread waits when the functions on top of its stack say so. Which lock it waits for is not written down, but a
pointer to it stands on the waiting thread's stack or in its registers: each word there that leads to memory which
looks like a lock, owned by another thread of the process, is one.

Layouts: RTL_CRITICAL_SECTION (winnt.h: DebugInfo, LockCount, RecursionCount, OwningThread, LockSemaphore,
SpinCount) and glibc's pthread_mutex_t (struct_mutex.h: lock, count, owner, nusers, kind).
"""

from dataclasses import dataclass

from mdmp.analysis.blame import skip_class
from mdmp.analysis.crash_reason import pointer_size
from mdmp.analysis.names import plain_name
from mdmp.report import Frame, ThreadReport
from mdmp.snapshot import MemoryReader, Snapshot

_LOCKS = """
    RtlEnterCriticalSection RtlpEnterCriticalSectionContended RtlpWaitOnCriticalSection RtlpWaitForCriticalSection
    EnterCriticalSection RtlAcquireSRWLockExclusive RtlAcquireSRWLockShared RtlpAcquireSRWLockExclusiveContended
    AcquireSRWLockExclusive AcquireSRWLockShared _Mtx_lock mtx_do_lock std::_Mutex_base::lock std::mutex::lock
    pthread_mutex_lock __pthread_mutex_lock ___pthread_mutex_lock __lll_lock_wait __lll_lock_wait_private
    pthread_rwlock_wrlock pthread_rwlock_rdlock __pthread_rwlock_wrlock __pthread_rwlock_rdlock
    __psynch_mutexwait _pthread_mutex_firstfit_lock_slow os_unfair_lock_lock _os_unfair_lock_lock_slow
"""
_LOCK_FUNCTIONS = frozenset(_LOCKS.split())
_WAITS = """
    NtWaitForSingleObject ZwWaitForSingleObject NtWaitForMultipleObjects WaitForSingleObject WaitForSingleObjectEx
    WaitForMultipleObjects WaitForMultipleObjectsEx NtWaitForAlertByThreadId NtWaitForKeyedEvent NtDelayExecution
    NtUserMsgWaitForMultipleObjectsEx NtUserGetMessage NtUserWaitMessage NtRemoveIoCompletion
    NtWaitForWorkViaWorkerFactory
    futex_wait __futex_abstimed_wait_common64 pthread_cond_wait pthread_cond_timedwait poll __poll ppoll epoll_wait
    select nanosleep clock_nanosleep read recvfrom accept sem_wait mach_msg mach_msg_trap mach_msg2_trap
    __psynch_cvwait kevent semaphore_wait_trap sigtimedwait
"""
_WAIT_FUNCTIONS = frozenset(_WAITS.split())
_TOP_FRAMES = 8
_WORDS = 192
"""How far up the stack a pointer to the lock is looked for."""


@dataclass(frozen=True, slots=True)
class LockWait:
    waiter: ThreadReport
    function: str
    """The lock function it waits in."""
    lock: int | None = None
    owner: int | None = None
    """Thread id of the holder, where the lock's memory tells it."""


def waits_in(thread: ThreadReport, functions: frozenset[str] = _LOCK_FUNCTIONS | _WAIT_FUNCTIONS) -> Frame | None:
    """The outermost of the top frames that is a waiting function; None for a thread that runs."""
    found = None
    for frame in thread.frames[:_TOP_FRAMES]:
        if frame.function and plain_name(frame.function) in functions:
            found = frame
    return found


def lock_waits(snapshot: Snapshot, threads: tuple[ThreadReport, ...], memory: MemoryReader) -> tuple[LockWait, ...]:
    """Every thread that waits for a lock, with the lock's owner where memory tells it."""
    tids = {thread.tid for thread in threads}
    waits = []
    for thread in threads:
        frame = waits_in(thread, _LOCK_FUNCTIONS)
        top = thread.frames[0] if thread.frames else None
        if frame is None and (top is None or top.function or skip_class(top.module, None) is None):
            continue
        lock, owner = _held_lock(snapshot, thread, tids, memory)
        if frame is not None:
            waits.append(LockWait(thread, plain_name(frame.function or ""), lock, owner))
        elif owner is not None and top is not None:  # the system's functions have no names here
            waits.append(LockWait(thread, top.module or "", lock, owner))
    return tuple(waits)


def cycle(waits: tuple[LockWait, ...]) -> tuple[LockWait, ...]:
    """The first circle of threads that wait for each other; empty when there is none."""
    by_waiter = {wait.waiter.tid: wait for wait in waits if wait.owner is not None}
    for start in by_waiter:
        path: list[LockWait] = []
        tid: int | None = start
        while tid in by_waiter and all(wait.waiter.tid != tid for wait in path):
            path.append(by_waiter[tid])
            tid = by_waiter[tid].owner
        if path and tid == start:
            return tuple(path)
    return ()


def _held_lock(
    snapshot: Snapshot, thread: ThreadReport, tids: set[int], memory: MemoryReader
) -> tuple[int | None, int | None]:
    size = pointer_size(snapshot)
    first = thread.frames[0]
    seen: set[int] = set()
    words = [value for value in first.registers.values() if value > 0xFFFF]
    if first.stack_pointer is not None:
        raw = memory.read_some(first.stack_pointer, _WORDS * size)
        words += [int.from_bytes(raw[i : i + size], "little") for i in range(0, len(raw) - size + 1, size)]
    for word in words:
        if word in seen or word < 0x10000:
            continue
        seen.add(word)
        owner = _owner(snapshot.system.os, memory, word, size)
        if owner is not None and owner != thread.tid and owner in tids:
            return word, owner
    return None, None


def _owner(os: str, memory: MemoryReader, at: int, size: int) -> int | None:
    if os == "windows":
        raw = memory.read_some(at, 3 * size + 8)
        if len(raw) < 3 * size + 8:
            return None
        debug_info = int.from_bytes(raw[:size], "little")
        recursion = int.from_bytes(raw[size + 4 : size + 8], "little")
        owner = int.from_bytes(raw[size + 8 : 2 * size + 8], "little")
        none = (1 << 8 * size) - 1
        plausible = debug_info in (0, none) or (debug_info > 0xFFFF and debug_info % size == 0)
        return owner if plausible and 1 <= recursion < 1000 else None
    if os in ("linux", "android"):
        raw = memory.read_some(at, 20)
        if len(raw) < 20:
            return None
        lock, count, owner, users, kind = (int.from_bytes(raw[i : i + 4], "little") for i in range(0, 20, 4))
        return owner if lock in (1, 2) and count < 1000 and 1 <= users < 10000 and kind < 0x1000 else None
    return None
