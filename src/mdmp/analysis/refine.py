"""A crash reason made sharper by the faulting instruction.

Linux and macOS do not tell whether memory was read or written, and no system tells an address that the processor
could not form; the instruction and the registers do.
"""

from dataclasses import replace

from mdmp.analysis.crash_reason import CrashReason, access_title
from mdmp.analysis.instruction_facts import InstructionFacts

_ACCESS = {"read": "read", "write": "write", "read_write": "write"}


def refine(reason: CrashReason, facts: InstructionFacts | None) -> CrashReason:
    """`reason` with the access, the pattern and the title that the instruction adds; `address` stays as reported."""
    if facts is None:
        return reason
    if reason.kind == "arithmetic" and (facts.explanation or "").endswith("which is 0"):
        return replace(reason, title="integer division by zero")
    if reason.kind != "access":
        return reason
    access = reason.access
    if access is None and facts.bad_target:
        access = "execute"
    elif access is None and facts.fault is not None:
        access = _ACCESS[facts.fault.access]
    address = reason.address if facts.fault_address is None else facts.fault_address
    recovered = address != reason.address
    if address is None or (access == reason.access and not recovered):
        return reason
    pattern = facts.pattern if recovered else reason.pattern
    return replace(reason, access=access, pattern=pattern, title=access_title(access, address, pattern))
