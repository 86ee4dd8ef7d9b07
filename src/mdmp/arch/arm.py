"""32-bit ARM."""

from mdmp.arch.cpu import Cpu, numbered

_NAMES = (*(f"r{n}" for n in range(13)), "sp", "lr", "pc")

ARM = Cpu(
    name="arm",
    pointer_size=4,
    registers=_NAMES,
    pc="pc",
    sp="sp",
    fp="r11",  # r7 in Thumb code of Linux and in all code of Apple
    lr="lr",
    flags="cpsr",
    saved_windows=frozenset(f"r{n}" for n in range(4, 12)),
    saved_sysv=frozenset(f"r{n}" for n in range(4, 12)),
    codeview=numbered(10, (*_NAMES, "cpsr")),
    dwarf=numbered(0, _NAMES),
    aliases={"fp": "r11", "ip": "r12"},
)
