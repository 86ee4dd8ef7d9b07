"""What mdmp remembers of a process that it debugs, on Windows Python under the machine's Wine."""

import json

import pytest
from wine import Wine

pytestmark = pytest.mark.wine
REMEMBERED = r"""
import json, os
from mdmp.capture.windows import win32
from mdmp.monitor.options import MonitorOptions
from mdmp.monitor.windows.debuggee import Debuggee
from mdmp.monitor.windows.debugger import Debugger
from mdmp.monitor.windows.events import Event, ThreadBegan, ThreadEnded
from mdmp.monitor.windows.faults import GCC
from mdmp.snapshot import ExceptionRecord

debuggee = Debuggee(1, win32.OpenProcess(0x1FFFFF, False, os.getpid()), 0, True)
debugger = Debugger(None, MonitorOptions(), print, "attach")
debugger._debuggees[1] = debuggee
debugger._handle(Event(1, 7, ThreadBegan(3, 0)))
debuggee.names[7] = "the first one"
debuggee.thrown.throw(ExceptionRecord(7, GCC, 0, 0, (0x1000,)))
debugger._handle(Event(1, 7, ThreadEnded(0)))
debugger._handle(Event(1, 7, ThreadBegan(4, 0)))
for text in ("", "", "a line", ""):
    debuggee.keep_output(text)
print(json.dumps([debuggee.threads, debuggee.names, debuggee.thrown._throws, list(debuggee._output)]))
"""


def test_a_number_of_a_thread_is_given_again(windows: Wine) -> None:
    """Nothing of the one that had it before; and empty texts, which may be many, take no room."""
    done = windows.run_python("-c", REMEMBERED)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [{"7": 4}, {}, {}, ["a line"]]
