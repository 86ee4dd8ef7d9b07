"""Programs that run on this machine, captured: what is seen of them, and that they notice nothing."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from copies import needs_copy

import mdmp

SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")
ONLY_PARENTS_TRACE = SCOPE.exists() and SCOPE.read_text().strip() != "0" and os.geteuid() != 0
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="these are programs of Linux"),
    pytest.mark.skipif(ONLY_PARENTS_TRACE, reason="only root may trace here (kernel.yama.ptrace_scope)"),
]
SOURCE = Path(__file__).with_name("captured.c")
needs_compiler = pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler (cc)")
needs_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can do it")


class Program:
    """A child with pipes, which answers each line with its counter and the line."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.line() == "ready\n"
        wait_for(lambda: Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].startswith("S"))

    @property
    def pid(self) -> int:
        return self.process.pid

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def ask(self, text: str, interrupted: bool = False) -> int:
        """Its counter: proves that it still runs, and that nothing was printed but, perhaps, of interrupted calls."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()
        line = self.line()
        while interrupted and line.endswith("failed: Interrupted system call\n"):
            line = self.line()
        number, answer = line.split(" ", 1)
        assert answer == f"{text}\n"
        return int(number)

    def end(self, interrupted: bool = False) -> int:
        """Its exit code; nothing more was printed but, perhaps, of interrupted calls."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        rest = self.process.stdout.read().splitlines()
        self.process.stdout.close()
        assert [line for line in rest if not (interrupted and line.endswith("failed: Interrupted system call"))] == []
        return self.process.wait(10)


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("cc"):
        pytest.skip("there is no C compiler (cc)")
    path = tmp_path_factory.mktemp("captured") / "captured"
    subprocess.run(["cc", "-g", "-O1", "-pthread", str(SOURCE), "-o", str(path)], check=True)
    return path


