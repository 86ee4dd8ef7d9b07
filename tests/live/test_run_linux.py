"""Programs that crash on this machine under `mdmp run` and `mdmp attach`: one dump each, and nothing else changes."""

import contextlib
import errno
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from copies import CAN_COPY
from fault_table import BY_NAME, FAULTS, NO_FAULTS, Fault, build, check_dump

import mdmp
from mdmp.monitor.keeper import Keeper, Outcome
from mdmp.monitor.options import MonitorOptions
from mdmp.monitor.policy.environment import command_line_source
from mdmp.monitor.policy.policy import Policy
from mdmp.monitor.run import attach
from mdmp.monitor.run import run as run_program

pty = pytest.importorskip("pty", reason="these are programs of Linux")
SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="these are programs of Linux"),
    pytest.mark.skipif(SCOPE.exists() and SCOPE.read_text().strip() == "3", reason="nobody may trace here"),
]
only_parents = pytest.mark.skipif(
    SCOPE.exists() and SCOPE.read_text().strip() != "0" and getattr(os, "geteuid", int)() != 0,
    reason="only parents may trace here",
)
ENVIRONMENT = {**os.environ, "MDMP_DUMP_NOTICE": "none", "MDMP_DUMP_LOG": "no", "MDMP_DUMP_REPEAT": "0"}
ENVIRONMENT |= {"MDMP_DUMP_COUNT": "100", "MDMP_DUMP_MIN_FREE": "0", "XDG_CONFIG_HOME": "/nonexistent"}
TOLD = re.compile(r"mdmp: (?P<name>.+) \(pid (?P<pid>\d+)\): (?P<text>.+); dump (?P<path>.+) \((?P<size>.+)\)")


