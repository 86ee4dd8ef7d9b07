"""The faulting instruction explained: which of its operands went wrong, through which register, and what that means."""

from collections.abc import Mapping
from dataclasses import dataclass

from mdmp.analysis.crash_reason import CrashReason, pointer_size
from mdmp.analysis.operand import Operand, register_value
from mdmp.analysis.operands import LONGEST, Instruction, decode
from mdmp.analysis.patterns import Pattern, is_canonical, recognize
from mdmp.analysis.whereabouts import whereabouts
from mdmp.arch import CPUS
from mdmp.report import MemoryAccess
from mdmp.snapshot import Context, MemoryReader, Snapshot, Thread

_PREPOSITION = {"read": "from", "write": "to", "read_write": "at"}
_ALL_ONES = 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True, slots=True)
class InstructionFacts:
    address: int
    instruction: Instruction | None
    """None where the dump and the images do not hold the bytes, or they are no instruction."""
    accesses: tuple[MemoryAccess, ...] = ()
    fault: Operand | None = None
    """The operand that explains the fault."""
    fault_address: int | None = None
    """The address really used, recovered from the operands where the system did not tell it."""
    register: str | None = None
    """The register that the bad address came through."""
    register_value: int | None = None
    pattern: Pattern | None = None
    """What the value of that register, or else the address, looks like."""
    explanation: str | None = None
    bytes_known: bool = True
    """Do the dump or the images hold the bytes at the address?"""
    bad_target: bool = False
    """The processor was sent to a place without code; there is no instruction to explain."""
    return_address: int | None = None
    """After a call to a bad place: the word that the call left behind."""

    @property
    def text(self) -> str | None:
        return self.instruction.text if self.instruction else None


def explain_instruction(
    snapshot: Snapshot,
    context: Context | None,
    reason: CrashReason,
    thread: Thread | None = None,
    memory: MemoryReader | None = None,
) -> InstructionFacts | None:
    """Decode what the thread was executing and relate it to the reason; None without registers.

    `memory` may add what image files hold to the snapshot's own memory.
    """
    cpu = CPUS.get(context.cpu) if context else None
    if context is None or cpu is None or (address := context.registers.get(cpu.pc)) is None:
        return None
    reader = snapshot.memory if memory is None else memory
    if reason.access == "execute" or (reason.kind == "access" and reason.address == address):
        return _bad_target(snapshot, context, reason, address, reader)
    code = reader.read_some(address, LONGEST)
    teb = thread.teb if thread and snapshot.system.os == "windows" else None
    instruction = decode(code, address, context.registers, context.cpu, teb) if code else None
    if instruction is None:
        return InstructionFacts(address, None, bytes_known=bool(code))
    accesses = tuple(
        MemoryAccess(o.address, o.size, o.access, o.expression, _is_guard(snapshot, o.address))
        for o in instruction.operands
        if o.address is not None
    )
    if reason.kind == "arithmetic" and instruction.divisor:
        explanation = _division(instruction, context.registers, reader)
        return InstructionFacts(address, instruction, accesses, explanation=explanation)
    if reason.kind not in ("access", "in-page", "stack-overflow"):
        return InstructionFacts(address, instruction, accesses)
    fault, fault_address = _faulting_operand(instruction, reason, pointer_size(snapshot))
    if fault is None:
        target = _register_target(instruction, context.registers, pointer_size(snapshot))
        return target or InstructionFacts(address, instruction, accesses)
    register, value, pattern = _blame_register(fault, fault_address, pointer_size(snapshot))
    explanation = _explain(instruction, fault, fault_address, reason.access, register, value, pattern)
    if pattern is None and fault_address is not None and (where := whereabouts(snapshot, fault_address)):
        explanation += f"; that is {where}"
    return InstructionFacts(address, instruction, accesses, fault, fault_address, register, value, pattern, explanation)


def _is_guard(snapshot: Snapshot, address: int | None) -> bool:
    """Does a page without any access, or a guard page, lie at the address?"""
    region = snapshot.region_at(address) if address is not None else None
    return region is not None and (region.guard or (region.state == "commit" and region.protection == "---"))


def _faulting_operand(instruction: Instruction, reason: CrashReason, size: int) -> tuple[Operand | None, int | None]:
    """The operand that touches the reported address, or the one whose address the processor cannot even form."""
    known = [(o, o.address) for o in instruction.operands if o.address is not None]
    reported = reason.address
    matching = [(o, at) for o, at in known if reported is not None and 0 <= reported - at < (o.size or 1)]
    kinds = {"read": ("read", "read_write"), "write": ("write", "read_write")}.get(reason.access or "", ())
    for operand, address in sorted(matching, key=lambda pair: pair[0].access not in kinds):
        return operand, address
    if size == 8 and reported in (_ALL_ONES, 0, None):
        for operand, address in known:
            if not is_canonical(address):
                return operand, address
    return None, None


