"""What every layout gives."""

from collections.abc import Mapping
from typing import NamedTuple

from mdmp.binary.record import Record
from mdmp.errors import FormatError


class CpuContext(NamedTuple):
    cpu: str
    """`x86`, `amd64`, `arm`, `arm64`, `mips`, `mips64`, `ppc`, `ppc64`, `sparc`, `riscv` or `riscv64`."""
    record: Record
    registers: dict[str, int]
    """Those that ContextFlags calls valid; all where no group is named, as rust-minidump's writer does on macOS."""
    vector: dict[str, int]
    """Floating-point and vector registers as little-endian integers."""
    xstate: bytes | None = None
    """The XSAVE area from its header on, where the context has one."""


def padded(raw: bytes, size: int, minimum: int, name: str) -> bytes:
    """The first `size` bytes; shorter layouts of old writers are filled with zeros."""
    if len(raw) < minimum:
        raise FormatError(name, f"expected at least {minimum} bytes; found {len(raw)}")
    return raw[:size].ljust(size, b"\0")


def numbers(raw: bytes, start: int, step: int, size: int, names: tuple[str, ...]) -> dict[str, int]:
    """`names` to little-endian integers of `size` bytes, `step` apart."""
    of = int.from_bytes
    return {name: of(raw[start + i * step : start + i * step + size], "little") for i, name in enumerate(names)}


def pack_numbers(values: Mapping[str, int], step: int, names: tuple[str, ...]) -> bytes:
    """The opposite of `numbers`: `step` bytes for each name; what is not known is zero."""
    mask = (1 << 8 * step) - 1
    return b"".join((values.get(name, 0) & mask).to_bytes(step, "little") for name in names)
