"""All rules, those that say most about the cause first."""

from collections.abc import Callable

from mdmp.analysis.rules import (
    assertion,
    bit_flip,
    buffer_overrun,
    deadlock,
    debugger_break,
    deliberate_stop,
    divide_by_zero,
    file_page_error,
    heap_corruption,
    illegal_instruction,
    invalid_handle,
    invalid_parameter,
    invalid_pointer,
    list_corruption,
    misaligned_vector,
    missing_dll,
    no_crash,
    non_canonical_pointer,
    null_call,
    null_dereference,
    out_of_memory,
    overwritten_guard,
    own_exception,
    panic,
    privileged_instruction,
    pure_virtual_call,
    read_only_write,
    smashed_return,
    stack_buffer_overrun,
    stack_overflow,
    text_as_pointer,
    uncaught_exception,
    uninitialized_memory,
    unloaded_code,
    use_after_free,
    wild_jump,
)
from mdmp.analysis.rules.case import Case
from mdmp.report import Finding

RULES: tuple[Callable[[Case], Finding | None], ...] = (
    stack_overflow.find,
    heap_corruption.find,
    stack_buffer_overrun.find,
    list_corruption.find,
    smashed_return.find,
    pure_virtual_call.find,
    assertion.find,
    out_of_memory.find,
    panic.find,
    uncaught_exception.find,
    use_after_free.find,
    uninitialized_memory.find,
    text_as_pointer.find,
    overwritten_guard.find,
    unloaded_code.find,
    null_call.find,
    null_dereference.find,
    wild_jump.find,
    misaligned_vector.find,
    non_canonical_pointer.find,
    read_only_write.find,
    buffer_overrun.find,
    divide_by_zero.find,
    invalid_parameter.find,
    illegal_instruction.find,
    privileged_instruction.find,
    file_page_error.find,
    missing_dll.find,
    invalid_handle.find,
    debugger_break.find,
    own_exception.find,
    deadlock.find,
    bit_flip.find,
    no_crash.find,
)
FALLBACKS = (deliberate_stop.find, invalid_pointer.find)
"""Asked when no rule found anything: they say what is seen, and hardly why."""

_CONFIDENCE = ("certain", "likely", "possible")


def find_all(case: Case) -> tuple[Finding, ...]:
    """What the rules find, the surest first."""
    for rules in (RULES, FALLBACKS):
        found = [finding for rule in rules if (finding := rule(case)) is not None]
        if found:
            return tuple(sorted(found, key=lambda finding: _CONFIDENCE.index(finding.confidence)))
    return ()
