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
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

assert sys.platform == "win32"

from mdmp.capture.windows.declare import Library, code, count, handle, hresult, plain, status, true

ERROR_ACCESS_DENIED = 5
ERROR_BAD_LENGTH = 24
ERROR_INVALID_PARAMETER = 87
ERROR_INSUFFICIENT_BUFFER = 122
ERROR_MORE_DATA = 234
ERROR_NO_MORE_ITEMS = 259
TOO_SMALL = (ERROR_BAD_LENGTH, ERROR_INSUFFICIENT_BUFFER, ERROR_MORE_DATA)
"""What calls say that want a larger buffer."""

BOOL, DWORD, HANDLE, POINTER, SIZE = ctypes.c_int32, ctypes.c_uint32, c_void_p, c_void_p, ctypes.c_size_t
LONG, ULONG64, TEXT = ctypes.c_int32, ctypes.c_uint64, ctypes.c_wchar_p


_kernel = Library("kernel32")
_native = Library("ntdll")
_process_status = Library("psapi")
_security = Library("advapi32")
_help = Library("dbghelp")


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

CloseHandle = _kernel("CloseHandle", true, BOOL, HANDLE)
GetCurrentProcess = _kernel("GetCurrentProcess", plain, HANDLE)
OpenProcess = _kernel("OpenProcess", true, HANDLE, DWORD, BOOL, DWORD)
OpenThread = _kernel("OpenThread", true, HANDLE, DWORD, BOOL, DWORD)
SuspendThread = _kernel("SuspendThread", count, DWORD, HANDLE)
"""The count before."""
ResumeThread = _kernel("ResumeThread", count, DWORD, HANDLE)
"""The count before."""
GetThreadContext = _kernel("GetThreadContext", true, BOOL, HANDLE, POINTER)
Wow64GetThreadContext = _kernel("Wow64GetThreadContext", true, BOOL, HANDLE, POINTER)
InitializeContext = _kernel("InitializeContext", true, BOOL, POINTER, DWORD, POINTER, POINTER)
SetXStateFeaturesMask = _kernel("SetXStateFeaturesMask", true, BOOL, POINTER, ULONG64)
GetEnabledXStateFeatures = _kernel("GetEnabledXStateFeatures", plain, ULONG64)
GetThreadTimes = _kernel("GetThreadTimes", true, BOOL, HANDLE, POINTER, POINTER, POINTER, POINTER)
GetThreadPriority = _kernel("GetThreadPriority", plain, LONG, HANDLE)
GetThreadDescription = _kernel("GetThreadDescription", hresult, DWORD, HANDLE, POINTER)
GetPriorityClass = _kernel("GetPriorityClass", true, DWORD, HANDLE)
GetProcessTimes = _kernel("GetProcessTimes", true, BOOL, HANDLE, POINTER, POINTER, POINTER, POINTER)
GetExitCodeProcess = _kernel("GetExitCodeProcess", true, BOOL, HANDLE, POINTER)
IsWow64Process2 = _kernel("IsWow64Process2", true, BOOL, HANDLE, POINTER, POINTER)
GetThreadId = _kernel("GetThreadId", true, DWORD, HANDLE)
LocalFree = _kernel("LocalFree", plain, HANDLE, HANDLE)
NtGetNextThread = _native("NtGetNextThread", status, DWORD, HANDLE, HANDLE, DWORD, DWORD, DWORD, POINTER)
NtQueryInformationThread = _native("NtQueryInformationThread", status, DWORD, HANDLE, DWORD, POINTER, DWORD, POINTER)
NtQueryInformationProcess = _native("NtQueryInformationProcess", status, DWORD, HANDLE, DWORD, POINTER, DWORD, POINTER)

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


