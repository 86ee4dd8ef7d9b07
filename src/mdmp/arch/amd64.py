"""x86-64."""

from mdmp.arch.cpu import Cpu, numbered

_HIGH = tuple(f"r{n}" for n in range(8, 16))

AMD64 = Cpu(
    name="amd64",
    pointer_size=8,
    registers=("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rip", "rsp", "rbp", *_HIGH),
    pc="rip",
    sp="rsp",
    fp="rbp",
    lr=None,
    flags="eflags",
    saved_windows=frozenset(("rbx", "rbp", "rdi", "rsi", "r12", "r13", "r14", "r15")),
    saved_sysv=frozenset(("rbx", "rbp", "r12", "r13", "r14", "r15")),
    codeview=numbered(328, ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", *_HIGH))
    | {33: "rip", 34: "eflags"},
    dwarf=numbered(0, ("rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", *_HIGH, "rip")) | {49: "eflags"},
    aliases={},
)

UNWIND_REGISTERS = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *_HIGH)
"""Register numbers as instructions and Windows unwind codes write them."""
