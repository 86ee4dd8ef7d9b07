"""Which layout a context has: told by the processor of the dump and by the context's own flags and size."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import NamedTuple

from mdmp.binary.window import Window
from mdmp.errors import FormatError
from mdmp.formats.minidump.contexts.context import CpuContext

MAX_SIZE = 0x10000
CPU_MASK = 0xFFFFFF00
WINDOWS_MASK = 0x07FFFF00
"""Without the bits above: Windows tells there how a context was taken (CONTEXT_EXCEPTION_REQUEST…)."""


class Layout(NamedTuple):
    flag: int
    """The processor's bit in the context flags."""
    flags_at: int
    """Offset of the flags."""
    size: int
    """No context of this layout is shorter."""
    architectures: tuple[int, ...]
    """PROCESSOR_ARCHITECTURE_* values that go with it."""
    module: str
    function: str
    mask: int = CPU_MASK


LAYOUTS = (
    Layout(0x100000, 0x30, 1232, (9,), "amd64", "decode", WINDOWS_MASK),
    Layout(0x10000, 0, 204, (0, 10), "x86", "decode", WINDOWS_MASK),
    Layout(0x400000, 0, 912, (12, 0x8003), "arm64", "decode_windows", WINDOWS_MASK),
    Layout(0x80000000, 0, 796, (0x8003, 12), "arm64", "decode_breakpad"),
    Layout(0x40000000, 0, 368, (5,), "arm", "decode_breakpad"),
    Layout(0x200000, 0, 416, (5,), "arm", "decode_windows", WINDOWS_MASK),
    Layout(0x40000, 0, 600, (1,), "mips", "decode"),
    Layout(0x80000, 0, 600, (0x8004,), "mips", "decode"),
    Layout(0x20000000, 0, 164, (3,), "ppc", "decode"),
    Layout(0x1000000, 0, 320, (0x8002,), "ppc", "decode64"),
    Layout(0x10000000, 0, 584, (0x8001,), "sparc", "decode"),
    Layout(0x800000, 0, 136, (0x8005,), "riscv", "decode"),
    Layout(0x8000000, 0, 264, (0x8006,), "riscv", "decode64"),
)


def decode_context(window: Window, architecture: int | None) -> CpuContext:
    """The registers in a context; `FormatError` when it has no layout that we know.

    `architecture` is what SystemInfo says, None where it says nothing. A layout of that processor is preferred;
    else the flags alone decide, provided that they name exactly the layout's processor and the size fits.
    """
    size = min(len(window), MAX_SIZE)
    raw = window.read(0, size)
    order = sorted(LAYOUTS, key=lambda layout: architecture not in layout.architectures)
    for layout in order:
        if size < layout.size:
            continue
        flags = int.from_bytes(raw[layout.flags_at : layout.flags_at + 4], "little")
        if flags & layout.mask == layout.flag:
            decode: Callable[[bytes, str], CpuContext] = getattr(
                import_module(f"mdmp.formats.minidump.contexts.{layout.module}"), layout.function
            )
            return decode(raw, window.name)
    found = f"{size} bytes, flags {raw[:4][::-1].hex() or 'none'}"
    raise FormatError(window.name, f"expected a CPU context that we know; found {found}", window.start)


def encode_context(
    cpu: str, windows: bool, registers: Mapping[str, int], vector: Mapping[str, int], xstate: bytes | None
) -> bytes | None:
    """A context in the layout that goes with the system; None for a processor whose contexts are only read."""
    if cpu not in ("x86", "amd64", "arm", "arm64"):
        return None
    last = xstate if cpu in ("x86", "amd64") else windows
    encode: Callable[..., bytes] = import_module(f"mdmp.formats.minidump.contexts.{cpu}").encode
    return encode(registers, vector, last)
