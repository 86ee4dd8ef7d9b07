"""Python programs that have themselves watched, and end in every way."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ended import Ended

import mdmp

SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="these are programs of Linux"),
    pytest.mark.skipif(SCOPE.exists() and SCOPE.read_text().strip() in "23", reason="only root may trace here"),
]
HEAD = """\
import ctypes, faulthandler, os, signal, subprocess, sys, threading, time
import mdmp

def install(**options):
    return mdmp.install_handler(folder=FOLDER, **options)

def tracer():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("TracerPid"))

def crash():
    ctypes.string_at(0)
"""


Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run_program(text: str, *command: str, environment: dict[str, str] | None = None) -> Ended:
        folder = tmp_path / "dumps"
        script = tmp_path / "program.py"
        script.write_text(f"FOLDER = {str(folder)!r}\n{HEAD}\n{textwrap.dedent(text)}")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MDMP_")}
        kept |= {"MDMP_DUMP_NOTICE": "none", "MDMP_DUMP_LOG": "false", "MDMP_DUMP_MIN_FREE": "0"} | (environment or {})
        before = watchers()
        ended = subprocess.run(
            [*command, sys.executable, str(script)], capture_output=True, text=True, timeout=60, env=kept, cwd=tmp_path
        )
        assert_no_watcher_left(before)
        return Ended(ended.returncode, ended.stdout, ended.stderr, sorted(folder.glob("*.dmp")))

    return run_program


def watchers() -> dict[int, str]:
    """Processes of `install_handler`, and the program's number that each names."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if len(words) > 2 and words[-2].startswith(b"mdmp: watches process"):
                found[int(entry.name)] = words[-2].split()[-1].decode()
    return found


def assert_no_watcher_left(before: dict[int, str]) -> None:
    """Of programs that are gone; those that were there `before` are of other tests."""
    for _ in range(200):
        new = {pid: program for pid, program in watchers().items() if pid not in before}
        left = [pid for pid, program in new.items() if not Path(f"/proc/{program}").exists()]
        if not left:
            return
        time.sleep(0.05)
    raise AssertionError(f"watchers outlived their programs: {left}")


def test_a_crash_in_native_code_leaves_a_dump(run: Run) -> None:
    ended = run("install(); crash()")
    assert ended.code == -11
    snapshot = ended.snapshot
    (exception,) = snapshot.exceptions
    assert (exception.code, exception.address) == (11, 0)
    assert snapshot.annotations.process["mdmp.fault"] == "access_violation"
    assert snapshot.annotations.process["mdmp.trigger"] == "handler"
    assert mdmp.analyze(snapshot).findings[0].kind == "null-dereference"


def test_a_crash_in_another_thread_is_told_of_that_thread(run: Run) -> None:
    ended = run(
        """
        install()
        def body():
            print(threading.get_native_id(), flush=True)
            crash()
        threading.Thread(target=body).start()
        time.sleep(30)
        """
    )
    assert ended.code == -11
    assert ended.snapshot.exceptions[0].tid == int(ended.output)
    assert int(ended.output) != ended.snapshot.process.pid


@pytest.mark.parametrize(("code", "number"), [("os.abort()", 6), ("os.kill(os.getpid(), signal.SIGFPE)", 8)])
def test_other_ends(run: Run, code: str, number: int) -> None:
    ended = run(f"install()\n{code}")
    assert ended.code == -number
    assert ended.snapshot.exceptions[0].code == number


def test_an_uncaught_exception_leaves_a_dump_with_its_traceback(run: Run) -> None:
    ended = run(
        """
        install()
        def divide(number):
            return number / 0
        divide(1)
        """
    )
    assert ended.code == 1
    notes = ended.snapshot.annotations.process
    assert notes["mdmp.fault"] == "python_exception"
    assert "ZeroDivisionError: division by zero in divide, program.py:" in notes["mdmp.fault.text"]
    # What Python itself printed is what the dump has.
    assert ended.errors.strip() == notes["mdmp.message[0]"].strip()
    assert ended.errors.count("Traceback") == 1
    assert "type mini" in notes["mdmp.decision[0]"]


