"""The faulting instruction explained: which of its operands went wrong, through which register, and what that means."""

from collections.abc import Mapping

from mdmp.analysis.crash_reason import CrashReason, pointer_size
from mdmp.analysis.instruction_facts import InstructionFacts
from mdmp.analysis.operand import Operand, register_value
from mdmp.analysis.operands import LONGEST, Instruction, decode
from mdmp.analysis.patterns import Pattern, is_canonical, recognize
from mdmp.analysis.transfer import refused_target, sent_to_no_code
from mdmp.analysis.whereabouts import is_guard, whereabouts
from mdmp.arch import AMD64, CPUS
from mdmp.report import MemoryAccess
from mdmp.snapshot import Context, MemoryReader, Snapshot, Thread

_PREPOSITION = {"read": "from", "write": "to", "read_write": "at"}
_ALL_ONES = 0xFFFFFFFFFFFFFFFF


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
        return sent_to_no_code(snapshot, context, address, reader)
    code = reader.read_some(address, LONGEST)
    teb = thread.teb if thread and snapshot.system.os == "windows" else None
    instruction = decode(code, address, context.registers, context.cpu, teb) if code else None
    if instruction is None:
        return InstructionFacts(address, None, bytes_known=bool(code))
    accesses = tuple(
        MemoryAccess(o.address, o.size, o.access, o.expression, is_guard(snapshot, o.address))
        for o in instruction.operands
        if o.address is not None
    )
    if reason.kind == "arithmetic" and instruction.divisor:
        explanation = _division(instruction, context.registers, reader)
        return InstructionFacts(address, instruction, accesses, explanation=explanation)
    if reason.kind not in ("access", "in-page", "stack-overflow"):
        return InstructionFacts(address, instruction, accesses)
    impossible = cpu is AMD64 and reason.address in (_ALL_ONES, 0)
    fault, fault_address = _faulting_operand(instruction, reason, impossible)
    if fault is None:
        target = refused_target(instruction, accesses, context, reader) if impossible else None
        return target or InstructionFacts(address, instruction, accesses)
    register, value, pattern = _blame_register(fault, fault_address, pointer_size(snapshot))
    explanation = _explain(instruction, fault, fault_address, reason.access, register, value, pattern)
    if pattern is None and fault_address is not None and (where := whereabouts(snapshot, fault_address)):
        explanation += f"; that is {where}"
    return InstructionFacts(address, instruction, accesses, fault, fault_address, register, value, pattern, explanation)


def _faulting_operand(
    instruction: Instruction, reason: CrashReason, impossible: bool
) -> tuple[Operand | None, int | None]:
    """The operand that touches the reported address, or (`impossible`) the one whose address cannot even be formed."""
    known = [(o, o.address) for o in instruction.operands if o.address is not None]
    reported = reason.address
    matching = [(o, at) for o, at in known if reported is not None and 0 <= reported - at < (o.size or 1)]
    kinds = {"read": ("read", "read_write"), "write": ("write", "read_write")}.get(reason.access or "", ())
    for operand, address in sorted(matching, key=lambda pair: pair[0].access not in kinds):
        return operand, address
    if impossible:
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
        verb, size = "return address read", ""  # the stack pointer itself is bad
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
