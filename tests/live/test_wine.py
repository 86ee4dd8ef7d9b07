"""Fresh dumps: our crash programs run under the machine's Wine; winedbg writes a dump and says what it saw itself."""

import re
import shutil
from itertools import groupby
from pathlib import Path

import pytest
from wine import PROGRAMS, Wine

import mdmp

pytestmark = pytest.mark.wine

BLAME = {
    "null_read": ("settings_volume", 14),
    "deep_inline": ("fetch", 15),
    "divide_by_zero": ("average", 51),
    "fast_fail": ("unlink", 124),
    "cpp_throw": ("app::Config::parse_line", 39),
    "named_threads": ("length_of", 16),
}


def crash(wine: Wine, fault: str, folder: Path) -> str:
    """Runs `faults.exe` into a fault, leaves a dump in the folder, and returns winedbg's report."""
    shutil.copy(PROGRAMS / "faults.exe", folder)
    # Forward slashes: winedbg takes \n in a path for a line feed.
    commands = f'cont\nminidump "Z:{folder.as_posix()}/{fault}.dmp"\nkill\nquit\n'
    return wine.run("winedbg", "faults.exe", fault, cwd=folder, input=commands).stdout


@pytest.mark.parametrize("fault", BLAME)
def test_a_crash_of_this_minute(fault: str, wine: Wine, tmp_path: Path) -> None:
    said = crash(wine, fault, tmp_path)
    dump = tmp_path / f"{fault}.dmp"
    assert dump.exists(), said
    report = mdmp.analyze(
        mdmp.open_dump(dump), symbols=[PROGRAMS], images=[wine.prefix / "drive_c" / "windows" / "system32"]
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
