"""Mach exceptions of macOS and iOS: types, codes, and the packed codes of EXC_RESOURCE and EXC_GUARD.

Sources: Apple's open sources (xnu: osfmk/mach/exception_types.h, mach/kern_return.h, mach/i386/exception.h,
mach/arm/exception.h, osfmk/kern/exc_resource.h, exc_guard.h, bsd/sys/guarded.h), Crashpad (SIMULATED).
"""

SIMULATED = 0x43507378
"""Crashpad's dump on request (`CPsx`)."""

UNCAUGHT_NS_EXCEPTION = 0x43506E78
"""Crashpad's mark of an uncaught Objective-C exception on iOS (`CPnx`)."""

EXCEPTIONS = {
    1: ("EXC_BAD_ACCESS", "invalid memory access"),
    2: ("EXC_BAD_INSTRUCTION", "illegal instruction"),
    3: ("EXC_ARITHMETIC", "arithmetic error"),
    4: ("EXC_EMULATION", "emulation support"),
    5: ("EXC_SOFTWARE", "the program stopped itself"),
    6: ("EXC_BREAKPOINT", "breakpoint or trap instruction"),
    7: ("EXC_SYSCALL", "bad system call"),
    8: ("EXC_MACH_SYSCALL", "bad Mach system call"),
    9: ("EXC_RPC_ALERT", "RPC alert"),
    10: ("EXC_CRASH", "abnormal end"),
    11: ("EXC_RESOURCE", "a resource limit was hit"),
    12: ("EXC_GUARD", "a guarded resource was misused"),
    13: ("EXC_CORPSE_NOTIFY", "abnormal end of a corpse"),
}

