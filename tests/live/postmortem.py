"""The machine's handler of crashes for the time of some tests, and everything as it was afterwards."""

import atexit
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import pytest

PATTERN = Path("/proc/sys/kernel/core_pattern")
PIPE_LIMIT = Path("/proc/sys/kernel/core_pipe_limit")
SUID_DUMPABLE = Path("/proc/sys/fs/suid_dumpable")
LOCK = Path("/var/lock/mdmp-test-core-pattern") if Path("/var/lock").is_dir() else Path("/tmp/mdmp-test-core-pattern")
USER, GROUP = 61234, 61235
"""Nobody on this machine."""
POLICY = "[dumps]\nrepeat = 0\ncount = 1000\nmin_free = 0\nlog = false\nnotice = []\n"
PATIENCE = 40.0


def why_not() -> str | None:
    """Why the handler cannot be installed here."""
    if os.geteuid() != 0:
        return "only root may set core_pattern"
    if not os.access(PATTERN, os.W_OK):
        return f"{PATTERN} cannot be written here"
    try:
        PATTERN.write_text(PATTERN.read_text())
    except OSError as problem:
        return f"{PATTERN} cannot be written here: {problem.strerror}"
    return None


@contextlib.contextmanager
def machine() -> Iterator[None]:
    """One test run at a time; the kernel's settings are put back whatever happens, but for a SIGKILL."""
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = {path: path.read_text() for path in (PATTERN, PIPE_LIMIT, SUID_DUMPABLE)}
        if before[PATTERN].startswith("|/") and "mdmp-postmortem-" in before[PATTERN]:
            before[PATTERN], before[PIPE_LIMIT] = "core\n", "0\n"  # of a test run that was killed

        def put_back() -> None:
            for path, text in before.items():
                if path.read_text() != text:
                    path.write_text(text)

        atexit.register(put_back)
        old = signal.signal(signal.SIGTERM, lambda *_: pytest.exit("SIGTERM"))
        try:
            yield
        finally:
            put_back()
            atexit.unregister(put_back)
            signal.signal(signal.SIGTERM, old)


class Handler:
    """Installed inside of the `with`, for programs in `folder` only. Every user may go there."""

    def __init__(self, **options: Any) -> None:
        from mdmp.monitor.linux.places import Places

        self.folder = Path(tempfile.mkdtemp(prefix="mdmp-postmortem-", dir="/var/tmp"))
        self.folder.chmod(0o755)
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        home = self.folder / "home"
        self.places = Places(str(self.folder / "handler"), str(home), str(self.folder / "sysctl.conf"))
        self.before, self.limit_before = PATTERN.read_text().strip(), int(PIPE_LIMIT.read_text())
        self.policy = self.folder / "policy.toml"
        self.policy.write_text(POLICY)
        self.options = {"force": True, "only": f"{self.folder}/*", **options}

    def __enter__(self) -> Self:
        self.install()
        return self

    def __exit__(self, *_: object) -> None:
        from mdmp.monitor.linux.core_pattern import uninstall_linux

        uninstall_linux(self.places)
        self.close()

    def close(self) -> None:
        shutil.rmtree(self.folder)

    def install(self, **options: Any) -> tuple[str, ...]:
        from mdmp.monitor.install import InstallOptions
        from mdmp.monitor.linux.core_pattern import install_linux

        return install_linux(InstallOptions(**{**self.options, **options}), self.places, str(self.policy))

    def program(self, path: Path, name: str = "") -> Path:
        """A copy where it is the handler's business."""
        copy = self.bin / (name or path.name)
        if not copy.exists():
            shutil.copy(path, copy)
            copy.chmod(0o755)
        return copy

    @property
    def entries(self) -> list[dict[str, Any]]:
        log = Path(self.places.log)
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def entry(self, pid: int) -> dict[str, Any]:
        """What the handler noted of a crash, once it has."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for entry in self.entries:
                if entry["pid"] == pid:
                    return entry
            time.sleep(0.02)
        raise AssertionError(f"nothing was noted of process {pid}; last: {self.entries[-3:]}")

    def crash(self, command: Sequence[str | Path], **options: Any) -> dict[str, Any]:
        """Of a program that is started here and crashes."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} | options
        with subprocess.Popen([str(word) for word in command], cwd=self.folder, **options) as process:
            assert process.wait(PATIENCE) < 0
        return self.entry(process.pid)
