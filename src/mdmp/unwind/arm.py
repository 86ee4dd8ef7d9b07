"""How a 32-bit ARM frame finds its caller: unwind tables, then frame records, then the stack's words.

The lowest bit of a return address says that the caller is Thumb code; it is no part of the address.
"""

from mdmp.arch import ARM
from mdmp.unwind import scan
from mdmp.unwind.call_frames import CallFrames
from mdmp.unwind.code import Code
from mdmp.unwind.frame import Caller, Frame
from mdmp.unwind.source import Memory, UnwindSource
from mdmp.unwind.stack import StackWords

_KEPT = tuple(sorted(ARM.saved_sysv))
_MAX_FRAME = 1 << 20


class ArmRules:
    def __init__(self, memory: Memory, source: UnwindSource, os: str) -> None:
        self._source = source
        self._fp = "r7" if os in ("ios", "macos") else "r11"
        self._code = Code(memory, source, "arm")
        self._call_frames = CallFrames(ARM, source, ARM.saved_sysv)

    def caller(self, frames: list[Frame], stack: StackWords) -> Caller | str:
        frame = frames[-1]
        exact = frame.lookup == frame.instruction
        found = self._by_tables(frame, stack)
        if found is None and exact and not self._code.is_code(frame.instruction):
            found = self._by_link(frame)  # a wild jump: the call has left its return address in lr
        if found is None and frame.trust == "frame_pointer" and frame.registers.get(self._fp) == 0:
            return "end of stack: frame pointer 0"
        if found is None:
            found = self._frame_record(frame.registers, stack)
        if found is None and exact:
            found = self._by_link(frame)
        found = found or self._scan(frame, exact, stack)
        return found or f"no caller found for {frame.instruction:#x}"

    def _by_tables(self, frame: Frame, stack: StackWords) -> Caller | None:
        step = self._call_frames.caller(frame, stack.word)
        if step is None:
            return None
        target = step.registers["pc"]
        if target and self._code.is_code(target & ~1) is False:
            return None
        return Caller({**step.registers, "pc": target & ~1}, step.trust, step.exact)

    def _by_link(self, frame: Frame) -> Caller | None:
        """The caller, if the function has not saved lr and changed the stack."""
        target = frame.registers.get("lr", 0)
        after_call = self._code.is_after_call(target) if target else False
        if after_call is False or target & ~1 == frame.instruction:
            return None
        caller = {name: frame.registers[name] for name in _KEPT if name in frame.registers}
        caller["pc"], caller["sp"] = target & ~1, frame.registers["sp"]
        return Caller(caller, "cfi" if after_call else "frame_pointer")

    def _frame_record(self, registers: dict[str, int], stack: StackWords) -> Caller | None:
        """The frame pointer points at the caller's, with the return address above it."""
        fp, sp = registers.get(self._fp, 0), registers["sp"]
        if not sp <= fp < min(sp + _MAX_FRAME, stack.high) or fp & 3:
            return None
        saved, link = stack.word(fp), stack.word(fp + 4)
        if saved is None or link is None or not (saved == 0 or fp < saved < stack.high):
            return None
        if link and self._code.is_after_call(link) is False:
            return None
        return Caller({"pc": link & ~1, "sp": fp + 8, self._fp: saved}, "frame_pointer")

    def _scan(self, frame: Frame, exact: bool, stack: StackWords) -> Caller | None:
        found = scan.find_return_address(frame.registers["sp"], 4, stack, self._code, exact)
        if found is None:
            return None
        at, target = found
        caller = {"pc": target & ~1, "sp": at + 4}
        fp = frame.registers.get(self._fp, 0)
        if fp > at:
            caller[self._fp] = fp
        return Caller(caller, "scan")
