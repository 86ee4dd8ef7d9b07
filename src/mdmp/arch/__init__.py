"""CPU facts, one file per CPU."""

from mdmp.arch.amd64 import AMD64
from mdmp.arch.arm import ARM
from mdmp.arch.arm64 import ARM64
from mdmp.arch.cpu import Cpu
from mdmp.arch.x86 import X86

CPUS: dict[str, Cpu] = {cpu.name: cpu for cpu in (X86, AMD64, ARM, ARM64)}
"""The CPUs whose stacks can be walked, by name."""

__all__ = ["AMD64", "ARM", "ARM64", "CPUS", "X86", "Cpu"]