def _blame_register(fault: Operand, address: int | None, size: int) -> tuple[str | None, int | None, Pattern | None]:
    """The register that brought the bad value: the first whose value cannot be a pointer, else the base."""
    for name, value in fault.registers:
        if (pattern := recognize(value, size)) and not (pattern.kind == "null" and len(fault.registers) > 1 and value):
            return name, value, pattern
    pattern = recognize(address, size) if address is not None else None
    if fault.registers:
        return (*fault.registers[0], pattern)
    return None, None, pattern


def _explain(
    instruction: Instruction,
    fault: Operand,
    address: int | None,
    access: str | None,
    register: str | None,
    value: int | None,
    pattern: Pattern | None,
) -> str:
    access = access or fault.access
    size = "" if fault.size is None else f" of {fault.size} byte{'s' if fault.size != 1 else ''}"
    verb = access.replace("_", " and ")
    if instruction.transfer == "call" and access == "read":
        verb, size = "call through a pointer read", ""
    elif instruction.transfer == "jump" and access == "read":
        verb, size = "jump through a pointer read", ""
    elif instruction.transfer == "return":
        verb, size = "return address read", ""
    return f"{verb}{size} {_PREPOSITION.get(access, 'at')} {_place(fault, address, register, value, pattern)}"


def _place(
    fault: Operand, address: int | None, register: str | None, value: int | None, pattern: Pattern | None
) -> str:
    at = f"{address:#x}" if address is not None else "an unknown address"
    if register is None or value is None:
        what = f", {pattern.text}" if pattern and pattern.kind != "null" else ""
        written = f" ({fault.expression})" if fault.expression != at else ""
        return f"{pattern.text if pattern and pattern.kind == 'null' else at}{what}{written}"
    others = [f"{name} = {number:#x}" for name, number in fault.registers if name != register]
    rest = f" ({', '.join(others)})" if others else ""
    if value == 0 and not others:
        offset = f" + {address:#x}" if address else ""
        return f"null{offset} through {register}"
    if value == 0:
        return f"{at}: {fault.expression} with {register} = null{rest}"
    if pattern is None and fault.expression == register:
        return f"{at} through {register}"
    if pattern is None:
        return f"{at}: {fault.expression} with {register} = {value:#x}{rest}"
    if pattern.kind == "null" and address == value:
        return f"{pattern.text} through {register}{rest}"
    return f"{at}: {fault.expression} with {register} = {value:#x}, {pattern.text}{rest}"


def _division(instruction: Instruction, registers: Mapping[str, int], memory: MemoryReader) -> str:
    divisor = instruction.divisor or ""
    value = register_value(divisor, registers)
    for operand in instruction.operands:
        if operand.expression == divisor and operand.address is not None:
            value = memory.word(operand.address, operand.size or 4)
    return f"division by {divisor}" + ("" if value is None else f", which is {value:#x}" if value else ", which is 0")


def _register_target(instruction: Instruction, registers: Mapping[str, int], size: int) -> InstructionFacts | None:
    """A call or jump through a register whose target the processor refused to take."""
    if instruction.through is None or (value := register_value(instruction.through, registers)) is None:
        return None
    pattern = recognize(value, size)
    what = f" ({pattern.text})" if pattern else ""
    text = f"{instruction.transfer} to {value:#x}{what} through {instruction.through}"
    return InstructionFacts(
        instruction.address, instruction, (), None, value, instruction.through, value, pattern, text
    )


def _bad_target(
    snapshot: Snapshot, context: Context, reason: CrashReason, address: int, memory: MemoryReader
) -> InstructionFacts:
    """The processor was sent to a place without code: who sent it is on the stack, or in the link register."""
    cpu = CPUS[context.cpu]
    size = pointer_size(snapshot)
    came_from = context.registers.get(cpu.lr) if cpu.lr else memory.word(context.registers.get(cpu.sp, 0), size)
    module = snapshot.module_at(came_from) if came_from else None
    pattern = recognize(address, size)
    place = f"{address:#x}"
    if pattern is not None:
        place = pattern.text if pattern.kind == "null" else f"{place}, {pattern.text}"
    elif where := whereabouts(snapshot, address):
        place = f"{place}, {where}"
    who = f"; the call came from {module.name}+{came_from - module.base:#x}" if module and came_from else ""
    access = MemoryAccess(address, None, "execute", cpu.pc, _is_guard(snapshot, address))
    return InstructionFacts(
        address,
        None,
        (access,),
        None,
        address,
        pattern=pattern,
        explanation=f"the program was sent to {place}{who}",
        bad_target=True,
        return_address=came_from if module else None,
    )
