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

_WORDS = ("free(): ", "alloc(): ", "munmap_chunk(): ", "double free", "corrupted size", "corrupted double-linked list")


def find(case: Case) -> Finding | None:
    evidence = []
    if case.reason.kind == "heap":
        evidence.append("the system stopped the program with STATUS_HEAP_CORRUPTION")
    if case.reason.subcode_name in _FAST_FAILS:
        evidence.append(f"the program was stopped with {case.reason.subcode_name}")
    if checker := case.calls(*_CHECKERS):
        evidence.append(f"{checker} is on the stack: the heap reports an error")
    evidence += (f"the C library says: {message}" for message in case.messages if any(w in message for w in _WORDS))
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