_KERN = {
    1: ("KERN_INVALID_ADDRESS", "nothing is mapped at the address"),
    2: ("KERN_PROTECTION_FAILURE", "the mapping does not allow the access"),
    5: ("KERN_FAILURE", "the access failed"),
    8: ("KERN_NO_ACCESS", "no access"),
    9: ("KERN_MEMORY_FAILURE", "the memory's object is gone"),
    10: ("KERN_MEMORY_ERROR", "the page could not be read in"),
    50: ("KERN_CODESIGN_ERROR", "the page's code signature is invalid"),
}
_X86: dict[str, dict[int, tuple[str, str]]] = {
    "EXC_BAD_ACCESS": {13: ("EXC_I386_GPFLT", "general protection fault, often a non-canonical address")},
    "EXC_BAD_INSTRUCTION": {
        1: ("EXC_I386_INVOP", "undefined instruction"),
        10: ("EXC_I386_INVTSSFLT", "invalid task state segment"),
        11: ("EXC_I386_SEGNPFLT", "segment not present"),
        12: ("EXC_I386_STKFLT", "stack fault"),
        13: ("EXC_I386_GPFLT", "general protection fault"),
        17: ("EXC_I386_ALIGNFLT", "alignment fault"),
    },
    "EXC_ARITHMETIC": {
        1: ("EXC_I386_DIV", "division by zero"),
        2: ("EXC_I386_INTO", "integer overflow"),
        3: ("EXC_I386_NOEXT", "no coprocessor"),
        4: ("EXC_I386_EXTOVR", "coprocessor overrun"),
        5: ("EXC_I386_EXTERR", "floating-point error"),
        6: ("EXC_I386_EMERR", "emulator error"),
        7: ("EXC_I386_BOUND", "index out of bounds"),
        8: ("EXC_I386_SSEEXTERR", "SSE floating-point error"),
    },
    "EXC_BREAKPOINT": {1: ("EXC_I386_SGL", "single step"), 2: ("EXC_I386_BPT", "breakpoint instruction")},
}
_ARM: dict[str, dict[int, tuple[str, str]]] = {
    "EXC_BAD_ACCESS": {
        0x101: ("EXC_ARM_DA_ALIGN", "misaligned access"),
        0x102: ("EXC_ARM_DA_DEBUG", "debug event"),
    },
    "EXC_BAD_INSTRUCTION": {1: ("EXC_ARM_UNDEFINED", "undefined instruction")},
    "EXC_ARITHMETIC": {},
    "EXC_BREAKPOINT": {
        1: ("EXC_ARM_BREAKPOINT", "breakpoint instruction"),
        0x101: ("EXC_ARM_DA_ALIGN", "misaligned access"),
        0x102: ("EXC_ARM_DA_DEBUG", "debug event"),
    },
}
_PPC: dict[str, dict[int, tuple[str, str]]] = {
    "EXC_BAD_ACCESS": {
        0x101: ("EXC_PPC_VM_PROT_READ", "read protection"),
        0x102: ("EXC_PPC_BADSPACE", "bad address space"),
        0x103: ("EXC_PPC_UNALIGNED", "misaligned access"),
    },
    "EXC_BAD_INSTRUCTION": {
        1: ("EXC_PPC_INVALID_SYSCALL", "invalid system call"),
        2: ("EXC_PPC_UNIPL_INST", "unimplemented instruction"),
        3: ("EXC_PPC_PRIVINST", "privileged instruction"),
        4: ("EXC_PPC_PRIVREG", "privileged register"),
        5: ("EXC_PPC_TRACE", "trace"),
        6: ("EXC_PPC_PERFMON", "performance monitor"),
    },
    "EXC_ARITHMETIC": {
        1: ("EXC_PPC_OVERFLOW", "integer overflow"),
        2: ("EXC_PPC_ZERO_DIVIDE", "integer division by zero"),
        3: ("EXC_FLT_INEXACT", "inexact floating-point result"),
        4: ("EXC_PPC_FLT_ZERO_DIVIDE", "floating-point division by zero"),
        5: ("EXC_PPC_FLT_UNDERFLOW", "floating-point underflow"),
        6: ("EXC_PPC_FLT_OVERFLOW", "floating-point overflow"),
        7: ("EXC_PPC_FLT_NOT_A_NUMBER", "not a number"),
        8: ("EXC_PPC_NOEMULATION", "no emulation"),
        9: ("EXC_PPC_ALTIVECASSIST", "AltiVec assistance"),
    },
    "EXC_BREAKPOINT": {1: ("EXC_PPC_BREAKPOINT", "breakpoint instruction")},
}
_SOFTWARE = {
    0x00010002: ("SIGABRT", "the program stopped itself with abort()"),
    0xDEADC0DE: ("UNCAUGHT_NS_EXCEPTION", "uncaught Objective-C exception"),
    0x00000001: ("EXC_PPC_TRAP", "trap"),
    0x00010100: ("EXC_PPC_MIGRATE", "migration"),
}
_RESOURCES = {
    1: ("RESOURCE_TYPE_CPU", {1: "FLAVOR_CPU_MONITOR", 2: "FLAVOR_CPU_MONITOR_FATAL"}),
    2: ("RESOURCE_TYPE_WAKEUPS", {1: "FLAVOR_WAKEUPS_MONITOR"}),
    3: ("RESOURCE_TYPE_MEMORY", {1: "FLAVOR_HIGH_WATERMARK"}),
    4: ("RESOURCE_TYPE_IO", {1: "FLAVOR_IO_PHYSICAL_WRITES", 2: "FLAVOR_IO_LOGICAL_WRITES"}),
    5: ("RESOURCE_TYPE_THREADS", {1: "FLAVOR_THREADS_HIGH_WATERMARK"}),
}
_PORT_FLAVORS = (
    "DESTROY MOD_REFS SET_CONTEXT UNGUARDED INCORRECT_GUARD IMMOVABLE STRICT_REPLY MSG_FILTERED INVALID_RIGHT "
    "INVALID_NAME INVALID_VALUE INVALID_ARGUMENT RIGHT_EXISTS KERN_NO_SPACE KERN_FAILURE KERN_RESOURCE "
    "SEND_INVALID_REPLY SEND_INVALID_VOUCHER SEND_INVALID_RIGHT RCV_INVALID_NAME RCV_GUARDED_DESC "
    "MOD_REFS_NON_FATAL IMMOVABLE_NON_FATAL"
)
_GUARDS = {
    0: ("GUARD_TYPE_NONE", "", ""),
    1: ("GUARD_TYPE_MACH_PORT", _PORT_FLAVORS, "port name"),
    2: ("GUARD_TYPE_FD", "CLOSE DUP NOCLOEXEC SOCKET_IPC FILEPORT MISMATCH WRITE", "file descriptor"),
    3: ("GUARD_TYPE_USER", "", "namespace"),
    4: ("GUARD_TYPE_VN", "RENAME_TO RENAME_FROM UNLINK WRITE_OTHER TRUNC_OTHER LINK EXCHDATA", "pid"),
    5: ("GUARD_TYPE_VIRT_MEMORY", "DEALLOC_GAP", "offset"),
}


