"""Calls, jumps and returns that went wrong."""

from mdmp.analysis.instruction_facts import InstructionFacts
from mdmp.analysis.operand import register_value
from mdmp.analysis.operands import Instruction
from mdmp.analysis.patterns import is_canonical, recognize
from mdmp.analysis.whereabouts import is_guard, whereabouts
from mdmp.arch import CPUS
from mdmp.report import MemoryAccess
from mdmp.snapshot import Context, MemoryReader, Snapshot


def sent_to_no_code(snapshot: Snapshot, context: Context, address: int, memory: MemoryReader) -> InstructionFacts:
    """The processor is at a place without code: what sent it there is on the stack, or in the link register."""
    cpu = CPUS[context.cpu]
    size = cpu.pointer_size
    pattern = recognize(address, size)
    place = f"{address:#x}"
    if pattern is not None:
        place = pattern.text if pattern.kind == "null" else f"{place}, {pattern.text}"
    elif where := whereabouts(snapshot, address):
        place = f"{place}, {where}"
    sp = context.registers.get(cpu.sp)
    came_from = context.registers.get(cpu.lr) if cpu.lr else None if sp is None else memory.word(sp, size)
    module = snapshot.module_at(came_from) if came_from else None
    # A call leaves the address of its next instruction; a return leaves its target just below the stack pointer.
    by_return = cpu.lr is None and sp is not None and module is None and memory.word(sp - size, size) == address != 0
    text = f"the program {'returned' if by_return else 'was sent'} to {place}"
    if by_return:
        text += ": the return address on the stack was wrong"
    elif module is not None and came_from is not None:
        text += f"; the call came from {module.name}+{came_from - module.base:#x}"
    return InstructionFacts(
        address,
        None,
        (MemoryAccess(address, None, "execute", cpu.pc, is_guard(snapshot, address)),),
        fault_address=address,
        pattern=pattern,
        explanation=text,
        bad_target=True,
        by_return=by_return,
    )


def refused_target(
    instruction: Instruction, accesses: tuple[MemoryAccess, ...], context: Context, memory: MemoryReader
) -> InstructionFacts | None:
    """A call, jump or return whose target the processor would not take, as amd64 does with impossible addresses."""
    if instruction.transfer is None:
        return None
    register = instruction.through
    value = register_value(register, context.registers) if register else None
    size = CPUS[context.cpu].pointer_size
    source = f" through {register}"
    if register is None:
        operand = next((o for o in instruction.operands if o.access == "read" and o.address is not None), None)
        value = memory.word(operand.address, size) if operand is not None and operand.address is not None else None
        source = f" read from {operand.expression}" if operand else ""
    if value is None or is_canonical(value):
        return None
    pattern = recognize(value, size)
    what = f", {pattern.text}," if pattern else ""
    return InstructionFacts(
        instruction.address,
        instruction,
        accesses,
        fault_address=value,
        register=register,
        register_value=value,
        pattern=pattern,
        explanation=f"{instruction.transfer} to {value:#x}{what}{source}",
        by_return=instruction.transfer == "return",
    )