def test_an_uncaught_exception_of_a_thread_does_not_end_the_program(run: Run) -> None:
    ended = run(
        """
        install()
        def body():
            raise KeyError("gone")
        threads = [threading.Thread(target=body) for _ in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print("goes on", tracer() != 0)
        """
    )
    assert (ended.code, ended.output) == (0, "goes on True\n")
    assert len(ended.dumps) == 4
    for path in ended.dumps:
        assert "KeyError: 'gone'" in mdmp.open_dump(path).annotations.process["mdmp.message[0]"]


@pytest.mark.parametrize("error", ["KeyboardInterrupt()", "SystemExit(3)", "BrokenPipeError()"])
def test_some_exceptions_are_no_faults(run: Run, error: str) -> None:
    assert run(f"install()\nraise {error}").dumps == []


def test_which_exceptions_count_can_be_said(run: Run) -> None:
    assert run("install(exceptions=False)\n1 / 0").dumps == []
    assert run("install(ignore=(ArithmeticError,))\n1 / 0").dumps == []
    assert len(run("install(ignore=())\nraise KeyboardInterrupt").dumps) == 1


def test_the_policy_decides(run: Run) -> None:
    rules = {"MDMP_DUMP_RULES_PYTHON_EXCEPTION": "none"}
    assert run("install()\n1 / 0", environment=rules).dumps == []
    (path,) = run("install(kind='mini')\ncrash()", environment=rules).dumps
    assert path.stat().st_size < 1 << 20


def test_a_long_traceback_keeps_its_ends(run: Run) -> None:
    ended = run("install()\nraise ValueError('\\u00e9' * 100_000 + 'end')")
    message = ended.snapshot.annotations.process["mdmp.message[0]"]
    assert message.startswith("Traceback") and message.rstrip().endswith("\u00e9\u00e9end")
    assert len(message) < 15_000


@pytest.mark.parametrize("character", ["\\0", "\\u00e9", "\\U00010000", "\\ud800", '"'])
def test_an_exception_may_say_anything(run: Run, character: str) -> None:
    """As much of it as the pipe takes, whatever that is in JSON."""
    ended = run(f"install()\nraise ValueError('{character}' * 50_000)")
    assert ended.snapshot.annotations.process["mdmp.fault"] == "python_exception"
    assert ended.snapshot.annotations.process["mdmp.message[0]"].startswith("Traceback")


def test_a_function_may_have_any_name(run: Run) -> None:
    ended = run("install()\nname = 'f' * 100_000\nexec(f'def {name}(): 1 / 0')\neval(name)()")
    assert "ZeroDivisionError: division by zero in fff" in ended.snapshot.annotations.process["mdmp.fault.text"]


def test_a_program_without_a_free_file_goes_on(run: Run) -> None:
    """Where a pipe for the watcher cannot be made, at whatever place."""
    ended = run("""
        import resource, warnings
        import mdmp.monitor.handler
        warnings.simplefilter("always")
        files = os.listdir("/proc/self/fd")
        for free in range(6):
            with warnings.catch_warnings(record=True) as told:
                resource.setrlimit(resource.RLIMIT_NOFILE, (len(files) - 1 + free, 1000))
                handler = install()
                resource.setrlimit(resource.RLIMIT_NOFILE, (1000, 1000))
            assert "Too many open files" in handler.problem and len(told) == 1, (free, handler.problem)
            assert os.listdir("/proc/self/fd") == files, free
        assert install().problem is None
    """)
    assert (ended.code, ended.errors) == (0, "")


def test_a_report_beside_the_dump(run: Run) -> None:
    ended = run("install(report=True)\ncrash()")
    beside = [path for path in ended.dumps[0].parent.iterdir() if path.name.startswith(ended.dumps[0].stem)]
    assert len(beside) == 2


def test_hooks_that_were_there_are_called(run: Run) -> None:
    ended = run(
        """
        sys.excepthook = lambda kind, *rest: print("before", kind.__name__)
        install()
        1 / 0
        """
    )
    assert ended.output == "before ZeroDivisionError\n"
    assert len(ended.dumps) == 1