def code_name(exception: str, code: int, cpu: str) -> tuple[str, str] | None:
    """Name and meaning of the first code of an exception on a CPU; None when it has no name."""
    if exception == "EXC_BAD_ACCESS" and (found := _KERN.get(code)):
        return found
    if exception == "EXC_SOFTWARE":
        return _SOFTWARE.get(code)
    table = _X86 if cpu in ("x86", "amd64") else _ARM if cpu.startswith("arm") else _PPC if cpu[:3] == "ppc" else {}
    return table.get(exception, {}).get(code)


def resource_text(flags: int, code: int, subcode: int) -> str | None:
    """`RESOURCE_TYPE_CPU / FLAVOR_CPU_MONITOR_FATAL interval: 60s …` of an EXC_RESOURCE.

    `flags` is the upper half of the first code, as minidumps keep it; None when the type is unknown.
    """
    kind = _RESOURCES.get(flags >> 29 & 7)
    if kind is None:
        return None
    name, flavors = kind
    flavor = flavors.get(code >> 58 & 7)
    if flavor is None:
        return f"{name} / {code:#018x} / {subcode:#018x}"
    match name:
        case "RESOURCE_TYPE_CPU":
            facts = f"interval: {code >> 7 & 0x1FFFFFF}s CPU limit: {code & 7}% CPU consumed: {subcode & 7}%"
        case "RESOURCE_TYPE_WAKEUPS":
            facts = f"interval: {code >> 20 & 0xFFFFF}s wakeups permitted: {code & 0xFFF} "
            facts += f"wakeups observed: {subcode & 0xFFF}"
        case "RESOURCE_TYPE_MEMORY":
            facts = f"high watermark limit: {code & 0x1FFF}MiB"
        case "RESOURCE_TYPE_IO":
            facts = f"interval: {code >> 15 & 0x1FFFF}s I/O limit: {code & 0x7FFF}% I/O observed: {subcode & 0x7FFF}%"
        case _:
            facts = f"high watermark limit: {code & 0x7FFF}"
    return f"{name} / {flavor} {facts}"


def guard_text(flags: int, code: int, subcode: int) -> str | None:
    """`GUARD_TYPE_FD / GUARD_EXC_CLOSE file descriptor: 5 guard identifier: 7` of an EXC_GUARD."""
    kind = _GUARDS.get(flags >> 29 & 7)
    if kind is None:
        return None
    name, flavors, what = kind
    if name == "GUARD_TYPE_NONE":
        return name
    if name == "GUARD_TYPE_USER":
        return f"{name} / {what}: {code & 0xFFFFFFFF} guard identifier: {subcode}"
    bit = code >> 32 & 0x1FFFFFFF
    names = flavors.split()
    if bit == 0 or bit & (bit - 1) or bit.bit_length() > len(names):
        return f"{name} / {code:#018x} / {subcode:#018x}"
    flavor = f"GUARD_EXC_{names[bit.bit_length() - 1]}"
    if name == "GUARD_TYPE_VIRT_MEMORY":
        return f"{name} / {flavor} {what}: {subcode}"
    return f"{name} / {flavor} {what}: {code & 0xFFFFFFF} guard identifier: {subcode}"
