"""What is known of the instruction that a thread was at."""

from dataclasses import dataclass

from mdmp.analysis.operand import Operand
from mdmp.analysis.operands import Instruction
from mdmp.analysis.patterns import Pattern
from mdmp.report import MemoryAccess


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
    by_return: bool = False
    """It was a return that led to the bad place: the return address on the stack is wrong."""

    @property
    def text(self) -> str | None:
        return self.instruction.text if self.instruction else None
