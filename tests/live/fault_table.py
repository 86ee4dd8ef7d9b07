"""The faults that `faults_linux.c` and `faults_linux.cpp` can make, and what every dump of them has to say.

One table for every way in which mdmp comes to a crash: `run`, `attach`, and the system's post-mortem handler.
"""

import shutil
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
import seen

import mdmp
from mdmp.report import Report
from mdmp.snapshot import Snapshot

HERE = Path(__file__).resolve().parent
C, CPP, C32 = HERE / "faults_linux.c", HERE / "faults_linux.cpp", HERE / "faults_32.c"
BUSY = HERE / "busy_linux.c"
BUILDS = {
    "faults": ("cc", "-g", "-O1", "-pthread", C),
    "fixed": ("cc", "-g", "-O1", "-pthread", "-no-pie", C),
    "static": ("cc", "-g", "-O1", "-pthread", "-static", C),
    "stripped": ("cc", "-s", "-O1", "-pthread", C),
    "cpp": ("c++", "-g", "-O1", CPP),
    "static_cpp": ("c++", "-g", "-O1", "-static", CPP),
    "32": ("cc", "-m32", "-g", "-O1", "-nostdlib", "-static", "-fno-pie", "-no-pie", C32),
}
WITHOUT_FAULTS = {"busy": ("cc", "-g", "-O1", "-pthread", BUSY)}
PLACE = 0x2000000000
"""Where the programs map what they crash at."""
AT_CODE = "the instruction"


class Fault(NamedTuple):
    name: str
    kind: str
    """Of `mdmp.monitor.fault.KINDS`."""
    signal: signal.Signals
    address: int | str | None = None
    """What the system tells; `AT_CODE`: that of the instruction. None: any."""
    message: str | None = None
    """What the run-time library said, or a part of it."""
    source: Path = C

    @property
    def function(self) -> str:
        special = {"overflow": "crash_overflow_of", "pure_virtual": "Base::call()"}
        return special.get(self.name, f"crash_{self.name}" + ("()" if self.source == CPP else ""))

    @property
    def line(self) -> int:
        """Of the marker in the source."""
        lines = self.source.read_text().splitlines()
        return next(n for n, text in enumerate(lines, 1) if f"/* {self.name} */" in text)

    @property
    def status(self) -> int:
        """What a shell says of a program that ended so."""
        return 128 + self.signal


SEGV, ABRT = signal.SIGSEGV, signal.SIGABRT
FAULTS = (
    Fault("null", "access_violation", SEGV, 0),
    Fault("field", "access_violation", SEGV, 24),
    Fault("non_canonical", "access_violation", SEGV, 0),
    Fault("jump", "access_violation", SEGV, 0x1234),
    Fault("read_only", "access_violation", SEGV, PLACE + 5),
    Fault("bus", "access_violation", signal.SIGBUS, PLACE + 3),
    Fault("overflow", "stack_overflow", SEGV),
    Fault("illegal", "illegal_instruction", signal.SIGILL, AT_CODE),
    Fault("divide", "arithmetic", signal.SIGFPE, AT_CODE),
    Fault("trap", "breakpoint", signal.SIGTRAP),
    Fault("abort", "abort", ABRT),
    Fault("assert", "abort", ABRT, None, "Assertion `sum == 4711' failed"),
    Fault("double_free", "heap_corruption", ABRT, None, "free(): double free detected in tcache 2"),
    Fault("wrong_free", "heap_corruption", ABRT, None, "free(): invalid pointer"),
    Fault("heap_overrun", "heap_corruption", ABRT, None, "malloc(): corrupted top size"),
    Fault("smash", "buffer_overrun", ABRT, None, "stack smashing detected"),
    Fault("fortify", "buffer_overrun", ABRT, None, "buffer overflow detected"),
    Fault("forbidden", "bad_system_call", signal.SIGSYS),
    Fault("raised", "other_exception", SEGV),
    Fault("killed", "other_exception", signal.SIGQUIT),
    Fault("handler_aborts", "abort", ABRT),
    Fault("handler_returns", "access_violation", SEGV, 0),
    Fault("handler_raises", "access_violation", SEGV),
    Fault("blocked", "access_violation", SEGV, 0),
    Fault("throw", "cpp_exception", ABRT, None, "shop::Sold_out: no apples are left", CPP),
    Fault("throw_int", "cpp_exception", ABRT, None, "int", CPP),
    Fault("terminate", "cpp_exception", ABRT, None, None, CPP),
    Fault("noexcept", "cpp_exception", ABRT, None, "std::logic_error: thrown where nothing may be", CPP),
    Fault("rethrow", "cpp_exception", ABRT, None, "shop::Sold_out: no apples are left", CPP),
    Fault("pure_virtual", "cpp_exception", ABRT, None, None, CPP),
)
BY_NAME = {fault.name: fault for fault in FAULTS}
NO_FAULTS = {
    "fine_handled": 0,
    "fine_nothing": 0,
    "fine_seven": 7,
    "fine_terminated": 128 + signal.SIGTERM,
    "fine_hard_killed": 128 + signal.SIGKILL,
}
"""Ways to end that are no crashes, and the exit status."""


def build(name: str, folder: Path) -> Path:
    """The program of a row of `BUILDS` or `WITHOUT_FAULTS`; skips the test where nothing can be built in that way."""
    compiler, *options, source = (BUILDS | WITHOUT_FAULTS)[name]
    if not shutil.which(str(compiler)):
        pytest.skip(f"there is no compiler ({compiler})")
    path = folder / name
    if not path.exists():
        command = [str(compiler), *map(str, options), "-o", str(path)]
        made = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
        if made.returncode:
            empty = subprocess.run([*command, "-x", "c", "-"], input=b"int main() { return 0; }", capture_output=True)
            path.unlink(missing_ok=True)
            assert empty.returncode, made.stderr
            pytest.skip(f"cannot build: {made.stderr.strip().splitlines()[-1]}")
    return path


def check_dump(
    path: Path, fault: Fault, pid: int | None = None, symbols: bool = True, images: tuple[Path, ...] = (Path("/"),)
) -> tuple[Snapshot, Report]:
    """A dump says what its fault was: signal, thread, address, kind, message, function and line."""
    snapshot = mdmp.open_dump(path)
    assert snapshot.issues == ()
    assert len(snapshot.exceptions) == 1
    exception = snapshot.exceptions[0]
    assert signal.Signals(exception.code) == fault.signal
    if fault.address == AT_CODE:
        assert exception.context is not None
        assert exception.address == exception.context.registers["rip"]
    elif fault.address is not None:
        assert exception.address == fault.address
    if pid is not None:
        assert snapshot.process.pid == pid
    facts = snapshot.annotations.process
    assert facts["mdmp.fault"] == fault.kind
    messages = [text for key, text in facts.items() if key.startswith("mdmp.message[")]
    assert fault.message is None or any(fault.message in text for text in messages)
    report = mdmp.analyze(snapshot, images=images)
    assert report.crash is not None
    thread = next(thread for thread in report.threads if thread.tid == exception.tid)
    frames = [place for frame in thread.frames for place in (*frame.inlines, frame)]
    if symbols:
        ours = next(f for f in frames if f.function is not None and f.function == fault.function)
        assert ours.line == fault.line
        assert Path(ours.file or "").name == fault.source.name
        place = f"{fault.function}, {fault.source.name}:{fault.line}"
        seen.note("Linux", fault.name, fault.kind, fault.signal.name, place, facts["mdmp.trigger"])
    return snapshot, report
