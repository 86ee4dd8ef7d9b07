"""An access ran over the end of a mapping, as it does when a loop or a copy goes too far."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding

_PAGE = 0x1000
_COPIES = ("rep ", "movs", "stos", "vmovdqu", "movdqu", "movups", "vmovups")


def find(case: Case) -> Finding | None:
    address = case.address
    if not case.bad_access or case.executes or address is None or case.pattern is not None:
        return None
    here, before = case.snapshot.region_at(address), case.snapshot.region_at(address - (address % _PAGE) - 1)
    if before is None or before.state != "commit" or before.protection in ("", "---") or before.guard:
        return None
    if here is not None and here.state == "commit" and here.protection not in ("", "---") and not here.guard:
        return None
    offset = address % _PAGE
    if offset >= 64:
        return None
    text = case.instruction.text if case.instruction else None
    copies = text is not None and text.startswith(_COPIES)
    return Finding(
        kind="buffer-overrun",
        category="memory corruption",
        title=f"{case.reason.access or 'access'} past the end of mapped memory",
        confidence="likely" if copies or offset < 8 else "possible",
        evidence=(
            f"{address:#x} is {offset} bytes past the end of the memory at {before.start:#x} to {before.end:#x}",
            *case.how,
        ),
        against=() if copies else ("the instruction is not a copy",),
        advice="check the length of the copy or the bound of the loop against the size of the buffer",
    )