ABORTED = BY_NAME["handler_aborts"]
SEEN = {"handler_aborts": ABORTED._replace(kind="access_violation", signal=signal.SIGSEGV, address=0)}
"""Whoever traces a program sees what its own handler makes another signal of."""
FINDINGS = {
    "heap_corruption": "heap-corruption",
    "buffer_overrun": "stack-buffer-overrun",
    "cpp_exception": "uncaught-exception",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("programs")


class Command:
    """`mdmp …`, with its dumps in a folder."""

    def __init__(self, dumps: Path, *arguments: object, **options: object) -> None:
        self.dumps = dumps
        command, *rest = map(str, arguments)
        words = [sys.executable, "-m", "mdmp.cli", command, "-o", str(dumps), *rest]
        settings = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(words, env=ENVIRONMENT, **{**settings, **options})  # type: ignore[call-overload]

    def end(self, status: int, told: int) -> list[re.Match[str]]:
        """Waits for it; what it told of dumps, of which there have to be so many."""
        out, self.err = self.process.communicate(timeout=30)
        self.out = out
        found = [match for line in self.err.splitlines() if (match := TOLD.fullmatch(line))]
        assert (self.process.returncode, len(found), len(list(self.dumps.glob("*.dmp")))) == (
            status,
            told,
            told,
        ), self.err
        return found


def run(dumps: Path, *arguments: object, status: int = 0, told: int = 0) -> list[re.Match[str]]:
    return Command(dumps, "run", *arguments).end(status, told)


@pytest.fixture
def victims() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that have to be gone at the end."""
    found: list[subprocess.Popen[str]] = []
    yield found
    for process in found:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.communicate(timeout=10)


def start(victims: list[subprocess.Popen[str]], *command: object) -> subprocess.Popen[str]:
    words = list(map(str, command))
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    victims.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def wait_for_tracer(pid: int, wanted: bool = True) -> None:
    deadline = time.monotonic() + 10
    while ("TracerPid:\t0\n" in Path(f"/proc/{pid}/status").read_text()) == wanted:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def program_of(fault: Fault, folder: Path) -> Path:
    return build("cpp" if fault.source.suffix == ".cpp" else "faults", folder)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_faults_of_a_program_that_we_start(fault: Fault, folder: Path, tmp_path: Path) -> None:
    """By the API; what the command line adds is the same for all faults."""
    keeper, outcomes = keeping(tmp_path)
    assert run_program([str(program_of(fault, folder)), fault.name], keeper, MonitorOptions(), print) == fault.status
    (outcome,) = outcomes
    assert outcome.saved is not None
    pid = outcome.fault.subject.pid
    snapshot, report = check_dump(Path(outcome.saved.path), SEEN.get(fault.name, fault), pid)
    assert (snapshot.exceptions[0].tid, outcome.fault.code) == (pid, snapshot.exceptions[0].code)
    assert fault.message is None or fault.message in outcome.fault.text
    if fault.kind in FINDINGS and fault.message:
        finding = report.findings[0]
        assert finding.kind == FINDINGS[fault.kind]
        assert any(fault.message in text for text in (finding.title, *finding.evidence))


@only_parents
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_faults_of_a_program_that_runs(
    fault: Fault, folder: Path, tmp_path: Path, victims: list[subprocess.Popen[str]]
) -> None:
    program = start(victims, program_of(fault, folder), fault.name, "wait")
    (outcome,) = attached(program, tmp_path)
    program.communicate(timeout=10)
    assert 128 - program.returncode == fault.status
    assert outcome.saved is not None
    check_dump(Path(outcome.saved.path), SEEN.get(fault.name, fault), program.pid)


def keeping(dumps: Path) -> tuple[Keeper, list[Outcome]]:
    """A keeper for which no policy of this machine counts, and what it will have made of faults."""
    outcomes: list[Outcome] = []
    settings = {"folder": str(dumps), "repeat": 0, "min_free": 0, "log": False, "notice": "none"}
    return Keeper(Policy((command_line_source(settings),)), tell=outcomes.append), outcomes


def attached(program: subprocess.Popen[str], dumps: Path) -> list[Outcome]:
    """What becomes of a program that goes on when it is watched, by us, in this process."""
    keeper, outcomes = keeping(dumps)
    attach(program.pid, keeper, MonitorOptions(watching=lambda: print("go", file=program.stdin, flush=True)), print)
    return outcomes


@pytest.mark.parametrize("name", ["null", "overflow", "double_free", "handler_aborts", "forbidden"])
def test_faults_of_other_threads(name: str, folder: Path, tmp_path: Path) -> None:
    fault = BY_NAME[name]
    (told,) = run(tmp_path, "--", build("faults", folder), name, "thread", status=fault.status, told=1)
    snapshot, _ = check_dump(Path(told["path"]), SEEN.get(name, fault), int(told["pid"]))
    assert len(snapshot.threads or ()) == 5
    assert snapshot.exceptions[0].tid not in (None, snapshot.process.pid)


@pytest.mark.parametrize("kind", ["fixed", "static", "stripped"])
@pytest.mark.parametrize("name", ["null", "double_free", "smash", "assert"])
def test_other_kinds_of_programs(kind: str, name: str, folder: Path, tmp_path: Path) -> None:
    fault = BY_NAME[name]
    (told,) = run(tmp_path, "--", build(kind, folder), name, status=fault.status, told=1)
    check_dump(Path(told["path"]), fault, symbols=kind != "stripped")


def test_a_static_program_of_cpp(folder: Path, tmp_path: Path) -> None:
    fault = BY_NAME["throw"]
    (told,) = run(tmp_path, "--", build("static_cpp", folder), "throw", status=fault.status, told=1)
    check_dump(Path(told["path"]), fault)


def test_a_program_of_32_bits(folder: Path, tmp_path: Path) -> None:
    (told,) = run(tmp_path, "--", build("32", folder), status=128 + signal.SIGSEGV, told=1)
    snapshot = mdmp.open_dump(told["path"])
    assert snapshot.system.cpu == "x86"
    fault = Fault("null", "access_violation", signal.SIGSEGV, 0)
    exception = snapshot.exceptions[0]
    assert (exception.code, exception.address) == (fault.signal, 0)
    frame = mdmp.analyze(snapshot, images=[folder]).threads[0].frames[0]
    assert (frame.function, frame.line) == ("crash_null", 3)


def test_python_that_crashes(tmp_path: Path) -> None:
    code = "import ctypes, threading\nt = threading.Thread(target=ctypes.string_at, args=(16,))\nt.start(); t.join()"
    for options in ([], ["-X", "faulthandler"]):
        dumps = tmp_path / f"dumps{len(options)}"
        (told,) = run(dumps, "--", sys.executable, *options, "-c", code, status=128 + signal.SIGSEGV, told=1)
        (exception,) = mdmp.open_dump(told["path"]).exceptions
        assert (exception.code, exception.flags, exception.address) == (signal.SIGSEGV, 1, 16)
        assert exception.tid not in (None, int(told["pid"]))


@pytest.mark.parametrize("name", NO_FAULTS)
def test_no_faults(name: str, folder: Path, tmp_path: Path) -> None:
    run(tmp_path, "--", build("faults", folder), name, status=NO_FAULTS[name])


def test_a_caught_exception(folder: Path, tmp_path: Path) -> None:
    run(tmp_path, "--", build("cpp", folder), "fine_caught")


def test_signals_that_are_asked_for(folder: Path, tmp_path: Path) -> None:
    program = build("faults", folder)
    (told,) = run(tmp_path / "1", "--signal", "TERM", "--", program, "fine_terminated", status=143, told=1)
    assert mdmp.open_dump(told["path"]).annotations.process["mdmp.fault"] == "signal"
    (told,) = run(tmp_path / "2", "--first-chance", "segv", "--", program, "fine_handled", told=1)
    assert mdmp.open_dump(told["path"]).annotations.process["mdmp.fault"] == "handled_exception"


def test_the_end_of_a_process(folder: Path, tmp_path: Path) -> None:
    program = build("faults", folder)
    (told,) = run(tmp_path / "1", "--exit-code", "7", "--", program, "fine_seven", status=7, told=1)
    snapshot = mdmp.open_dump(told["path"])
    assert snapshot.annotations.process["mdmp.fault.text"] == "ended with exit code 7"
    assert not snapshot.exceptions
    functions = [frame.function for frame in mdmp.analyze(snapshot, images=[folder]).threads[0].frames]
    assert "fine_seven" in functions
    run(tmp_path / "2", "--exit-code", "8", "--", program, "fine_seven", status=7)
    run(tmp_path / "3", "--exit-code", "any", "--", program, "fine_seven", "thread", status=7, told=1)


def test_conditions(tmp_path: Path) -> None:
    code = "import time, threading\nkept = bytearray(200 << 20)\nt = threading.Thread(target=time.sleep, args=(0.6,))\n"
    code += "t.start()\ntime.sleep(0.6)\nt.join()"
    (told,) = run(tmp_path, "--memory", "150M", "--", sys.executable, "-c", code, told=1)
    snapshot = mdmp.open_dump(told["path"])
    assert snapshot.annotations.process["mdmp.fault"] == "memory"
    how = "it stood still for" if CAN_COPY else "captured live, read while it stood still"
    assert any(how in note for note in snapshot.annotations.comments)


def test_a_busy_program_that_is_copied_again_and_again(folder: Path, tmp_path: Path) -> None:
    """Its threads and children come and go, signals arrive, dumps are made of it meanwhile: no call of it fails."""
    options = ("--memory", "64K", "-n", "5", "-s", "0.3", "--type", "mini")
    command = Command(tmp_path, "run", *options, "--", build("busy", folder), 3)
    told = command.end(6, 5)
    assert command.out == "busy: 1 failed: 0\n"
    dumps = [mdmp.open_dump(match["path"]) for match in told]
    assert all(dump.annotations.process["mdmp.fault"] == "memory" and not dump.exceptions for dump in dumps)
    if CAN_COPY:
        assert sum("read from a copy" in text for dump in dumps for text in dump.annotations.comments) >= 3


def test_a_busy_program_that_crashes(folder: Path, tmp_path: Path) -> None:
    options = ("--memory", "64K", "-n", "99", "-s", "0.5", "--type", "mini")
    command = Command(tmp_path, "run", *options, "--", build("busy", folder), 1, "crash")
    _, command.err = command.process.communicate(timeout=60)
    assert command.process.returncode == 128 + signal.SIGSEGV
    assert "SIGSEGV at 0x8 in thread" in command.err


def test_ignored_signals_interrupt_nothing(tmp_path: Path) -> None:
    """The kernel drops them at once, unless a program is traced; by ctypes nobody starts calls again."""
    code = (
        "import ctypes, os, select, signal, threading, time\n"
        "def signals():\n"
        "    for number in (signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH, signal.SIGUSR1):\n"
        "        time.sleep(0.1)\n"
        "        os.kill(os.getpid(), number)\n"
        "signal.signal(signal.SIGUSR1, signal.SIG_IGN)\n"
        "threading.Thread(target=signals).start()\n"
        "events, libc = select.epoll(), ctypes.CDLL(None)\n"
        "print(libc.epoll_wait(events.fileno(), ctypes.create_string_buffer(12), 1, 1000))\n"
    )
    command = Command(tmp_path, "run", "--", sys.executable, "-c", code)
    command.end(0, 0)
    assert command.out == "0\n"


def test_an_exit_status_and_files_are_passed(tmp_path: Path) -> None:
    command = Command(tmp_path, "run", "--", "sh", "-c", "cat; echo bad >&2; exit 43", stdin=subprocess.PIPE)
    assert command.process.stdin is not None
    command.process.stdin.write("some text")
    command.end(43, 0)
    assert (command.out, command.err) == ("some text", "bad\n")


def test_programs_that_cannot_be_started(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("echo of a script without a first line\nexit 3\n")
    run(tmp_path / "dumps", "--", script, status=126)
    run(tmp_path / "dumps", "--", tmp_path / "missing", status=127)
    run(tmp_path / "dumps", "--", tmp_path, status=126)
    script.chmod(0o755)
    run(tmp_path / "dumps", "--", script, status=3)
    script.write_text("#!/missing/interpreter\n")
    run(tmp_path / "dumps", "--", script, status=127)


def test_no_thread_is_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    keeper, _ = keeping(tmp_path)
    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(mdmp.UsageError, match="ulimit -u"):
        attach(os.getppid(), keeper, MonitorOptions(), print)


@pytest.mark.parametrize(("number", "goes_on"), [(signal.SIGSEGV, False), (signal.SIGUSR1, True)])
def test_no_thread_is_to_be_had_for_a_dump(
    number: int, goes_on: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name.startswith("mdmp dump"):
            raise RuntimeError("can't start new thread")
        begin(thread)

    keeper, outcomes = keeping(tmp_path)
    monkeypatch.setattr(threading.Thread, "start", start)
    code = f"import os, signal; signal.signal({signal.SIGUSR1}, print); os.kill(os.getpid(), {int(number)}); print(1)"
    options = MonitorOptions(signals=(int(number),))
    status = run_program([sys.executable, "-c", code], keeper, options, print)
    assert status == (0 if goes_on else 128 + number)
    (outcome,) = outcomes
    assert outcome.saved and not outcome.problem and not outcome.notes
    snapshot = mdmp.open_dump(outcome.saved.path)
    assert not snapshot.issues and snapshot.exceptions[0].code == number


def test_no_process_is_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fork() -> int:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    keeper, _ = keeping(tmp_path)
    monkeypatch.setattr(os, "fork", fork)
    files = os.listdir("/proc/self/fd")
    with pytest.raises(mdmp.UsageError, match="the system makes no process: "):
        run_program(["sh"], keeper, MonitorOptions(), print)
    assert os.listdir("/proc/self/fd") == files


def test_the_program_is_as_without_us(tmp_path: Path) -> None:
    code = (
        "import os, signal\n"
        "status = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
        "print([status[key].strip() for key in ('SigBlk', 'SigIgn', 'SigCgt')], sorted(os.listdir('/proc/self/fd')))\n"
        "print(os.getcwd(), os.getpgid(0) == os.getpgid(os.getppid()), os.getsid(0) == os.getsid(os.getppid()))\n"
    )
    words = [sys.executable, "-c", code]
    plain = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    command = Command(tmp_path, "run", "--", *words)
    command.end(0, 0)
    assert command.out == plain.stdout


def test_files_that_are_closed(folder: Path, tmp_path: Path) -> None:
    for number, closed in enumerate(("<&-", ">&-", "2>&-", "<&- >&- 2>&-")):
        dumps = tmp_path / str(number)
        command = [sys.executable, "-m", "mdmp.cli", "run", "-o", str(dumps), "--", build("faults", folder), "null"]
        script = f'exec "$@" {closed}'
        done = subprocess.run(["sh", "-c", script, "sh", *command], env=ENVIRONMENT, capture_output=True, check=False)
        assert done.returncode == 139
        (path,) = dumps.glob("*.dmp")
        check_dump(path, BY_NAME["null"])
    command = [sys.executable, "-m", "mdmp.cli", "run", "--", "readlink", "/proc/self/fd/2"]
    assert subprocess.run(["sh", "-c", 'exec "$@" 2>&-', "sh", *command], env=ENVIRONMENT, check=False).returncode == 1


def test_signals_to_us_are_passed_on_once(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\n"
        "def got(number, _): print(signal.Signals(number).name, flush=True)\n"
        "for name in ('SIGTERM', 'SIGUSR1', 'SIGHUP'): signal.signal(getattr(signal, name), got)\n"
        "print('ready', flush=True)\n"
        "end = time.monotonic() + 1.5\n"
        "while time.monotonic() < end: time.sleep(0.05)\n"
        "sys.exit(5)"
    )
    command = Command(tmp_path, "run", "--", sys.executable, "-c", code, start_new_session=True)
    assert command.process.stdout is not None
    assert command.process.stdout.readline() == "ready\n"
    command.process.send_signal(signal.SIGUSR1)
    time.sleep(0.3)
    command.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    os.killpg(command.process.pid, signal.SIGHUP)
    command.end(5, 0)
    assert command.out == "SIGUSR1\nSIGTERM\nSIGHUP\n"


class Terminal:
    """A session with a terminal of its own, in which a shell with job control runs."""

    def __init__(self) -> None:
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.execve("/bin/sh", ["sh", "-i"], {**ENVIRONMENT, "PS1": "", "ENV": ""})
        self.text = ""
        self.send("set -m; stty -echo; echo be''gin")
        self.wait_for("begin")

    def send(self, line: str) -> None:
        self.press(f"{line}\n")

    def press(self, keys: str) -> None:
        os.write(self.file, keys.encode())

    def wait_for(self, text: str) -> None:
        """What came before is forgotten."""
        deadline = time.monotonic() + 15
        while text not in self.text:
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self.file], [], [], left)[0], self.text
            self.text += os.read(self.file, 4096).decode()
        self.text = self.text.partition(text)[2]

    def close(self) -> None:
        os.close(self.file)  # ends the session: all in it get SIGHUP
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


def test_a_terminal_is_passed_through(terminal: Terminal, tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, time\nn = 0\ndef got(*_):\n global n\n n += 1\n print('interrupts:', n, flush=True)\n"
    )
    code += "signal.signal(signal.SIGINT, got)\nprint('terminal:', os.isatty(0), flush=True)\n"
    code += "while (line := sys.stdin.readline()) != 'end\\n': print('line:', line, flush=True)\nsys.exit(5)"
    script = tmp_path / "script.py"
    script.write_text(code)
    terminal.send(f"{sys.executable} -m mdmp.cli run -- {sys.executable} {script}")
    terminal.wait_for("terminal: True")
    terminal.send("hello")
    terminal.wait_for("line: hello")
    terminal.press("\x03")
    terminal.wait_for("interrupts: 1")
    terminal.press("\x1a")
    terminal.wait_for("Stopped")
    terminal.send("fg")
    time.sleep(0.2)
    terminal.send("again")
    terminal.wait_for("line: again")
    terminal.press("\x1a")
    terminal.wait_for("Stopped")
    terminal.send("fg; echo stat''us $?")
    time.sleep(0.2)
    terminal.press("\x03")
    terminal.wait_for("interrupts: 2")
    terminal.send("end")
    terminal.wait_for("status 5")


def test_a_terminals_keys_end_a_program(terminal: Terminal, tmp_path: Path) -> None:
    for keys, status, told in (("\x03", 130, ""), ("\x1c", 131, "SIGQUIT")):
        terminal.send(f"{sys.executable} -m mdmp.cli run -o {tmp_path} -- sh -c 'echo go; cat'; echo stat''us $?")
        terminal.wait_for("go")
        time.sleep(0.1)
        terminal.press(keys)
        if told:
            terminal.wait_for(told)
        terminal.wait_for(f"status {status}")


def test_a_program_goes_on_without_us(tmp_path: Path, victims: list[subprocess.Popen[str]]) -> None:
    code = "import os, sys, time\nprint(os.getpid(), flush=True)\ntime.sleep(30)"
    command = Command(tmp_path, "run", "--", sys.executable, "-c", code)
    assert command.process.stdout is not None
    pid = int(command.process.stdout.readline())
    command.process.kill()
    command.process.wait(10)
    wait_for_tracer(pid, False)
    assert Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] == "S"
    os.kill(pid, signal.SIGKILL)
    command.process.communicate()


@only_parents
def test_an_attached_process_is_let_go(folder: Path, tmp_path: Path, victims: list[subprocess.Popen[str]]) -> None:
    program = start(victims, build("faults", folder), "fine_seven", "wait")
    for number in (signal.SIGINT, signal.SIGKILL):
        command = Command(tmp_path, "attach", program.pid)
        wait_for_tracer(program.pid)
        other = Command(tmp_path, "attach", program.pid)
        other.end(2, 0)
        assert "traces it already" in other.err
        command.process.send_signal(number)
        command.end(0 if number == signal.SIGINT else -number, 0)
        wait_for_tracer(program.pid, False)
    program.communicate("go\n", timeout=10)
    assert program.returncode == 7


@only_parents
def test_attach_by_name(folder: Path, tmp_path: Path, victims: list[subprocess.Popen[str]]) -> None:
    program = build("faults", folder)
    named = shutil.copy(program, tmp_path / f"named{os.getpid()}")
    for name in ("", named.name):
        Command(tmp_path / "dumps", "attach", name).end(2, 0)
    waiting = Command(tmp_path / "dumps", "attach", "--wait", named.name)
    assert waiting.process.stderr is not None
    assert "waiting" in waiting.process.stderr.readline()
    first = start(victims, named, "null", "wait")
    wait_for_tracer(first.pid)
    second = start(victims, named, "null", "wait")
    several = Command(tmp_path / "dumps", "attach", named.name)
    several.end(2, 0)
    assert str(first.pid) in several.err and str(second.pid) in several.err
    first.communicate("go\n", timeout=10)
    (told,) = waiting.end(0, 1)
    assert int(told["pid"]) == first.pid
    by_name = Command(tmp_path / "more", "attach", named.name)
    wait_for_tracer(second.pid)
    second.communicate("go\n", timeout=10)
    by_name.end(0, 1)


def test_children_are_followed(folder: Path, tmp_path: Path) -> None:
    program = build("faults", folder)
    script = f"{program} null; {program} fine_handled; ({program} abort); {program} divide thread & wait; exit 9"
    told = run(tmp_path / "yes", "--follow", "-n", "9", "--", "sh", "-c", script, status=9, told=3)
    pids = [int(match["pid"]) for match in told]
    assert len(set(pids)) == 3
    for match, name in zip(told, ("null", "abort", "divide"), strict=True):
        check_dump(Path(match["path"]), BY_NAME[name], int(match["pid"]))
    run(tmp_path / "no", "-n", "9", "--", "sh", "-c", script, status=9)


def test_a_program_that_becomes_another(folder: Path, tmp_path: Path) -> None:
    program = build("faults", folder)
    (told,) = run(tmp_path / "1", "--", "sh", "-c", f"exec {program} null thread", status=139, told=1)
    assert told["name"] == "faults"
    check_dump(Path(told["path"]), BY_NAME["null"])
    code = f"import os, threading\nthreading.Thread(target=os.execv, args=({str(program)!r}, ['x', 'null'])).start()"
    (told,) = run(tmp_path / "2", "--", sys.executable, "-c", code, status=139, told=1)
    check_dump(Path(told["path"]), BY_NAME["null"])


def test_many_crash_at_once(folder: Path, tmp_path: Path) -> None:
    program = build("faults", folder)
    script = f"for i in $(seq 50); do {program} null & done; wait"
    told = run(tmp_path / "one", "--follow", "-n", "50", "--type", "mini", "--", "sh", "-c", script, told=50)
    assert len({match["pid"] for match in told}) == 50
    for match in told:
        snapshot = mdmp.open_dump(match["path"])
        assert (snapshot.issues, snapshot.process.pid) == ((), int(match["pid"]))
