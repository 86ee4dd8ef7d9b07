"""The walk: from a frame to its caller, again and again, until there is a reason to stop."""

from collections.abc import Mapping
from typing import Protocol

from mdmp.arch import Cpu
from mdmp.errors import UsageError
from mdmp.unwind.frame import Caller, Frame, Walk
from mdmp.unwind.source import Memory, UnwindSource
from mdmp.unwind.stack import StackWords

DEFAULT_LIMIT = 16384
FIRST_CODE = 0x1000
"""Nothing can be called in the page at address 0. What `_start` finds in place of a return address is `argc`."""
END = "end of stack: return address"


class Rules(Protocol):
    """How one CPU finds callers."""

    def caller(self, frames: list[Frame], stack: StackWords) -> Caller | str:
        """The step from the last of `frames` to its caller, or why there is none."""


class Walker:
    """Walks the stacks of one process. It keeps the rules it has found, so use one for all threads."""

    def __init__(self, cpu: Cpu, memory: Memory, source: UnwindSource, os: str = "windows") -> None:
        """`os`: whose conventions apply (`windows`, `linux`, `macos`…). `UsageError` for a CPU without rules."""
        self._cpu = cpu
        self._memory = memory
        self._rules = _rules(cpu, memory, source, os)

    def walk(
        self, registers: Mapping[str, int], *, stack: tuple[int, int] | None = None, limit: int = DEFAULT_LIMIT
    ) -> Walk:
        """The frames of a thread from its registers (named as in `mdmp.arch`).

        `stack` is (lowest address, end) of the thread's stack where known; `limit` the most frames to give.
        A missing program counter or stack pointer gives a walk that says so.
        """
        cpu = self._cpu
        pc_name, sp_name = cpu.pc, cpu.sp
        known = {name: registers[name] & cpu.mask for name in (*cpu.registers, cpu.flags) if name in registers}
        if pc_name not in known or sp_name not in known:
            return Walk((), f"the context has no {pc_name if pc_name not in known else sp_name}")
        words = StackWords(self._memory, cpu.pointer_size, stack)
        frame = Frame(known[pc_name], known[pc_name], known[sp_name], known, "context")
        frames = [frame]
        seen: set[tuple[int, int]] = set()
        caller = self._rules.caller
        while True:
            if len(frames) >= limit:
                return Walk(tuple(frames), f"limit of {limit} frames")
            step = caller(frames, words)
            if isinstance(step, str):
                return Walk(tuple(frames), step)
            found, trust, exact = step
            pc, sp = found[pc_name], found[sp_name]
            if pc < FIRST_CODE and not exact:
                return Walk(tuple(frames), f"{END} {pc:#x}, which is no code" if pc else f"{END} 0")
            grows = sp > frame.sp or (sp == frame.sp and cpu.lr is not None and len(frames) == 1)
            # An interrupted frame may be on another stack, but not on one that was seen.
            if not grows and (not exact or (pc, sp) in seen):
                return Walk(tuple(frames), f"no progress: stack pointer {sp:#x} after {frame.sp:#x}")
            if exact:
                seen.add((pc, sp))
            frame = Frame(pc, pc if exact else pc - 1, sp, found, trust)
            frames.append(frame)


def walk(
    registers: Mapping[str, int],
    cpu: Cpu,
    memory: Memory,
    source: UnwindSource,
    *,
    os: str = "windows",
    stack: tuple[int, int] | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Walk:
    """One thread's frames; see `Walker`, which is quicker for several threads of a process."""
    return Walker(cpu, memory, source, os).walk(registers, stack=stack, limit=limit)


def _rules(cpu: Cpu, memory: Memory, source: UnwindSource, os: str) -> Rules:
    if cpu.name == "amd64":
        from mdmp.unwind.amd64 import Amd64Rules

        return Amd64Rules(memory, source, os)
    if cpu.name == "x86":
        from mdmp.unwind.x86 import X86Rules

        return X86Rules(memory, source, os)
    if cpu.name == "arm64":
        from mdmp.unwind.arm64 import Arm64Rules

        return Arm64Rules(memory, source, os)
    if cpu.name == "arm":
        from mdmp.unwind.arm import ArmRules

        return ArmRules(memory, source, os)
    raise UsageError(f"stacks of {cpu.name} cannot be walked")
