"""32-bit x86."""

from mdmp.arch.cpu import Cpu, numbered

X86 = Cpu(
    name="x86",
    pointer_size=4,
    registers=("eax", "ebx", "ecx", "edx", "esi", "edi", "eip", "esp", "ebp"),
    pc="eip",
    sp="esp",
    fp="ebp",
    lr=None,
    flags="eflags",
    saved_windows=frozenset(("ebx", "esi", "edi", "ebp")),
    saved_sysv=frozenset(("ebx", "esi", "edi", "ebp")),
    codeview=numbered(17, ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi")) | {33: "eip", 34: "eflags"},
    # Apple's 32-bit .eh_frame exchanges 4 and 5; its .debug_frame does not.
    dwarf=numbered(0, ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip", "eflags")),
    aliases={},
)