@pytest.fixture
def start(binary: Path) -> Iterator[Callable[..., Program]]:
    programs: list[Program] = []

    def run(*arguments: str) -> Program:
        programs.append(program := Program(str(binary), *arguments))
        if "breed" in arguments:
            wait_for(lambda: {"events", "signals", "counter", "breeder"} <= names(program.pid))
        else:
            wait_for(lambda: states(program.pid) == "SSSR")
        return program

    yield run
    for program in programs:
        with contextlib.suppress(ProcessLookupError):
            program.process.kill()
        program.process.wait(10)
        for pipe in (program.process.stdin, program.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()


def line_of(mark: str) -> int:
    return next(n for n, line in enumerate(SOURCE.read_text().splitlines(), 1) if f"/* {mark} */" in line)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def names(pid: int) -> set[str]:
    found = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # threads come and go
            found.add((task / "comm").read_text().strip())
    return found


def states(pid: int) -> str:
    """The state of each thread that has given itself its name, the main thread first and the counting one last."""
    found = {"captured": "", "events": "", "signals": "", "counter": ""}
    for task in sorted(Path(f"/proc/{pid}/task").iterdir(), key=lambda path: int(path.name)):
        name, state = (task / "stat").read_text().partition(" (")[2].rpartition(") ")[::2]
        if name in found:
            found[name] += state[0]
    return "".join(found.values())


def waiting(pid: int) -> int:
    """How many threads wait for something."""
    return sum(
        (task / "stat").read_text().rpartition(") ")[2][0] == "S" for task in Path(f"/proc/{pid}/task").iterdir()
    )


def children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # threads come and go
            found += map(int, (task / "children").read_text().split())
    return found


@pytest.mark.parametrize("copy", [pytest.param(True, marks=needs_copy), False])
def test_every_thread_is_where_it_is(start: Callable[..., Program], copy: bool) -> None:
    program = start()
    with mdmp.capture_process(program.pid, copy=copy) as snapshot:
        assert not snapshot.issues
        assert not snapshot.exceptions
        assert (snapshot.origin.kind, snapshot.origin.held is not None) == ("live", copy)
        assert snapshot.system.os == "linux"
        assert snapshot.process.pid == program.pid
        assert snapshot.process.command_line is None
        assert snapshot.modules is not None and snapshot.modules[0].name == "captured"
        assert {"libc.so.6", "linux-gate.so"} <= {module.name for module in snapshot.modules}
        assert all(module.debug for module in snapshot.modules)
        assert snapshot.linker is not None and snapshot.auxv
        linked = {module.base for module in snapshot.modules}
        assert {library.base for library in snapshot.linker.libraries} == linked
        assert snapshot.linker.libraries[0].name == ""
        assert {handle.value: handle.type_name for handle in snapshot.handles or ()}[0] == "pipe"
        assert {"maps", "status", "limits", "cpuinfo"} <= snapshot.annotations.texts.keys()
        assert not {"cmdline", "environ"} & snapshot.annotations.texts.keys()
        for thread in snapshot.threads or ():
            context = thread.context
            assert context is not None
            pointer = context.registers["rsp" if context.cpu == "amd64" else "sp"]
            assert thread.stack_start is not None and thread.stack_size is not None
            assert thread.stack_start <= pointer < thread.stack_start + thread.stack_size
            assert snapshot.memory.word(pointer, 8) is not None
            if context.cpu == "amd64":
                # The C library keeps the address of a thread's block at its beginning.
                assert snapshot.memory.word(context.registers["fs_base"], 8) == context.registers["fs_base"]
                assert len(context.xstate or b"") > 64, "from its header on"
        name_of = {thread.tid: thread.name for thread in snapshot.threads or ()}
        report = mdmp.analyze(snapshot)
    stacks = {name_of[thread.tid]: thread.frames for thread in report.threads}
    assert {"captured", "events", "signals", "counter"} == set(stacks)
    expected = {
        "captured": ("answer", "READS HERE", "main"),
        "events": ("wait_for_events", "WAITS HERE", "events"),
        "signals": ("wait_for_signal", "SIGNAL HERE", "signals"),
    }
    for name, (function, mark, caller) in expected.items():
        found = [(frame.function, frame.line) for frame in stacks[name]]
        assert (function, line_of(mark)) in found, found
        assert caller in [frame for frame, _ in found]
    assert stacks["counter"][0].function == "count"
    assert stacks["counter"][0].line in range(line_of("COUNTS HERE") - 1, line_of("COUNTS HERE") + 2)
    assert stacks["counter"][1].function == "counter"
    before = program.ask("and now?")
    wait_for(lambda: program.ask("and now?") > before)
    assert children(program.pid) == []
    assert program.end() == 7


@needs_copy
def test_what_is_in_its_memory(start: Callable[..., Program]) -> None:
    """The copy is of the moment: the program counts on while it is read. Nothing of ours is left in either."""
    program = start()
    with mdmp.capture_process(program.pid) as snapshot:
        assert snapshot.origin.held is not None, snapshot.issues
        code = next(region for region in snapshot.regions or () if region.protection == "r-x")
        seen = snapshot.memory.read(code.start, code.size)
        copies = children(program.pid)
        assert len(copies) == 1
        assert not list(Path(f"/proc/{copies[0]}/fd").iterdir())
        assert program.ask("still there?") > 0
        assert seen == snapshot.memory.read(code.start, code.size)
    assert children(program.pid) == []
    with mdmp.capture_process(program.pid, copy=False) as frozen:
        assert frozen.memory.read(code.start, code.size) == seen
        assert code.name is not None
        with open(code.name, "rb") as file:
            image = file.read()
        assert seen in image or seen.rstrip(b"\0") in image
    assert program.end() == 7


@pytest.mark.slow
@pytest.mark.parametrize("copy", [True, False])
def test_again_and_again(start: Callable[..., Program], copy: bool) -> None:
    """Threads come and go meanwhile; each capture has the others, and the program does not see one of them."""
    program = start("breed")
    for i in range(200):
        with mdmp.capture_process(program.pid, copy=copy) as snapshot:
            assert {"events", "signals", "counter", "breeder"} <= {thread.name for thread in snapshot.threads or ()}
            assert all(thread.context for thread in snapshot.threads or ())
        if i % 20 == 0:
            program.ask(str(i))
    assert children(program.pid) == []
    assert program.end() == 7


@pytest.mark.parametrize("copy", [True, False])
def test_a_stopped_process_stays_stopped(start: Callable[..., Program], copy: bool) -> None:
    program = start()
    os.kill(program.pid, signal.SIGSTOP)
    assert os.WIFSTOPPED(os.waitpid(program.pid, os.WUNTRACED)[1])
    for _ in range(3):
        with mdmp.capture_process(program.pid, copy=copy) as snapshot:
            assert all(thread.context for thread in snapshot.threads or ())
            assert len(snapshot.threads or ()) == 4
    time.sleep(0.1)
    assert Path(f"/proc/{program.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    os.kill(program.pid, signal.SIGCONT)
    assert program.ask("awake?") > 0
    assert program.end() == 7


def test_stopped_while_it_is_copied(start: Callable[..., Program]) -> None:
    """A stop signal that comes between the making of the copy and its end still holds."""
    program = start()
    with mdmp.capture_process(program.pid):
        os.kill(program.pid, signal.SIGSTOP)
        time.sleep(0.1)
    assert children(program.pid) == []
    time.sleep(0.1)
    assert Path(f"/proc/{program.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    os.kill(program.pid, signal.SIGCONT)
    assert program.ask("awake?", interrupted=True) > 0  # by the signal, without our doing
    assert program.end(interrupted=True) == 7


def test_a_call_with_a_time_of_a_socket_starts_again() -> None:
    """By ctypes, where nothing but the kernel starts it again."""
    code = (
        "import ctypes, socket, struct, sys, threading\n"
        "ours, theirs = socket.socketpair()\n"
        "ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack('ll', 60, 0))\n"
        "libc, room = ctypes.CDLL(None), ctypes.create_string_buffer(1)\n"
        "receive = lambda: print(libc.recv(ours.fileno(), room, 1, 0), flush=True)\n"
        "receiver = threading.Thread(target=receive)\n"
        "receiver.start()\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "theirs.send(b'x')\n"
        "receiver.join()\n"
    )
    program = Program(sys.executable, "-c", code)
    wait_for(lambda: waiting(program.pid) == 2)
    for copy in (True, False):
        with mdmp.capture_process(program.pid, copy=copy):
            pass
    output, _ = program.process.communicate("go on\n", timeout=10)
    assert output == "1\n"


@needs_copy
def test_a_program_that_becomes_another_meanwhile() -> None:
    code = (
        "import os, sys\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "then = 'import sys; print(\"ready\", flush=True); sys.stdin.read()'\n"
        "os.execv('/proc/self/exe', [sys.executable, '-c', then])\n"
    )
    program = Program(sys.executable, "-c", code)
    assert program.process.stdin is not None
    with mdmp.capture_process(program.pid) as snapshot:
        assert snapshot.issues == ()
        assert len(children(program.pid)) == 1
        program.process.stdin.write("go on\n")
        program.process.stdin.flush()
        assert program.line() == "ready\n"
    assert children(program.pid) == []
    assert program.end() == 0


@needs_copy
@needs_root
@pytest.mark.skipif(not shutil.which("unshare"), reason="there is no unshare")
def test_in_a_pid_namespace(binary: Path) -> None:
    """Where the copy has another number than for us."""
    outside = Program("unshare", "--pid", "--fork", "--kill-child", str(binary))
    (inside,) = children(outside.pid)
    with mdmp.capture_process(inside) as snapshot:
        assert snapshot.issues == ()
        assert len(children(inside)) == 1
    assert children(inside) == []
    assert outside.ask("fine?") > 0
    assert outside.end() == 7


@needs_root
@pytest.mark.skipif(not shutil.which("unshare"), reason="there is no unshare")
def test_before_the_first_process_of_a_pid_namespace() -> None:
    """With the end of the first one born there nobody could begin another: so that is not the copy."""
    program = Program("unshare", "--pid", "sh", "-c", "echo ready; read line; (echo $line); exit 7")
    with mdmp.capture_process(program.pid) as snapshot:
        assert [issue.place for issue in snapshot.issues] == ["copy"]
    output, _ = program.process.communicate("fine\n", timeout=10)
    assert (output, program.process.returncode) == ("fine\n", 7)


@needs_root
@pytest.mark.parametrize("features", [0, 2])
def test_a_program_that_serves_its_own_page_faults(tmp_path: Path, features: int) -> None:
    """It stands still, so neither the birth of a process (feature 2) nor a page may be asked of it."""
    code = (
        "import ctypes, fcntl, mmap, os, struct, sys\n"
        "file = ctypes.CDLL(None).syscall(323, os.O_CLOEXEC)\n"
        f"fcntl.ioctl(file, 0xC018AA3F, struct.pack('3Q', 0xAA, {features}, 0))\n"
        "room = mmap.mmap(-1, 8192, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
        "room[0] = 1\n"
        "at = ctypes.addressof(ctypes.c_char.from_buffer(room))\n"
        "fcntl.ioctl(file, 0xC020AA00, struct.pack('4Q', at, 8192, 1, 0))\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    try:
        program = Program(sys.executable, "-c", code)
    except AssertionError:
        pytest.skip("there is no userfaultfd here")
    try:
        for option in ((), ("--no-snapshot",)):
            command = [sys.executable, "-m", "mdmp.cli", "capture", str(program.pid), "-o", str(tmp_path / "a.dmp")]
            done = subprocess.run([*command, "--type", "full", *option], capture_output=True, text=True, timeout=30)
            assert done.returncode == 0, done.stderr
            assert ("userfaultfd" in done.stdout) == bool(features and not option)
        assert program.end() == 0
    finally:
        program.process.kill()


def test_a_process_that_ends_meanwhile(start: Callable[..., Program]) -> None:
    for copy in (True, False):
        program = start()
        with mdmp.capture_process(program.pid, copy=copy) as snapshot:
            program.process.kill()
            time.sleep(0.05)
            snapshot.memory.read_some(snapshot.memory.ranges[0][0], 4096)
        assert program.process.wait(10) == -signal.SIGKILL


LOOP = """
import sys, mdmp
print("ready", flush=True)
while True:
    with mdmp.capture_process(int(sys.argv[1])) as snapshot:
        snapshot.memory.read_some(snapshot.memory.ranges[0][0], 4096)
"""


@pytest.mark.slow
def test_death_of_the_capturer(start: Callable[..., Program]) -> None:
    program = start()
    chance = random.Random(4)
    for _ in range(20):
        capturer = subprocess.Popen([sys.executable, "-c", LOOP, str(program.pid)], stdout=subprocess.PIPE, text=True)
        assert capturer.stdout is not None and capturer.stdout.readline() == "ready\n"
        time.sleep(0.1 + chance.random() * 0.1)
        capturer.kill()
        capturer.wait(10)
        capturer.stdout.close()
    # Calls that waited may have been interrupted for good, which is the worst that happens.
    assert program.ask("still there?", interrupted=True) > 0
    assert program.process.stdin is not None
    program.process.stdin.close()
    assert program.process.wait(10) == 7


@needs_copy
def test_a_thread_left_alone_goes_on(start: Callable[..., Program]) -> None:
    """What happens when we die after a thread was sent to instructions of ours: they lead it back by themselves."""
    from mdmp.capture.linux import syscalls
    from mdmp.capture.linux.freeze import freeze
    from mdmp.capture.linux.inject import Injection, find_spot
    from mdmp.capture.linux.memory import LiveMemory, readable
    from mdmp.capture.linux.proc import Proc
    from mdmp.formats.proc.maps import parse_maps

    get_pid = 39
    program = start()
    proc = Proc(program.pid)
    masks = {tid: (proc.text(f"task/{tid}/status") or b"").partition(b"SigBlk:")[2].split()[0] for tid in proc.tids()}
    for tid in masks:
        with freeze(proc, 2.0) as frozen:
            maps = parse_maps(proc.text("maps") or b"")
            spot = find_spot(maps, LiveMemory(program.pid, readable(maps)))
            injection = frozen.call(Injection, tid, spot, maps)
            assert frozen.call(injection.call, get_pid) == program.pid
            frozen.call(syscalls.ptrace, syscalls.Request.DETACH, tid)
        time.sleep(0.01)
        if status := proc.text(f"task/{tid}/status"):  # one whose call was interrupted may have ended
            assert status.partition(b"SigBlk:")[2].split()[0] == masks[tid]
    before = program.ask("fine?", interrupted=True)
    wait_for(lambda: program.ask("fine?", interrupted=True) > before)
    with mdmp.capture_process(program.pid) as snapshot:
        report = mdmp.analyze(snapshot)
    stacks = {thread.name: {frame.function for frame in thread.frames} for thread in report.threads}
    assert {"answer", "main"} <= stacks["captured"]
    assert {"count", "counter"} <= stacks["counter"]
    assert program.process.stdin is not None
    program.process.stdin.close()
    assert program.process.wait(10) == 7


@needs_root
def test_an_unrelated_process(binary: Path, tmp_path: Path) -> None:
    """Somebody else's child: its parent hears of its end as always."""
    script = f"{binary} < {tmp_path}/in > {tmp_path}/out & echo $!; wait $!; echo $?"
    os.mkfifo(tmp_path / "in")
    (tmp_path / "out").touch()
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        with open(tmp_path / "in", "w") as pipe:
            pid = int(shell.stdout.readline())
            while "ready" not in (tmp_path / "out").read_text():
                time.sleep(0.01)
            with mdmp.capture_process(pid) as snapshot:
                assert snapshot.process.pid == pid
            pipe.write("one\n")
        assert shell.stdout.readline() == "7\n"
    assert (tmp_path / "out").read_text().endswith(" one\n")


def test_the_command(start: Callable[..., Program], tmp_path: Path) -> None:
    program = start()
    command = [sys.executable, "-m", "mdmp", "capture", str(program.pid)]
    told = subprocess.run([*command, "--type", "mini"], capture_output=True, text=True, cwd=tmp_path, check=True)
    (made,) = tmp_path.glob(f"captured-{program.pid}-*.dmp")
    assert told.stdout.startswith(made.name)
    assert "it stood still for" in told.stdout
    dump = mdmp.open_dump(made)
    assert not dump.issues
    assert len(dump.threads or ()) == 4
    assert dump.annotations.comments[0].startswith("captured live, read")
    full = tmp_path / "full.dmp"
    subprocess.run([*command, "--type", "full", "--no-snapshot", "-o", str(full)], capture_output=True, check=True)
    report = mdmp.analyze(mdmp.open_dump(full), images=["/"])
    assert "wait_for_events" in {frame.function for thread in report.threads for frame in thread.frames}
    assert program.ask("fine?") > 0
    assert program.end() == 7
    again = subprocess.run(command, capture_output=True, text=True)
    assert (again.returncode, again.stderr) == (2, f"mdmp: there is no process {program.pid}\n")


def test_python(tmp_path: Path) -> None:
    code = "import sys; print('ready', flush=True); [print(0, line, end='', flush=True) for line in sys.stdin]"
    program = Program(sys.executable, "-c", code)
    with mdmp.capture_process(program.pid, command_line=True) as snapshot:
        report = mdmp.analyze(snapshot)
        assert snapshot.process.command_line is not None and "print('ready'" in snapshot.process.command_line
    functions = {frame.function for frame in report.threads[0].frames}
    assert functions & {"read", "__read", "__GI___libc_read", "__libc_read"}
    assert program.ask("well?") == 0
    assert program.end() == 0


@needs_compiler
def test_a_32_bit_process(tmp_path: Path) -> None:
    source = tmp_path / "small.c"
    source.write_text(
        """
        __attribute__((noinline)) int pause_here(void) {
          int r;
          __asm__ volatile("int $0x80" : "=a"(r) : "a"(29) : "memory");
          return r + 1;
        }
        void _start(void) {
          int r;
          static const char text[] = "ready\\n";
          __asm__ volatile("int $0x80" : "=a"(r) : "a"(4), "b"(1), "c"(text), "d"(6) : "memory");
          for (;;) pause_here();
        }
        """
    )
    options = ["-m32", "-g", "-O1", "-fno-pic", "-no-pie", "-nostdlib", "-static", "-fno-stack-protector"]
    built = subprocess.run(["cc", *options, str(source), "-o", str(tmp_path / "small")], capture_output=True)
    if built.returncode:
        pytest.skip("the compiler makes no 32-bit programs")
    try:
        program = Program(str(tmp_path / "small"))
    except OSError:
        pytest.skip("this system runs no 32-bit programs")
    try:
        with mdmp.capture_process(program.pid) as snapshot:
            assert snapshot.system.cpu == "x86"
            assert [thread.context and thread.context.cpu for thread in snapshot.threads or ()] == ["x86"]
            assert [issue.place for issue in snapshot.issues] == ["copy"]
            report = mdmp.analyze(snapshot)
        assert "pause_here" in [frame.function for frame in report.threads[0].frames]
        assert program.process.poll() is None
    finally:
        program.process.kill()
        program.process.communicate(timeout=10)


def test_what_cannot_be_captured() -> None:
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(mdmp.UsageError, match="has ended; nothing is left"), mdmp.capture_process(child.pid):
            pass
    with pytest.raises(mdmp.UsageError, match=f"there is no process {child.pid}"), mdmp.capture_process(child.pid):
        pass
    with pytest.raises(mdmp.UsageError, match="cannot capture itself"), mdmp.capture_process(os.getpid()):
        pass


@needs_root
def test_a_kernel_thread() -> None:
    if not Path("/proc/2/comm").exists() or Path("/proc/2/comm").read_text() != "kthreadd\n":
        pytest.skip("no thread of the kernel is to be seen here")
    message = r"process 2 \(kthreadd\) is a thread of the kernel"
    with pytest.raises(mdmp.UsageError, match=message), mdmp.capture_process(2):
        pass


def test_a_crash_that_we_trace_ourselves(tmp_path: Path) -> None:
    """As a monitor does: it has seized the program, which stops at its fault and then dies of it."""
    from mdmp.capture.linux import syscalls
    from mdmp.capture.linux.capture import capture_linux
    from mdmp.capture.linux.freeze import Traced
    from mdmp.capture.options import CaptureOptions

    code = "import sys, ctypes; print('ready', flush=True); sys.stdin.readline(); ctypes.string_at(16)"
    program = Program(sys.executable, "-c", code)
    syscalls.ptrace(syscalls.Request.SEIZE, program.pid)
    assert program.process.stdin is not None and program.process.stdout is not None
    program.process.stdin.close()
    assert os.WSTOPSIG(os.waitpid(program.pid, syscalls.WALL)[1]) == signal.SIGSEGV
    with capture_linux(program.pid, CaptureOptions(), Traced({program.pid: signal.SIGSEGV})) as snapshot:
        (exception,) = snapshot.exceptions
        assert (exception.tid, exception.code, exception.flags) == (program.pid, signal.SIGSEGV, 1)
        assert exception.address == 16
        assert exception.context is not None
        report = mdmp.analyze(snapshot)
        assert report.crash.address == 16
    syscalls.ptrace(syscalls.Request.CONT, program.pid, 0, signal.SIGSEGV)
    program.process.stdout.close()
    assert program.process.wait(10) == -signal.SIGSEGV


def test_a_traced_process(start: Callable[..., Program]) -> None:
    program = start()
    with mdmp.capture_process(program.pid, copy=False):
        script = "import sys, mdmp\nwith mdmp.capture_process(int(sys.argv[1])): pass"
        other = subprocess.run([sys.executable, "-c", script, str(program.pid)], capture_output=True, text=True)
    assert "traces it already" in other.stderr
    assert program.ask("fine?") > 0
    assert program.end() == 7


@needs_root
def test_another_users_process(start: Callable[..., Program]) -> None:
    program = start()
    script = (
        "import os, sys, mdmp\nimport mdmp.capture.linux.capture\n"
        "capture = mdmp.capture_process\n"  # the other user may not even read where mdmp lies
        "os.setuid(65534)\n"
        "with capture(int(sys.argv[1])): pass"
    )
    other = subprocess.run([sys.executable, "-c", script, str(program.pid)], capture_output=True, text=True)
    assert "belongs to user 0" in other.stderr
    assert program.end() == 7
