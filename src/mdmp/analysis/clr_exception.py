"""Uncaught .NET exceptions as Windows sees them: code E0434352 with the HRESULT as its first parameter.

Source: dotnet/runtime (corexcep.h, and `RaiseTheExceptionInternalOnly` for the parameters). Since .NET Framework 4
the fifth parameter is the base of the runtime's module.
"""

from dataclasses import dataclass

from mdmp.platforms.clr import EXCEPTION_CLASSES
from mdmp.platforms.win32_errors import hresult_name
from mdmp.snapshot import ExceptionRecord

CODES = frozenset((0xE0434352, 0xE0434F4D))
FAIL_FAST_CODES = frozenset((0x80131506, 0x80131623, 0x800703E9))
"""HRESULTs that CoreCLR uses as exception codes when it gives up: engine error, FailFast, stack overflow."""


@dataclass(frozen=True, slots=True)
class ManagedException:
    hresult: int | None
    name: str | None
    """`COR_E_INVALIDOPERATION`"""
    class_name: str | None
    """The exception class that owns the HRESULT; a subclass may share it."""
    runtime_base: int | None = None


def managed_exception(record: ExceptionRecord) -> ManagedException | None:
    """The HRESULT of a .NET exception and what it stands for; None when the record is no such exception."""
    if record.code in FAIL_FAST_CODES:
        return ManagedException(record.code, hresult_name(record.code), EXCEPTION_CLASSES.get(record.code))
    if record.code not in CODES:
        return None
    if not record.parameters:
        return ManagedException(None, None, None)
    hresult = record.parameters[0] & 0xFFFFFFFF
    base = record.parameters[4] if len(record.parameters) > 4 else None
    return ManagedException(hresult, hresult_name(hresult), EXCEPTION_CLASSES.get(hresult), base)