_USAGE = (
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
"""What two structures have in common."""


class VM_COUNTERS(ctypes.Structure):
    _fields_ = (("PeakVirtualSize", SIZE), ("VirtualSize", SIZE), *_USAGE)


class PROCESS_MEMORY_COUNTERS_EX(ctypes.Structure):
    _fields_ = (("cb", DWORD), *_USAGE, ("PrivateUsage", SIZE))


# Memory and modules

MEM_FREE, MEM_IMAGE = 0x10000, 0x1000000
LIST_MODULES_32BIT, LIST_MODULES_ALL = 1, 3

VirtualQueryEx = _kernel("VirtualQueryEx", true, SIZE, HANDLE, SIZE, POINTER, SIZE)
ReadProcessMemory = _kernel("ReadProcessMemory", plain, BOOL, HANDLE, SIZE, POINTER, SIZE, POINTER)
"""FALSE, without an exception, where not all could be read: that is nothing unusual."""
EnumProcessModulesEx = _process_status("EnumProcessModulesEx", true, BOOL, HANDLE, POINTER, DWORD, POINTER, DWORD)
GetModuleFileNameEx = _process_status("GetModuleFileNameExW", true, DWORD, HANDLE, HANDLE, POINTER, DWORD)
GetModuleInformation = _process_status("GetModuleInformation", true, BOOL, HANDLE, HANDLE, POINTER, DWORD)
GetMappedFileName = _process_status("GetMappedFileNameW", true, DWORD, HANDLE, SIZE, POINTER, DWORD)
GetProcessMemoryInfo = _process_status("GetProcessMemoryInfo", true, BOOL, HANDLE, POINTER, DWORD)
RtlGetUnloadEventTraceEx = _native("RtlGetUnloadEventTraceEx", plain, None, POINTER, POINTER, POINTER)


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


# Handles

SYSTEM_EXTENDED_HANDLES = 64
OBJECT_BASIC, OBJECT_NAME, OBJECT_TYPE = 0, 1, 2

DuplicateHandle = _kernel("DuplicateHandle", true, BOOL, HANDLE, HANDLE, HANDLE, POINTER, DWORD, BOOL, DWORD)
NtQuerySystemInformation = _native("NtQuerySystemInformation", status, DWORD, DWORD, POINTER, DWORD, POINTER)
NtQueryObject = _native("NtQueryObject", status, DWORD, HANDLE, DWORD, POINTER, DWORD, POINTER)

# Rights

TOKEN_QUERY, TOKEN_ADJUST_PRIVILEGES = 0x8, 0x20
TOKEN_INTEGRITY_LEVEL = 25
SE_PRIVILEGE_ENABLED = 2
ERROR_NOT_ALL_ASSIGNED = 1300

OpenProcessToken = _security("OpenProcessToken", true, BOOL, HANDLE, DWORD, POINTER)
GetTokenInformation = _security("GetTokenInformation", true, BOOL, HANDLE, DWORD, POINTER, DWORD, POINTER)
GetSidSubAuthorityCount = _security("GetSidSubAuthorityCount", true, ctypes.c_void_p, POINTER)
LookupPrivilegeValue = _security("LookupPrivilegeValueW", true, BOOL, TEXT, TEXT, POINTER)
AdjustTokenPrivileges = _security("AdjustTokenPrivileges", true, BOOL, HANDLE, BOOL, POINTER, DWORD, POINTER, POINTER)
GetFileSecurity = _security("GetFileSecurityW", true, BOOL, TEXT, DWORD, POINTER, DWORD, POINTER)
GetSecurityDescriptorOwner = _security("GetSecurityDescriptorOwner", true, BOOL, POINTER, POINTER, POINTER)
ConvertSidToStringSid = _security("ConvertSidToStringSidW", true, BOOL, POINTER, POINTER)


class TOKEN_PRIVILEGES(ctypes.Structure):
    """For one privilege."""

    _pack_ = 4
    _fields_ = (("PrivilegeCount", DWORD), ("Luid", ULONG64), ("Attributes", DWORD))


# The system

RtlGetVersion = _native("RtlGetVersion", status, DWORD, POINTER)
GetNativeSystemInfo = _kernel("GetNativeSystemInfo", plain, None, POINTER)
IsProcessorFeaturePresent = _kernel("IsProcessorFeaturePresent", plain, BOOL, DWORD)
GetPerformanceInfo = _process_status("GetPerformanceInfo", true, BOOL, POINTER, DWORD)
GetTimeZoneInformation = _kernel("GetTimeZoneInformation", count, DWORD, POINTER)


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

PssCaptureSnapshot = _kernel("PssCaptureSnapshot", code, DWORD, HANDLE, DWORD, DWORD, POINTER)
PssQuerySnapshot = _kernel("PssQuerySnapshot", code, DWORD, HANDLE, DWORD, POINTER, DWORD)
PssWalkMarkerCreate = _kernel("PssWalkMarkerCreate", code, DWORD, POINTER, POINTER)
PssWalkSnapshot = _kernel("PssWalkSnapshot", code, DWORD, HANDLE, DWORD, HANDLE, POINTER, DWORD)
PssWalkMarkerFree = _kernel("PssWalkMarkerFree", code, DWORD, HANDLE)
PssFreeSnapshot = _kernel("PssFreeSnapshot", code, DWORD, HANDLE, HANDLE)


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

MiniDumpWriteDump = _help("MiniDumpWriteDump", true, BOOL, HANDLE, DWORD, HANDLE, DWORD, POINTER, POINTER, POINTER)


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
GetStdHandle = _kernel("GetStdHandle", plain, HANDLE, DWORD)
CreateProcessW = _kernel(
    *("CreateProcessW", true, BOOL, TEXT, TEXT, POINTER, POINTER, BOOL, DWORD, POINTER, TEXT),
    *(ctypes.POINTER(STARTUPINFOW), ctypes.POINTER(PROCESS_INFORMATION)),
)
WaitForDebugEvent = _kernel("WaitForDebugEvent", true, BOOL, POINTER, DWORD)
WaitForDebugEventEx = _kernel("WaitForDebugEventEx", true, BOOL, POINTER, DWORD)
ContinueDebugEvent = _kernel("ContinueDebugEvent", true, BOOL, DWORD, DWORD, DWORD)
DebugActiveProcess = _kernel("DebugActiveProcess", true, BOOL, DWORD)
DebugActiveProcessStop = _kernel("DebugActiveProcessStop", true, BOOL, DWORD)
DbgUiConnectToDbg = _native("DbgUiConnectToDbg", status, DWORD)
DebugSetProcessKillOnExit = _kernel("DebugSetProcessKillOnExit", true, BOOL, BOOL)
IsWow64Process = _kernel("IsWow64Process", true, BOOL, HANDLE, ctypes.POINTER(BOOL))
QueryFullProcessImageNameW = _kernel(
    "QueryFullProcessImageNameW", true, BOOL, HANDLE, DWORD, POINTER, ctypes.POINTER(DWORD)
)
WriteProcessMemory = _kernel(
    "WriteProcessMemory", true, BOOL, HANDLE, POINTER, ctypes.c_char_p, SIZE, ctypes.POINTER(SIZE)
)
FlushInstructionCache = _kernel("FlushInstructionCache", true, BOOL, HANDLE, POINTER, SIZE)
SetThreadContext = _kernel("SetThreadContext", true, BOOL, HANDLE, POINTER)
Wow64SetThreadContext = _kernel("Wow64SetThreadContext", true, BOOL, HANDLE, POINTER)
TerminateProcess = _kernel("TerminateProcess", true, BOOL, HANDLE, DWORD)

# What the post-mortem debugger needs

SetEvent = _kernel("SetEvent", true, BOOL, HANDLE)
TOKEN_DUPLICATE = 2
_user_environment = Library("userenv")
CreateEnvironmentBlock = _user_environment("CreateEnvironmentBlock", true, BOOL, ctypes.POINTER(POINTER), HANDLE, BOOL)
DestroyEnvironmentBlock = _user_environment("DestroyEnvironmentBlock", true, BOOL, POINTER)

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


CreateToolhelp32Snapshot = _kernel("CreateToolhelp32Snapshot", handle, HANDLE, DWORD, DWORD)
Process32FirstW = _kernel("Process32FirstW", true, BOOL, HANDLE, ctypes.POINTER(PROCESSENTRY32W))
Process32NextW = _kernel("Process32NextW", true, BOOL, HANDLE, ctypes.POINTER(PROCESSENTRY32W))
GetProcessHandleCount = _kernel("GetProcessHandleCount", true, BOOL, HANDLE, ctypes.POINTER(DWORD))
WNDENUMPROC = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)(BOOL, HANDLE, POINTER)
_windows = Library("user32")
EnumWindows = _windows("EnumWindows", true, BOOL, WNDENUMPROC, POINTER)
GetWindowThreadProcessId = _windows("GetWindowThreadProcessId", plain, DWORD, HANDLE, ctypes.POINTER(DWORD))
IsWindowVisible = _windows("IsWindowVisible", plain, BOOL, HANDLE)
IsHungAppWindow = _windows("IsHungAppWindow", plain, BOOL, HANDLE)

# What the event log needs

WORD = ctypes.c_uint16
EVENTLOG_ERROR_TYPE, EVENTLOG_WARNING_TYPE, EVENTLOG_INFORMATION_TYPE = 1, 2, 4
RegisterEventSourceW = _security("RegisterEventSourceW", true, HANDLE, TEXT, TEXT)
DeregisterEventSource = _security("DeregisterEventSource", true, BOOL, HANDLE)
ReportEventW = _security(
    *("ReportEventW", true, BOOL, HANDLE, WORD, WORD, DWORD, POINTER, WORD, DWORD),
    *(ctypes.POINTER(TEXT), POINTER),
)

# What a message to a user needs

MB_ICONWARNING = 0x30
_terminal_services = Library("wtsapi32")
ProcessIdToSessionId = _kernel("ProcessIdToSessionId", true, BOOL, DWORD, ctypes.POINTER(DWORD))
WTSSendMessageW = _terminal_services(
    *("WTSSendMessageW", true, BOOL, HANDLE, DWORD, TEXT, DWORD, TEXT, DWORD, DWORD, DWORD),
    *(ctypes.POINTER(DWORD), BOOL),
)
