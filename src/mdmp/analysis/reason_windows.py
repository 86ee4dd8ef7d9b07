"""Crash reasons of Windows: exception codes and what their parameters say.

Source of the parameters: Microsoft's EXCEPTION_RECORD documentation; for `__fastfail`, C++, .NET and stowed
exceptions see the files named for them.
"""

from mdmp.analysis.clr_exception import managed_exception
from mdmp.analysis.crash_reason import CrashReason, access_title, pointer_size
from mdmp.analysis.patterns import recognize
from mdmp.analysis.stowed import StowedException, stowed_exceptions
from mdmp.platforms import ntstatus
from mdmp.platforms.clr import EXCEPTION_CLASSES
from mdmp.platforms.fastfail import fast_fail
from mdmp.platforms.win32_errors import FACILITIES, VISUAL_CPP, hresult_name, win32_error_name
from mdmp.snapshot import ExceptionRecord, MemoryReader, Snapshot
from mdmp.snapshot.thrown import ThrownObject, thrown_object

_ACCESS_VIOLATION, _IN_PAGE_ERROR, _GUARD_PAGE, _STACK_OVERFLOW = 0xC0000005, 0xC0000006, 0x80000001, 0xC00000FD
_STACK_BUFFER_OVERRUN, _FAIL_FAST, _HEAP_CORRUPTION = 0xC0000409, 0xC0000602, 0xC0000374
_ACCESS = {0: "read", 1: "write", 8: "execute"}
_ACCESS_WORDS = {0: "READ", 1: "WRITE", 8: "EXEC"}
_SPECIAL_NAMES = {
    0xE0000008: "Out of Memory",
    0xE06D7363: "Unhandled C++ Exception",
    0x0517A7ED: "Simulated Exception",
    0xE0434352: "MANAGED_EXCEPTION_CODE_V4",
}
_KINDS = {
    0x80000003: "breakpoint",
    0x80000004: "breakpoint",
    0x4000001E: "breakpoint",
    0x4000001F: "breakpoint",
    0xC000001D: "instruction",
    0xC0000096: "instruction",
    0xC0000094: "arithmetic",
    0xC0000095: "arithmetic",
    **dict.fromkeys(range(0xC000008D, 0xC0000094), "arithmetic"),
    _STACK_OVERFLOW: "stack-overflow",
    _HEAP_CORRUPTION: "heap",
    _FAIL_FAST: "abort",
    0xC0000417: "abort",
    0xC0000420: "abort",
    0xE0000008: "memory",
    0xC0000017: "memory",
}


def exception_words(code: int) -> str:
    """minidump-stackwalk's name of a Windows exception code without its refinements."""
    name = _SPECIAL_NAMES.get(code) or ntstatus.EXCEPTION_NAMES.get(code)
    name = name or win32_error_name(code) or ntstatus.nt_status_name(code)
    if name:
        return name
    if code >> 28 and (code >> 16 & 0xFFF) == VISUAL_CPP and (error := win32_error_name(code & 0xFFFF)):
        return f"FACILITY_{FACILITIES[VISUAL_CPP]} / {error}"
    return f"unknown {code:#010x}"


def windows_reason(snapshot: Snapshot, exception: ExceptionRecord, memory: MemoryReader) -> CrashReason:
    size = pointer_size(snapshot)
    mask = (1 << 8 * size) - 1
    code, parameters = exception.code, exception.parameters
    if code in (_ACCESS_VIOLATION, _IN_PAGE_ERROR, _GUARD_PAGE) and len(parameters) >= 2:
        return _bad_access(exception, parameters[1] & mask, size)
    address = (exception.address or 0) & mask
    if code == _STACK_BUFFER_OVERRUN and parameters:
        return _fast_fail(code, parameters[0], address)
    if (thrown := thrown_object(exception, memory, size)) is not None:
        return _thrown(code, thrown, address)
    if (managed := managed_exception(exception)) is not None:
        name = managed.class_name or managed.name or "of an unknown class"
        number = "" if managed.hresult is None else f" (HRESULT {managed.hresult:#010x})"
        return _plain(
            code, address, "clr", f"uncaught .NET exception {name}{number}",
            subcode=managed.hresult, subcode_name=managed.name,
            thrown=(managed.class_name,) if managed.class_name else (),
        )  # fmt: skip
    if (stowed := stowed_exceptions(exception, memory, size)) is not None:
        return _stowed(code, stowed, address)
    # Others write 0 where there was no exception; who watched tells of one that the program raised.
    if code in ntstatus.REQUESTED or (code == 0 and "mdmp.fault" not in snapshot.annotations.process):
        return _plain(code, address, "requested", "no crash: the dump was requested", requested=True)
    if code in ntstatus.HARMLESS:
        title = f"no crash: {ntstatus.FOREIGN[code][1]}"
        return _plain(code, address, "requested", title, requested=True)
    return _plain(code, address, _KINDS.get(code, "other"), _meaning(code), _details(exception))


def _plain(
    code: int,
    address: int,
    kind: str,
    title: str,
    details: tuple[str, ...] = (),
    *,
    words: str | None = None,
    subcode: int | None = None,
    subcode_name: str | None = None,
    thrown: tuple[str, ...] = (),
    requested: bool = False,
) -> CrashReason:
    foreign = ntstatus.FOREIGN.get(code)
    return CrashReason(
        kind=kind,
        name=words or exception_words(code),
        title=title,
        code=code,
        code_name=ntstatus.nt_status_name(code) or (foreign[0] if foreign else hresult_name(code)),
        details=details,
        address=address,
        subcode=subcode,
        subcode_name=subcode_name,
        thrown=thrown,
        requested=requested,
    )


