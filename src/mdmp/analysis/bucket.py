"""WinDbg's words for a crash: `FAILURE_BUCKET_ID` and `FAILURE_ID_HASH` as `!analyze` prints them.

The bucket is CLASS_CODE_IMAGE!FUNCTION (`NULL_CLASS_PTR_WRITE_c0000005_app.exe!app::Cart::total`): the class of
problem, the exception's code in hex without 0x, the image and function of the frame to follow up, `Unknown` where no
symbol is known; in functions, template brackets, blanks and the like become `_`. WinDbg takes more into account
than a dump's stack (its own triage rules, page heap flags): the form is the same, the value may differ.

The hash is the MD5 of the UTF-16LE text `um:` + the bucket in lower case, printed as a little-endian GUID. Checked
against the hashes in published `!analyze` outputs.
"""

import hashlib
import re
import uuid

from mdmp.analysis.crash_reason import CrashReason
from mdmp.analysis.names import plain_name
from mdmp.report import Blame

_CLASSES = {
    0x80000001: "GUARD_PAGE_VIOLATION",
    0x80000003: "BREAKPOINT",
    0x4000001F: "BREAKPOINT",
    0x80000004: "SINGLE_STEP",
    0xC0000006: "IN_PAGE_ERROR",
    0xC0000008: "INVALID_HANDLE",
    0xC000001D: "ILLEGAL_INSTRUCTION",
    0xC0000094: "INTEGER_DIVIDE_BY_ZERO",
    0xC0000095: "INTEGER_OVERFLOW",
    0xC0000096: "PRIVILEGED_INSTRUCTION",
    0xC000008C: "ARRAY_BOUNDS_EXCEEDED",
    0xC000008E: "FLOAT_DIVIDE_BY_ZERO",
    0xC00000FD: "STACK_OVERFLOW",
    0xC0000374: "HEAP_CORRUPTION",
    0xC0000602: "FAIL_FAST_EXCEPTION",
    0xE06D7363: "CPP_EXCEPTION",
}


def failure_bucket_id(reason: CrashReason, blamed: Blame | None) -> str:
    """`FAILURE_BUCKET_ID` for a crash on Windows."""
    code = reason.code
    # Without an exception the debugger shows the break-in that it makes up itself.
    problem, number = ("BREAKPOINT", 0x80000003) if code is None else (_problem_class(reason, code), code)
    if reason.kind in ("stowed", "clr") and reason.subcode is not None:
        number = reason.subcode
    image = (blamed.module if blamed else None) or "unknown"
    function = _symbol(blamed.function) if blamed and blamed.function else "Unknown"
    return f"{problem}_{number:x}_{image}!{function}"


def failure_id_hash(bucket: str, prefix: str = "um") -> str:
    """`FAILURE_ID_HASH` of a bucket, without braces. `prefix`: `um` for user mode, `km` for kernel mode."""
    text = f"{prefix}:{bucket.lower()}".encode("utf-16-le")
    return str(uuid.UUID(bytes_le=hashlib.md5(text, usedforsecurity=False).digest()))


def _problem_class(reason: CrashReason, code: int) -> str:
    match reason.kind:
        case "access" if code == 0xC0000005:
            return _access_class(reason)
        case "in-page" if reason.subcode is not None:
            return f"IN_PAGE_ERROR_{reason.subcode:x}"
        case "fast-fail":
            name = (reason.subcode_name or "").removeprefix("FAST_FAIL_")
            if name in ("STACK_COOKIE_CHECK_FAILURE", "LEGACY_GS_VIOLATION"):
                return f"FAIL_FAST_STACK_BUFFER_OVERRUN_{name}"
            return f"FAIL_FAST_{name or f'UNKNOWN_{reason.subcode or 0:x}'}"
        case "stowed":
            return "STOWED_EXCEPTION"
        case "clr":
            return f"CLR_EXCEPTION_{reason.thrown[0]}" if reason.thrown else "CLR_EXCEPTION"
    return _CLASSES.get(code, "APPLICATION_FAULT")


def _access_class(reason: CrashReason) -> str:
    null = reason.pattern is not None and reason.pattern.kind == "null"
    verb = {"read": "READ", "write": "WRITE"}.get(reason.access or "")
    if reason.access == "execute":
        return "SOFTWARE_NX_FAULT_NULL_INVALID_POINTER_EXECUTE" if null else "SOFTWARE_NX_FAULT"
    if verb is None:
        return "INVALID_POINTER"
    if null:
        return f"NULL_POINTER_{verb}" if not reason.address else f"NULL_CLASS_PTR_{verb}"
    return f"INVALID_POINTER_{verb}"


def _symbol(function: str) -> str:
    """A function's name as it stands in a bucket: template arguments stay, without characters that shells mind."""
    depth, end = 0, len(function)
    for i, letter in enumerate(function):  # parameters do not belong to it
        depth += (letter == "<") - (letter == ">")
        if letter == "(" and depth == 0 and i and not function.endswith("operator", 0, i):
            end = i
            break
    name = function[:end]
    if "<" not in name:
        name = plain_name(name)
    return re.sub(r"[^\w:,.$~@?!+-]", "_", name)
