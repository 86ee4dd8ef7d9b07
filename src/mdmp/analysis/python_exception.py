"""An exception of Python that nobody caught, as `mdmp.install_handler` had it written into the dump.

The machine's stack shows the interpreter only: what matters is the traceback.
"""

import re
from typing import NamedTuple

from mdmp.analysis.crash_reason import CrashReason
from mdmp.report import Blame
from mdmp.snapshot import Snapshot

_FRAME = re.compile(r'^  File "(.{1,4096})", line (\d{1,9})(?:, in (.{1,1024}))?$', re.MULTILINE)
_TYPE = re.compile(r"[\w.]{1,200}")
MAX_TEXT = 1 << 16
MAX_CALLERS = 5


class PythonFrame(NamedTuple):
    function: str
    file: str
    line: int


def python_reason(snapshot: Snapshot) -> CrashReason | None:
    """None: it was something else."""
    notes = snapshot.annotations.process
    if notes.get("mdmp.fault") != "python_exception":
        return None
    title = notes.get("mdmp.fault.text", "")[:1000] or "uncaught Python exception"
    named = _TYPE.match(title.removeprefix("uncaught Python exception: "))
    frames = python_frames(snapshot)
    return CrashReason(
        kind="python",
        name="Python exception",
        title=title,
        details=tuple(f"{frame.function} ({frame.file}:{frame.line})" for frame in frames[:MAX_CALLERS]),
        thrown=(named[0],) if named else (),
    )


def python_frames(snapshot: Snapshot) -> list[PythonFrame]:
    """Of the last exception in the traceback (which the others caused), innermost first."""
    text = snapshot.annotations.process.get("mdmp.message[0]", "")[:MAX_TEXT]
    last = text[text.rfind("Traceback (most recent call last):") :] if "Traceback" in text else ""
    found = [PythonFrame(name or "<module>", file, int(line)) for file, line, name in _FRAME.findall(last)]
    return found[::-1]


def python_blame(snapshot: Snapshot, thread: int, blamed: Blame | None) -> Blame | None:
    """The function that raised it; `blamed` when the dump does not tell."""
    frames = python_frames(snapshot)
    if not frames:
        return blamed
    function, file, line = frames[0]
    place = blamed.frame_index if blamed else 0
    return Blame(thread, place, function, None, file, line, "the innermost function of the Python traceback")
