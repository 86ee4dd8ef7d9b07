"""One wrong bit in a pointer: the memory of the machine may be failing."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding


def find(case: Case) -> Finding | None:
    facts = case.instruction
    if case.snapshot.system.cpu != "amd64" or not case.bad_access or case.executes or facts is None:
        return None
    value = facts.register_value
    pattern = facts.pattern
    if (
        value is None
        or facts.register is None
        or (pattern is not None and pattern.kind not in ("non-canonical", "kernel"))
    ):
        return None
    if pattern is None and case.snapshot.region_at(value) is not None:
        return None
    # A flipped upper bit of a user address gives one that is impossible; lower bits could be anything.
    candidates = [value ^ 1 << bit for bit in range(40, 64)]
    good = [at for at in candidates if 0x10000 <= at < 1 << 47 and _readable(case, at)]
    if len(good) != 1:
        return None
    bit = (value ^ good[0]).bit_length() - 1
    return Finding(
        kind="bit-flip",
        category="environment",
        title=f"a single wrong bit in {facts.register}: the machine's memory may be failing",
        confidence="possible",
        evidence=(f"with bit {bit} changed, {value:#x} becomes {good[0]:#x}, which is mapped", *case.how),
        against=("software overwrites pointers far more often than hardware does",),
        advice="see whether other crashes of this machine look like this, and test its memory",
    )


def _readable(case: Case, address: int) -> bool:
    region = case.snapshot.region_at(address)
    if region is not None:
        return region.state == "commit" and "r" in region.protection
    return bool(case.memory.read_some(address, 1))
