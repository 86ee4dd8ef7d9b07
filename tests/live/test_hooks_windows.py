"""`mdmp install` on Windows: the registry of a real Wine, and crashes of unrelated programs that start mdmp."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_table_windows import BY_NAME, WATCHED, check_dump
from wine import IMPORTS, Wine

pytestmark = pytest.mark.wine
AE_DEBUG = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\AeDebug"
WER = r"SOFTWARE\Microsoft\Windows\Windows Error Reporting"
RUN = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Run"
OUT_OF_REACH = ("stack_overflow", "stack_probe", "fast_fail", "stack_cookie", "run_time_abort", "heap_damage")
"""Faults for which Wine starts no debugger, and Windows does."""
READ = """
import json, sys, winreg
found = {}
for half, view in (("64", winreg.KEY_WOW64_64KEY), ("32", winreg.KEY_WOW64_32KEY)):
    for path in sys.argv[1:]:
        try:
            key = winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, 0, winreg.KEY_READ | view)
        except FileNotFoundError:
            continue
        with key:
            values = [winreg.EnumValue(key, index) for index in range(winreg.QueryInfoKey(key)[1])]
            found[half + path] = {name: value for name, value, _ in values}
print(json.dumps(found))
"""


class Registry:
    def __init__(self, windows: Wine) -> None:
        self._windows = windows

    def read(self) -> dict[str, dict[str, Any]]:
        """All values of the keys that matter here, by half and path; those that exist."""
        paths = (AE_DEBUG, RUN, r"SOFTWARE\mdmp", WER, WER + r"\LocalDumps", WER + r"\LocalDumps\shop.exe")
        found: dict[str, dict[str, Any]] = json.loads(self._windows.run_python("-c", READ, *paths).stdout)
        return found

    def set_changes(self, text: str) -> None:
        """What mdmp remembers."""
        key = "HKLM\\SOFTWARE\\mdmp"
        self._windows.run("wine", "reg", "add", key, "/v", "Changes", "/d", text, "/f", "/reg:64")

    def set_debugger(self, command: str) -> None:
        self._windows.run("wine", "reg", "add", "HKLM\\" + AE_DEBUG, "/v", "Debugger", "/d", command, "/f", "/reg:64")


class Mdmp:
    """mdmp as an installation has it: Windows Python finds it without being told by the environment."""

    def __init__(self, windows: Wine, folder: Path) -> None:
        self._windows = windows
        for file in windows.python.parent.iterdir():
            (folder / file.name).symlink_to(file.resolve())
        self.python = folder / "python.exe"
        self.python.unlink()
        self.python.write_bytes(windows.python.read_bytes())
        # The one without a console: all that differs is the subsystem in its headers.
        image = bytearray(windows.python.read_bytes())
        image[int.from_bytes(image[60:64], "little") + 0x5C] = 2
        (folder / "pythonw.exe").write_bytes(image)
        (folder / "mdmp.pth").write_text("\n".join(map(windows.path, IMPORTS)))

    def __call__(self, *arguments: str, code: int = 0) -> str:
        done = self._windows.run("wine", self.python, "-I", "-m", "mdmp", *arguments)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if done.returncode < 2 else done.stderr


@pytest.fixture(scope="module")
def registry(windows: Wine) -> Registry:
    return Registry(windows)


@pytest.fixture(scope="module")
def installed(windows: Wine, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mdmp]:
    """`mdmp install`, done twice: that is harmless. At the end all is as it was before."""
    run = Mdmp(windows, tmp_path_factory.mktemp("python"))
    before = registry.read()
    try:
        run("install")
        run("install")
        yield run
    finally:
        run("uninstall")
        after = registry.read()
    assert after == before


def test_it_is_the_debugger_of_both_halves(registry: Registry, installed: Mdmp) -> None:
    found = registry.read()
    for half in ("64", "32"):
        assert "pythonw.exe" in found[half + AE_DEBUG]["Debugger"]
        assert "-m mdmp postmortem --pid %ld --event %ld --jit %p" in found[half + AE_DEBUG]["Debugger"]
        assert found[half + AE_DEBUG]["Auto"] == "1"
    status = json.loads(installed("status", "--json"))
    assert (status["facts"]["via"], status["working"], status["problems"]) == ("aedebug", True, [])


@pytest.mark.parametrize("name", [name for name in BY_NAME if name not in OUT_OF_REACH])
def test_a_crash_starts_mdmp(name: str, windows: Wine, installed: Mdmp) -> None:
    """A program that knows nothing of mdmp, and was not started by it.

    Wine starts a debugger without the environment of its program: the user's folders are found all the same.
    """
    users = windows.prefix / "drive_c" / "users"
    for old in users.glob("*/AppData/Local/CrashDumps/*"):
        old.unlink()
    windows.run("wine", WATCHED / "watched.exe", name)
    deadline = time.monotonic() + 30
    while not (dumps := list(users.glob("*/AppData/Local/CrashDumps/*.dmp"))) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(dumps) == 1
    check_dump(dumps[0], BY_NAME[name], "postmortem", windows.prefix / "drive_c" / "windows" / "system32")


def test_what_others_changed_stays(registry: Registry, installed: Mdmp) -> None:
    ours = registry.read()["64" + AE_DEBUG]["Debugger"]
    registry.set_debugger("other.exe %ld")
    try:
        assert "changed by somebody else" in installed("status", code=1)
        assert "changed by somebody else since" in installed("uninstall")
        assert registry.read()["64" + AE_DEBUG]["Debugger"] == "other.exe %ld"
    finally:
        registry.set_debugger("false")  # as it was, and `installed` expects
        installed("install")
    assert registry.read()["64" + AE_DEBUG]["Debugger"] == ours


def test_values_of_any_type_are_put_back(windows: Wine, registry: Registry, installed: Mdmp) -> None:
    def values() -> str:
        return windows.run("wine", "reg", "query", "HKLM\\" + AE_DEBUG, "/reg:64").stdout

    installed("uninstall")
    try:
        for name, kind, data in (("Debugger", "REG_BINARY", "6100"), ("Auto", "REG_NONE", "")):
            more = ("/t", kind, "/d", data, "/f", "/reg:64")
            windows.run("wine", "reg", "add", "HKLM\\" + AE_DEBUG, "/v", name, *more)
        before = values()
        assert "REG_BINARY" in before and "REG_NONE" in before
        assert json.loads(installed("status", "--json", code=1))["facts"]["aedebug64_debugger"] == "61 00"
        installed("install")
        assert "REG_BINARY" not in values()
        installed("uninstall")
        assert values() == before
    finally:
        windows.run("wine", "reg", "add", "HKLM\\" + AE_DEBUG, "/v", "Auto", "/d", "1", "/f", "/reg:64")
        registry.set_debugger("false")  # as it was, and `installed` expects
        installed("install")


def test_what_others_removed_is_gone(windows: Wine, registry: Registry, installed: Mdmp) -> None:
    """The key that had to be made goes nevertheless."""
    aedebug = registry.read()
    installed("install", "--via", "wer")
    for name in ("DumpFolder", "DumpCount", "DumpType", "CustomDumpFlags"):
        windows.run("wine", "reg", "delete", "HKLM\\" + WER + r"\LocalDumps", "/v", name, "/f", "/reg:64")
    installed("install")
    assert registry.read() == aedebug
    try:
        windows.run("wine", "reg", "delete", "HKLM\\" + AE_DEBUG, "/v", "Debugger", "/f", "/reg:64")
        assert "removed by somebody else since" in installed("uninstall")
        assert "Debugger" not in registry.read()["64" + AE_DEBUG]
    finally:
        registry.set_debugger("false")
        installed("install")


def test_what_mdmp_did_not_remember(registry: Registry, installed: Mdmp) -> None:
    ours = registry.read()["64SOFTWARE\\mdmp"]["Changes"]
    try:
        for text in ('[["a",2,3,4,5]]', "[[256, 5, 3, 4, 5]]", '[[1, "a", "b", 1, "c"]]', "[5]", "5", "[" * 9999):
            registry.set_changes(text)
            for command in ("status", "install", "uninstall"):
                assert "not what mdmp wrote there" in installed(command, code=2), (text, command)
    finally:
        registry.set_changes(ours)


def test_local_dumps_for_one_program(registry: Registry, installed: Mdmp) -> None:
    """What was installed the other way goes. So does the key that had to be made: its existence alone would have
    Windows write dumps of all programs."""
    aedebug = registry.read()
    assert "64" + WER + r"\LocalDumps" not in aedebug
    installed("install", "--via", "wer", "--only", "shop.exe")
    found = registry.read()
    assert "mdmp" not in found["64" + AE_DEBUG]["Debugger"]
    values = found["64" + WER + r"\LocalDumps\shop.exe"]
    assert values["DumpFolder"] == r"%LOCALAPPDATA%\CrashDumps" and values["DumpCount"] == 10
    assert values["DumpType"] == 0 and values["CustomDumpFlags"] & 0x200
    assert found["64" + RUN]["mdmp"].endswith("-m mdmp watch")
    facts = json.loads(installed("status", "--json"))["facts"]
    assert (facts["via"], facts["program"], facts["localdumps_DumpType"]) == ("wer", "shop.exe", 0)
    installed("install")
    assert registry.read() == aedebug


def test_what_cannot_be_installed(windows: Wine, registry: Registry, installed: Mdmp) -> None:
    before = registry.read()
    # Only the environment tells this one where mdmp is.
    assert "would not find mdmp at a crash" in windows.run_mdmp("install").stderr
    installed("install", "--via", "wer", "--only", "bin\\shop.exe", code=2)
    installed("install", "--via", "wer", "--only", "x" * 256, code=2)  # no key can have that name
    assert registry.read() == before
