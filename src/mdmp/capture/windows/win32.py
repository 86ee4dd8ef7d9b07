"""Every call of Windows, declared once; the modules that use them fill the buffers.

A call that fails raises `OSError` with `winerror` and the call's name; so does one that this system does not have
(winerror 127). Handles, addresses and results are plain integers. Names and layouts are those of the Windows SDK
(winbase.h, psapi.h, tlhelp32.h, processsnapshot.h, dbghelp.h) and, where it has none, of the documentation of the
native API (winternl.h, ntdoc.m417z.com).
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import contextmanager
from ctypes import c_void_p
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

assert sys.platform == "win32"

ERROR_ACCESS_DENIED = 5
ERROR_BAD_LENGTH = 24
ERROR_INVALID_PARAMETER = 87
ERROR_INSUFFICIENT_BUFFER = 122
ERROR_PROC_NOT_FOUND = 127
ERROR_MORE_DATA = 234
ERROR_NO_MORE_ITEMS = 259
TOO_SMALL = (ERROR_BAD_LENGTH, ERROR_INSUFFICIENT_BUFFER, ERROR_MORE_DATA)
"""What calls say that want a larger buffer."""

BOOL, DWORD, HANDLE, POINTER, SIZE = ctypes.c_int32, ctypes.c_uint32, c_void_p, c_void_p, ctypes.c_size_t
LONG, ULONG64, TEXT = ctypes.c_int32, ctypes.c_uint64, ctypes.c_wchar_p
Call: TypeAlias = "Callable[..., int]"
"""A declared function, whose arguments ctypes checks."""


def _error(name: str, code: int, detail: str = "") -> OSError:
    return ctypes.WinError(code, f"{name}: {detail or ctypes.FormatError(code).strip()}")


def _true(result: Any, call: Any, _: Any) -> int:
    """For calls that answer FALSE or NULL when they fail."""
    if not result:
        raise _error(call.__name__, ctypes.get_last_error())
    return int(result)


def _handle(result: Any, call: Any, _: Any) -> int:
    """For calls that answer INVALID_HANDLE_VALUE."""
    if result is None or result == c_void_p(-1).value:
        raise _error(call.__name__, ctypes.get_last_error())
    return int(result)


def _count(result: Any, call: Any, _: Any) -> int:
    """For calls that answer 0xFFFFFFFF."""
    if result == 0xFFFFFFFF:
        raise _error(call.__name__, ctypes.get_last_error())
    return int(result)


def _code(result: Any, call: Any, _: Any) -> int:
    """For calls that answer an error code."""
    if result:
        raise _error(call.__name__, result)
    return 0


def _status(result: Any, call: Any, _: Any) -> int:
    """For calls that answer an NTSTATUS."""
    if result & 0x80000000:
        raise _error(call.__name__, _to_error(result), f"NTSTATUS {result:#010x}")
    return int(result)


def _hresult(result: Any, call: Any, _: Any) -> int:
    if result & 0x80000000:
        raise _error(call.__name__, result & 0xFFFF)
    return int(result)


def _plain(result: Any, call: Any, _: Any) -> int:
    """For calls that cannot fail, or say it otherwise."""
    return int(result or 0)


_LOAD_LIBRARY_SEARCH_SYSTEM32 = 0x800
"""Not beside the program: whoever can write there should not run with the rights of an administrator's mdmp."""


class _Library:
    def __init__(self, name: str) -> None:
        self._name = name
        try:
            self._dll: Any = ctypes.WinDLL(name, use_last_error=True, winmode=_LOAD_LIBRARY_SEARCH_SYSTEM32)
        except OSError:
            self._dll = None

    def __call__(self, name: str, check: Callable[..., int], result: Any, *arguments: Any) -> Call:
        try:
            call = getattr(self._dll, name)
        except AttributeError:  # no such function, or no such library

            def missing(*_: Any) -> int:
                raise _error(name, ERROR_PROC_NOT_FOUND, "this system does not have it")

            return missing
        call.restype, call.argtypes, call.errcheck = result, arguments, check
        declared: Call = call
        return declared


_kernel = _Library("kernel32")
_native = _Library("ntdll")
_process_status = _Library("psapi")
_security = _Library("advapi32")
_help = _Library("dbghelp")

_to_error = _native("RtlNtStatusToDosError", _plain, DWORD, DWORD)


