"""Crash reasons of Linux and Android: a signal, its si_code and the address that came with them."""

from mdmp.analysis.crash_reason import CrashReason, of_address, pointer_size
from mdmp.analysis.patterns import recognize
from mdmp.platforms import signals
from mdmp.snapshot import ExceptionRecord, MemoryReader, Snapshot

_KINDS = {
    "SIGSEGV": "access",
    "SIGBUS": "access",
    "SIGABRT": "abort",
    "SIGILL": "instruction",
    "SIGFPE": "arithmetic",
    "SIGTRAP": "breakpoint",
}
_SENT_SIGNALS = ("SIGABRT", "SIGTERM", "SIGINT", "SIGQUIT", "SIGKILL", "SIGHUP", "SIGUSR1", "SIGUSR2")
_SENT_CODES = ("SI_USER", "SI_TKILL", "SI_QUEUE")
_LLDB_FLAGS = 0x4C4C4442
"""LLDB puts its own mark where the si_code would be."""


def signal_reason(snapshot: Snapshot, exception: ExceptionRecord, _memory: MemoryReader) -> CrashReason:
    size = pointer_size(snapshot)
    value = exception.address
    address = None if value is None else value & (1 << 8 * size) - 1
    if exception.code == signals.DUMP_REQUESTED:
        return CrashReason(
            "requested",
            "DUMP_REQUESTED",
            "no crash: the dump was requested",
            exception.code,
            address=address,
            requested=True,
        )
    name = signals.signal_name(exception.code, snapshot.system.cpu)
    if name is None:
        words = f"unknown {exception.code:#010x} / {exception.flags:#010x}"
        requested = exception.code == 0
        title = "no crash: the dump was requested" if requested else f"unknown signal {exception.code}"
        kind = "requested" if requested else "unknown"
        return CrashReason(kind, words, title, exception.code, address=address, requested=requested)
    flags = 0 if exception.flags == _LLDB_FLAGS else exception.flags
    why = None if value is None else signals.si_code_name(name, flags)
    sent = why is not None and why[0].startswith("SI_")
    words = (
        name if value is None or (why and why[0] == "SI_USER") else f"{name} / {why[0] if why else f'{flags:#010x}'}"
    )
    meaning = signals.MEANINGS.get(name, f"signal {name}")
    details: list[str] = []
    pattern = None
    if value is None or address is None:
        details.append("the dump tells the signal, but neither its code nor an address")
    elif name in ("SIGSEGV", "SIGBUS") and not (sent and flags != 0):
        pattern = recognize(address, size)
        if why and not sent:
            details.append(f"{why[0]}: {why[1]}")
        meaning = f"{meaning}: {of_address(address, pattern)}"
    elif why and not sent:
        meaning = f"{meaning}: {why[1]}"
    elif name in _SENT_SIGNALS and why and why[0] in _SENT_CODES and (pid := value & 0xFFFFFFFF):
        # For a signal that a process sent, pid and uid lie where an address would be.
        own = " (itself)" if pid == snapshot.process.pid else ""
        details.append(f"sent by process {pid}{own}, user {value >> 32}")
    elif name == "SIGSEGV" and why and why[0] == "SI_KERNEL":
        details.append("the kernel tells no address: on amd64 most often a non-canonical address was used")
    return CrashReason(
        _KINDS.get(name, "other"),
        words,
        meaning,
        exception.code,
        name,
        tuple(details),
        address,
        pattern=pattern,
        subcode=flags,
        subcode_name=why[0] if why else None,
    )
