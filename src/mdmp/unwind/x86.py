"""How an x86 frame finds its caller: the instructions it stands at, the PDB's frame data, ebp, then the stack's words.

The esp of a caller's frame is right above the return address that its call pushed. What it had pushed before, the
callee's arguments, lies between there and its own locals, so their size counts when its return address is located.
"""

from mdmp.arch import X86
from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.pdb.frames import FrameData
from mdmp.unwind import scan, x86_code
from mdmp.unwind.call_frames import CallFrames
from mdmp.unwind.code import Code
from mdmp.unwind.frame import Caller, Frame
from mdmp.unwind.postfix import run
from mdmp.unwind.source import Memory, UnwindSource
from mdmp.unwind.stack import StackWords

_KEPT = tuple(sorted(X86.saved_windows))
_MAX_FRAME = 1 << 20
_MAX_GAP = 1 << 17
"""Between a scanned frame's saved ebp and where it points; real frames are smaller."""
_SEARCH_WORDS = 4
_LONG_SEARCH_WORDS = 24
_MAX_FUNCTION = 1 << 12
_MAX_PROGRAM = 2048
_MAX_CACHE = 1 << 14

_STANDARD = "$T0 $ebp = $eip $T0 4 + ^ = $ebp $T0 ^ = $esp $T0 8 + ="
_FRAMELESS = "$eip .raSearch ^ = $esp .raSearch 4 + ="
_VARIABLES = {f"${name}": name for name in ("eip", "esp", *_KEPT)}
# Programs of Visual Studio 2013 and later call registers by their CodeView numbers.
_VARIABLES |= {f"${number}": name for number, name in X86.codeview.items() if name in _KEPT}