@contextmanager
def closing(handle: int) -> Iterator[int]:
    try:
        yield handle
    finally:
        CloseHandle(handle)


# Processes and threads

PROCESS_VM_OPERATION = 0x8
PROCESS_VM_READ = 0x10
PROCESS_DUP_HANDLE = 0x40
PROCESS_CREATE_PROCESS = 0x80
PROCESS_QUERY_INFORMATION = 0x400
PROCESS_SUSPEND_RESUME = 0x800
PROCESS_QUERY_LIMITED_INFORMATION = 0x1000
THREAD_SUSPEND_RESUME = 0x2
THREAD_GET_CONTEXT = 0x8
THREAD_QUERY_INFORMATION = 0x40
STILL_ACTIVE = 259

CloseHandle = _kernel("CloseHandle", _true, BOOL, HANDLE)
GetCurrentProcess = _kernel("GetCurrentProcess", _plain, HANDLE)
OpenProcess = _kernel("OpenProcess", _true, HANDLE, DWORD, BOOL, DWORD)
OpenThread = _kernel("OpenThread", _true, HANDLE, DWORD, BOOL, DWORD)
SuspendThread = _kernel("SuspendThread", _count, DWORD, HANDLE)
"""The count before."""
ResumeThread = _kernel("ResumeThread", _count, DWORD, HANDLE)
"""The count before."""
GetThreadContext = _kernel("GetThreadContext", _true, BOOL, HANDLE, POINTER)
Wow64GetThreadContext = _kernel("Wow64GetThreadContext", _true, BOOL, HANDLE, POINTER)
InitializeContext = _kernel("InitializeContext", _true, BOOL, POINTER, DWORD, POINTER, POINTER)
SetXStateFeaturesMask = _kernel("SetXStateFeaturesMask", _true, BOOL, POINTER, ULONG64)
GetEnabledXStateFeatures = _kernel("GetEnabledXStateFeatures", _plain, ULONG64)
GetThreadTimes = _kernel("GetThreadTimes", _true, BOOL, HANDLE, POINTER, POINTER, POINTER, POINTER)
GetThreadPriority = _kernel("GetThreadPriority", _plain, LONG, HANDLE)
GetThreadDescription = _kernel("GetThreadDescription", _hresult, DWORD, HANDLE, POINTER)
GetPriorityClass = _kernel("GetPriorityClass", _true, DWORD, HANDLE)
GetProcessTimes = _kernel("GetProcessTimes", _true, BOOL, HANDLE, POINTER, POINTER, POINTER, POINTER)
GetExitCodeProcess = _kernel("GetExitCodeProcess", _true, BOOL, HANDLE, POINTER)
IsWow64Process2 = _kernel("IsWow64Process2", _true, BOOL, HANDLE, POINTER, POINTER)
GetThreadId = _kernel("GetThreadId", _true, DWORD, HANDLE)
LocalFree = _kernel("LocalFree", _plain, HANDLE, HANDLE)
NtGetNextThread = _native("NtGetNextThread", _status, DWORD, HANDLE, HANDLE, DWORD, DWORD, DWORD, POINTER)
NtQueryInformationThread = _native("NtQueryInformationThread", _status, DWORD, HANDLE, DWORD, POINTER, DWORD, POINTER)
NtQueryInformationProcess = _native("NtQueryInformationProcess", _status, DWORD, HANDLE, DWORD, POINTER, DWORD, POINTER)

THREAD_BASIC, THREAD_START_ADDRESS = 0, 9
"""ThreadBasicInformation, ThreadQuerySetWin32StartAddress."""
PROCESS_BASIC, PROCESS_VM_COUNTERS, PROCESS_WOW64, PROCESS_EXECUTE_FLAGS = 0, 3, 26, 34
PROCESS_HANDLES, PROCESS_PROTECTION = 51, 61
"""Process…Information."""


class THREAD_BASIC_INFORMATION(ctypes.Structure):
    ExitStatus: int
    TebBaseAddress: int | None
    UniqueProcess: int | None
    UniqueThread: int | None
    AffinityMask: int
    Priority: int
    BasePriority: int
    _fields_ = (
        ("ExitStatus", DWORD),
        ("TebBaseAddress", POINTER),
        ("UniqueProcess", POINTER),
        ("UniqueThread", POINTER),
        ("AffinityMask", SIZE),
        ("Priority", LONG),
        ("BasePriority", LONG),
    )


