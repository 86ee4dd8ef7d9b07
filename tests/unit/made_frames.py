"""Stacks made by hand."""

from mdmp.report import Frame, InlineFrame, ThreadReport


def frame(
    index: int,
    module: str | None,
    function: str | None = None,
    line: int | None = None,
    *,
    trust: str = "cfi",
    inlines: tuple[tuple[str, int], ...] = (),
    stack_pointer: int | None = None,
    registers: dict[str, int] | None = None,
) -> Frame:
    return Frame(
        index,
        0x1000 * index,
        0x1000 * index - 1 if index else 0,
        trust if index else "context",
        stack_pointer,
        module,
        0x100 * index + 0x10 if module else None,
        function,
        4,
        f"{function}.cpp" if line else None,
        line,
        tuple(InlineFrame(name, f"{name}.h", number) for name, number in inlines),
        registers=registers or {},
    )


def stack(*places: tuple[str | None, str | None]) -> tuple[Frame, ...]:
    """Frames from (module, function) pairs, innermost first."""
    return tuple(frame(i, module, function) for i, (module, function) in enumerate(places))


def thread(tid: int, *places: tuple[str | None, str | None], index: int = 0, name: str | None = None) -> ThreadReport:
    return ThreadReport(index, tid, name, stack(*places), "made by hand")