def _meaning(code: int) -> str:
    if text := ntstatus.PLAIN.get(code):
        return text
    if foreign := ntstatus.FOREIGN.get(code):
        return foreign[1]
    name = (ntstatus.nt_status_name(code) or hresult_name(code)) if code >= 0x40000000 else None
    return f"exception {name} ({code:#010x})" if name else f"exception {code:#x} of the application's own"


def _details(exception: ExceptionRecord) -> tuple[str, ...]:
    details = []
    if exception.code == _STACK_OVERFLOW and len(exception.parameters) >= 2:
        kind = _ACCESS.get(exception.parameters[0], "access")
        details.append(f"the last {kind} was at {exception.parameters[1]:#x}")
    elif exception.parameters and exception.code not in (0x80000003, 0x80000004, _HEAP_CORRUPTION):
        details.append("parameters: " + ", ".join(f"{value:#x}" for value in exception.parameters))
    if exception.flags & 1:
        details.append("the exception cannot be continued")
    if exception.nested:
        details.append(f"raised while another exception was handled (record at {exception.nested:#x})")
    return tuple(details)


def _bad_access(exception: ExceptionRecord, address: int, size: int) -> CrashReason:
    code, parameters = exception.code, exception.parameters
    access = _ACCESS.get(parameters[0])
    words = ntstatus.EXCEPTION_NAMES[code]
    suffix = _ACCESS_WORDS.get(parameters[0])
    pattern = recognize(address, size)
    details: tuple[str, ...] = ()
    subcode = subcode_name = None
    if code == _IN_PAGE_ERROR:
        title = f"{access or 'access'} of a page that could not be read in, at {address:#x}"
        if len(parameters) >= 3:
            subcode = parameters[2] & 0xFFFFFFFF
            subcode_name = ntstatus.nt_status_name(subcode)
            if suffix:
                words = f"{words}_{suffix} / {subcode_name or f'{subcode:#010x}'}"
            details = (f"the file system's error: {subcode_name or ''} ({subcode:#010x})".replace(":  (", ": ("),)
    elif code == _GUARD_PAGE:
        title = f"{access or 'access'} of a guard page, at {address:#x}"
    else:
        words = f"{words}_{suffix}" if suffix else words
        title = access_title(access, address, pattern)
        if size == 8 and address == 0xFFFFFFFFFFFFFFFF:
            title = f"{access or 'access'}: a non-canonical address was used"
            details = (
                "Windows gives -1 for a non-canonical address; the operands of the instruction tell the real one",
            )
    return CrashReason(
        kind="in-page" if code == _IN_PAGE_ERROR else "access",
        name=words,
        title=title,
        code=code,
        code_name=ntstatus.nt_status_name(code),
        details=details,
        address=address,
        access=access,
        pattern=pattern,
        subcode=subcode,
        subcode_name=subcode_name,
    )


def _fast_fail(code: int, subcode: int, address: int) -> CrashReason:
    named = fast_fail(subcode)
    name = named[0] if named else None
    title = named[1] if named else f"the program stopped itself (fast fail {subcode:#x})"
    words = f"EXCEPTION_STACK_BUFFER_OVERRUN / {name or f'{subcode:#010x}'}"
    details = (f"__fastfail code {subcode}" + (f", {name}" if name else ""),)
    return _plain(code, address, "fast-fail", title, details, words=words, subcode=subcode, subcode_name=name)


def _thrown(code: int, thrown: ThrownObject, address: int) -> CrashReason:
    details: list[str] = []
    if thrown.panic:
        title = "Rust panic"
    elif thrown.types:
        title = f"uncaught C++ exception {thrown.types[0]}"
        title += f': "{thrown.what}"' if thrown.what else ""
        if len(thrown.types) > 1:
            details.append(f"can be caught as {', '.join(thrown.types)}")
    elif thrown.rethrown:
        title = "uncaught C++ exception, thrown again with `throw;`"
    else:
        title = "uncaught C++ exception"
        details.append("its type is not in the dump's memory")
    if thrown.what:
        details.append(f'what() text read from the object: "{thrown.what}"')
    if thrown.address:
        details.append(f"the thrown object is at {thrown.address:#x}")
    return _plain(code, address, "cpp", title, tuple(details), thrown=thrown.types)


def _stowed(code: int, stowed: tuple[StowedException, ...], address: int) -> CrashReason:
    details = []
    for one in stowed:
        name = EXCEPTION_CLASSES.get(one.hresult) or hresult_name(one.hresult)
        text = f'"{one.text}"' if one.text else f"raised at {one.address:#x}" if one.address else one.form
        details.append(f"stowed on thread {one.tid}: {one.hresult:#010x}{f' {name}' if name else ''}, {text}")
    first = stowed[0]
    name = hresult_name(first.hresult)
    title = f"unhandled Windows Runtime error {name or ''} ({first.hresult:#010x})".replace("  ", " ")
    return _plain(code, address, "stowed", title, tuple(details), subcode=first.hresult, subcode_name=name)
