"""mdmp runs under Windows Python."""

import pytest
from wine import Wine

pytestmark = pytest.mark.wine


def test_the_command_line(windows: Wine) -> None:
    done = windows.run_mdmp("--version")
    assert (done.returncode, done.stdout.split()[0]) == (0, "mdmp"), done.stderr


def test_the_system_is_windows(windows: Wine) -> None:
    done = windows.run_python("-c", "import sys, mdmp.cli.analyze; print(sys.platform, mdmp.__file__)")
    assert done.stdout.startswith("win32 Z:\\"), done.stderr
