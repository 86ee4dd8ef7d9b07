"""The program ran out of memory."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding

_HANDLERS = (
    "mozalloc_handle_oom",
    "base::internal::OnNoMemory",
    "base::TerminateBecauseOutOfMemory",
    "v8::internal::V8::FatalProcessOutOfMemory",
    "alloc::alloc::handle_alloc_error",
    "std::alloc::rust_oom",
    "node::OOMErrorHandler",
    "blink::ReportOOMErrorInMainThread",
)
_TYPES = ("std::bad_alloc", "std::bad_array_new_length", "System.OutOfMemoryException")


def find(case: Case) -> Finding | None:
    evidence = []
    if case.reason.kind == "memory":
        evidence.append(f"the program ended with {case.reason.name}")
    if handler := case.calls(*_HANDLERS):
        evidence.append(f"{handler} is on the stack")
    if thrown := next((name for name in case.reason.thrown if name in _TYPES), None):
        evidence.append(f"{thrown} was thrown")
    if not evidence:
        return None
    evidence += [f"{key}: {value}" for key, value in sorted(case.snapshot.process.vm_counters.items())[:4]]
    return Finding(
        kind="out-of-memory",
        category="resource",
        title="out of memory",
        confidence="certain",
        evidence=tuple(evidence),
        advice="either the caller asked for an absurd size, or the process leaks or needs too much memory",
    )