class PROCESS_BASIC_INFORMATION(ctypes.Structure):
    ExitStatus: int
    PebBaseAddress: int | None
    UniqueProcessId: int
    InheritedFromUniqueProcessId: int
    _fields_ = (
        ("ExitStatus", DWORD),
        ("PebBaseAddress", POINTER),
        ("AffinityMask", SIZE),
        ("BasePriority", LONG),
        ("UniqueProcessId", SIZE),
        ("InheritedFromUniqueProcessId", SIZE),
    )


class VM_COUNTERS(ctypes.Structure):
    _fields_ = (
        ("PeakVirtualSize", SIZE),
        ("VirtualSize", SIZE),
        ("PageFaultCount", DWORD),
        ("PeakWorkingSetSize", SIZE),
        ("WorkingSetSize", SIZE),
        ("QuotaPeakPagedPoolUsage", SIZE),
        ("QuotaPagedPoolUsage", SIZE),
        ("QuotaPeakNonPagedPoolUsage", SIZE),
        ("QuotaNonPagedPoolUsage", SIZE),
        ("PagefileUsage", SIZE),
        ("PeakPagefileUsage", SIZE),
    )


# Memory and modules

MEM_FREE, MEM_IMAGE = 0x10000, 0x1000000
LIST_MODULES_32BIT, LIST_MODULES_ALL = 1, 3

VirtualQueryEx = _kernel("VirtualQueryEx", _true, SIZE, HANDLE, SIZE, POINTER, SIZE)
ReadProcessMemory = _kernel("ReadProcessMemory", _plain, BOOL, HANDLE, SIZE, POINTER, SIZE, POINTER)
"""FALSE, without an exception, where not all could be read: that is nothing unusual."""
EnumProcessModulesEx = _process_status("EnumProcessModulesEx", _true, BOOL, HANDLE, POINTER, DWORD, POINTER, DWORD)
GetModuleFileNameEx = _process_status("GetModuleFileNameExW", _true, DWORD, HANDLE, HANDLE, POINTER, DWORD)
GetModuleInformation = _process_status("GetModuleInformation", _true, BOOL, HANDLE, HANDLE, POINTER, DWORD)
GetMappedFileName = _process_status("GetMappedFileNameW", _true, DWORD, HANDLE, SIZE, POINTER, DWORD)
GetProcessMemoryInfo = _process_status("GetProcessMemoryInfo", _true, BOOL, HANDLE, POINTER, DWORD)
RtlGetUnloadEventTraceEx = _native("RtlGetUnloadEventTraceEx", _plain, None, POINTER, POINTER, POINTER)


class MEMORY_BASIC_INFORMATION(ctypes.Structure):
    BaseAddress: int
    AllocationBase: int
    AllocationProtect: int
    RegionSize: int
    State: int
    Protect: int
    Type: int
    _fields_ = (
        ("BaseAddress", SIZE),
        ("AllocationBase", SIZE),
        ("AllocationProtect", DWORD),
        *((("PartitionId", DWORD),) if ctypes.sizeof(SIZE) == 8 else ()),
        ("RegionSize", SIZE),
        ("State", DWORD),
        ("Protect", DWORD),
        ("Type", DWORD),
    )


class MODULEINFO(ctypes.Structure):
    lpBaseOfDll: int
    SizeOfImage: int
    _fields_ = (("lpBaseOfDll", SIZE), ("SizeOfImage", DWORD), ("EntryPoint", SIZE))


class PROCESS_MEMORY_COUNTERS_EX(ctypes.Structure):
    _fields_ = (
        ("cb", DWORD),
        ("PageFaultCount", DWORD),
        ("PeakWorkingSetSize", SIZE),
        ("WorkingSetSize", SIZE),
        ("QuotaPeakPagedPoolUsage", SIZE),
        ("QuotaPagedPoolUsage", SIZE),
        ("QuotaPeakNonPagedPoolUsage", SIZE),
        ("QuotaNonPagedPoolUsage", SIZE),
        ("PagefileUsage", SIZE),
        ("PeakPagefileUsage", SIZE),
        ("PrivateUsage", SIZE),
    )


# Handles

SYSTEM_EXTENDED_HANDLES = 64
OBJECT_BASIC, OBJECT_NAME, OBJECT_TYPE = 0, 1, 2

