"""An aligned vector instruction met a misaligned address; amd64 reports that like an impossible address."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding

_ALIGNED = ("movaps", "movapd", "movdqa", "movntps", "movntdq", "movntpd", "vmovaps", "vmovapd", "vmovdqa", "fxsave")


def find(case: Case) -> Finding | None:
    facts = case.instruction
    if not case.bad_access or facts is None or facts.instruction is None or not facts.text:
        return None
    if not facts.instruction.mnemonic.startswith(_ALIGNED):
        return None
    for operand in facts.instruction.operands:
        if operand.address is not None and operand.size and operand.address % operand.size:
            return Finding(
                kind="misaligned-vector-access",
                category="pointer misuse",
                title=f"`{facts.instruction.mnemonic}` on an address that is not aligned to {operand.size} bytes",
                confidence="certain" if case.reason.address in (0, 0xFFFFFFFFFFFFFFFF) else "possible",
                evidence=(f"`{facts.text}` with {operand.expression} = {operand.address:#x}",),
                advice="check the alignment of the type, or the stack pointer's alignment at the call (calls from "
                "assembly and call-backs)",
            )
    return None
