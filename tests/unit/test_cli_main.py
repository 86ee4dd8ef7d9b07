import os
import signal
import subprocess
import sys

import pytest
from command import assert_refused, mdmp

from mdmp import __version__
from mdmp.cli import __main__, failure
from mdmp.errors import UnusableInputError

LIGHT = {"mdmp", "mdmp.cli", "mdmp.cli.__main__", "mdmp.__main__", "mdmp.version"}
LATE = {"mdmp.api", "mdmp.monitor.one_fault", "mdmp.dumpfile", "mdmp.formats.dwarf", "concurrent.futures", "socket"}


def test_version():
    assert mdmp("--version") == (0, f"mdmp {__version__}\n", "")


def test_help_names_every_command():
    result = mdmp("--help")
    assert result.code == 0
    for name, _, what in __main__.COMMANDS:
        assert name in result.out
        assert what in result.out
    assert mdmp().code == 2


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_start_imports_next_to_nothing(option):
    code = (
        "import sys; before = set(sys.modules); from mdmp.cli.__main__ import main; "
        f"main([{option!r}]); print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.splitlines()[-1].split()) <= LIGHT


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
def test_a_program_is_started_before_what_a_dump_takes_is_imported():
    needed = "mdmp.cli.run, mdmp.monitor.run, mdmp.monitor.policy.load, mdmp.monitor.keeper, mdmp.monitor.linux.trace"
    code = f"import sys; before = set(sys.modules); import {needed}; print(*{LATE} & (set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
def test_options_of_the_other_system():
    assert_refused(mdmp("install", "--via", "wer"), "only Windows")


def test_wrong_usage():
    assert_refused(mdmp("frobnicate"), "frobnicate", "analyze")
    assert_refused(mdmp("lookup"), "FILE", "mdmp lookup --help")
    assert_refused(mdmp("lookup", "file", "1", "--nonsense"), "--nonsense")


def fail(problem):
    def run(arguments):
        raise problem

    return run


@pytest.mark.parametrize(
    ("problem", "code", "line"),
    [
        (UnusableInputError("x.dmp: no\nminidump\x1b[0m"), 2, "mdmp: x.dmp: no minidump?[0m\n"),
        (FileNotFoundError(2, "No such file", "x.dmp"), 2, "mdmp: x.dmp: No such file\n"),
        (MemoryError(), 2, "mdmp: out of memory\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_are_one_line(problem, code, line, monkeypatch, capsys):
    monkeypatch.setattr(__main__, "_run", fail(problem))
    assert __main__.main([]) == code
    assert capsys.readouterr() == ("", line)


def test_a_bug_is_one_line_too(monkeypatch, capsys):
    monkeypatch.delenv("MDMP_TRACEBACK", raising=False)
    monkeypatch.setattr(__main__, "_run", fail(ZeroDivisionError("oops")))
    assert __main__.main([]) == failure.BUG
    out, err = capsys.readouterr()
    assert not out
    assert "please report" in err
    assert "ZeroDivisionError: oops at __main__.py:" in err
    assert err.count("\n") == 1
    monkeypatch.setenv("MDMP_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        __main__.main([])


@pytest.mark.skipif(os.name == "nt", reason="pipes break differently there")
def test_a_closed_pipe_ends_the_command_quietly():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-m", "mdmp", "--help"], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert done.returncode == 141
    assert done.stderr == b""


@pytest.mark.skipif(os.name == "nt", reason="needs SIGINT")
def test_interrupt_while_waiting_for_input(data):
    command = [sys.executable, "-m", "mdmp", "lookup", "--json", str(data / "windows" / "shop.pdb"), "-"]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    # Whoever runs the tests in the background has SIGINT ignored, and children inherit that.
    process = subprocess.Popen(command, **pipes, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    process.stdin.write(b"0x1000\n")
    process.stdin.flush()
    assert process.stdout.readline().startswith(b'{"address": "0x1000"'), "the answer comes before the input ends"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == b""


def test_small_character_sets_get_escapes():
    result = mdmp("frobnicaté", env={"PYTHONIOENCODING": "ascii"})
    assert_refused(result, "frobnicat\\xe9")
