"""NTSTATUS values, and the exception codes that are none.

Sources: ntstatus.h (table `data/ntstatus.txt`, see `codes`) and winbase.h. The others: Microsoft's documents on
naming threads, on delay loading (delayimp.h) and on debug output; dotnet/runtime (corexcep.h); chromium
(base/process/memory.h); crashpad (util/win/exception_codes.h); libgcc (unwind-seh.c); LLVM's compiler-rt;
Embarcadero's System unit; LuaJIT (lj_err.c); Unreal Engine (WindowsPlatformCrashContext.cpp).
"""

from mdmp.platforms.codes import name_of

EXCEPTION_NAMES = {
    0x80000001: "EXCEPTION_GUARD_PAGE",
    0x80000002: "EXCEPTION_DATATYPE_MISALIGNMENT",
    0x80000003: "EXCEPTION_BREAKPOINT",
    0x80000004: "EXCEPTION_SINGLE_STEP",
    0xC0000005: "EXCEPTION_ACCESS_VIOLATION",
    0xC0000006: "EXCEPTION_IN_PAGE_ERROR",
    0xC0000008: "EXCEPTION_INVALID_HANDLE",
    0xC000001D: "EXCEPTION_ILLEGAL_INSTRUCTION",
    0xC0000025: "EXCEPTION_NONCONTINUABLE_EXCEPTION",
    0xC0000026: "EXCEPTION_INVALID_DISPOSITION",
    0xC000008C: "EXCEPTION_BOUNDS_EXCEEDED",
    0xC000008D: "EXCEPTION_FLT_DENORMAL_OPERAND",
    0xC000008E: "EXCEPTION_FLT_DIVIDE_BY_ZERO",
    0xC000008F: "EXCEPTION_FLT_INEXACT_RESULT",
    0xC0000090: "EXCEPTION_FLT_INVALID_OPERATION",
    0xC0000091: "EXCEPTION_FLT_OVERFLOW",
    0xC0000092: "EXCEPTION_FLT_STACK_CHECK",
    0xC0000093: "EXCEPTION_FLT_UNDERFLOW",
    0xC0000094: "EXCEPTION_INT_DIVIDE_BY_ZERO",
    0xC0000095: "EXCEPTION_INT_OVERFLOW",
    0xC0000096: "EXCEPTION_PRIV_INSTRUCTION",
    0xC00000FD: "EXCEPTION_STACK_OVERFLOW",
    0xC0000194: "EXCEPTION_POSSIBLE_DEADLOCK",
}
"""The names of winbase.h, which crash reports use instead of STATUS_*."""

PLAIN = {
    0x80000001: "access to a guard page",
    0x80000002: "misaligned data access",
    0x80000003: "breakpoint instruction (an assertion, a debugger's break, or a deliberate stop)",
    0x80000004: "single step",
    0xC0000005: "access violation",
    0xC0000006: "a page of a file could not be read in",
    0xC0000008: "an invalid handle was used",
    0xC0000017: "not enough memory",
    0xC000001D: "illegal instruction",
    0xC0000025: "a handler tried to continue after a fatal exception",
    0xC0000026: "an exception handler answered nonsense (damaged handler or stack)",
    0xC000008C: "array index out of bounds",
    0xC000008D: "floating-point operand is denormal",
    0xC000008E: "floating-point division by zero",
    0xC000008F: "floating-point result is inexact",
    0xC0000090: "invalid floating-point operation",
    0xC0000091: "floating-point overflow",
    0xC0000092: "floating-point stack check",
    0xC0000093: "floating-point underflow",
    0xC0000094: "integer division by zero",
    0xC0000095: "integer overflow",
    0xC0000096: "privileged instruction in user code",
    0xC00000FD: "stack overflow",
    0xC0000135: "a DLL was not found when the program started",
    0xC0000138: "an ordinal was not found in a DLL",
    0xC0000139: "a function was not found in a DLL",
    0xC000013A: "the program was ended with Ctrl+C",
    0xC0000142: "a DLL failed to initialize",
    0xC0000194: "possible deadlock: a critical section was waited for too long",
    0xC000027B: "an unhandled error of a Windows Runtime application (stowed exceptions)",
    0xC0000374: "heap corruption was detected",
    0xC0000409: "the program stopped itself (fast fail)",
    0xC000041D: "an exception in a callback from the kernel was not handled",
    0xC0000417: "an invalid parameter was given to a C runtime function",
    0xC0000420: "an assertion failed",
    0xC0000421: "Application Verifier stopped the program",
    0xC0000602: "the program stopped itself (RaiseFailFastException)",
    0xC06D007E: "a delay-loaded DLL was not found",
    0xC06D007F: "a function was missing in a delay-loaded DLL",
}
"""What happened, for the codes that end programs most often."""

