"""The one table of streams: type number, official name, and the module beside this one that decodes it.

A codec module has `decode(stream, file, issues)`: `stream` is the window of its bytes, `file` that of the whole
dump for what RVAs point to, and `issues` takes what could be survived. It returns small immutable objects in wire
terms and raises `FormatError` when nothing can be read. No module: the stream is listed and its bytes are kept.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from mdmp.binary.window import Window
from mdmp.errors import IssueLog

UNUSED = 0
THREAD_LIST = 3
MODULE_LIST = 4
MEMORY_LIST = 5
EXCEPTION = 6
SYSTEM_INFO = 7
THREAD_EX_LIST = 8
MEMORY64_LIST = 9
COMMENT_A = 10
COMMENT_W = 11
HANDLE_DATA = 12
FUNCTION_TABLE = 13
UNLOADED_MODULE_LIST = 14
MISC_INFO = 15
MEMORY_INFO_LIST = 16
THREAD_INFO_LIST = 17
HANDLE_OPERATION_LIST = 18
TOKEN = 19
SYSTEM_MEMORY_INFO = 21
PROCESS_VM_COUNTERS = 22
THREAD_NAMES = 24
WINE_MODULE_LIST = 0xFFF0
"""Wine: the Unix libraries of the process."""
BREAKPAD_INFO = 0x47670001
ASSERTION_INFO = 0x47670002
LINUX_CPU_INFO = 0x47670003
LINUX_PROC_STATUS = 0x47670004
LINUX_LSB_RELEASE = 0x47670005
LINUX_CMD_LINE = 0x47670006
LINUX_ENVIRON = 0x47670007
LINUX_AUXV = 0x47670008
LINUX_MAPS = 0x47670009
LINUX_DSO_DEBUG = 0x4767000A
CRASHPAD_INFO = 0x43500001
MAC_CRASH_INFO = 0x4D7A0001
MAC_BOOT_ARGS = 0x4D7A0002
LINUX_LIMITS = 0x4D7A0003
SOFT_ERRORS = 0x4D7A0004

STREAMS: dict[int, tuple[str, str]] = {
    UNUSED: ("UnusedStream", ""),
    1: ("ReservedStream0", ""),
    2: ("ReservedStream1", ""),
    THREAD_LIST: ("ThreadListStream", "thread_list"),
    MODULE_LIST: ("ModuleListStream", "module_list"),
    MEMORY_LIST: ("MemoryListStream", "memory_list"),
    EXCEPTION: ("ExceptionStream", "exception"),
    SYSTEM_INFO: ("SystemInfoStream", "system_info"),
    THREAD_EX_LIST: ("ThreadExListStream", "thread_ex_list"),
    MEMORY64_LIST: ("Memory64ListStream", "memory64_list"),
    COMMENT_A: ("CommentStreamA", "comment_a"),
    COMMENT_W: ("CommentStreamW", "comment_w"),
    HANDLE_DATA: ("HandleDataStream", "handle_data"),
    FUNCTION_TABLE: ("FunctionTableStream", "function_table"),
    UNLOADED_MODULE_LIST: ("UnloadedModuleListStream", "unloaded_module_list"),
    MISC_INFO: ("MiscInfoStream", "misc_info"),
    MEMORY_INFO_LIST: ("MemoryInfoListStream", "memory_info_list"),
    THREAD_INFO_LIST: ("ThreadInfoListStream", "thread_info_list"),
    HANDLE_OPERATION_LIST: ("HandleOperationListStream", "handle_operation_list"),
    TOKEN: ("TokenStream", "token"),
    20: ("JavaScriptDataStream", ""),
    SYSTEM_MEMORY_INFO: ("SystemMemoryInfoStream", "system_memory_info"),
    PROCESS_VM_COUNTERS: ("ProcessVmCountersStream", "process_vm_counters"),
    23: ("IptTraceStream", ""),
    THREAD_NAMES: ("ThreadNamesStream", "thread_names"),
    0x8000: ("ceStreamNull", ""),
    0x8001: ("ceStreamSystemInfo", ""),
    0x8002: ("ceStreamException", ""),
    0x8003: ("ceStreamModuleList", ""),
    0x8004: ("ceStreamProcessList", ""),
    0x8005: ("ceStreamThreadList", ""),
    0x8006: ("ceStreamThreadContextList", ""),
    0x8007: ("ceStreamThreadCallStackList", ""),
    0x8008: ("ceStreamMemoryVirtualList", ""),
    0x8009: ("ceStreamMemoryPhysicalList", ""),
    0x800A: ("ceStreamBucketParameters", ""),
    0x800B: ("ceStreamProcessModuleMap", ""),
    0x800C: ("ceStreamDiagnosisList", ""),
    WINE_MODULE_LIST: ("WineModuleListStream", "module_list"),
    0xFFFF: ("LastReservedStream", ""),
    # Breakpad, "Gg"
    BREAKPAD_INFO: ("BreakpadInfoStream", "breakpad_info"),
    ASSERTION_INFO: ("AssertionInfoStream", "assertion_info"),
    LINUX_CPU_INFO: ("LinuxCpuInfo", "text_file"),
    LINUX_PROC_STATUS: ("LinuxProcStatus", "text_file"),
    LINUX_LSB_RELEASE: ("LinuxLsbRelease", "text_file"),
    LINUX_CMD_LINE: ("LinuxCmdLine", "text_file"),
    LINUX_ENVIRON: ("LinuxEnviron", "text_file"),
    LINUX_AUXV: ("LinuxAuxv", "linux_auxv"),
    LINUX_MAPS: ("LinuxMaps", "text_file"),
    LINUX_DSO_DEBUG: ("LinuxDsoDebug", "linux_dso_debug"),
    # Crashpad, "CP"
    CRASHPAD_INFO: ("CrashpadInfoStream", "crashpad_info"),
    # Syzygy and Kasko, "Kk"
    0x4B6B0001: ("KaskoCrashKeysStream", ""),
    0x4B6B0002: ("StabilityReportStream", ""),
    # Mozilla, "Mz"
    MAC_CRASH_INFO: ("MozMacosCrashInfoStream", "mac_crash_info"),
    MAC_BOOT_ARGS: ("MozMacosBootargsStream", "mac_boot_args"),
    LINUX_LIMITS: ("MozLinuxLimits", "text_file"),
    SOFT_ERRORS: ("MozSoftErrors", "text_file"),
}

Decoder = Callable[[Window, Window, IssueLog], Any]


def stream_name(number: int) -> str:
    """The official name, or the number in words where there is none."""
    if number in STREAMS:
        return STREAMS[number][0]
    return f"Stream {number:#x}"


def is_decoded(number: int) -> bool:
    """Is there a codec for the type?"""
    return bool(STREAMS.get(number, ("", ""))[1])


def decoder(number: int) -> Decoder:
    """The decode function of a type; modules are imported when first needed."""
    module = STREAMS.get(number, ("", ""))[1]
    if not module:
        return _raw
    decode: Decoder = import_module(f"mdmp.formats.minidump.streams.{module}").decode
    return decode


def _raw(stream: Window, file: Window, issues: IssueLog) -> bytes:
    return stream.tobytes()