DuplicateHandle = _kernel("DuplicateHandle", _true, BOOL, HANDLE, HANDLE, HANDLE, POINTER, DWORD, BOOL, DWORD)
NtQuerySystemInformation = _native("NtQuerySystemInformation", _status, DWORD, DWORD, POINTER, DWORD, POINTER)
NtQueryObject = _native("NtQueryObject", _status, DWORD, HANDLE, DWORD, POINTER, DWORD, POINTER)

# Rights

TOKEN_QUERY, TOKEN_ADJUST_PRIVILEGES = 0x8, 0x20
TOKEN_INTEGRITY_LEVEL = 25
SE_PRIVILEGE_ENABLED = 2
ERROR_NOT_ALL_ASSIGNED = 1300

OpenProcessToken = _security("OpenProcessToken", _true, BOOL, HANDLE, DWORD, POINTER)
GetTokenInformation = _security("GetTokenInformation", _true, BOOL, HANDLE, DWORD, POINTER, DWORD, POINTER)
GetSidSubAuthorityCount = _security("GetSidSubAuthorityCount", _true, ctypes.c_void_p, POINTER)
LookupPrivilegeValue = _security("LookupPrivilegeValueW", _true, BOOL, TEXT, TEXT, POINTER)
AdjustTokenPrivileges = _security("AdjustTokenPrivileges", _true, BOOL, HANDLE, BOOL, POINTER, DWORD, POINTER, POINTER)
GetFileSecurity = _security("GetFileSecurityW", _true, BOOL, TEXT, DWORD, POINTER, DWORD, POINTER)
GetSecurityDescriptorOwner = _security("GetSecurityDescriptorOwner", _true, BOOL, POINTER, POINTER, POINTER)
ConvertSidToStringSid = _security("ConvertSidToStringSidW", _true, BOOL, POINTER, POINTER)


class TOKEN_PRIVILEGES(ctypes.Structure):
    """For one privilege."""

    _pack_ = 4
    _fields_ = (("PrivilegeCount", DWORD), ("Luid", ULONG64), ("Attributes", DWORD))


# The system

RtlGetVersion = _native("RtlGetVersion", _status, DWORD, POINTER)
GetNativeSystemInfo = _kernel("GetNativeSystemInfo", _plain, None, POINTER)
IsProcessorFeaturePresent = _kernel("IsProcessorFeaturePresent", _plain, BOOL, DWORD)
GetPerformanceInfo = _process_status("GetPerformanceInfo", _true, BOOL, POINTER, DWORD)
GetTimeZoneInformation = _kernel("GetTimeZoneInformation", _count, DWORD, POINTER)


class OSVERSIONINFOEX(ctypes.Structure):
    dwMajorVersion: int
    dwMinorVersion: int
    dwBuildNumber: int
    szCSDVersion: str
    wSuiteMask: int
    wProductType: int
    _fields_ = (
        ("dwOSVersionInfoSize", DWORD),
        ("dwMajorVersion", DWORD),
        ("dwMinorVersion", DWORD),
        ("dwBuildNumber", DWORD),
        ("dwPlatformId", DWORD),
        ("szCSDVersion", ctypes.c_wchar * 128),
        ("wServicePackMajor", ctypes.c_uint16),
        ("wServicePackMinor", ctypes.c_uint16),
        ("wSuiteMask", ctypes.c_uint16),
        ("wProductType", ctypes.c_uint8),
        ("wReserved", ctypes.c_uint8),
    )


class SYSTEM_INFO(ctypes.Structure):
    wProcessorArchitecture: int
    dwNumberOfProcessors: int
    wProcessorLevel: int
    wProcessorRevision: int
    _fields_ = (
        ("wProcessorArchitecture", ctypes.c_uint16),
        ("wReserved", ctypes.c_uint16),
        ("dwPageSize", DWORD),
        ("lpMinimumApplicationAddress", SIZE),
        ("lpMaximumApplicationAddress", SIZE),
        ("dwActiveProcessorMask", SIZE),
        ("dwNumberOfProcessors", DWORD),
        ("dwProcessorType", DWORD),
        ("dwAllocationGranularity", DWORD),
        ("wProcessorLevel", ctypes.c_uint16),
        ("wProcessorRevision", ctypes.c_uint16),
    )


