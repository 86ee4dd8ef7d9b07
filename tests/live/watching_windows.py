"""Runs under Windows Python: `watching_windows.py JOBS.json FOLDER` does what each job says, as `mdmp run` or `mdmp
attach` do it, one after the other in one process, and leaves FOLDER/results.json.

A job: `name`, `how` (`run` or `attach`), `command` (program and arguments), `options` (of mdmp).
A result: `status` (what mdmp returned), `ended` (how the program ended, when it was attached to), `said` (on standard
error by mdmp), `alive` (it still ran when mdmp had let it go).
"""

import _thread
import contextlib
import ctypes
import io
import json
import os
import subprocess
import sys
import threading
import time
from ctypes import wintypes

from mdmp.cli.__main__ import main

kernel32 = ctypes.WinDLL("kernel32")


def run(job, options):
    return {"status": main(["run", *options, "--", *job["command"]]) & 0xFFFFFFFF}


def attach(job, options):
    program = subprocess.Popen(
        job["command"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=os.path.dirname(job["command"][0])
    )
    if program.stdout.readline() != b"ready\n":  # a 32-bit program, which this Wine cannot run
        program.wait()
        return {"status": 126}
    mercy = threading.Thread(target=go_on_when_watched, args=(program, job.get("delay", 0)))
    mercy.start()
    if "interrupt" in job:
        threading.Timer(job["interrupt"], _thread.interrupt_main).start()
    status = main(["attach", *options, str(program.pid)])
    alive = program.poll() is None
    program.communicate()
    mercy.join()
    return {"status": status, "ended": program.wait() & 0xFFFFFFFF, "alive": alive}


def go_on_when_watched(program, delay):
    watched = wintypes.BOOL()
    while not watched.value and program.poll() is None:
        kernel32.CheckRemoteDebuggerPresent(wintypes.HANDLE(int(program._handle)), ctypes.byref(watched))
        time.sleep(0.02)
    time.sleep(delay)
    with contextlib.suppress(OSError):
        program.stdin.write(b"\n")
        program.stdin.flush()


def do_all(path, folder):
    with open(path) as file:
        jobs = json.load(file)
    results = {}
    for job in jobs:
        output = os.path.join(folder, job["name"])
        os.mkdir(output)
        began, said = time.monotonic(), io.StringIO()
        with contextlib.redirect_stderr(said):
            result = {"run": run, "attach": attach}[job["how"]](job, ["-o", output, *job.get("options", ())])
        results[job["name"]] = {**result, "said": said.getvalue(), "seconds": time.monotonic() - began}
    with open(os.path.join(folder, "results.json"), "w") as file:
        json.dump(results, file, indent=1)


if __name__ == "__main__":
    do_all(*sys.argv[1:])
