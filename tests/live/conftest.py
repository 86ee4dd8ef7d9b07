"""Wine for the tests of Windows: started once for all of them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import seen
from wine import Wine


@pytest.fixture(scope="session")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wine]:
    """Wine, with Windows Python when `MDMP_WINDOWS_PYTHON` names the folder that `windows_python.py` made."""
    if not shutil.which("winedbg"):
        pytest.skip("Wine is not installed (apt-get install wine wine64)")
    python = os.environ.get("MDMP_WINDOWS_PYTHON")
    wine = Wine(tmp_path_factory.mktemp("wine") / "prefix", Path(python) if python else None)
    try:
        wine.start()
        if not wine.works:
            pytest.skip("Wine does not start here (64-bit Wine is needed)")
        yield wine
    finally:
        wine.stop()


@pytest.fixture(scope="session")
def windows(request: pytest.FixtureRequest) -> Wine:
    """Wine with Windows Python."""
    if not os.environ.get("MDMP_WINDOWS_PYTHON"):
        pytest.skip("there is no Windows Python (MDMP_WINDOWS_PYTHON: the folder that windows_python.py made)")
    found: Wine = request.getfixturevalue("wine")
    return found


@pytest.fixture(scope="session")
def windows_of_both_widths(windows: Wine) -> Wine:
    """It runs 32-bit programs, too."""
    if not windows.runs_32_bits:
        pytest.skip("this Wine runs no 32-bit programs (.ci/wine32 makes one that does)")
    return windows


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Faults, and the ways in which their dumps came to be; `MDMP_FAULT_TABLE` names a file to write it to as well."""
    rows = list(seen.table())
    if rows:
        terminalreporter.section("dumps of faults that were right in everything")
        for row in rows:
            terminalreporter.write_line(row)
        if path := os.environ.get("MDMP_FAULT_TABLE"):
            Path(path).write_text("\n".join(rows) + "\n", encoding="utf-8")
