"""What lies at an address of the process, in words."""

from mdmp.analysis.crash_reason import pointer_size
from mdmp.snapshot import Snapshot


def whereabouts(snapshot: Snapshot, address: int) -> str | None:
    """`inside app.exe+0x32a2`, `on the stack of thread 7`, `in a guard page`; None when nothing is known."""
    module = snapshot.module_at(address)
    if module is not None:
        return f"inside {module.name}+{address - module.base:#x}"
    for thread in snapshot.threads or ():
        if thread.stack_start and thread.stack_size and 0 <= address - thread.stack_start < thread.stack_size:
            return f"on the stack of thread {thread.tid}"
    gone = snapshot.unloaded_at(address)
    if gone:
        return f"where {gone[0].name} had been before it was unloaded"
    region = snapshot.region_at(address)
    if region is None:
        return None
    if region.state == "free":
        return "where nothing is mapped"
    if region.state == "reserve":
        return "in memory that is only reserved"
    if region.guard:
        return "in a guard page"
    kind = f" ({region.name or region.kind})" if region.name or region.kind else ""
    match region.protection:
        case "---":
            return f"in memory without any access{kind}"
        case "r--" | "r-x":
            return f"in memory that is read-only{kind}"
        case "":
            return None
    return f"in {region.protection} memory{kind}"


def stack_bounds(snapshot: Snapshot, stack_pointer: int) -> tuple[int, int] | None:
    """Lowest address and end of the committed memory around a stack pointer; None when the dump does not tell."""
    region = snapshot.region_at(stack_pointer)
    if region is not None and region.state == "commit":
        return region.start, region.end
    for thread in snapshot.threads or ():
        if thread.stack_start and thread.stack_size:
            slack = 0x1000 * pointer_size(snapshot)
            if thread.stack_start - slack <= stack_pointer < thread.stack_start + thread.stack_size:
                return thread.stack_start, thread.stack_start + thread.stack_size
    return None


def is_guard(snapshot: Snapshot, address: int | None) -> bool:
    """Does a page without any access, or a guard page, lie at the address?"""
    region = snapshot.region_at(address) if address is not None else None
    return region is not None and (region.guard or (region.state == "commit" and region.protection == "---"))