def test_close_takes_everything_back(run: Run) -> None:
    ended = run(
        """
        before = sys.excepthook, threading.excepthook
        with install() as handler:
            assert handler.watching and tracer() and sys.excepthook is not before[0]
            watcher = handler.watcher
        assert not tracer() and not handler.watching
        assert (sys.excepthook, threading.excepthook) == before
        while os.path.exists(f"/proc/{watcher}"):  # until init took note
            time.sleep(0.01)
        handler.close()
        assert threading.active_count() == 1
        1 / 0
        """
    )
    assert ended.code == 1 and "AssertionError" not in ended.errors
    assert ended.dumps == []


def test_a_hook_that_was_chained_to_ours_only_passes_on_after_close(run: Run) -> None:
    ended = run(
        """
        handler = install()
        ours = sys.excepthook
        sys.excepthook = lambda *told: ours(*told)
        handler.close()
        1 / 0
        """
    )
    assert "ZeroDivisionError" in ended.errors and ended.dumps == []


def test_it_can_be_installed_twice_and_again(run: Run) -> None:
    ended = run(
        """
        first = install()
        assert install() is first
        first.close()
        second = install()
        assert second is not first and second.watching
        crash()
        """
    )
    assert ended.code == -11
    assert len(ended.dumps) == 1


def test_the_program_has_no_child_thread_or_file_more_than_told(run: Run) -> None:
    ended = run(
        """
        files = set(os.listdir("/proc/self/fd"))
        install()
        assert threading.active_count() == 1
        assert len(set(os.listdir("/proc/self/fd")) - files) == 2
        try:
            print(os.waitpid(-1, 0))
        except ChildProcessError:
            print("no children")
        print(subprocess.run(["true"], close_fds=False).returncode)
        """
    )
    assert (ended.code, ended.output) == (0, "no children\n0\n")


@pytest.mark.parametrize("disposition", ["SIG_IGN", "SIG_DFL"])
def test_whatever_the_program_does_about_children(run: Run, disposition: str) -> None:
    ended = run(f"signal.signal(signal.SIGCHLD, signal.{disposition})\nassert install().watching\ncrash()")
    assert len(ended.dumps) == 1


def test_a_forked_child_is_on_its_own(run: Run) -> None:
    ended = run(
        """
        install()
        if os.fork() == 0:
            assert not tracer()
            1 / 0
        os.wait()
        if os.fork() == 0:
            assert install().watching
            crash()
        os.wait()
        assert tracer()
        """
    )
    assert ended.code == 0, ended.errors
    assert len(ended.dumps) == 1


def test_forked_children_are_followed_when_asked_for(run: Run) -> None:
    ended = run(
        """
        install(follow=True)
        for fault in (lambda: 1 / 0, crash):
            if os.fork() == 0:
                assert tracer()
                fault()
            os.wait()
        assert tracer()
        """
    )
    assert ended.code == 0, ended.errors
    kinds = [mdmp.open_dump(path).annotations.process["mdmp.fault"] for path in ended.dumps]
    assert sorted(kinds) == ["access_violation", "python_exception"]


def test_pools_of_processes_go_on_as_ever(run: Run) -> None:
    ended = run(
        """
        import multiprocessing
        if __name__ == "__main__":
            install()
            for method in ("fork", "spawn", "forkserver"):
                with multiprocessing.get_context(method).Pool(2) as pool:
                    print(pool.map(abs, [1, -2]))
        """
    )
    assert ended.output == "[1, 2]\n" * 3
    assert ended.dumps == []


def test_exec_ends_it(run: Run) -> None:
    ended = run(
        """
        if len(sys.argv) == 1:
            install()
            os.execv(sys.executable, [sys.executable, __file__, "again"])
        assert not tracer()
        assert install().watching
        crash()
        """
    )
    assert ended.code == -11, ended.errors
    assert len(ended.dumps) == 1


def test_the_program_does_not_notice_when_its_watcher_is_killed(run: Run) -> None:
    ended = run(
        """
        handler = install()
        os.kill(handler.watcher, 9)
        while tracer():
            time.sleep(0.01)
        assert not handler.watching
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        handler.close()
        assert install().watching
        print("alive")
        """
    )
    assert (ended.code, ended.output) == (0, "alive\n")


