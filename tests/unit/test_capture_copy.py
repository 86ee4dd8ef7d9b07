"""A copy of a process whose thread died on us is not left behind."""

import os
import subprocess
import sys

import pytest

if sys.platform != "linux":
    pytest.skip("copies of processes are made on Linux", allow_module_level=True)

from mdmp.capture.linux import copy
from mdmp.capture.linux.freeze import Frozen
from mdmp.capture.linux.inject import InjectionError
from mdmp.capture.linux.memory import LiveMemory
from mdmp.capture.linux.proc import Proc
from mdmp.snapshot import Context


@pytest.mark.parametrize("fails_in", ["call", "finish"])
def test_it_ends_when_the_thread_is_lost(fails_in: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(["/bin/sleep", "100"]) as child:

        class Injection:
            def __init__(self, *_: object) -> None:
                self.child = 0

            def call(self, *_: object) -> int:
                self.child = child.pid
                if fails_in == "call":
                    raise InjectionError("the thread has stopped for another reason")
                return child.pid

            def finish(self) -> None:
                if fails_in == "finish":
                    raise ProcessLookupError("somebody has killed it")

        monkeypatch.setattr(copy, "find_spot", lambda *_: 0)
        monkeypatch.setattr(copy, "_settle", lambda *_: None)
        monkeypatch.setattr(copy, "Injection", Injection)
        frozen = Frozen(Proc(os.getpid()), 1.0)
        frozen.signals[1] = 0
        try:
            with pytest.raises((InjectionError, OSError)):
                copy.make_copy(frozen, {1: Context("amd64", {})}, (), LiveMemory(os.getpid(), ()))
            with pytest.raises(ProcessLookupError):
                os.kill(child.pid, 0)
        finally:
            child.kill()