class PERFORMANCE_INFORMATION(ctypes.Structure):
    CommitTotal: int
    CommitLimit: int
    CommitPeak: int
    PhysicalTotal: int
    PhysicalAvailable: int
    KernelPaged: int
    KernelNonpaged: int
    PageSize: int
    _fields_ = (
        ("cb", DWORD),
        ("CommitTotal", SIZE),
        ("CommitLimit", SIZE),
        ("CommitPeak", SIZE),
        ("PhysicalTotal", SIZE),
        ("PhysicalAvailable", SIZE),
        ("SystemCache", SIZE),
        ("KernelTotal", SIZE),
        ("KernelPaged", SIZE),
        ("KernelNonpaged", SIZE),
        ("PageSize", SIZE),
        ("HandleCount", DWORD),
        ("ProcessCount", DWORD),
        ("ThreadCount", DWORD),
    )


class TIME_ZONE_INFORMATION(ctypes.Structure):
    Bias: int
    StandardName: str
    StandardBias: int
    DaylightName: str
    DaylightBias: int
    _fields_ = (
        ("Bias", LONG),
        ("StandardName", ctypes.c_wchar * 32),
        ("StandardDate", ctypes.c_uint16 * 8),
        ("StandardBias", LONG),
        ("DaylightName", ctypes.c_wchar * 32),
        ("DaylightDate", ctypes.c_uint16 * 8),
        ("DaylightBias", LONG),
    )


# Copies of a process: processsnapshot.h, from Windows 8.1 on

PSS_CAPTURE_VA_CLONE, PSS_CAPTURE_THREADS, PSS_CAPTURE_THREAD_CONTEXT = 0x1, 0x80, 0x100
PSS_CREATE_BREAKAWAY_OPTIONAL, PSS_CREATE_BREAKAWAY = 0x4000000, 0x8000000
PSS_CREATE_USE_VM_ALLOCATIONS, PSS_CREATE_RELEASE_SECTION = 0x20000000, 0x80000000
PSS_QUERY_VA_CLONE_INFORMATION, PSS_WALK_THREADS = 1, 3

PssCaptureSnapshot = _kernel("PssCaptureSnapshot", _code, DWORD, HANDLE, DWORD, DWORD, POINTER)
PssQuerySnapshot = _kernel("PssQuerySnapshot", _code, DWORD, HANDLE, DWORD, POINTER, DWORD)
PssWalkMarkerCreate = _kernel("PssWalkMarkerCreate", _code, DWORD, POINTER, POINTER)
PssWalkSnapshot = _kernel("PssWalkSnapshot", _code, DWORD, HANDLE, DWORD, HANDLE, POINTER, DWORD)
PssWalkMarkerFree = _kernel("PssWalkMarkerFree", _code, DWORD, HANDLE)
PssFreeSnapshot = _kernel("PssFreeSnapshot", _code, DWORD, HANDLE, HANDLE)


class PSS_THREAD_ENTRY(ctypes.Structure):
    ExitStatus: int
    TebBaseAddress: int | None
    ThreadId: int
    AffinityMask: int
    SuspendCount: int
    SizeOfContextRecord: int
    ContextRecord: int | None
    _fields_ = (
        ("ExitStatus", DWORD),
        ("TebBaseAddress", POINTER),
        ("ProcessId", DWORD),
        ("ThreadId", DWORD),
        ("AffinityMask", SIZE),
        ("Priority", LONG),
        ("BasePriority", LONG),
        ("LastSyscallFirstArgument", POINTER),
        ("LastSyscallNumber", ctypes.c_uint16),
        ("CreateTime", DWORD * 2),
        ("ExitTime", DWORD * 2),
        ("KernelTime", DWORD * 2),
        ("UserTime", DWORD * 2),
        ("Win32StartAddress", POINTER),
        ("CaptureTime", DWORD * 2),
        ("Flags", DWORD),
        ("SuspendCount", ctypes.c_uint16),
        ("SizeOfContextRecord", ctypes.c_uint16),
        ("ContextRecord", POINTER),
    )


# dbghelp

MiniDumpWriteDump = _help("MiniDumpWriteDump", _true, BOOL, HANDLE, DWORD, HANDLE, DWORD, POINTER, POINTER, POINTER)


class MINIDUMP_EXCEPTION_INFORMATION(ctypes.Structure):
    _pack_ = 4
    _fields_ = (("ThreadId", DWORD), ("ExceptionPointers", POINTER), ("ClientPointers", BOOL))


# What the debug loop needs

