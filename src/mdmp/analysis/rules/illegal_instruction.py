"""The processor met an instruction that it does not know."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding

_EXTENSIONS = (
    "v",
    "tzcnt",
    "lzcnt",
    "popcnt",
    "bextr",
    "pext",
    "pdep",
    "mulx",
    "shlx",
    "shrx",
    "sarx",
    "rorx",
    "aes",
    "sha",
)


def find(case: Case) -> Finding | None:
    facts = case.instruction
    told = case.reason.code == 0xC000001D or case.reason.code_name in ("SIGILL", "EXC_BAD_INSTRUCTION")
    if (
        not told
        or case.reason.kind != "instruction"
        or (facts and (facts.text or "").startswith(("ud2", "udf", "brk")))
    ):
        return None
    mnemonic = facts.instruction.mnemonic if facts and facts.instruction else None
    if mnemonic and mnemonic.startswith(_EXTENSIONS):
        return Finding(
            kind="unsupported-instruction",
            category="environment",
            title=f"the processor does not know `{mnemonic}`",
            confidence="likely",
            evidence=(
                f"the instruction is `{facts.text if facts else mnemonic}`, of an extension that not every CPU has",
            ),
            advice="the program was built for newer processors, or its choice of code by CPU features failed",
        )
    text = f"`{facts.text}`" if facts and facts.text else None
    if text is None and (facts is None or not facts.bytes_known):
        text = "unknown: the dump does not hold it"
    evidence = (f"the instruction is {text}",) if text else ("the bytes are no instruction",)
    return Finding(
        kind="illegal-instruction",
        category="memory corruption",
        title="execution of something that is no instruction",
        confidence="possible",
        evidence=evidence,
        against=("the instruction looks valid, or is not known",) if text else (),
        advice="the code was overwritten, or a jump went to the wrong place; compare the code with the image file",
    )
