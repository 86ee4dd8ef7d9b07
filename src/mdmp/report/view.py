"""What all renderers for people say of a report, in plain rows and sentences.

Texts that files choose have gone through `safe_text`; escaping for a page is left to its renderer.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

from mdmp.binary.sizes import size_text
from mdmp.binary.text import safe_text
from mdmp.report.model import Blame, Crash, Frame, MemoryAccess, ModuleReport, Report, SourceContext, ThreadReport

GUESSES = ("scan", "cfi_scan")
"""Trust of frames that may be wrong."""

MANAGED_NOTE = "[managed] code of .NET: its methods are not named"

MAX_PERIOD = 12
"""Longest cycle of functions that is taken for one recursion."""
MIN_REPEATS = 4


class Row(NamedTuple):
    """One line of a stack."""

    number: str
    """The frame's number; functions inlined into a frame share it."""
    name: str
    """`shop.exe!main+0x1f`"""
    place: str
    """`C:\\shop\\src\\main.cpp:9`, or empty."""
    guess: bool = False
    inline: bool = False
    note: bool = False
    """Not a frame but a remark about frames that are left out."""
    blamed: bool = False


def place(file: str | None, line: int | None) -> str:
    if not file:
        return ""
    return safe_text(f"{file}:{line}" if line else file)


