"""A write to memory that may only be read."""

from mdmp.analysis.rules.case import Case
from mdmp.analysis.whereabouts import whereabouts
from mdmp.report import Finding


def find(case: Case) -> Finding | None:
    facts = case.instruction
    fault = facts.fault if facts else None
    writes = case.reason.access == "write" or (
        case.reason.access is None and fault is not None and "write" in fault.access
    )
    if not case.bad_access or case.executes or not writes or case.address is None or case.pattern is not None:
        return None
    region = case.snapshot.region_at(case.address)
    module = case.snapshot.module_at(case.address)
    protected = (
        region is not None and region.state == "commit" and "r" in region.protection and "w" not in region.protection
    )
    if not protected and (module is None or region is not None):
        return None
    place = whereabouts(case.snapshot, case.address) or "in memory that is read-only"
    return Finding(
        kind="write-to-read-only",
        category="pointer misuse",
        title=f"write to memory that may only be read, {place}",
        confidence="certain" if protected else "likely",
        evidence=(f"{case.address:#x} lies {place}", *case.how),
        advice="a string literal or another constant is being changed, or a pointer leads to the wrong place",
    )
