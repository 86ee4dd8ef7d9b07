"""Every thread's stack: unwound, then each frame named."""

from collections.abc import Callable
from dataclasses import replace

from mdmp.analysis.process_code import ProcessCode
from mdmp.arch import CPUS
from mdmp.errors import UsageError
from mdmp.report import Blame, Frame, InlineFrame, SourceContext, ThreadReport
from mdmp.snapshot import Context, Snapshot, Thread
from mdmp.symbols.frame import SourceFrame
from mdmp.symbols.source_text import SourceFolders
from mdmp.unwind import Frame as UnwoundFrame
from mdmp.unwind import Walker

_LINES_AROUND = 4
_SOURCE_FRAMES = 32
_UNKNOWN = SourceFrame("")
_SIGNAL_HANDLER = (SourceFrame("<signal handler called>"),)
"""As debuggers name the frame between a signal handler and what it interrupted."""


class Stacks:
    """Walks and names the stacks of one snapshot; what it learns of an address serves all threads."""

    def __init__(self, snapshot: Snapshot, code: ProcessCode, sources: SourceFolders, max_frames: int) -> None:
        self._snapshot = snapshot
        self._code = code
        self._sources = sources
        self._limit = max_frames
        cpu = CPUS.get(snapshot.system.cpu)
        try:
            self._walker = Walker(cpu, snapshot.memory, code, snapshot.system.os) if cpu else None
        except UsageError:
            self._walker = None
        self._named: dict[int, tuple[SourceFrame, ...]] = {}

    def thread(self, index: int, thread: Thread, context: Context | None, crashing: bool) -> ThreadReport:
        """The stack of one thread from `context` (the exception's registers on the crashing thread)."""
        frames: tuple[Frame, ...] = ()
        if thread.wrote_the_dump and not crashing:
            stop = "not walked: this thread was busy writing the dump"
        elif context is None:
            stop = "its registers are not in the dump"
        elif self._walker is None:
            stop = f"stacks of {self._snapshot.system.cpu} processors cannot be walked"
            frames = self._where(context, crashing)
        else:
            bounds = None
            if thread.stack_start is not None and thread.stack_size:
                bounds = (thread.stack_start, thread.stack_start + thread.stack_size)
            walk = self._walker.walk(context.registers, stack=bounds, limit=self._limit)
            stop = walk.stop
            frames = tuple(
                self._frame(i, frame, crashing and i < _SOURCE_FRAMES, self._returns_from_signal(walk.frames, i))
                for i, frame in enumerate(walk.frames)
            )
        return ThreadReport(
            index, thread.tid, thread.name, frames, stop, thread.last_error, None, thread.wrote_the_dump
        )

    def _where(self, context: Context, with_source: bool) -> tuple[Frame, ...]:
        """The first frame alone: where a thread stood needs no unwinding."""
        registers = dict(context.registers)
        pc = registers.get("pc")
        if pc is None:
            return ()
        return (self._frame(0, UnwoundFrame(pc, pc, registers.get("sp", 0), registers, "context"), with_source, False),)

    def with_source(self, thread: ThreadReport, blamed: Blame) -> ThreadReport:
        """The thread with the lines of source around the blamed place in the frame to blame."""
        frame = thread.frames[blamed.frame_index]
        place = next((n for n in self._names(frame.lookup) if (n.file, n.line) == (blamed.file, blamed.line)), None)
        if place is None:
            return thread
        frames = list(thread.frames)
        frames[blamed.frame_index] = replace(frame, source=self._source(place))
        return replace(thread, frames=tuple(frames))

    def _returns_from_signal(self, frames: tuple[UnwoundFrame, ...], index: int) -> bool:
        """Outside Windows, the frame before an interrupted one is the code to which a signal handler returns."""
        following = frames[index + 1 : index + 2]
        return self._snapshot.system.os != "windows" and any(f.lookup == f.instruction for f in following)

    def _frame(self, index: int, frame: UnwoundFrame, with_source: bool, returns_from_signal: bool) -> Frame:
        # That code made no call: what stands before it is another function.
        lookup = frame.instruction if returns_from_signal else frame.lookup
        module = self._code.module_at(lookup)
        names = _SIGNAL_HANDLER if returns_from_signal else self._names(lookup) if module else ()
        outer = names[-1] if names else _UNKNOWN
        offset = lookup - module.base if module else None
        return Frame(
            index,
            frame.instruction,
            lookup,
            frame.trust,
            frame.sp,
            module=module.module.name if module else None,
            module_offset=offset,
            function=outer.function or None,
            function_offset=None if offset is None or outer.start is None else offset - outer.start,
            file=outer.file,
            line=outer.line,
            inlines=tuple(InlineFrame(n.function, n.file, n.line) for n in names[:-1]),
            missing_symbols=module is None or module.debug_source is None,
            unloaded_modules=() if module else self._unloaded(lookup),
            registers=frame.registers,
            source=self._source(names[0]) if names and with_source else None,
            managed=self._code.managed_kind(lookup),
        )

    def _unloaded(self, address: int) -> tuple[tuple[str, int], ...]:
        return tuple((m.name, address - m.base) for m in self._snapshot.unloaded_at(address))

    def _names(self, address: int) -> tuple[SourceFrame, ...]:
        found = self._named.get(address)
        if found is None:
            module = self._code.module_at(address)
            found = module.lookup(address - module.base) if module else ()
            self._named[address] = found
        return found

    def _source(self, place: SourceFrame) -> SourceContext | None:
        text = self._sources.find(place.file, place.checksum) if place.file and place.line else None
        if text is None or place.line is None or not 1 <= place.line <= len(text.lines):
            return None
        first = max(1, place.line - _LINES_AROUND)
        lines = text.lines[first - 1 : place.line + _LINES_AROUND]
        return SourceContext(str(text.path), first, lines, place.line, text.verified)


def walk_threads(
    stacks: Stacks,
    snapshot: Snapshot,
    crashing: int | None,
    context: Context | None,
    progress: Callable[[str], None] | None,
) -> tuple[ThreadReport, ...]:
    """All threads, the crashing one from the registers at the fault."""
    threads = snapshot.threads or ()
    reports = []
    for index, thread in enumerate(threads):
        if progress and len(threads) > 1:
            progress(f"thread {index + 1} of {len(threads)}")
        is_crashing = index == crashing
        registers = (context if is_crashing else None) or thread.context
        reports.append(stacks.thread(index, thread, registers, is_crashing))
    return tuple(reports)