def file_name(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def frame_name(frame: Frame) -> str:
    """`module!function+offset`, or as much of it as is known."""
    if frame.function:
        offset = f"+{frame.function_offset:#x}" if frame.function_offset else ""
        return safe_text(f"{frame.module}!{frame.function}" if frame.module else frame.function) + offset
    if frame.managed:
        return f"{_bare_name(frame)} [managed]"
    return _bare_name(frame)


def _bare_name(frame: Frame) -> str:
    if frame.module:
        return safe_text(frame.module) + (f"+{frame.module_offset:#x}" if frame.module_offset is not None else "")
    if frame.unloaded_modules:
        name, offset_in = frame.unloaded_modules[0]
        return f"{frame.instruction:#x} (once {safe_text(name)}+{offset_in:#x}, unloaded)"
    return f"{frame.instruction:#x}"


def short_name(frame: Frame) -> str:
    """The function alone, for a stack on one line."""
    inner = frame.innermost
    return safe_text(inner.function, 60) if inner else frame_name(frame)


def stack_rows(report: Report, thread: ThreadReport, max_frames: int | None) -> list[Row]:
    """A stack with its inlined functions, with repetitions of a recursion folded."""
    blame = report.blame if report.blame and report.blame.thread_index == thread.index else None
    rows: list[Row] = []
    frames = thread.frames[:max_frames]
    for first, end, period in _runs(frames):
        shown = frames[first : first + period] if period else frames[first:end]
        for frame in shown:
            rows += _frame_rows(frame, blame if blame and blame.frame_index == frame.index else None)
        if period:
            cycle = " -> ".join(short_name(frame) for frame in reversed(shown))
            times = (end - first) // period
            rows.append(
                Row("", f"... frames {first + period} to {end - 1} repeat {cycle} ({times} times)", "", note=True)
            )
    left = len(thread.frames) - len(frames)
    if left:
        rows.append(Row("", f"... {count(left, 'more frame')}", "", note=True))
    return rows


def _frame_rows(frame: Frame, blame: Blame | None) -> Iterable[Row]:
    """The rows of one frame; `blame` is given for the frame that has it."""
    guess, number = frame.trust in GUESSES, str(frame.index)
    wanted = blame and (blame.function, blame.file, blame.line)
    for inline in frame.inlines:
        name = safe_text(f"{frame.module}!{inline.function}" if frame.module else inline.function)
        blamed = wanted == (inline.function, inline.file, inline.line)
        yield Row(number, name, place(inline.file, inline.line), guess, inline=True, blamed=blamed)
    blamed = wanted == (frame.function, frame.file, frame.line)
    yield Row(number, frame_name(frame), place(frame.file, frame.line), guess, blamed=blamed)


def _runs(frames: Sequence[Frame]) -> Iterable[tuple[int, int, int]]:
    """Cut a stack into runs `(first, end, period)`; period 0: frames that do not repeat."""
    keys = [(frame.module, frame.function) if frame.function else frame.lookup for frame in frames]
    start = at = 0
    while at < len(keys):
        period, end = _cycle(keys, at)
        if period:
            if start < at:
                yield start, at, 0
            yield at, end, period
            start = at = end
        else:
            at += 1
    if start < len(keys):
        yield start, len(keys), 0


def _cycle(keys: Sequence[object], at: int) -> tuple[int, int]:
    """The shortest cycle that begins at `at`, and where its whole repetitions end."""
    for period in range(1, MAX_PERIOD + 1):
        end = at + period
        while end < len(keys) and keys[end] == keys[end - period]:
            end += 1
        times = (end - at) // period
        if times >= MIN_REPEATS:
            return period, at + times * period
    return 0, at


def thread_title(thread: ThreadReport) -> str:
    name = f' "{safe_text(thread.name)}"' if thread.name else ""
    return f"Thread {thread.index}{name} (id {thread.tid})"


def last_error(thread: ThreadReport) -> str | None:
    if not thread.last_error:
        return None
    name = f" ({safe_text(thread.last_error_name)})" if thread.last_error_name else ""
    return f"{thread.last_error}{name}"


def main_thread(report: Report) -> ThreadReport | None:
    """The thread to show: the crashing one, else the first."""
    if report.crashing_thread is not None:
        return report.threads[report.crashing_thread]
    return report.threads[0] if report.threads else None


def reason(report: Report) -> str:
    """The system's words: `EXCEPTION_ACCESS_VIOLATION_WRITE (0xc0000005)`."""
    code = report.crash.code
    words = safe_text(report.crash.reason)
    number = f"0x{code:08x}" if code is not None else ""
    if not words or words == number:
        return number
    return f"{words} ({number})" if number else words


def process_name(report: Report) -> str | None:
    return None if report.main_module is None else safe_text(report.modules[report.main_module].name)


def blame_line(report: Report) -> str | None:
    """`shop.exe!Customer::add (customer.h:42)`"""
    blame = report.blame
    if blame is None:
        return None
    frame = report.threads[blame.thread_index].frames[blame.frame_index]
    name = f"{blame.module}!{blame.function}" if blame.module and blame.function else blame.function
    return safe_text(name) if name else frame_name(frame)


def blame_source(report: Report) -> SourceContext | None:
    """The lines around the blamed one; a frame's lines are those of its innermost function, which need not be it."""
    blame = report.blame
    source = blame and report.threads[blame.thread_index].frames[blame.frame_index].source
    if not blame or not source or source.line != blame.line:
        return None
    return source if file_name(source.path).lower() == file_name(blame.file or "").lower() else None


class SourceLine(NamedTuple):
    number: int
    text: str
    marked: bool


def source_lines(source: SourceContext) -> list[SourceLine]:
    return [
        SourceLine(number, safe_text(text.rstrip().expandtabs(4), 200), number == source.line)
        for number, text in enumerate(source.lines, source.first_line)
    ]


def source_note(source: SourceContext) -> str | None:
    """A warning when the lines may not be those that were compiled."""
    if source.verified is False:
        return f"{safe_text(source.path)} has changed since it was compiled: the lines may be wrong"
    return None


def dump_line(report: Report) -> str:
    """What the dump is: `minidump, 24.1 KiB, by MiniDumpWriteDump, 2024-05-06 07:08:09 UTC`."""
    dump = report.dump
    parts = [dump.kind]
    if dump.size is not None:
        parts.append(size_text(dump.size))
    if dump.writer:
        parts.append(f"by {safe_text(dump.writer)}")
    if dump.time is not None:
        parts.append(f"{dump.time:%Y-%m-%d %H:%M:%S} UTC")
    return ", ".join(parts)


def system_line(report: Report) -> str:
    """`Windows 10 22H2 (10.0.19045), amd64, 8 CPUs`"""
    # Linux writers have no version number to give: the kernel's own text follows.
    known = (report.os_version or "").removeprefix("0.0.0 ").removeprefix(f"{report.os_name} ")
    version = safe_text(known) or None
    if report.os_product:
        system = safe_text(report.os_product) + (f" ({version})" if version else "")
    else:
        system = safe_text(report.os_name) + (f" {version}" if version else "")
    cpus = [count(report.cpu_count, "CPU")] if report.cpu_count else []
    return ", ".join([system, safe_text(report.cpu), *cpus])


def process_line(report: Report) -> str | None:
    """`shop.exe 1.2.3.4, process 4242, up 75 s`"""
    parts = []
    name = process_name(report)
    if name is not None and report.main_module is not None:
        version = report.modules[report.main_module].version
        parts.append(f"{name} {safe_text(version)}" if version else name)
    if report.pid is not None:
        parts.append(f"process {report.pid}")
    if report.runtime is not None:
        parts.append(safe_text(report.runtime))
    if report.uptime is not None:
        parts.append(f"up {duration(report.uptime)}")
    return ", ".join(parts) or None


def register_rows(report: Report, thread: ThreadReport, width: int = 96) -> list[str]:
    """The registers of a thread's first frame as a table of so many columns of text."""
    registers = thread.frames[0].registers if thread.frames else {}
    if not registers:
        return []
    digits = 2 * report.pointer_size
    named = {"efl" if name == "eflags" else name: value for name, value in registers.items()}
    name_width = max(map(len, named))
    cells = [f"{name:>{name_width}} {value:0{digits}x}" for name, value in named.items()]
    columns = max((width + 2) // (name_width + digits + 3), 1)
    return ["  ".join(cells[i : i + columns]) for i in range(0, len(cells), columns)]


CUSTOMER_CODE = 1 << 29
"""The bit of an NTSTATUS that says: not Microsoft's, raised by a program (C++ and .NET exceptions among them)."""


def instruction_matters(crash: Crash) -> bool:
    """Whether the instruction has to do with the crash: it does not where software raised the exception."""
    return crash.instruction is not None and not crash.requested and not (crash.code or 0) & CUSTOMER_CODE


def operand(access: MemoryAccess) -> str:
    """`rax + 0x18 = 0x18, 4 bytes written`"""
    verb = {"read": "read", "write": "written", "read_write": "read and written", "execute": "run"}.get(access.access)
    parts = [f"{safe_text(access.expression)} = {access.address:#x}"]
    if verb:
        parts.append(f"{count(access.size, 'byte')} {verb}" if access.size else verb)
    if access.is_likely_guard_page:
        parts.append("probably a guard page")
    return ", ".join(parts)


class SymbolProblem(NamedTuple):
    module: str
    problem: str


def symbol_problems(report: Report, thread: ThreadReport) -> list[SymbolProblem]:
    """The modules on a stack whose symbols are not at hand, and why."""
    problems = []
    for module in _without_symbols(report, thread):
        state, wanted = module.symbols, safe_text(module.debug_file or module.name)
        if state.note:
            problem = ("damaged: " if state.status == "damaged" else "") + safe_text(state.note)
        elif state.status != "missing":
            problem = f"{wanted} {state.status}"
        elif state.tried:
            problem = f"{wanted} not found (looked in {count(len(state.tried), 'place')})"
        else:
            problem = f"{wanted} not found (no place to look in was given)"
        if state.status == "missing" and module.debug_id:
            problem += f", id {safe_text(module.debug_id)}"
        problems.append(SymbolProblem(safe_text(module.name), problem))
    return problems


def places_tried(report: Report, thread: ThreadReport) -> list[str]:
    """Where the missing symbols of the modules on a stack were looked for, each place once."""
    tried = (safe_text(place) for module in _without_symbols(report, thread) for place in module.symbols.tried)
    return list(dict.fromkeys(tried))


def symbol_hints(report: Report, thread: ThreadReport) -> list[str]:
    """What a person can do about missing symbols."""
    modules = _without_symbols(report, thread)
    kind = "PDB files" if report.os == "windows" else "symbol files"
    hints = []
    if any(module.debug_id for module in modules):
        hints.append(f"give the folder with the {kind} of this very build: --symbols DIR")
    # An image that the dump's own memory holds was never looked for.
    if any(not m.debug_id and m.image.status != "found" and m.symbols.tried for m in modules):
        hints.append("give the folder with these files themselves, which name their symbols: --images DIR")
    return hints


def _without_symbols(report: Report, thread: ThreadReport) -> list[ModuleReport]:
    """The modules on a stack, in its order, that are without debug information."""
    found: dict[int, ModuleReport] = {}
    for frame in thread.frames:
        module = _module_at(report.modules, frame.lookup)
        if module is not None and module.symbols.status != "found":
            found[module.base] = module
    return list(found.values())


def _module_at(modules: Sequence[ModuleReport], address: int) -> ModuleReport | None:
    return next((m for m in modules if m.base <= address < m.base + m.size), None)


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def duration(time: timedelta) -> str:
    seconds = time.total_seconds()
    if abs(seconds) < 120:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    if abs(minutes) < 120:
        return f"{minutes} min"
    hours = round(seconds / 3600)
    return f"{hours} h" if abs(hours) < 72 else f"{hours // 24} days"
