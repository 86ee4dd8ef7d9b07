"""The area of x87 and SSE registers that the FXSAVE instruction writes. Source: Intel SDM volume 1, 10.5.1."""

SIZE = 512
ST = tuple(f"st{n}" for n in range(8))


def registers(raw: bytes, xmm: tuple[str, ...]) -> dict[str, int]:
    """`st0`…, `mxcsr` and the SSE registers by the names in `xmm`, as little-endian integers."""
    of = int.from_bytes
    found = {name: of(raw[32 + i * 16 : 42 + i * 16], "little") for i, name in enumerate(ST)}
    found |= {name: of(raw[160 + i * 16 : 176 + i * 16], "little") for i, name in enumerate(xmm)}
    found["mxcsr"] = of(raw[24:28], "little")
    return found
