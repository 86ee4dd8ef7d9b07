"""The records in the notes of a core file, and their types.

Sources: the kernel's include/uapi/linux/elf.h and elfcore.h, include/linux/elfcore-compat.h, each architecture's
user_regs_struct (asm/user.h, asm/ptrace.h), and fs/binfmt_elf.c for NT_FILE.
"""

from typing import Annotated

from mdmp.binary.record import Bytes, Record, i16, i32, u8, u16, u32, u64

NT_PRSTATUS, NT_FPREGSET, NT_PRPSINFO, NT_AUXV = 1, 2, 3, 6
NT_FILE, NT_SIGINFO, NT_PRXFPREG = 0x46494C45, 0x53494749, 0x46E62B7F
NT_X86_XSTATE, NT_ARM_VFP = 0x202, 0x400

AT_PHDR, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_BASE, AT_ENTRY = 3, 4, 5, 6, 7, 9
AT_UID, AT_PLATFORM, AT_HWCAP, AT_RANDOM, AT_EXECFN, AT_SYSINFO_EHDR = 11, 15, 16, 25, 31, 33


class siginfo_head(Record, size=12):
    """siginfo_t up to the union, which is aligned as a pointer."""

    si_signo: i32
    si_errno: i32
    si_code: i32


class elf_prstatus_64(Record, size=112):
    """What stands before the registers; they are followed by pr_fpvalid."""

    si_signo: i32
    si_code: i32
    si_errno: i32
    pr_cursig: i16
    padding: u16
    pr_sigpend: u64
    pr_sighold: u64
    pr_pid: i32
    pr_ppid: i32
    pr_pgrp: i32
    pr_sid: i32
    pr_utime_sec: u64
    pr_utime_usec: u64
    pr_stime_sec: u64
    pr_stime_usec: u64
    pr_cutime_sec: u64
    pr_cutime_usec: u64
    pr_cstime_sec: u64
    pr_cstime_usec: u64


class elf_prstatus_32(Record, size=72):
    si_signo: i32
    si_code: i32
    si_errno: i32
    pr_cursig: i16
    padding: u16
    pr_sigpend: u32
    pr_sighold: u32
    pr_pid: i32
    pr_ppid: i32
    pr_pgrp: i32
    pr_sid: i32
    pr_utime_sec: u32
    pr_utime_usec: u32
    pr_stime_sec: u32
    pr_stime_usec: u32
    pr_cutime_sec: u32
    pr_cutime_usec: u32
    pr_cstime_sec: u32
    pr_cstime_usec: u32


class elf_prpsinfo_64(Record, size=136):
    pr_state: u8
    pr_sname: Annotated[bytes, Bytes(1)]
    pr_zomb: u8
    pr_nice: u8
    padding: u32
    pr_flag: u64
    pr_uid: u32
    pr_gid: u32
    pr_pid: i32
    pr_ppid: i32
    pr_pgrp: i32
    pr_sid: i32
    pr_fname: Annotated[bytes, Bytes(16)]
    pr_psargs: Annotated[bytes, Bytes(80)]


class elf_prpsinfo_32(Record, size=128):
    """As of architectures with 32-bit user ids."""

    pr_state: u8
    pr_sname: Annotated[bytes, Bytes(1)]
    pr_zomb: u8
    pr_nice: u8
    pr_flag: u32
    pr_uid: u32
    pr_gid: u32
    pr_pid: i32
    pr_ppid: i32
    pr_pgrp: i32
    pr_sid: i32
    pr_fname: Annotated[bytes, Bytes(16)]
    pr_psargs: Annotated[bytes, Bytes(80)]


class elf_prpsinfo_32_short_ids(Record, size=124):
    """As of x86 and arm, whose user ids in this record have 16 bits."""

    pr_state: u8
    pr_sname: Annotated[bytes, Bytes(1)]
    pr_zomb: u8
    pr_nice: u8
    pr_flag: u32
    pr_uid: u16
    pr_gid: u16
    pr_pid: i32
    pr_ppid: i32
    pr_pgrp: i32
    pr_sid: i32
    pr_fname: Annotated[bytes, Bytes(16)]
    pr_psargs: Annotated[bytes, Bytes(80)]


_X = tuple(f"x{n}" for n in range(31))
_R = tuple(f"r{n}" for n in range(13))
USER_REGS: dict[str, tuple[str, ...]] = {
    "amd64": (
        *("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi"),
        *("orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs"),
    ),
    "x86": (
        *("ebx", "ecx", "edx", "esi", "edi", "ebp", "eax", "ds", "es", "fs", "gs"),
        *("orig_eax", "eip", "cs", "eflags", "esp", "ss"),
    ),
    "arm64": (*_X, "sp", "pc", "cpsr"),
    "arm": (*_R, "sp", "lr", "pc", "cpsr", "orig_r0"),
}
"""The registers of pr_reg in their order, by the names of `mdmp.arch`."""
