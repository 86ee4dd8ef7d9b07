"""The heap manager found its own data damaged."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding

_CHECKERS = (
    "malloc_printerr",
    "RtlpLogHeapFailure",
    "RtlpHeapHandleError",
    "RtlpReportHeapFailure",
    "RtlReportCriticalFailure",
    "abort_message_heap",
    "_CrtIsValidHeapPointer",
    "malloc_error_break",
    "mozalloc_handle_corruption",
)
_FAST_FAILS = ("FAST_FAIL_HEAP_METADATA_CORRUPTION", "FAST_FAIL_UNEXPECTED_HEAP_EXCEPTION")


def find(case: Case) -> Finding | None:
    evidence = []
    if case.reason.kind == "heap":
        evidence.append("the system stopped the program with STATUS_HEAP_CORRUPTION")
    if case.reason.subcode_name in _FAST_FAILS:
        evidence.append(f"the program was stopped with {case.reason.subcode_name}")
    if checker := case.calls(*_CHECKERS):
        evidence.append(f"{checker} is on the stack: the heap reports an error")
    message = case.snapshot.annotations.assertion or ""
    if any(words in message for words in ("free():", "malloc():", "double free", "corrupted size", "invalid pointer")):
        evidence.append(f"the C library says: {message}")
    if not evidence:
        return None
    return Finding(
        kind="heap-corruption",
        category="memory corruption",
        title="the heap is damaged",
        confidence="certain",
        evidence=tuple(evidence),
        against=("the stack shows where the damage was found, not where it was done",),
        advice="run with page heap (gflags), Application Verifier or AddressSanitizer to catch the first bad write; "
        "look for double frees and for writes past the end of a block",
    )
