"""A Rust panic ended the program."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding

_PREFIXES = (
    "core::panicking::",
    "std::panicking::begin_panic",
    "std::panicking::rust_panic",
    "rust_panic",
    "rust_begin_unwind",
)
"""Not all of std::panicking: its `try` stands at the bottom of every Rust stack."""
_ENDS = ("abort", "breakpoint", "instruction", "fast-fail", "cpp", "other")
"""How a panic ends a program; a bad access is no panic, whatever lies below it."""


def find(case: Case) -> Finding | None:
    if case.reason.kind not in _ENDS:
        return None
    on_stack = next((name for _, name in case.places() if name.startswith(_PREFIXES)), None)
    if case.reason.title != "Rust panic" and on_stack is None:
        return None
    evidence = [f"{on_stack} is on the stack"] if on_stack else ["a Rust panic was thrown"]
    message = next((v for k, v in case.snapshot.annotations.process.items() if "panic" in k.lower()), None)
    if message:
        evidence.append(f"message: {message}")
    return Finding(
        kind="rust-panic",
        category="logic error",
        title="Rust panic",
        confidence="certain",
        evidence=tuple(evidence),
        advice="the first function of the application on the stack panicked: an index out of range, an unwrap of "
        "None or Err, an arithmetic overflow, or an explicit panic",
    )
