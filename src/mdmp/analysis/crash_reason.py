"""The type of a crash reason, shared by the files that work it out for each operating system."""

from dataclasses import dataclass

from mdmp.analysis.patterns import Pattern
from mdmp.snapshot import Snapshot

_WORDS = {"x86": 4, "arm": 4, "mips": 4, "ppc": 4, "sparc": 4, "riscv": 4}


@dataclass(frozen=True, slots=True)
class CrashReason:
    kind: str
    """What sort of stop: `access`, `in-page`, `stack-overflow`, `fast-fail`, `cpp`, `clr`, `python`, `stowed`, `heap`,
    `abort`, `breakpoint`, `arithmetic`, `instruction`, `requested`, `none`, `other`, `unknown`."""
    name: str
    """minidump-stackwalk's words: `EXCEPTION_ACCESS_VIOLATION_WRITE`, `SIGSEGV / SEGV_MAPERR`."""
    title: str
    """One line of plain English without a full stop."""
    code: int | None = None
    code_name: str | None = None
    """The code's name in the system's own table: `STATUS_ACCESS_VIOLATION`, `SIGSEGV`."""
    details: tuple[str, ...] = ()
    address: int | None = None
    """The address that minidump-stackwalk reports: of the access for access violations, else of the instruction."""
    access: str | None = None
    """`read`, `write` or `execute`, where the system tells."""
    pattern: Pattern | None = None
    """What the accessed address looks like, access violations only."""
    subcode: int | None = None
    """Fast-fail code, HRESULT or NTSTATUS behind the exception."""
    subcode_name: str | None = None
    thrown: tuple[str, ...] = ()
    """Types of a thrown C++ object, or the class of a .NET exception."""
    requested: bool = False
    """The dump was asked for; nothing crashed."""


def pointer_size(snapshot: Snapshot) -> int:
    """Bytes in a pointer of the process."""
    return _WORDS.get(snapshot.system.cpu, 8)


def of_address(address: int, pattern: Pattern | None) -> str:
    """An accessed address as a phrase: `a null pointer (address 0x18)`."""
    if pattern is None:
        return f"address {address:#x}"
    match pattern.kind:
        case "null":
            return "a null pointer" if address == 0 else f"a null pointer (address {address:#x})"
        case _:
            return f"address {address:#x}, {pattern.text}"


def access_title(access: str | None, address: int, pattern: Pattern | None) -> str:
    """The title of a bad access: `write to a null pointer (address 0x18)`."""
    where = of_address(address, pattern)
    match access:
        case "read":
            return f"read from {where}"
        case "write":
            return f"write to {where}"
        case "execute" if pattern is not None and pattern.kind == "null":
            return f"jump or call to {where}"
        case "execute":
            return f"jump or call to {where}, which is not executable"
    return f"access to {where}"
