"""Sets of registers as core files and ptrace give them: NT_PRSTATUS's pr_reg, floating point, vectors."""

from collections.abc import Mapping
from struct import Struct

from mdmp.arch import fxsave
from mdmp.formats.elf.core_structs import NT_ARM_VFP, NT_FPREGSET, NT_PRXFPREG, NT_X86_XSTATE, USER_REGS

_LAYOUTS = {cpu: Struct(f"<{len(names)}{'I' if cpu in ('x86', 'arm') else 'Q'}") for cpu, names in USER_REGS.items()}


def general_size(cpu: str) -> int:
    """Bytes of pr_reg; 0 for an unknown CPU."""
    return _LAYOUTS[cpu].size if cpu in _LAYOUTS else 0


def general(cpu: str, raw: bytes) -> dict[str, int]:
    """The registers of pr_reg by the names of `mdmp.arch`; empty for an unknown CPU or too few bytes."""
    layout = _LAYOUTS.get(cpu)
    if layout is None or len(raw) < layout.size:
        return {}
    return dict(zip(USER_REGS[cpu], layout.unpack_from(raw), strict=True))


def vector(cpu: str, sets: Mapping[int, bytes]) -> dict[str, int]:
    """Floating-point and vector registers as little-endian integers, from sets by their NT_* number."""
    if cpu in ("amd64", "x86"):
        raw = sets.get(NT_FPREGSET if cpu == "amd64" else NT_PRXFPREG) or sets.get(NT_X86_XSTATE) or b""
        names = tuple(f"xmm{n}" for n in range(16 if cpu == "amd64" else 8))
        return fxsave.registers(raw[: fxsave.SIZE], names) if len(raw) >= fxsave.SIZE else {}
    if cpu == "arm64":
        return _numbers(sets.get(NT_FPREGSET, b""), 16, tuple(f"v{n}" for n in range(32)), ("fpsr", "fpcr"))
    if cpu == "arm":
        return _numbers(sets.get(NT_ARM_VFP, b""), 8, tuple(f"d{n}" for n in range(32)), ("fpscr",))
    return {}


def _numbers(raw: bytes, size: int, names: tuple[str, ...], words: tuple[str, ...]) -> dict[str, int]:
    """Registers of `size` bytes, then words of 4."""
    tail = len(names) * size
    if len(raw) < tail + 4 * len(words):
        return {}
    found = {name: int.from_bytes(raw[i * size : (i + 1) * size], "little") for i, name in enumerate(names)}
    return found | {
        name: int.from_bytes(raw[tail + 4 * i : tail + 4 * i + 4], "little") for i, name in enumerate(words)
    }