DEBUG_PROCESS = 0x1
DEBUG_ONLY_THIS_PROCESS = 0x2
DBG_CONTINUE = 0x00010002
DBG_EXCEPTION_NOT_HANDLED = 0x80010001
ERROR_SEM_TIMEOUT = 121


class STARTUPINFOW(ctypes.Structure):
    _fields_ = (
        ("cb", DWORD),
        ("lpReserved", TEXT),
        ("lpDesktop", TEXT),
        ("lpTitle", TEXT),
        *((name, DWORD) for name in ("dwX", "dwY", "dwXSize", "dwYSize", "dwXCountChars", "dwYCountChars")),
        ("dwFillAttribute", DWORD),
        ("dwFlags", DWORD),
        ("wShowWindow", ctypes.c_uint16),
        ("cbReserved2", ctypes.c_uint16),
        ("lpReserved2", POINTER),
        ("hStdInput", HANDLE),
        ("hStdOutput", HANDLE),
        ("hStdError", HANDLE),
    )


class PROCESS_INFORMATION(ctypes.Structure):
    _fields_ = (("hProcess", HANDLE), ("hThread", HANDLE), ("dwProcessId", DWORD), ("dwThreadId", DWORD))


STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE = 0xFFFFFFF6, 0xFFFFFFF5, 0xFFFFFFF4
GetStdHandle = _kernel("GetStdHandle", _plain, HANDLE, DWORD)
CreateProcessW = _kernel(
    *("CreateProcessW", _true, BOOL, TEXT, TEXT, POINTER, POINTER, BOOL, DWORD, POINTER, TEXT),
    *(ctypes.POINTER(STARTUPINFOW), ctypes.POINTER(PROCESS_INFORMATION)),
)
_WaitForDebugEvent = _kernel("WaitForDebugEvent", _true, BOOL, POINTER, DWORD)
_WaitForDebugEventEx = _kernel("WaitForDebugEventEx", _true, BOOL, POINTER, DWORD)
ContinueDebugEvent = _kernel("ContinueDebugEvent", _true, BOOL, DWORD, DWORD, DWORD)
DebugActiveProcess = _kernel("DebugActiveProcess", _true, BOOL, DWORD)
DebugActiveProcessStop = _kernel("DebugActiveProcessStop", _true, BOOL, DWORD)
DebugSetProcessKillOnExit = _kernel("DebugSetProcessKillOnExit", _true, BOOL, BOOL)
IsWow64Process = _kernel("IsWow64Process", _true, BOOL, HANDLE, ctypes.POINTER(BOOL))
QueryFullProcessImageNameW = _kernel(
    "QueryFullProcessImageNameW", _true, BOOL, HANDLE, DWORD, POINTER, ctypes.POINTER(DWORD)
)
WriteProcessMemory = _kernel(
    "WriteProcessMemory", _true, BOOL, HANDLE, POINTER, ctypes.c_char_p, SIZE, ctypes.POINTER(SIZE)
)
FlushInstructionCache = _kernel("FlushInstructionCache", _true, BOOL, HANDLE, POINTER, SIZE)
SetThreadContext = _kernel("SetThreadContext", _true, BOOL, HANDLE, POINTER)
Wow64SetThreadContext = _kernel("Wow64SetThreadContext", _true, BOOL, HANDLE, POINTER)
TerminateProcess = _kernel("TerminateProcess", _true, BOOL, HANDLE, DWORD)


def wait_for_debug_event(milliseconds: int, size: int) -> bytes | None:
    """The next DEBUG_EVENT of the processes that the calling thread debugs; None when none came in time.

    `size`: bytes of the largest one. Texts of OutputDebugStringW come whole where the system can (Windows 10).
    """
    buffer = ctypes.create_string_buffer(size)
    try:
        try:
            _WaitForDebugEventEx(ctypes.addressof(buffer), milliseconds)
        except OSError as problem:
            if problem.winerror != ERROR_PROC_NOT_FOUND:
                raise
            _WaitForDebugEvent(ctypes.addressof(buffer), milliseconds)
    except OSError as problem:
        if problem.winerror == ERROR_SEM_TIMEOUT:
            return None
        raise
    return buffer.raw


# What the post-mortem debugger needs

