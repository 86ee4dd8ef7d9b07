"""A mapped file or image could not be read in."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding


def find(case: Case) -> Finding | None:
    bus = case.reason.subcode_name in ("BUS_ADRERR", "KERN_MEMORY_ERROR", "KERN_MEMORY_FAILURE")
    if case.reason.kind != "in-page" and not bus:
        return None
    return Finding(
        kind="page-not-readable",
        category="environment",
        title="a page of a mapped file could not be read in",
        confidence="certain" if case.reason.kind == "in-page" else "likely",
        evidence=(case.reason.title, *case.reason.details),
        advice="a network drive or removable disk went away, the file was cut short, or the disk is failing",
    )