def test_other_signals_to_the_watcher_do_not_end_it(run: Run) -> None:
    ended = run(
        """
        handler = install()
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            subprocess.run([sys.executable, "-c", f"import os; os.kill({handler.watcher}, {int(number)})"])
        time.sleep(0.1)
        assert handler.watching
        crash()
        """
    )
    assert len(ended.dumps) == 1, ended.errors


def test_files_of_the_program_are_not_touched_when_it_closed_ours(run: Run) -> None:
    ended = run(
        """
        handler = install()
        os.closerange(3, 100)
        files = [open(f"{number}", "w") for number in range(4)]
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        handler.close()
        for file in files:
            file.write("mine")
            file.close()
            assert open(file.name).read() == "mine"
        deadline = time.monotonic() + 10  # nobody can wait for a watcher without the pipe to it
        while tracer() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not tracer()
        print("fine")
        """
    )
    assert (ended.code, ended.output) == (0, "fine\n"), ended.errors


def test_faulthandler_may_be_enabled_too(run: Run) -> None:
    ended = run("faulthandler.enable()\ninstall()\ncrash()")
    assert ended.code == -11
    assert "Current thread" in ended.errors
    assert ended.snapshot.exceptions[0].code == 11


def test_a_handled_signal_is_no_crash(run: Run) -> None:
    ended = run(
        """
        install()
        heard = []
        signal.signal(signal.SIGSEGV, lambda *_: heard.append("SEGV"))
        signal.signal(signal.SIGURG, lambda *_: heard.append("URG"))
        os.kill(os.getpid(), signal.SIGSEGV)
        os.kill(os.getpid(), signal.SIGURG)
        print(heard)
        """
    )
    assert (ended.code, ended.output) == (0, "['SEGV', 'URG']\n")
    assert ended.dumps == []


def test_blocked_signals_are_no_hindrance(run: Run) -> None:
    ended = run(
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGURG, signal.SIGTERM, signal.SIGCHLD})
        install()
        sys.excepthook, kept = (lambda *told: (kept(*told), print(signal.pthread_sigmask(0, ())))), sys.excepthook
        1 / 0
        """
    )
    assert len(ended.dumps) == 1
    assert "SIGURG" in ended.output


def test_one_can_do_without_waiting(run: Run) -> None:
    ended = run(
        """
        handler = install(wait=False)
        assert handler.wait(20) and handler.watching
        handler.close()
        began = time.monotonic()
        install(wait=False).close()
        assert time.monotonic() - began < 15
        install(wait=False).wait()
        crash()
        """
    )
    assert ended.code == -11, ended.errors
    assert len(ended.dumps) == 1


@pytest.mark.skipif(not shutil.which("strace"), reason="there is no strace")
def test_a_program_with_a_debugger_is_told_so(run: Run) -> None:
    ended = run(
        """
        import warnings
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            handler = install()
        assert not handler.watching and sys.excepthook is sys.__excepthook__
        print(caught[0].category.__name__, handler.problem)
        try:
            install(strict=True)
        except mdmp.UsageError as problem:
            print(problem)
        """,
        *("strace", "-f", "-e", "trace=none", "-o", "/dev/null"),
    )
    warned, raised = ended.output.splitlines()
    assert warned.startswith("RuntimeWarning") and "strace" in warned and "strace" in raised


def test_a_program_without_an_interpreter_of_its_own(run: Run) -> None:
    ended = run(
        """
        python, sys.executable, sys.frozen = sys.executable, "/bin/false", True
        try:
            install()
        except mdmp.UsageError as problem:
            print(problem)
        assert install(python=python).watching
        """
    )
    assert "python=" in ended.output and ended.code == 0, ended.errors


def test_a_wrong_interpreter_is_told_of(run: Run) -> None:
    ended = run(
        """
        import json, warnings
        found = []
        for python in ("/bin/false", "/nowhere", "/bin/cat"):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                install(python=python)
            found.append(str(caught[0].message))
        print(json.dumps(found))
        """
    )
    told = json.loads(ended.output)
    assert all("no crash dumps of this program" in text for text in told) and "/nowhere" in told[1]


def test_a_wrong_setting_is_told_of(run: Run) -> None:
    ended = run(
        """
        try:
            install(kind="huge", strict=True)
        except mdmp.UsageError as problem:
            print(problem)
        """
    )
    assert "huge" in ended.output