class X86Rules:
    def __init__(self, memory: Memory, source: UnwindSource, os: str) -> None:
        self._source = source
        self._windows = os == "windows"
        self._call_frames = CallFrames(X86, source, X86.saved_sysv)
        self._code = Code(memory, source, "x86")
        self._records: dict[int, FrameData | None] = {}

    def caller(self, frames: list[Frame], stack: StackWords) -> Caller | str:
        frame = frames[-1]
        registers = frame.registers
        if frame.lookup == frame.instruction:
            found = self._by_instructions(frame, stack)
            if found:
                return found
        record = self._record(frame.lookup)
        if record is not None:
            found = self._by_record(record, frames, stack)
        else:
            step = self._call_frames.caller(frame, stack.word)
            found = self._judge(step.registers, "cfi", step.exact) if step else None
        if found:
            return found
        if len(frames) == 1 and record is None and not self._code.is_code(frame.instruction):
            found = self._wild_jump(registers, stack)
            if found:
                return found
        if frame.trust == "frame_pointer" and registers.get("ebp") == 0 and not self._windows:
            return "end of stack: frame pointer 0"
        return self._guess(frames, stack) or f"no caller found for {frame.instruction:#x}"

    def _guess(self, frames: list[Frame], stack: StackWords) -> Caller | None:
        """Without records: ebp, unless a word below what it points at is the return of a call to this very code."""
        frame = frames[-1]
        chained = self._frame_pointer(frame.registers, stack)
        if chained is None:
            return self._scan(frames, stack, None)
        scanned = self._scan(frames, stack, chained.registers["esp"] - 4)
        if scanned:
            callee = self._code.call_target(scanned.registers["eip"])
            if callee is not None and 0 <= frame.lookup - callee < _MAX_FUNCTION:
                return scanned
        return chained

    def _record(self, address: int) -> FrameData | None:
        if address not in self._records:
            if len(self._records) >= _MAX_CACHE:
                self._records.clear()
            module = self._source.module_at(address)
            self._records[address] = module.frame_data(address - module.base) if module else None
        return self._records[address]

    def _by_instructions(self, frame: Frame, stack: StackWords) -> Caller | None:
        code = self._code.bytes_at(frame.instruction, x86_code.MAX_CODE)
        registers = frame.registers
        found = x86_code.run_to_return(code, registers, stack.word, wide=False)
        if found and found["eip"] == frame.instruction:
            # A system call of a WOW64 thread has returned, its own return address is still on top of the stack.
            registers = {**registers, "esp": registers["esp"] + 4}
            found = x86_code.run_to_return(code, registers, stack.word, wide=False)
        if found is None:
            before = self._code.bytes_before(frame.instruction, 1)
            found = x86_code.undo_frame_setup(before, code, registers, stack.word, wide=False)
        return self._judge(found, "cfi") if found and found["eip"] else None

    def _by_record(self, record: FrameData, frames: list[Frame], stack: StackWords) -> Caller | None:
        registers = frames[-1].registers
        callee = self._record(frames[-2].lookup) if len(frames) > 1 and frames[-1].trust != "scan" else None
        params = callee.params_size if callee else 0
        start = registers["esp"] + params + record.local_size + record.saved_regs_size
        program = record.program or (_STANDARD if record.type == "nonfpo" else _FRAMELESS)
        if len(program) > _MAX_PROGRAM:
            return None
        if "@" in program and "ebp" in registers:
            start = registers["ebp"] + 4  # esp was aligned, so nothing can be told from it
        # What a callee without a record was given as arguments lies on top, nobody knows how much.
        words = _SEARCH_WORDS if callee or len(frames) == 1 else _LONG_SEARCH_WORDS
        place, moved = self._search(start, words, stack) if ".raSearch" in program else (start, False)
        variables = {variable: registers[name] for variable, name in _VARIABLES.items() if name in registers}
        del variables["$eip"]
        variables |= {
            ".raSearch": place,
            ".raSearchStart": place,
            ".cbLocals": record.local_size,
            ".cbSavedRegs": record.saved_regs_size,
            ".cbParams": record.params_size,
            ".cbCalleeParams": params,
        }
        try:
            assigned = run(program, variables, stack.word, 4)
        except (FormatError, MemoryUnavailable):
            return None
        if not assigned or "$eip" not in assigned or "$esp" not in assigned:
            return None
        found = {name: registers[name] for name in _KEPT if name in registers}
        found |= {_VARIABLES[name]: variables[name] for name in assigned if name in _VARIABLES}
        if record.uses_base_pointer and not record.program:
            self._saved_ebp(found, registers["esp"] + params, record.saved_regs_size, stack)
        return self._judge(found, "cfi_scan" if moved else "cfi")

    def _search(self, start: int, words: int, stack: StackWords) -> tuple[int, bool]:
        """Where the return address is, a few words from `start` at most; `start` when none of them looks like one."""
        likely = None
        for i in range(words):
            value = stack.word(start + 4 * i)
            after_call = self._code.is_after_call(value) if value else False
            if after_call:
                return start + 4 * i, i > 0
            if after_call is None and likely is None:
                likely = start + 4 * i
        return (start, False) if likely is None else (likely, likely != start)

    def _saved_ebp(self, found: dict[str, int], area: int, size: int, stack: StackWords) -> None:
        """FPO code that uses ebp as another register saved it among the others: mostly second, after ebx."""
        found.pop("ebp", None)
        top = found["esp"]
        for at in (area + size - 8, *range(area + size - 4, area - 1, -4)):
            value = stack.word(at) if at >= area else None
            if value is not None and top <= value < min(stack.high, top + _MAX_FRAME):
                found["ebp"] = value
                return

    def _judge(self, found: dict[str, int], trust: str, exact: bool = False) -> Caller | None:
        target = found["eip"]
        if target and not self._code.is_code(target):
            return None
        kept = {name: found[name] for name in ("eip", "esp", *_KEPT) if name in found}
        return Caller(kept, trust, exact)

    def _wild_jump(self, registers: dict[str, int], stack: StackWords) -> Caller | None:
        """Called or jumped to a bad address: the return address is on top of the stack, no register has changed."""
        target = stack.word(registers["esp"])
        after_call = self._code.is_after_call(target) if target else False
        if target is None or after_call is False:
            return None
        caller = {name: registers[name] for name in _KEPT if name in registers}
        caller["eip"], caller["esp"] = target, registers["esp"] + 4
        return Caller(caller, "cfi" if after_call else "scan")

    def _frame_pointer(self, registers: dict[str, int], stack: StackWords) -> Caller | None:
        fp, sp = registers.get("ebp", 0), registers["esp"]
        if not sp <= fp < min(sp + _MAX_FRAME, stack.high):
            return None
        saved, target = stack.word(fp), stack.word(fp + 4)
        if saved is None or target is None or not (saved == 0 or fp < saved < stack.high):
            return None
        if target and self._code.is_after_call(target) is False:
            return None
        return Caller({"eip": target, "esp": fp + 8, "ebp": saved}, "frame_pointer")

    def _scan(self, frames: list[Frame], stack: StackWords, end: int | None) -> Caller | None:
        registers = frames[-1].registers
        found = scan.find_return_address(registers["esp"], 4, stack, self._code, len(frames) == 1, end=end)
        if found is None:
            return None
        at, target = found
        caller = {"eip": target, "esp": at + 4}
        saved = stack.word(at - 4) if at - 4 >= registers["esp"] else None
        fp = registers.get("ebp", 0)
        if saved is not None and at < saved < at + _MAX_GAP:
            caller["ebp"] = saved
        elif fp > at:
            caller["ebp"] = fp
        return Caller(caller, "scan")
