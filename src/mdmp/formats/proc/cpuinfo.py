"""/proc/cpuinfo: the first processor, and how many there are."""

from typing import NamedTuple

from mdmp.formats.proc.status import number, parse_fields


class CpuInfo(NamedTuple):
    processors: int
    vendor: str | None
    model_name: str | None
    family: int | None
    model: int | None
    stepping: int | None


def parse_cpuinfo(text: bytes) -> CpuInfo:
    fields = parse_fields(text.partition(b"\n\n")[0])
    count = sum(line.partition(b":")[0].strip() == b"processor" for line in text.split(b"\n"))
    return CpuInfo(
        count,
        fields.get("vendor_id"),
        fields.get("model name"),
        number(fields, "cpu family"),
        number(fields, "model"),
        number(fields, "stepping"),
    )
