"""Captures a process without a copy, says so, and holds it until it is ended itself. Run by Windows Python."""

import sys
import time

import mdmp

with mdmp.capture_process(int(sys.argv[1]), copy=False) as snapshot:
    print(len(snapshot.threads or ()), flush=True)
    time.sleep(60)
