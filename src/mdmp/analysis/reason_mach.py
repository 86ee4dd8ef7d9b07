"""Crash reasons of macOS and iOS: a Mach exception and its codes."""

from mdmp.analysis.crash_reason import CrashReason, of_address, pointer_size
from mdmp.analysis.patterns import recognize
from mdmp.platforms import mach
from mdmp.snapshot import ExceptionRecord, MemoryReader, Snapshot

_KINDS = {
    "EXC_BAD_ACCESS": "access",
    "EXC_BAD_INSTRUCTION": "instruction",
    "EXC_ARITHMETIC": "arithmetic",
    "EXC_BREAKPOINT": "breakpoint",
}


def mach_reason(snapshot: Snapshot, exception: ExceptionRecord, _memory: MemoryReader) -> CrashReason:
    size = pointer_size(snapshot)
    address = (exception.address or 0) & (1 << 8 * size) - 1
    code, flags = exception.code, exception.flags
    if code == mach.SIMULATED:
        return CrashReason(
            "requested",
            "Simulated Exception",
            "no crash: the dump was requested",
            code,
            address=address,
            requested=True,
        )
    if code == mach.UNCAUGHT_NS_EXCEPTION:
        words = "Uncaught NSException"
        return CrashReason("abort", words, "uncaught Objective-C exception", code, words, address=address)
    name, meaning = mach.EXCEPTIONS.get(code, ("", ""))
    if not name:
        requested = code == 0
        title = "no crash: the dump was requested" if requested else f"unknown Mach exception {code:#x}"
        words = f"unknown {code:#010x} / {flags:#010x}"
        kind = "requested" if requested else "unknown"
        return CrashReason(kind, words, title, code, address=address, requested=requested)
    found = mach.code_name(name, flags, snapshot.system.cpu)
    packed = _packed(name, exception)
    words = f"{name} / {packed or (found[0] if found else f'{flags:#010x}')}"
    kind = _KINDS.get(name, "other")
    details: tuple[str, ...] = ()
    pattern = None
    if name == "EXC_BAD_ACCESS":
        pattern = recognize(address, size)
        details = (f"{found[0]}: {found[1]}",) if found else ()
        meaning = f"{meaning}: {of_address(address, pattern)}"
    elif found:
        meaning = found[1] if name == "EXC_SOFTWARE" else f"{meaning}: {found[1]}"
        kind = "abort" if found[0] in ("SIGABRT", "UNCAUGHT_NS_EXCEPTION") else kind
    return CrashReason(
        kind,
        words,
        meaning,
        code,
        name,
        details,
        address,
        pattern=pattern,
        subcode=flags,
        subcode_name=found[0] if found else None,
    )


def _packed(name: str, exception: ExceptionRecord) -> str | None:
    decode = {"EXC_RESOURCE": mach.resource_text, "EXC_GUARD": mach.guard_text}.get(name)
    if decode is None or len(exception.parameters) < 3:
        return None
    return decode(exception.flags, exception.parameters[1], exception.parameters[2])
