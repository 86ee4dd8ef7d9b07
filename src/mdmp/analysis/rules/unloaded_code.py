"""Code of a module that had been unloaded was called."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding


def find(case: Case) -> Finding | None:
    if not case.executes or case.address is None:
        return None
    gone = case.snapshot.unloaded_at(case.address)
    if not gone or case.snapshot.module_at(case.address) is not None:
        return None
    module = gone[0]
    return Finding(
        kind="unloaded-code",
        category="logic error",
        title=f"call into {module.name} after it was unloaded",
        confidence="certain",
        evidence=(
            f"{case.address:#x} was {module.name}+{case.address - module.base:#x} until the module was unloaded",
            *case.how,
        ),
        advice="stop call-backs, timers and threads of a module before it is unloaded",
    )