FOREIGN = {
    0x00004000: ("UE_ASSERT", "a fatal assertion of Unreal Engine"),
    0x00008000: ("UE_GPU_CRASH", "Unreal Engine gave up: the GPU crashed"),
    0x0CCA11ED: ("TRIGGERED", "the dump was requested by another process (Crashpad)"),
    0x0517A7ED: ("SIMULATED", "the dump was requested by the program itself"),
    0x0EEDFADE: ("DELPHI_EXCEPTION", "uncaught Delphi exception"),
    0x0EEFFACE: ("BORLAND_CPP_EXCEPTION", "uncaught C++ exception (C++Builder)"),
    0x20474343: ("GCC_THROW", "uncaught C++ exception (GCC)"),
    0x21474343: ("GCC_UNWIND", "stack unwinding by GCC's runtime"),
    0x22474343: ("GCC_FORCED", "forced unwinding by GCC's runtime"),
    0x406D1388: ("MS_VC_SET_THREAD_NAME", "a thread was given its name (harmless, meant for a debugger)"),
    0x40010005: ("DBG_CONTROL_C", "Ctrl+C was pressed"),
    0x40010006: ("DBG_PRINTEXCEPTION_C", "a debug message was printed (harmless, meant for a debugger)"),
    0x40010008: ("DBG_CONTROL_BREAK", "Ctrl+Break was pressed"),
    0x4001000A: ("DBG_PRINTEXCEPTION_WIDE_C", "a debug message was printed (harmless, meant for a debugger)"),
    0xC06D007E: ("VCPP_EXCEPTION_MODULE_NOT_FOUND", "a delay-loaded DLL was not found"),
    0xC06D007F: ("VCPP_EXCEPTION_PROCEDURE_NOT_FOUND", "a function was missing in a delay-loaded DLL"),
    0xE0000008: ("OUT_OF_MEMORY", "an allocation failed: out of memory"),
    0xE0434352: ("MANAGED_EXCEPTION_CODE_V4", "uncaught .NET exception"),
    0xE0434F4D: ("MANAGED_EXCEPTION_CODE", "uncaught .NET exception (before .NET Framework 4)"),
    0xE053534F: ("EXCEPTION_SOFTSO", "stack overflow in managed code"),
    0xE073616E: ("SANITIZER", "a sanitizer stopped the program"),
    0xE073616F: ("ADDRESS_SANITIZER", "AddressSanitizer stopped the program"),
    0xE06D7363: ("UNHANDLED_CPP_EXCEPTION", "uncaught C++ exception"),
    0xE24C4A02: ("LUAJIT_EXCEPTION", "an error thrown by LuaJIT"),
}
"""Exception codes that programs and runtimes made up: short name, meaning."""

HARMLESS = frozenset((0x406D1388, 0x40010006, 0x4001000A))
"""Raised only to speak to a debugger; they do not end a program."""

REQUESTED = frozenset((0x0517A7ED, 0x0CCA11ED))
"""Made up by crash handlers for a dump that was asked for."""


def nt_status_name(code: int) -> str | None:
    """`STATUS_ACCESS_VIOLATION` for 0xC0000005; None when it is not in Microsoft's list."""
    return name_of("ntstatus", code & 0xFFFFFFFF)
