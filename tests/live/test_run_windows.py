"""`mdmp run` and `mdmp attach` on Windows: real programs under Wine, watched by mdmp under Windows Python.

`docs/windows-differences.md` lists what the tests allow Wine that Windows does not do.
"""

import json
import re
import shutil
import subprocess
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from fault_table_windows import AV, BY_NAME, FAULTS, WATCHED, check_dump
from wine import Wine

import mdmp
from mdmp.report import Report
from mdmp.snapshot import Snapshot

pytestmark = pytest.mark.wine
HERE = Path(__file__).resolve().parent
HELPER = HERE / "watching_windows.py"
LLDB_GOES_ASTRAY = ("cpp_throw", "heap_damage", "stack_probe")
NARROW = ("null_read", "breakpoint", "stack_overflow", "divide_by_zero", "told_name", "debug_output", "fast_fail")


def job(how: str, name: str, *command: str, options: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    program = WATCHED / command[0]
    return {"name": name, "how": how, "command": [Wine.path(program), *command[1:]], "options": options, **more}


JOBS = [
    *(job("run", f"run-{fault.name}", "watched.exe", fault.name) for fault in FAULTS),
    *(job("attach", f"attach-{fault.name}", "watched.exe", "wait", fault.name) for fault in FAULTS),
    *(
        job("run", f"throws-{name}", "throws.exe", name)
        for name in ("uncaught", "noexcept", "own_handler", "number", "again", "caught_abort", "caught_exit")
    ),
    *(job("run", f"wow64-{name}", "watched32.exe", name) for name in NARROW),
    *(job("attach", f"wow64-attach-{name}", "watched32.exe", "wait", name) for name in NARROW[:2]),
    job("run", "wow64-ended", "watched32.exe", "end", "5", options=("--exit-code", "5")),
    job("run", "handled", "watched.exe", "handled"),
    job("run", "first-chance", "watched.exe", "handled", options=("--first-chance", "ACCESS_*", "-n", "2")),
    job("run", "first-chance-class", "watched.exe", "cpp_throw", options=("--first-chance", "App::Error")),
    job("run", "ended", "watched.exe", "end", "3735928559", options=("--exit-code", "0xDEADBEEF")),
    job("run", "ended-otherwise", "watched.exe", "end", "4", options=("--exit-code", "3")),
    job("run", "terminated", "watched.exe", "terminated", "7", options=("--exit-code", "any")),
    job("run", "child", "watched.exe", "parent", "null_read", options=("--follow",)),
    job("run", "no-crash", "watched.exe", "null_read", options=("--no-crash", "--exit-code", "3")),
    job("run", "memory", "watched.exe", "hungry", "40", options=("--memory", "30M",)),
    job("run", "threads", "watched.exe", "crowded", "12", options=("--threads", "10",)),
    job("run", "hang", "watched.exe", "idle", "1500", options=("--heartbeat", "nobody-touches-it", "--hang", "0.5")),
    job("attach", "let-go", "watched.exe", "wait", "end", "6", options=("--memory", "64K"), delay=3),
    job("attach", "interrupted", "watched.exe", "wait", "end", "6", delay=2, interrupt=1),
    job("run", "dbghelp-null_read", "watched.exe", "null_read", options=("--writer", "dbghelp")),
    job("run", "dbghelp-fast_fail", "watched.exe", "fast_fail", options=("--writer", "dbghelp")),
]  # fmt: skip


class Results:
    def __init__(self, folder: Path, system: Path) -> None:
        self.folder = folder
        self.system = system
        """Wine's own DLLs."""
        self._results = json.loads((folder / "results.json").read_text())

    def __getitem__(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._results[name]
        return found

    def dumps(self, name: str) -> list[Path]:
        return sorted((self.folder / name).glob("*.dmp"))

    def dump(self, name: str) -> Path:
        (dump,) = self.dumps(name)
        return dump

    def open(self, name: str) -> tuple[Snapshot, Report]:
        snapshot = mdmp.open_dump(self.dump(name))
        assert snapshot.issues == ()
        return snapshot, mdmp.analyze(snapshot, symbols=[WATCHED], images=[WATCHED, self.system])


@pytest.fixture(scope="module")
def results(windows: Wine, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """All jobs, done in one Windows Python: that takes seconds to start, and a job tenths of one."""
    folder = tmp_path_factory.mktemp("dumps")
    jobs = folder / "jobs.json"
    jobs.write_text(json.dumps(JOBS))
    done = windows.run_python(HELPER, jobs, folder, timeout=300, cwd=WATCHED)
    assert (folder / "results.json").exists(), done.stdout + done.stderr
    return Results(folder, windows.prefix / "drive_c" / "windows" / "system32")


@pytest.mark.parametrize("name", BY_NAME)
def test_a_crash_of_a_program_that_mdmp_started(name: str, results: Results) -> None:
    check_dump(results.dump(f"run-{name}"), BY_NAME[name], "run", results.system)
    ended = results[f"run-{name}"]["status"]
    assert ended == BY_NAME[name].code or (name == "stack_overflow" and ended == 0)  # Wine


@pytest.mark.parametrize("name", BY_NAME)
def test_a_crash_of_a_program_that_ran_already(name: str, results: Results) -> None:
    check_dump(results.dump(f"attach-{name}"), BY_NAME[name], "attach", results.system)
    result = results[f"attach-{name}"]
    assert result["status"] == 0
    assert result["ended"] == BY_NAME[name].code or (name == "stack_overflow" and result["ended"] == 0)  # Wine


@pytest.fixture
def narrow(windows_of_both_widths: Wine, results: Results) -> Results:
    return results


@pytest.mark.parametrize("name", NARROW)
def test_a_crash_of_a_32_bit_program(name: str, narrow: Results) -> None:
    """Watched from a 64-bit mdmp."""
    check_dump(narrow.dump(f"wow64-{name}"), BY_NAME[name], "run", narrow.system)
    assert narrow[f"wow64-{name}"]["status"] == BY_NAME[name].code
    snapshot, _ = narrow.open(f"wow64-{name}")
    assert {thread.context.cpu for thread in snapshot.threads or () if thread.context} == {"x86"}


@pytest.mark.parametrize("name", NARROW[:2])
def test_a_crash_of_a_32_bit_program_that_ran_already(name: str, narrow: Results) -> None:
    check_dump(narrow.dump(f"wow64-attach-{name}"), BY_NAME[name], "attach", narrow.system)


def test_the_end_of_a_32_bit_program(narrow: Results) -> None:
    snapshot, report = narrow.open("wow64-ended")
    assert snapshot.annotations.process["mdmp.fault"] == "exit"
    assert {"end", "main"} <= {frame.function for frame in report.threads[0].frames}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("uncaught", "std::runtime_error: a line without '='"),
        ("noexcept", "std::runtime_error: a line without '='"),
        ("own_handler", "std::runtime_error: a line without '='"),
        ("again", "std::runtime_error: a line without '='"),
        ("number", "int"),
    ],
)
def test_a_cpp_exception_that_only_its_library_knows_to_be_uncaught(name: str, message: str, results: Results) -> None:
    snapshot, report = results.open(f"throws-{name}")
    facts = snapshot.annotations.process
    assert (facts["mdmp.fault"], facts["mdmp.message[0]"]) == ("cpp_exception", message)
    assert snapshot.exceptions[0].code == 0x20474343
    assert report.crash is not None
    # The stack is that of the throw still: it was not unwound.
    (thread,) = report.threads
    assert sum(frame.module == "throws.exe" for frame in thread.frames) > 3
    assert results[f"throws-{name}"]["status"] == (4 if name == "own_handler" else 3)


@pytest.mark.parametrize(
    "name", ["throws-caught_abort", "throws-caught_exit", "handled", "no-crash", "ended-otherwise"]
)
def test_nothing_happened(name: str, results: Results) -> None:
    assert results.dumps(name) == []
    wanted = {"handled": 7, "no-crash": AV, "ended-otherwise": 4}
    assert results[name]["status"] == wanted.get(name, 3)


def test_exceptions_that_are_handled_when_asked_for(results: Results) -> None:
    dumps = results.dumps("first-chance")
    assert len(dumps) == 2  # as many as -n allows; the program met five
    assert results["first-chance"]["status"] == 7
    for dump in dumps:
        snapshot = mdmp.open_dump(dump)
        assert snapshot.annotations.process["mdmp.fault"] == "handled_exception"
        assert (snapshot.exceptions[0].code, snapshot.exceptions[0].parameters) == (AV, (0, 8))


def test_exceptions_by_the_name_of_a_base_class(results: Results) -> None:
    snapshot, _ = results.open("first-chance-class")
    assert snapshot.annotations.process["mdmp.message[0]"] == "app::config_error"


def test_an_end_with_a_code(results: Results) -> None:
    """The thread that ends the process is there still, with its stack."""
    snapshot, report = results.open("ended")
    assert snapshot.annotations.process["mdmp.fault"] == "exit"
    assert snapshot.exceptions == ()
    functions = [frame.function for frame in report.threads[0].frames]
    assert {"end", "main", "mainCRTStartup"} <= set(functions)
    assert results["ended"]["status"] == 0xDEADBEEF


def test_an_end_that_cannot_be_held_up(results: Results) -> None:
    """Windows keeps the memory until the debugger has seen the end; Wine does not."""
    assert results.dumps("terminated") or "no dump: " in results["terminated"]["said"]
    assert results["terminated"]["status"] == 7


def test_child_processes(results: Results) -> None:
    _, report = results.open("child")
    assert report.blame is not None
    assert (report.blame.function, report.blame.line) == ("settings_volume", 14)
    assert results["child"]["status"] == 5  # of the parent


@pytest.mark.parametrize("name", ["memory", "threads", "hang"])
def test_what_a_program_uses(name: str, results: Results) -> None:
    """Not how much of the processor: of another process Wine tells our own time."""
    snapshot, report = results.open(name)
    assert snapshot.annotations.process["mdmp.fault"] == name
    assert snapshot.exceptions == ()
    assert "main" in {frame.function for thread in report.threads for frame in thread.frames}
    assert results[name]["status"] == 0


@pytest.mark.parametrize(
    ("seconds", "pause", "texts"), [(5, 2, []), (1, 8, ["its windows do not answer for 5 s"])], ids=["slow", "hanging"]
)
def test_a_window(seconds: int, pause: int, texts: list[str], windows: Wine, tmp_path: Path) -> None:
    script = (windows.python, windows.path(HERE / "windowed_windows.py"), str(seconds), str(pause))
    # The first window starts Wine's desktop, which stays, and inherits the output: that must be no pipe.
    silent = {"capture_output": False, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    done = windows.run_mdmp("run", "-o", windows.path(tmp_path), "--hang", "5", "--", *script, **silent)
    assert done.returncode == 0
    dumps = map(mdmp.open_dump, tmp_path.glob("*.dmp"))
    assert [dump.annotations.process["mdmp.fault.text"] for dump in dumps] == texts


def test_a_process_is_let_go(results: Results) -> None:
    """After the dump it runs on, nobody debugs it, and it ends as it wants."""
    assert len(results.dumps("let-go")) == 1
    assert (results["let-go"]["alive"], results["let-go"]["ended"]) == (True, 6)


def test_ctrl_c_lets_a_process_go(results: Results) -> None:
    assert results.dumps("interrupted") == []
    result = results["interrupted"]
    assert (result["status"], result["alive"], result["ended"]) == (130, True, 6)


@pytest.mark.parametrize("name", ["null_read", "fast_fail"])
def test_windows_own_writer(name: str, results: Results) -> None:
    """It writes no annotations."""
    fault = BY_NAME[name]
    snapshot, report = results.open(f"dbghelp-{name}")
    (exception,) = snapshot.exceptions
    assert (exception.code, exception.parameters) == (fault.code, fault.parameters)
    assert report.blame is not None
    assert (report.blame.function, report.blame.line) == (fault.function, fault.line)


@pytest.mark.parametrize("name", BY_NAME)
def test_winedbg_sees_the_same(name: str, results: Results, windows: Wine) -> None:
    """The innermost frame: for the others it would need memory that all else read from the images. Its line only where
    no call was put inside another."""
    said = windows.run("winedbg", results.dump(f"run-{name}"), cwd=WATCHED).stdout
    _, report = results.open(f"run-{name}")
    assert report.crashing_thread is not None
    innermost = report.threads[report.crashing_thread].frames[0]
    top = re.search(r"^=>0 (?:0x)?([0-9a-f]+)\b(?: (\w+).*\\\w+\.c:(\d+)\])?", said, re.MULTILINE)
    assert top is not None and int(top[1], 16) == innermost.instruction, said
    if name in ("null_read", "named_threads"):
        assert (top[2], int(top[3])) == (innermost.function, innermost.line), said


@pytest.mark.parametrize("name", [name for name in BY_NAME if name not in LLDB_GOES_ASTRAY])
def test_lldb_sees_the_same(name: str, results: Results) -> None:
    lldb = next(filter(None, map(shutil.which, ("lldb-22", "lldb-19", "lldb"))), None)
    if lldb is None:
        pytest.skip("LLDB is not installed")
    (dump,) = results.dumps(f"run-{name}")
    _, report = results.open(f"run-{name}")
    images = f"settings set target.exec-search-paths {WATCHED} {results.system}"
    command = [lldb, "--batch", "--no-lldbinit", "-o", images, "-o", f"target create --core {dump}", "-o", "bt 50"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=WATCHED)
    addresses = [int(address, 16) for address in re.findall(r"frame #\d+: 0x([0-9a-f]+)", done.stdout)]
    theirs = [address for address, _ in groupby(addresses)]  # inlined functions have a line of their own there
    assert report.crashing_thread is not None
    ours = [address for address, _ in groupby(f.instruction for f in report.threads[report.crashing_thread].frames)]
    assert len(theirs) > 1, done.stdout + done.stderr
    assert theirs == ours[: len(theirs)]
    assert BY_NAME[name].function.rpartition("::")[2] in done.stdout


STATUS = """
import subprocess, sys
done = subprocess.run([sys.executable, "-m", "mdmp.cli", "run", *sys.argv[1:]], stdin=subprocess.DEVNULL)
print(hex(done.returncode & 0xFFFFFFFF))
"""


def test_the_command_line(windows: Wine, tmp_path: Path) -> None:
    """The program's output goes where ours goes; its status is ours, all 32 bits of it; a name is found on the path."""
    shutil.copy(WATCHED / "watched.exe", tmp_path)
    shutil.copy(WATCHED / "watched.pdb", tmp_path)
    environment = {**windows.environment, "WINEPATH": windows.path(tmp_path)}
    arguments = ("-c", STATUS, "-o", "dumps", "--", "Watched", "breakpoint")
    done = windows.run_python(*arguments, cwd=tmp_path, env=environment)
    assert done.stdout.splitlines() == ["check failed: samples > 0", "0x80000003"], done.stderr
    assert "breakpoint" in done.stderr
    (dump,) = (tmp_path / "dumps").glob("*.dmp")
    assert dump.name.startswith("watched.exe.")


@pytest.mark.parametrize(("fault", "code"), [("null_read", "C0000005"), ("fast_fail", "C0000409")])
def test_a_crash_of_a_child_that_nobody_watched(fault: str, code: str, windows: Wine, tmp_path: Path) -> None:
    """As in a virtual environment, whose `python.exe` only starts the real one and passes its status on."""
    command = ("--", "cmd.exe", "/c", Wine.path(WATCHED / "watched.exe"), fault)
    done = windows.run_mdmp("run", "-o", windows.path(tmp_path), *command)
    assert f"ended with code {code}, that of a crash, but did not crash itself: --follow" in done.stderr
    assert not list(tmp_path.glob("*.dmp"))
    done = windows.run_mdmp("run", "-o", windows.path(tmp_path), "--follow", *command)
    assert "--follow" not in done.stderr
    assert len(list(tmp_path.glob("*.dmp"))) == 1


def test_a_crash_that_nobody_asked_for(windows: Wine, tmp_path: Path) -> None:
    command = ("--no-crash", "--memory", "50G", "--", Wine.path(WATCHED / "watched.exe"), "null_read")
    done = windows.run_mdmp("run", "-o", windows.path(tmp_path), *command)
    assert (done.stderr, list(tmp_path.iterdir())) == ("", [])


def test_a_program_that_is_not_there(windows: Wine) -> None:
    done = windows.run_mdmp("run", "--", "no_such_program")
    assert "there is no such program" in done.stderr


def test_a_program_that_is_none(windows: Wine, tmp_path: Path) -> None:
    (tmp_path / "a.exe").write_text("nothing of the kind")
    done = windows.run_mdmp("run", "--", windows.path(tmp_path / "a.exe"))
    assert "cannot start" in done.stderr and "%1" not in done.stderr


def test_a_program_whose_dll_is_missing(windows: Wine, tmp_path: Path) -> None:
    program = tmp_path / "a.exe"
    content, count = re.subn(rb"(?i)kernel32\.dll", b"kernel99.dll", (WATCHED / "watched.exe").read_bytes())
    assert count
    program.write_bytes(content)
    done = windows.run_mdmp("run", "--", windows.path(program))
    assert "a.exe ended with code C0000135: a DLL was not found when the program started" in done.stderr


@pytest.mark.parametrize("folder", ["NUL", "Q:\\none", "a<b"])
def test_a_folder_that_cannot_be(folder: str, windows: Wine) -> None:
    done = windows.run_mdmp("run", "-o", folder, "--", "cmd.exe", "/c", "echo", "started")
    assert done.returncode == 2
    assert "cannot be" in done.stderr and not done.stdout


def test_python_crashes_in_native_code(windows: Wine, tmp_path: Path) -> None:
    code = "import ctypes; ctypes.c_int.from_address(8).value"  # what ctypes calls, it guards
    done = windows.run_mdmp("run", "-o", tmp_path, "--", windows.python, "-c", code)
    (dump,) = tmp_path.glob("*.dmp")
    snapshot = mdmp.open_dump(dump)
    assert snapshot.exceptions[0].parameters == (0, 8), done.stderr
    report = mdmp.analyze(snapshot, images=[windows.python.parent])
    assert report.crashing_thread is not None
    assert any(frame.module == "_ctypes.pyd" for frame in report.threads[report.crashing_thread].frames)


HANDLED_OVERFLOW = """
import ctypes
kernel = ctypes.WinDLL("kernel32")
go_on = ctypes.WINFUNCTYPE(ctypes.c_long, ctypes.c_void_p)(lambda _: -1)
kernel.AddVectoredExceptionHandler(1, go_on)
kernel.RaiseException(0xC00000FD, 0, 0, None)
raise SystemExit(11)
"""


def test_a_stack_overflow_that_is_handled_right_before_the_end(windows: Wine, tmp_path: Path) -> None:
    """Wine cannot unwind a real one; the program raises the same code."""
    done = windows.run_mdmp("run", "-o", windows.path(tmp_path), "--", windows.python, "-c", HANDLED_OVERFLOW)
    assert (done.returncode, done.stderr) == (11, "")
    assert not list(tmp_path.iterdir())


REFUSED = """
import ctypes, subprocess, sys
program = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
def attach(pid):
    command = [sys.executable, "-m", "mdmp.cli", "attach", str(pid)]
    print(subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20).stderr)
try:
    attach(program.pid + (1 << 32))
    assert ctypes.WinDLL("kernel32").DebugActiveProcess(program.pid)
    attach(program.pid)
    ctypes.WinDLL("kernel32").DebugActiveProcessStop(program.pid)
finally:
    program.communicate(b"\\n")
attach(program.pid)
"""


def test_what_cannot_be_attached_to(windows: Wine) -> None:
    """A number whose lower 32 bits are those of a process; a process with a debugger; one that has ended, of which
    somebody has a handle still."""
    said = windows.run_python("-c", REFUSED).stdout.split("\n\n")
    assert "there is no process 429" in said[0]
    assert "another debugger is attached already" in said[1]
    assert "it has ended" in said[2]
