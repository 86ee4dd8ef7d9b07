"""How an arm64 frame finds its caller: unwind tables, then frame records (x29 points at one), then the stack's words.

The return address is in x30 until the function saves it, so a frame that was interrupted may not have it on the stack.
Return addresses can be signed: the bits above those that an address needs are then no part of it.
"""

from mdmp.arch import ARM64
from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.pe.wire import IMAGE_DIRECTORY_ENTRY_EXCEPTION
from mdmp.unwind import arm64_code, scan, windows_arm64
from mdmp.unwind.call_frames import CallFrames
from mdmp.unwind.code import Code
from mdmp.unwind.frame import Caller, Frame
from mdmp.unwind.rule import Rule, apply_rule
from mdmp.unwind.signal_return import SignalReturn
from mdmp.unwind.source import Memory, UnwindSource
from mdmp.unwind.stack import StackWords

_KEPT = tuple(sorted(ARM64.saved_sysv))
_MAX_FRAME = 1 << 20
_ADDRESS_BITS = (48, 47, 39)
"""Widths of addresses in use; a signature fills what is above."""
_LOOK_BACK = 1024
_NEAR = 256
_MAX_RULES = 1 << 16


class Arm64Rules:
    def __init__(self, memory: Memory, source: UnwindSource, os: str) -> None:
        self._source = source
        self._code = Code(memory, source, "arm64")
        windows = os == "windows"
        kept = ARM64.saved_windows if windows else ARM64.saved_sysv
        self._signals = None if windows else SignalReturn(self._code, "arm64")
        self._call_frames = CallFrames(ARM64, source, kept)
        self._rules: dict[int, Rule | None] = {}

    def caller(self, frames: list[Frame], stack: StackWords) -> Caller | str:
        frame = frames[-1]
        exact = frame.lookup == frame.instruction
        found = self._signals.interrupted(frame, stack.word) if self._signals else None
        found = found or self._by_tables(frame, stack)
        if found is None and exact and not self._code.is_code(frame.instruction):
            found = self._by_link(frame)  # a wild jump: the call has left its return address in x30
        if found is None and frame.trust == "frame_pointer" and frame.registers.get("x29") == 0:
            return "end of stack: frame pointer 0"
        found = found or self._guess(frame, exact, stack)
        return found or f"no caller found for {frame.instruction:#x}"

    def _by_tables(self, frame: Frame, stack: StackWords) -> Caller | None:
        rule = self._rule(frame.instruction, frame.lookup == frame.instruction)
        if rule is None:
            step = self._call_frames.caller(frame, stack.word)
        else:
            found = apply_rule(rule, frame.registers, stack.word, _KEPT, "pc", "sp", "x30", ARM64.mask)
            step = Caller(found, "cfi", rule.exact) if isinstance(found, dict) else None
        if step is None:
            return None
        target = self._strip(step.registers["pc"])
        if target and self._code.is_code(target) is False:
            return None
        return Caller({**step.registers, "pc": target}, step.trust, step.exact)

    def _rule(self, instruction: int, exact: bool) -> Rule | None:
        """The rule by the unwind data of a Windows image; None where there is none."""
        key = instruction * 2 + exact
        if key not in self._rules:
            if len(self._rules) >= _MAX_RULES:
                self._rules.clear()
            self._rules[key] = self._find_rule(instruction, exact)
        return self._rules[key]

    def _find_rule(self, instruction: int, exact: bool) -> Rule | None:
        module = self._source.module_at(instruction if exact else instruction - 4)
        image = module.pe_image() if module else None
        if module is None or image is None or image.directory(IMAGE_DIRECTORY_ENTRY_EXCEPTION) is None:
            return None
        try:
            return windows_arm64.rule_at(image, instruction - module.base, exact)
        except (FormatError, MemoryUnavailable):
            return None

    def _strip(self, address: int) -> int:
        """An address without its signature."""
        if address >> _ADDRESS_BITS[-1] == 0:
            return address
        for bits in _ADDRESS_BITS:
            plain = address & ((1 << bits) - 1)
            if self._source.module_at(plain):
                return plain
        return address & ((1 << _ADDRESS_BITS[0]) - 1)

    def _guess(self, frame: Frame, exact: bool, stack: StackWords) -> Caller | None:
        chained = self._frame_record(frame.registers, stack)
        if exact:
            linked = self._by_link(frame)
            if linked and not self._has_frame(frame, linked.registers["pc"], chained):
                return linked
        return chained or self._scan(frame, stack)

    def _by_link(self, frame: Frame) -> Caller | None:
        """The caller, if the function has not saved x30 and changed the stack."""
        target = self._strip(frame.registers.get("x30", 0))
        after_call = self._code.is_after_call(target) if target else False
        if after_call is False:
            return None
        caller = {name: frame.registers[name] for name in _KEPT if name in frame.registers}
        caller["pc"], caller["sp"] = target, frame.registers["sp"]
        return Caller(caller, "cfi" if after_call else "frame_pointer")

    def _has_frame(self, frame: Frame, link: int, chained: Caller | None) -> bool:
        """Has the function that was interrupted already saved its return address?

        The code ahead tells, or the code behind: either the frame record's `stp x29, x30` comes first or the end of
        the function before. Without the code: x30 points into the function itself after its first call.
        """
        live = arm64_code.link_is_live(self._code.bytes_at(frame.instruction, arm64_code.MAX_CODE))
        if live is not None or chained is None:
            return live is False
        if chained.registers["pc"] == link:
            return True
        code = self._code.bytes_before(frame.instruction, _LOOK_BACK)
        for i in range(len(code) - 4, -1, -4):
            word = int.from_bytes(code[i : i + 4], "little")
            if word & 0xFE407FFF == 0xA8007BFD:  # stp x29, x30, [sp…]
                return True
            if word in (0xD65F03C0, 0xD65F0BFF, 0xD65F0FFF, 0):  # ret, retaa, retab, padding
                return False
        return abs(frame.instruction - link) < _NEAR

    def _frame_record(self, registers: dict[str, int], stack: StackWords) -> Caller | None:
        """x29 points at the caller's x29 and, above it, the return address."""
        fp, sp = registers.get("x29", 0), registers["sp"]
        if not sp <= fp < min(sp + _MAX_FRAME, stack.high) or fp & 7:
            return None
        saved, link = stack.word(fp), stack.word(fp + 8)
        if saved is None or link is None or not (saved == 0 or fp < saved < stack.high):
            return None
        target = self._strip(link)
        if target and self._code.is_after_call(target) is False:
            return None
        return Caller({"pc": target, "sp": fp + 16, "x29": saved}, "frame_pointer")

    def _scan(self, frame: Frame, stack: StackWords) -> Caller | None:
        exact = frame.lookup == frame.instruction
        found = scan.find_return_address(frame.registers["sp"], 8, stack, self._code, exact)
        if found is None:
            return None
        at, target = found
        caller = {"pc": target, "sp": at + 8}
        saved = stack.word(at - 8) if at - 8 >= frame.registers["sp"] else None
        if saved is not None and at < saved < at + _MAX_FRAME:
            caller["x29"] = saved
        elif frame.registers.get("x29", 0) > at:
            caller["x29"] = frame.registers["x29"]
        return Caller(caller, "scan")
