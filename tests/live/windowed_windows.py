"""Runs under Windows Python: `windowed_windows.py SECONDS PAUSE` shows a window that answers every PAUSE seconds."""

import ctypes
import sys
import time
from ctypes import wintypes

user32 = ctypes.WinDLL("user32")
WS_VISIBLE = 0x10000000
PM_REMOVE = 1


def show():
    assert user32.CreateWindowExW(0, "STATIC", "shop", WS_VISIBLE, 0, 0, 200, 100, None, None, None, None)


def answer_all():
    message = wintypes.MSG()
    while user32.PeekMessageW(ctypes.byref(message), None, 0, 0, PM_REMOVE):
        user32.DispatchMessageW(ctypes.byref(message))


seconds, pause = map(float, sys.argv[1:])
show()
end = time.monotonic() + seconds
while time.monotonic() < end:
    answer_all()
    time.sleep(pause)
