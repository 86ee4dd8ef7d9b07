"""Fresh dumps: our crash programs run under the machine's Wine; winedbg writes a dump and says what it saw itself."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

import mdmp

FOLDER = Path(__file__).resolve().parent.parent / "data" / "windows"
pytestmark = [
    pytest.mark.wine,
    pytest.mark.skipif(not shutil.which("winedbg"), reason="Wine is not installed (apt-get install wine wine64)"),
]

BLAME = {
    "null_read": ("settings_volume", 14),
    "deep_inline": ("fetch", 15),
    "divide_by_zero": ("average", 51),
    "fast_fail": ("unlink", 124),
    "cpp_throw": ("app::Config::parse_line", 39),
    "named_threads": ("length_of", 16),
}


class Wine:
    """A Wine prefix of our own."""

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        settings = {"WINEPREFIX": str(prefix), "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree=;mshtml="}
        self.environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"} | settings

    def start(self) -> None:
        # Services inherit the output of whoever starts them first: that must be no pipe that somebody waits on.
        self.run("wineserver", "-p60")
        self.run("wine", "wineboot", "-i", timeout=180)

    def run(self, *command: str, timeout: int = 60, **how: Any) -> "subprocess.CompletedProcess[str]":
        quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        return subprocess.run(command, env=self.environment, timeout=timeout, **(how or quiet))

    def crash(self, fault: str, folder: Path) -> str:
        """Runs `faults.exe` into a fault, leaves a dump in the folder, and returns winedbg's report."""
        shutil.copy(FOLDER / "faults.exe", folder)
        # Forward slashes: winedbg takes \n in a path for a line feed.
        commands = f'cont\nminidump "Z:{folder.as_posix()}/{fault}.dmp"\nkill\nquit\n'
        pipes = {"input": commands, "capture_output": True, "text": True, "errors": "replace"}
        return self.run("winedbg", "faults.exe", fault, cwd=folder, **pipes).stdout


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wine]:
    wine = Wine(tmp_path_factory.mktemp("wine") / "prefix")
    try:
        wine.start()
        if not (wine.prefix / "drive_c" / "windows" / "system32" / "kernel32.dll").exists():
            pytest.skip("Wine does not start here (64-bit Wine is needed)")
        yield wine
    finally:
        wine.run("wineserver", "-k")
        shutil.rmtree(wine.prefix, ignore_errors=True)


@pytest.mark.parametrize("fault", BLAME)
def test_a_crash_of_this_minute(fault: str, wine: Wine, tmp_path: Path) -> None:
    said = wine.crash(fault, tmp_path)
    dump = tmp_path / f"{fault}.dmp"
    assert dump.exists(), said
    report = mdmp.analyze(
        mdmp.open_dump(dump), symbols=[FOLDER], images=[wine.prefix / "drive_c" / "windows" / "system32"]
    )
    assert report.blame is not None
    assert (report.blame.function, report.blame.line) == BLAME[fault]
    assert report.crashing_thread is not None
    frames = report.threads[report.crashing_thread].frames
    backtrace = [int(address, 16) for address in re.findall(r"^(?:=>|  )\d+ 0x([0-9a-f]+) ", said, re.MULTILINE)]
    unwound = [address for address, _ in groupby(backtrace)]  # inlined functions have a line of their own there
    assert len(unwound) > 4
    assert [frame.instruction for frame in frames] == unwound
    assert {frame.trust for frame in frames[1:]} == {"cfi"}
    assert not report.issues
