"""Text stands where a pointer should: a buffer of text ran over its end."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding


def find(case: Case) -> Finding | None:
    if case.instruction is not None and case.instruction.by_return:
        return None  # a finding of its own
    pattern = case.pattern
    if not case.bad_access or pattern is None or pattern.kind != "text":
        return None
    facts = case.instruction
    value = facts.register_value if facts and facts.register_value is not None else case.address
    return Finding(
        kind="text-as-pointer",
        category="memory corruption",
        title="a pointer was overwritten with text",
        confidence="likely" if case.pointer_size == 8 else "possible",
        evidence=(f"the pointer {value or 0:#x} is {pattern.text}", *case.how),
        against=() if case.pointer_size == 8 else ("any four bytes can look like text",),
        advice="a string was copied over the end of its buffer into the memory behind it: look for copies without a "
        "limit into a neighbour of the object that held this pointer",
    )
