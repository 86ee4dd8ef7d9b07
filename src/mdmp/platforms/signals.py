"""Signals of Linux and Android, and the si_code values that say why.

Sources: signal(7), sigaction(2), and the kernel's uapi headers (asm-generic/signal.h, asm-generic/siginfo.h,
arch/mips and arch/sparc asm/signal.h).
"""

_COMMON = (
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT "
    "CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
)
_MIPS = (
    "HUP INT QUIT ILL TRAP ABRT EMT FPE KILL BUS SEGV SYS PIPE ALRM TERM USR1 "
    "USR2 CHLD PWR WINCH URG IO STOP TSTP CONT TTIN TTOU VTALRM PROF XCPU XFSZ"
)
_SPARC = (
    "HUP INT QUIT ILL TRAP ABRT EMT FPE KILL BUS SEGV SYS PIPE ALRM TERM URG "
    "STOP TSTP CONT CHLD TTIN TTOU IO XCPU XFSZ VTALRM PROF WINCH LOST USR1 USR2"
)

DUMP_REQUESTED = 0xFFFFFFFF
"""Breakpad's "signal" of a dump that was asked for."""

ANDROID_TRAP = 35
"""Bionic's debuggerd signal (BIONIC_SIGNAL_DEBUGGER): a dump that was asked for."""

MEANINGS = {
    "SIGILL": "illegal instruction",
    "SIGTRAP": "breakpoint or trap instruction",
    "SIGABRT": "the program stopped itself with abort()",
    "SIGBUS": "bus error",
    "SIGFPE": "arithmetic error",
    "SIGSEGV": "invalid memory access",
    "SIGSYS": "forbidden or bad system call",
    "SIGKILL": "killed",
    "SIGTERM": "asked to end",
    "SIGINT": "interrupted from the keyboard",
    "SIGQUIT": "quit from the keyboard",
    "SIGPIPE": "wrote to a pipe that nobody reads",
    "SIGXCPU": "CPU time limit exceeded",
    "SIGXFSZ": "file size limit exceeded",
    "SIGSTKFLT": "coprocessor stack fault",
}

SENT = {
    0: "SI_USER",
    0x80: "SI_KERNEL",
    -1: "SI_QUEUE",
    -2: "SI_TIMER",
    -3: "SI_MESGQ",
    -4: "SI_ASYNCIO",
    -5: "SI_SIGIO",
    -6: "SI_TKILL",
    -7: "SI_DETHREAD",
    -60: "SI_ASYNCNL",
}
"""si_code values of any signal."""

CODES: dict[str, dict[int, tuple[str, str]]] = {
    "SIGILL": {
        1: ("ILL_ILLOPC", "illegal opcode"),
        2: ("ILL_ILLOPN", "illegal operand"),
        3: ("ILL_ILLADR", "illegal addressing mode"),
        4: ("ILL_ILLTRP", "illegal trap"),
        5: ("ILL_PRVOPC", "privileged instruction"),
        6: ("ILL_PRVREG", "privileged register"),
        7: ("ILL_COPROC", "coprocessor error"),
        8: ("ILL_BADSTK", "internal stack error"),
        9: ("ILL_BADIADDR", "unimplemented instruction address"),
    },
    "SIGTRAP": {
        1: ("TRAP_BRKPT", "breakpoint"),
        2: ("TRAP_TRACE", "trace trap"),
        3: ("TRAP_BRANCH", "branch trap"),
        4: ("TRAP_HWBKPT", "hardware breakpoint or watchpoint"),
        5: ("TRAP_UNK", "undiagnosed trap"),
        6: ("TRAP_PERF", "performance event"),
    },
    "SIGFPE": {
        1: ("FPE_INTDIV", "integer division by zero"),
        2: ("FPE_INTOVF", "integer overflow"),
        3: ("FPE_FLTDIV", "floating-point division by zero"),
        4: ("FPE_FLTOVF", "floating-point overflow"),
        5: ("FPE_FLTUND", "floating-point underflow"),
        6: ("FPE_FLTRES", "inexact floating-point result"),
        7: ("FPE_FLTINV", "invalid floating-point operation"),
        8: ("FPE_FLTSUB", "subscript out of range"),
        14: ("FPE_FLTUNK", "undiagnosed floating-point exception"),
        15: ("FPE_CONDTRAP", "trap on condition"),
    },
    "SIGSEGV": {
        1: ("SEGV_MAPERR", "nothing is mapped at the address"),
        2: ("SEGV_ACCERR", "the mapping does not allow the access"),
        3: ("SEGV_BNDERR", "bounds check failed"),
        4: ("SEGV_PKUERR", "refused by a protection key"),
        5: ("SEGV_ACCADI", "ADI is not enabled for the memory"),
        6: ("SEGV_ADIDERR", "ADI tag mismatch, disrupting"),
        7: ("SEGV_ADIPERR", "ADI tag mismatch, precise"),
        8: ("SEGV_MTEAERR", "memory tag mismatch, asynchronous"),
        9: ("SEGV_MTESERR", "memory tag mismatch"),
        10: ("SEGV_CPERR", "shadow stack mismatch"),
    },
    "SIGBUS": {
        1: ("BUS_ADRALN", "misaligned address"),
        2: ("BUS_ADRERR", "the address does not exist (a mapped file may have been cut)"),
        3: ("BUS_OBJERR", "hardware error of the object"),
        4: ("BUS_MCEERR_AR", "hardware memory error"),
        5: ("BUS_MCEERR_AO", "hardware memory error found in the background"),
    },
    "SIGSYS": {
        1: ("SYS_SECCOMP", "system call refused by seccomp"),
        2: ("SYS_USER_DISPATCH", "system call dispatched to the user"),
    },
}
"""Per signal: si_code to name and meaning."""


def signal_name(number: int, cpu: str = "") -> str | None:
    """`SIGSEGV` for 11; MIPS and SPARC number some signals differently. Real-time signals are `SIGRT…`."""
    table = (_MIPS if cpu.startswith("mips") else _SPARC if cpu.startswith("sparc") else _COMMON).split()
    if 1 <= number <= len(table):
        return f"SIG{table[number - 1]}"
    return f"SIGRT{number}" if 32 <= number <= 64 else None


def si_code_name(signal: str, code: int) -> tuple[str, str] | None:
    """Name and meaning of an si_code given as an unsigned or signed 32-bit number; None when it is unknown."""
    code = (code & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
    if found := CODES.get(signal, {}).get(code):
        return found
    if name := SENT.get(code):
        return name, "sent by the kernel" if name == "SI_KERNEL" else "sent by a program"
    return None
