"""The machine's Wine, with a prefix of our own and Windows Python in it."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import demangle

IMPORTS = (Path(__file__).resolve().parent.parent.parent / "src", Path(demangle.__file__).resolve().parent.parent)
"""Folders that have mdmp, and what it needs besides of Python alone."""
PROGRAMS = Path(__file__).resolve().parent.parent / "data" / "windows"
"""Crash programs with their PDBs."""
AE_DEBUG = r"HKLM\Software\Microsoft\Windows NT\CurrentVersion\AeDebug"
DRIVERS = r"HKCU\Software\Wine\Drivers"
"""Of the desktop: with `null` it has windows, but no display."""


class Wine:
    """A Windows of our own. Commands are `wine PROGRAM.exe …`, `wineserver …`, `winedbg …`."""

    def __init__(self, prefix: Path, python: Path | None = None) -> None:
        """`python`: the folder that `windows_python.py` made."""
        self.prefix = prefix
        self._python = python
        self._idle: subprocess.Popen[bytes] | None = None
        settings = {
            "WINEPREFIX": str(prefix),
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree=;mshtml=",
            "PYTHONPATH": ";".join(map(self.path, IMPORTS)),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"} | settings

    def start(self) -> None:
        # Services inherit the output of whoever starts them first: that must be no pipe that somebody waits on.
        quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        for command in (
            ("wineserver", "-p60"),
            ("wine", "reg", "add", DRIVERS, "/v", "Graphics", "/d", "null", "/f"),
            ("wineserver", "-k"),  # a desktop reads that when it begins
            ("wineserver", "-p60"),
            ("wine", "wineboot", "-i"),
            ("wine", "reg", "add", AE_DEBUG, "/v", "Debugger", "/d", "false", "/f"),
        ):
            subprocess.run(command, env=self.environment, timeout=180, **quiet)
        # While one program runs, so do the services; otherwise they end and start again, with such a pipe.
        self._idle = subprocess.Popen(["wine", "cmd"], env=self.environment, **(quiet | {"stdin": subprocess.PIPE}))

    @property
    def works(self) -> bool:
        return (self.prefix / "drive_c" / "windows" / "system32" / "kernel32.dll").exists()

    @property
    def runs_32_bits(self) -> bool:
        return (self.prefix / "drive_c" / "windows" / "syswow64" / "kernel32.dll").exists()

    def stop(self) -> None:
        """Ends all that runs in this prefix, and removes it."""
        subprocess.run(["wineserver", "-k"], env=self.environment, timeout=60)
        if self._idle:
            self._idle.kill()
            self._idle.communicate(timeout=60)
        shutil.rmtree(self.prefix, ignore_errors=True)

    def run(self, *command: str | Path, timeout: int = 60, **how: Any) -> "subprocess.CompletedProcess[str]":
        """With its output as text, unless `how` says otherwise."""
        pipes = {"capture_output": True, "text": True, "errors": "replace"}
        pipes |= {} if "input" in how else {"stdin": subprocess.DEVNULL}
        return subprocess.run(command, timeout=timeout, **({"env": self.environment} | pipes | how))

    def spawn(self, *command: str | Path, **how: Any) -> "subprocess.Popen[str]":
        """Starts a command whose standard input and output are pipes (Windows Python takes no files)."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        return subprocess.Popen(command, **({"env": self.environment} | pipes | how))

    @property
    def python(self) -> Path:
        assert self._python is not None, "this Wine has no Windows Python"
        return self._python / "python.exe"

    def run_python(self, *arguments: str | Path, **how: Any) -> "subprocess.CompletedProcess[str]":
        """Windows Python, which can import mdmp."""
        return self.run("wine", self.python, *arguments, **how)

    def run_mdmp(self, *arguments: str | Path, **how: Any) -> "subprocess.CompletedProcess[str]":
        return self.run_python("-m", "mdmp.cli", *arguments, **how)

    @staticmethod
    def path(path: Path) -> str:
        """What Windows programs call a file: `Z:\\tmp\\a.dmp`."""
        return "Z:" + str(path.absolute()).replace("/", "\\")
