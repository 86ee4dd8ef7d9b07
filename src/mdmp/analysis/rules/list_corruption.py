"""A linked list was found damaged by a checked operation."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding


def find(case: Case) -> Finding | None:
    if case.reason.subcode_name != "FAST_FAIL_CORRUPT_LIST_ENTRY":
        return None
    return Finding(
        kind="list-corruption",
        category="memory corruption",
        title="a linked list is damaged",
        confidence="certain",
        evidence=("the program was stopped with FAST_FAIL_CORRUPT_LIST_ENTRY",),
        against=("the stack shows where the damage was found, not where it was done",),
        advice="an entry was freed while still linked, linked twice, or overwritten; check the locking of the list",
    )
