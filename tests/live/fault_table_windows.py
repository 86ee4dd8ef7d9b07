"""The faults that `watched.exe` can make, and what every dump of them has to say.

One table for every way in which mdmp comes to a crash: `run`, `attach`, and the system's post-mortem debugger.
"""

from pathlib import Path, PureWindowsPath
from typing import NamedTuple

import seen
from wine import PROGRAMS

import mdmp

WATCHED = PROGRAMS.parent / "watched"
DOUBTFUL = -1  # what Wine says of an address that is not canonical


class Fault(NamedTuple):
    name: str
    kind: str
    """Of `mdmp.monitor.fault.KINDS`."""
    code: int
    parameters: tuple[int, ...] | None
    """As the system tells them; None: they are addresses that may differ."""
    function: str
    """The innermost of the program, and its line."""
    line: int
    at_instruction: bool = True
    """The exception's address is that of the innermost frame (not for those that a function of the system raises)."""


AV = 0xC0000005
FAULTS = (
    Fault("null_read", "access_violation", AV, (0, 0x24), "settings_volume", 14),
    Fault("freed_pointer", "access_violation", AV, (0, DOUBTFUL & (1 << 64) - 1), "sum_of_ids", 44),
    Fault("write_readonly", "access_violation", AV, None, "capitalize", 63),
    Fault("wild_jump", "access_violation", AV, (8, 0xBAD0BAD), "dispatch", 17),
    Fault("null_call", "access_violation", AV, (8, 0), "dispatch", 17),
    Fault("execute_data", "access_violation", AV, None, "run_script", 39),
    Fault("stack_overflow", "stack_overflow", 0xC00000FD, None, "files_above", 87),
    Fault("stack_probe", "stack_overflow", 0xC00000FD, None, "render_level", 106),
    Fault("divide_by_zero", "arithmetic", 0xC0000094, (), "average", 51),
    Fault("illegal_instruction", "illegal_instruction", 0xC000001D, (), "unreachable_state", 67),
    Fault("privileged_instruction", "illegal_instruction", 0xC0000096, (), "wait_for_interrupt", 90),
    Fault("breakpoint", "breakpoint", 0x80000003, (0,), "check", 107),
    Fault("fast_fail", "other_exception", 0xC0000409, (3,), "unlink", 124),
    Fault("stack_cookie", "buffer_overrun", 0xC0000409, (2,), "check_cookie", 65),
    Fault("run_time_abort", "abort", 0xC0000409, (7,), "give_up", 52),
    Fault("heap_damage", "heap_corruption", 0xC0000374, None, "report_heap", 78, False),
    Fault(
        "seh_then_custom", "other_exception", 0xE0424242, ((1 << 64) - 1, 0x1234, 0x5678), "report_damage", 164, False
    ),
    Fault("cpp_throw", "cpp_exception", 0xE06D7363, None, "app::Config::parse_line", 39, False),
    Fault("managed", "clr_exception", 0xE0434352, (0x80131509, 0, 0, 0, 0), "throw_managed", 91, False),
    Fault("named_threads", "access_violation", AV, (0, 0), "length_of", 16),
    Fault("told_name", "access_violation", AV, (0, 24), "look_at", 102),
    Fault("debug_output", "access_violation", AV, (0, 16), "look_at", 102),
)
BY_NAME = {fault.name: fault for fault in FAULTS}
MESSAGES = {
    "debug_output": ("opening the shop", "café opens at nine"),
    "cpp_throw": ("app::config_error",),
}
"""Besides what the dump of every way has: what programs say to a debugger is lost for one that comes afterwards."""
THREADS = {"named_threads": "loader-2", "told_name": "clerk"}


def check_dump(path: Path, fault: Fault, how: str, system: Path) -> None:
    """A dump says what its fault was. `system`: the folder of Wine's own DLLs."""
    snapshot = mdmp.open_dump(path)
    assert snapshot.issues == ()
    report = mdmp.analyze(snapshot, symbols=[WATCHED], images=[WATCHED, system])
    (exception,) = snapshot.exceptions
    assert exception.code == fault.code
    assert fault.parameters in (None, exception.parameters)
    facts = snapshot.annotations.process
    assert (facts["mdmp.fault"], facts["mdmp.trigger"]) == (fault.kind, how)
    late = how == "postmortem"
    messages = [text for key, text in facts.items() if key.startswith("mdmp.message[")]
    assert late or [text for text in MESSAGES.get(fault.name, ()) if text not in messages] == []
    thread = next(thread for thread in report.threads if thread.tid == exception.tid)
    frames = [place for frame in thread.frames for place in (*frame.inlines, frame)]
    ours = next(frame for frame in frames if frame.function and frame.file and frame.file.startswith("C:\\shop\\"))
    assert (ours.function, ours.line) == (fault.function, fault.line)
    source = PureWindowsPath(ours.file or "").name
    seen.note("Windows", fault.name, fault.kind, f"{fault.code:08X}", f"{ours.function}, {source}:{ours.line}", how)
    if fault.at_instruction:
        assert exception.address == thread.frames[0].instruction
    name_of_thread = next(thread.name for thread in snapshot.threads or () if thread.tid == exception.tid)
    assert name_of_thread == THREADS.get(fault.name) or (late and fault.name == "told_name")
    place = facts["mdmp.fault.text"].partition(" at ")[2]
    assert ("watched.exe+0x" in place.replace("32.exe", ".exe")) == (
        fault.name not in ("wild_jump", "null_call", "execute_data") or "+" in place
    )