SetEvent = _kernel("SetEvent", _true, BOOL, HANDLE)
TOKEN_DUPLICATE = 2
_user_environment = _Library("userenv")
CreateEnvironmentBlock = _user_environment("CreateEnvironmentBlock", _true, BOOL, ctypes.POINTER(POINTER), HANDLE, BOOL)
DestroyEnvironmentBlock = _user_environment("DestroyEnvironmentBlock", _true, BOOL, POINTER)


def environment_of_user(process: int) -> dict[str, str]:
    """The variables that a new session of the user would have whose process it is."""
    token, block = HANDLE(), POINTER()
    OpenProcessToken(process, TOKEN_QUERY | TOKEN_DUPLICATE, ctypes.byref(token))
    with closing(token.value or 0):
        CreateEnvironmentBlock(ctypes.byref(block), token, False)
    try:
        found, at = {}, block.value or 0
        while entry := ctypes.wstring_at(at):
            name, _, value = entry[1:].partition("=")
            found[entry[0] + name] = value
            at += (len(entry) + 1) * ctypes.sizeof(ctypes.c_wchar)
        return found
    finally:
        DestroyEnvironmentBlock(block)


# What samples of a process need

TH32CS_SNAPPROCESS = 0x2


class PROCESSENTRY32W(ctypes.Structure):
    th32ProcessID: int
    cntThreads: int
    szExeFile: str
    _fields_ = (
        ("dwSize", DWORD),
        ("cntUsage", DWORD),
        ("th32ProcessID", DWORD),
        ("th32DefaultHeapID", SIZE),
        ("th32ModuleID", DWORD),
        ("cntThreads", DWORD),
        ("th32ParentProcessID", DWORD),
        ("pcPriClassBase", LONG),
        ("dwFlags", DWORD),
        ("szExeFile", ctypes.c_wchar * 260),
    )


CreateToolhelp32Snapshot = _kernel("CreateToolhelp32Snapshot", _handle, HANDLE, DWORD, DWORD)
Process32FirstW = _kernel("Process32FirstW", _true, BOOL, HANDLE, ctypes.POINTER(PROCESSENTRY32W))
Process32NextW = _kernel("Process32NextW", _true, BOOL, HANDLE, ctypes.POINTER(PROCESSENTRY32W))
GetProcessHandleCount = _kernel("GetProcessHandleCount", _true, BOOL, HANDLE, ctypes.POINTER(DWORD))
SMTO_ABORTIFHUNG = 0x2
WM_NULL = 0
WNDENUMPROC = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)(BOOL, HANDLE, POINTER)
_windows = _Library("user32")
EnumWindows = _windows("EnumWindows", _true, BOOL, WNDENUMPROC, POINTER)
GetWindowThreadProcessId = _windows("GetWindowThreadProcessId", _plain, DWORD, HANDLE, ctypes.POINTER(DWORD))
IsWindowVisible = _windows("IsWindowVisible", _plain, BOOL, HANDLE)
IsHungAppWindow = _windows("IsHungAppWindow", _plain, BOOL, HANDLE)
SendMessageTimeoutW = _windows(
    *("SendMessageTimeoutW", _plain, SIZE, HANDLE, ctypes.c_uint32, SIZE, SIZE, ctypes.c_uint32, ctypes.c_uint32),
    ctypes.POINTER(SIZE),
)

# What the event log needs

WORD = ctypes.c_uint16
EVENTLOG_ERROR_TYPE, EVENTLOG_WARNING_TYPE, EVENTLOG_INFORMATION_TYPE = 1, 2, 4
RegisterEventSourceW = _security("RegisterEventSourceW", _true, HANDLE, TEXT, TEXT)
DeregisterEventSource = _security("DeregisterEventSource", _true, BOOL, HANDLE)
ReportEventW = _security(
    *("ReportEventW", _true, BOOL, HANDLE, WORD, WORD, DWORD, POINTER, WORD, DWORD),
    *(ctypes.POINTER(TEXT), POINTER),
)

# What a message to a user needs

MB_ICONWARNING = 0x30
_terminal_services = _Library("wtsapi32")
ProcessIdToSessionId = _kernel("ProcessIdToSessionId", _true, BOOL, DWORD, ctypes.POINTER(DWORD))
WTSSendMessageW = _terminal_services(
    *("WTSSendMessageW", _true, BOOL, HANDLE, DWORD, TEXT, DWORD, TEXT, DWORD, DWORD, DWORD),
    *(ctypes.POINTER(DWORD), BOOL),
)
