"""The machine and the operating system."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class System:
    os: str
    """`windows`, `linux`, `android`, `macos`, `ios`, `solaris`, `ps3`, `nacl`, `fuchsia`, or `unknown`."""
    cpu: str
    """`x86`, `amd64`, `arm`, `arm64`, or another processor's name; `unknown` if neither stream nor context tells."""
    os_version: str | None = None
    """`10.0.19045`"""
    os_build: str | None = None
    """Service pack or build text: `Service Pack 1`, `20G165`, `Linux 5.4 #1 SMP …`."""
    platform_id: int | None = None
    product_type: int | None = None
    suite_mask: int | None = None
    cpu_count: int | None = None
    cpu_level: int | None = None
    cpu_revision: int | None = None
    cpu_vendor: str | None = None
    """CPUID vendor text, x86 family only."""
    cpu_model: str | None = None
    """A processor described in words: `family 6 model 42 stepping 7`."""
    cpu_features: tuple[int, ...] = ()
    """Feature words as stored (CPUID words on x86, ProcessorFeatures elsewhere)."""
    memory: Mapping[str, int] = field(default_factory=dict)
    """System memory counters by plain name, bytes or counts as the name says; empty where not kept."""
