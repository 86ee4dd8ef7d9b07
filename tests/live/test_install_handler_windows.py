"""Programs of Windows Python that have themselves watched; run under Wine."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from ended import Ended
from wine import Wine

import mdmp
from mdmp.monitor.doctor import crash

pytestmark = pytest.mark.wine
HEAD = """\
import os, sys, threading, time
import mdmp
from mdmp.monitor.doctor import crash
from mdmp.monitor.windows.own_debugger import has_debugger

def install(**options):
    return mdmp.install_handler(folder=FOLDER, **options)
"""


Run = Callable[[str], Ended]


@pytest.fixture
def run(windows: Wine, tmp_path: Path) -> Run:
    def run_program(text: str) -> Ended:
        folder, script = tmp_path / "dumps", tmp_path / "program.py"
        script.write_text(f"FOLDER = {windows.path(folder)!r}\n{HEAD}\n{textwrap.dedent(text)}")
        settings = {"MDMP_DUMP_MIN_FREE": "0", "MDMP_DUMP_TYPE": "mini", "MDMP_DUMP_REPEAT": "0"}
        done = windows.run_python(script, env=windows.environment | settings, timeout=120)
        return Ended(done.returncode, done.stdout, done.stderr, sorted(folder.glob("*.dmp")))

    return run_program


@pytest.mark.parametrize(
    ("kind", "code", "fault"),
    [
        ("null_read", 0xC0000005, "access_violation"),
        ("null_read_in_thread", 0xC0000005, "access_violation"),
        ("cpp_exception", crash.CPP_EXCEPTION, "cpp_exception"),
        ("stack_overflow", 0xC00000FD, "stack_overflow"),
    ],
)
def test_a_crash_in_native_code_leaves_a_dump(run: Run, kind: str, code: int, fault: str) -> None:
    snapshot = run(f"install()\ncrash.KINDS[{kind!r}]()").snapshot
    (exception,) = snapshot.exceptions
    assert exception.code == code
    assert exception.tid != snapshot.threads[0].tid
    assert snapshot.annotations.process["mdmp.fault"] == fault
    assert snapshot.annotations.process["mdmp.trigger"] == "handler"


def test_a_fault_that_ctypes_handles_is_no_crash(run: Run) -> None:
    ended = run("install()\ncrash.handled()\nprint('goes on')")
    assert (ended.output.strip(), ended.dumps) == ("goes on", [])


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
    snapshot = ended.snapshot
    notes = snapshot.annotations.process
    assert notes["mdmp.fault"] == "python_exception"
    assert notes["mdmp.message[0]"].split() == ended.errors.split()
    assert not any("mdmp handler" in text for text in notes.values())
    report = mdmp.analyze(snapshot)
    assert report.blame is not None and report.blame.function == "divide"
    assert report.signature == "python:ZeroDivisionError | divide | <module>"


def test_an_uncaught_exception_of_a_thread_does_not_end_the_program(run: Run) -> None:
    ended = run(
        """
        install()
        def body():
            print(threading.get_native_id())
            raise KeyError("\\u20ac" * 20_000)
        thread = threading.Thread(target=body)
        thread.start()
        thread.join()
        print("goes on", has_debugger())
        """
    )
    tid, rest = ended.output.split("\n", 1)
    assert (ended.code, rest.strip()) == (0, "goes on True")
    (exception,) = ended.snapshot.exceptions
    assert exception.tid == int(tid)
    assert "\u20ac" * 100 in ended.snapshot.annotations.process["mdmp.message[0]"]


def test_close_and_again(run: Run) -> None:
    ended = run(
        """
        with install() as handler:
            assert handler.watching and has_debugger() and install() is handler
        assert not has_debugger() and not handler.watching
        assert sys.excepthook is sys.__excepthook__
        assert install().watching
        print("fine")
        """
    )
    assert (ended.output.strip(), ended.dumps) == ("fine", []), ended.errors


def test_the_program_does_not_notice_when_its_watcher_is_killed(run: Run) -> None:
    ended = run(
        """
        handler = install()
        os.kill(handler.watcher, 9)
        for _ in range(100):
            if not has_debugger():
                break
            time.sleep(0.1)
        assert not handler.watching
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        handler.close()
        print("alive")
        """
    )
    assert (ended.output.strip(), ended.dumps) == ("alive", []), ended.errors
