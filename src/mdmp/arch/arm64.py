"""64-bit ARM. The frame pointer is x29, the link register x30."""

from mdmp.arch.cpu import Cpu, numbered

_X = tuple(f"x{n}" for n in range(31))

ARM64 = Cpu(
    name="arm64",
    pointer_size=8,
    registers=(*_X, "sp", "pc"),
    pc="pc",
    sp="sp",
    fp="x29",
    lr="x30",
    flags="cpsr",
    saved_windows=frozenset(f"x{n}" for n in range(19, 30)),
    saved_sysv=frozenset(f"x{n}" for n in range(19, 30)),
    codeview=numbered(50, (*_X, "sp")) | {83: "pc", 90: "cpsr"},
    dwarf=numbered(0, (*_X, "sp", "pc")),
    aliases={"fp": "x29", "lr": "x30"},
)
