"""The area of x87 and SSE registers that the FXSAVE instruction writes. Source: Intel SDM volume 1, 10.5.1."""

from collections.abc import Mapping

SIZE = 512
ST = tuple(f"st{n}" for n in range(8))


def registers(raw: bytes, xmm: tuple[str, ...]) -> dict[str, int]:
    """`st0`…, `mxcsr` and the SSE registers by the names in `xmm`, as little-endian integers."""
    of = int.from_bytes
    found = {name: of(raw[32 + i * 16 : 42 + i * 16], "little") for i, name in enumerate(ST)}
    found |= {name: of(raw[160 + i * 16 : 176 + i * 16], "little") for i, name in enumerate(xmm)}
    found["mxcsr"] = of(raw[24:28], "little")
    return found


def pack(vector: Mapping[str, int], xmm: tuple[str, ...]) -> bytes:
    """The area with these registers; control and status words of the x87 unit are not known and stay zero."""
    raw = bytearray(SIZE)
    raw[24:28] = (vector.get("mxcsr", 0) & 0xFFFFFFFF).to_bytes(4, "little")
    for i, name in enumerate(ST):
        raw[32 + i * 16 : 42 + i * 16] = (vector.get(name, 0) & (1 << 80) - 1).to_bytes(10, "little")
    for i, name in enumerate(xmm):
        raw[160 + i * 16 : 176 + i * 16] = (vector.get(name, 0) & (1 << 128) - 1).to_bytes(16, "little")
    return bytes(raw)
