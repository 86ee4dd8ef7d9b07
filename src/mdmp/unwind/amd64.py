"""How an amd64 frame finds its caller: unwind tables, then the frame pointer, then the stack's words."""

from mdmp.arch import AMD64
from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.pe.wire import IMAGE_DIRECTORY_ENTRY_EXCEPTION
from mdmp.unwind import scan, windows_amd64, x86_code
from mdmp.unwind.call_frames import CallFrames
from mdmp.unwind.code import Code
from mdmp.unwind.frame import Caller, Frame
from mdmp.unwind.rule import Rule, apply_rule
from mdmp.unwind.signal_return import SignalReturn
from mdmp.unwind.source import Memory, UnwindSource
from mdmp.unwind.stack import StackWords

_KEPT = tuple(sorted(AMD64.saved_windows))
_MASK = AMD64.mask
_MAX_FRAME = 1 << 20
_MAX_RULES = 1 << 16


class Amd64Rules:
    def __init__(self, memory: Memory, source: UnwindSource, os: str) -> None:
        self._source = source
        self._windows = os == "windows"
        self._code = Code(memory, source, "amd64")
        kept = AMD64.saved_windows if self._windows else AMD64.saved_sysv
        self._call_frames = CallFrames(AMD64, source, kept)
        self._signals = None if self._windows else SignalReturn(self._code, "amd64")
        self._cache: dict[int, Rule | None] = {}
        self._bodies: windows_amd64.Bodies = {}

    def caller(self, frames: list[Frame], stack: StackWords) -> Caller | str:
        frame = frames[-1]
        first = len(frames) == 1
        registers = frame.registers
        exact = frame.lookup == frame.instruction
        key = frame.instruction * 2 + exact
        try:
            rule = self._cache[key]
        except KeyError:
            rule = self._remember(key, self._find_rule(frame.instruction, exact))
        problem = ""
        if rule is not None:
            found = apply_rule(rule, registers, stack.word, _KEPT, "rip", "rsp", None, _MASK)
            if isinstance(found, dict):
                trusted = self._judge(rule, found, exact)
                if trusted is not None:
                    return trusted
                problem = f"return address {found['rip']:#x} at {found['rsp'] - 8:#x} is no code"
            elif found is not None:
                problem = f"no memory at {found:#x}"
        else:
            step = self._signals.interrupted(frame, stack.word) if self._signals else None
            if step:
                return step
            step = self._call_frames.caller(frame, stack.word)
            if step and step.registers["rip"] and self._code.is_code(step.registers["rip"]) is False:
                step = None
            if step is None and exact:
                step = self._by_instructions(frame, stack)
            if step is None and exact and not self._code.is_code(frame.instruction):
                step = self._wild_jump(registers, stack)
            if step:
                return step
        if frame.trust == "frame_pointer" and registers.get("rbp") == 0 and not self._windows:
            return "end of stack: frame pointer 0"
        return self._guess(frame, registers, stack, first) or problem or f"no caller found for {frame.instruction:#x}"

    def _guess(self, frame: Frame, registers: dict[str, int], stack: StackWords, first: bool) -> Caller | None:
        """Without tables. Code of Windows modules uses rbp for other things, so there the chain only confirms."""
        chained = self._frame_pointer(registers, stack)
        if chained and not (self._windows and self._source.module_at(frame.lookup)):
            return chained
        return self._scan(registers, stack, first, chained.registers["rsp"] - 8 if chained else None) or chained

    def _by_instructions(self, frame: Frame, stack: StackWords) -> Caller | None:
        """A thread that stands before a return, as in a system call's stub, or at the first instructions."""
        code = self._code.bytes_at(frame.instruction, x86_code.MAX_CODE)
        registers = frame.registers
        found = x86_code.run_to_return(code, registers, stack.word, wide=True)
        if found is None:
            before = self._code.bytes_before(frame.instruction, 1)
            found = x86_code.undo_frame_setup(before, code, registers, stack.word, wide=True)
        if found is None or self._code.is_after_call(found["rip"]) is False:
            return None
        return Caller({name: found[name] for name in ("rip", "rsp", *_KEPT) if name in found}, "cfi")

    def _remember(self, key: int, rule: Rule | None) -> Rule | None:
        if len(self._cache) >= _MAX_RULES:
            self._cache.clear()
            self._bodies.clear()
        self._cache[key] = rule
        return rule

    def _find_rule(self, instruction: int, exact: bool) -> Rule | None:
        """None: no tables tell about this address."""
        lookup = instruction if exact else instruction - 1
        module = self._source.module_at(lookup)
        if module is None:
            return self._run_time_rule(lookup, exact)
        image = module.pe_image()
        if image is None or image.directory(IMAGE_DIRECTORY_ENTRY_EXCEPTION) is None:
            return None
        try:
            return windows_amd64.rule_at(image, instruction - module.base, exact, self._bodies)
        except (FormatError, MemoryUnavailable):
            return None

    def _run_time_rule(self, lookup: int, exact: bool) -> Rule | None:
        made = self._source.run_time_function(lookup)
        if made is None:
            return None
        rva = lookup - made.base + (not exact)
        try:
            return windows_amd64.rule_in(made.image, made.function, rva, exact, self._bodies)
        except (FormatError, MemoryUnavailable):
            return None

    def _judge(self, rule: Rule, found: dict[str, int], exact: bool) -> Caller | None:
        """What the rule gave, unless it cannot be true."""
        target = found["rip"]
        if target == 0:
            return Caller(found, "cfi")
        if rule is windows_amd64.LEAF:
            # A leaf makes no calls; and what has no entry may as well be assembler that moved the stack pointer.
            after_call = self._code.is_after_call(target)
            return Caller(found, "cfi") if after_call or (after_call is None and exact) else None
        if self._source.module_at(target) is None and self._code.is_code(target) is False:
            return None
        return Caller(found, "cfi", rule.exact)

    def _wild_jump(self, registers: dict[str, int], stack: StackWords) -> Caller | None:
        """Called or jumped to a bad address: the return address is on top of the stack, no register has changed."""
        target = stack.word(registers["rsp"])
        after_call = self._code.is_after_call(target) if target else False
        if target is None or after_call is False:
            return None
        caller = {name: registers[name] for name in _KEPT if name in registers}
        caller["rip"], caller["rsp"] = target, registers["rsp"] + 8
        return Caller(caller, "cfi" if after_call else "scan")

    def _frame_pointer(self, registers: dict[str, int], stack: StackWords) -> Caller | None:
        """rbp points at the caller's rbp, the return address lies above. Most Windows code keeps no such chain."""
        fp, sp = registers.get("rbp", 0), registers["rsp"]
        if not sp <= fp < min(sp + _MAX_FRAME, stack.high) or fp & 7:
            return None
        saved, target = stack.word(fp), stack.word(fp + 8)
        if saved is None or target is None or not (saved == 0 or fp < saved < stack.high):
            return None
        if target and self._code.is_after_call(target) is False:
            return None
        return Caller({"rip": target, "rsp": fp + 16, "rbp": saved}, "frame_pointer")

    def _scan(self, registers: dict[str, int], stack: StackWords, first: bool, end: int | None) -> Caller | None:
        found = scan.find_return_address(registers["rsp"], 8, stack, self._code, first, slot=8, end=end)
        if found is None:
            return None
        at, target = found
        caller = {"rip": target, "rsp": at + 8}
        fp = registers.get("rbp")
        if fp is not None:
            if fp == at - 8:
                saved = stack.word(fp)
                if saved is not None:
                    caller["rbp"] = saved
            elif fp > at:
                caller["rbp"] = fp
        return Caller(caller, "scan")
