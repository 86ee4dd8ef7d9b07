"""LocalDumps in a real registry, that of Wine: written by `winreg` and read by mdmp, and the other way round."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from wine import Wine

pytestmark = pytest.mark.wine

WER = "SOFTWARE\\Microsoft\\Windows\\Windows Error Reporting\\LocalDumps"
POLICIES = "SOFTWARE\\Policies\\Microsoft\\Windows\\Windows Error Reporting\\LocalDumps"
AEDEBUG = "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\AeDebug"
GLOBAL, APP, OTHER = f"HKLM\\{WER}", f"HKLM\\{WER}\\app.exe", f"HKLM\\{WER}\\other.exe"
SZ, EXPAND_SZ, DWORD, QWORD = 1, 2, 4, 11
DEFAULT_FOLDER = "C:\\Users\\ann\\AppData\\Local\\CrashDumps"


class Case(NamedTuple):
    keys: dict[str, dict[str, tuple[int, object]]]
    settings: tuple[int, str, int] = (10, "mini", 0x121)
    """Count, type, flags."""
    folder: str = DEFAULT_FOLDER
    issues: tuple[str, ...] = ()
    """Beginning of the place and words of the problem."""


CASES = {
    "nothing": Case({}, (10, "heap", 0x121)),
    "an empty key is the switch": Case({GLOBAL: {}}, issues=("the key is empty",)),
    "so is one with another product's subkey": Case(
        {OTHER: {"DumpType": (DWORD, 2)}}, issues=("only keys for other.exe",)
    ),
    "values for all": Case(
        {
            GLOBAL: {
                "DumpFolder": (EXPAND_SZ, "%USERPROFILE%\\Dumps"),
                "DumpCount": (DWORD, 3),
                "DumpType": (DWORD, 0),
                "CustomDumpFlags": (DWORD, 0x241),
            }
        },
        (3, "custom", 0x241),
        "C:\\Users\\ann\\Dumps",
    ),
    "a program's own values": Case(
        {
            GLOBAL: {"DumpCount": (DWORD, 3), "DumpType": (DWORD, 1)},
            APP: {"dumptype": (DWORD, 2), "DumpFolder": (EXPAND_SZ, "D:\\d$LOCALAPPDATA")},
        },
        (3, "full", 0x121),
        "D:\\d$LOCALAPPDATA",
    ),
    "a count of 0 is inherited": Case(
        {GLOBAL: {"DumpCount": (DWORD, 0)}, APP: {"DumpType": (DWORD, 2)}},
        (0, "full", 0x121),
        issues=("app.exe: gets no dumps",),
    ),
    "unless the program has its own": Case(
        {GLOBAL: {"DumpCount": (DWORD, 0)}, APP: {"DumpCount": (DWORD, 2)}}, (2, "mini", 0x121)
    ),
    "wrong types": Case(
        {
            GLOBAL: {"DumpType": (SZ, "2"), "DumpCount": (QWORD, 1), "DumpFolder": (DWORD, 5)},
        },
        issues=("DumpFolder: ignored", "DumpCount: ignored", "DumpType: ignored"),
    ),
    "a type that there is not": Case({GLOBAL: {"DumpType": (DWORD, 7)}}, issues=("DumpType: ignored",)),
    "flags without type 0": Case(
        {GLOBAL: {"CustomDumpFlags": (DWORD, 2)}}, (10, "mini", 2), issues=("CustomDumpFlags has no effect",)
    ),
    "full dumps of everything": Case(
        {GLOBAL: {"DumpType": (DWORD, 2)}}, (10, "full", 0x121), issues=("DumpType is 2 for all programs",)
    ),
    "variables in REG_SZ": Case(
        {GLOBAL: {"DumpFolder": (SZ, "%USERPROFILE%\\x")}}, folder="C:\\Users\\ann\\x", issues=("it is REG_SZ",)
    ),
    "a variable that the user has not": Case({GLOBAL: {"DumpFolder": (EXPAND_SZ, "%NOPE%\\x")}}),
    "the user's own hive": Case(
        {f"HKCU\\{WER}": {"DumpType": (DWORD, 2)}}, (10, "heap", 0x121), issues=("HKEY_LOCAL_MACHINE only",)
    ),
    "the part of 32-bit programs": Case(
        {f"HKLM32\\{WER}": {"DumpType": (DWORD, 2)}}, (10, "heap", 0x121), issues=("Wow6432Node",)
    ),
    "an automatic debugger": Case(
        {GLOBAL: {"DumpCount": (DWORD, 3)}, AEDEBUG: {"Debugger": (SZ, "dbg %ld %ld"), "Auto": (SZ, "1")}},
        (3, "mini", 0x121),
        issues=("crashes go to dbg",),
    ),
    "a debugger that asks": Case(
        {GLOBAL: {"DumpCount": (DWORD, 3)}, AEDEBUG: {"Debugger": (SZ, "dbg"), "Auto": (SZ, "0")}}, (3, "mini", 0x121)
    ),
    "group policy": Case(
        {
            APP: {"DumpFolder": (EXPAND_SZ, "D:\\a"), "DumpCount": (DWORD, 1)},
            f"HKLM\\{POLICIES}": {"DumpFolder": (EXPAND_SZ, "E:\\b")},
        },
        (1, "mini", 0x121),
        "E:\\b",
        ("only keys for app.exe",),
    ),
}


@pytest.fixture(scope="module")
def found(windows: Wine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """One Windows process for all cases."""
    cases = tmp_path_factory.mktemp("cases") / "cases.json"
    cases.write_text(json.dumps([case.keys for case in CASES.values()]))
    script = Path(__file__).with_name("registry_cases.py")
    done = windows.run_python(windows.path(script), windows.path(cases), timeout=120)
    assert done.returncode == 0, done.stderr
    return dict(zip(CASES, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_what_is_read(found: dict[str, dict[str, Any]], name: str) -> None:
    case, result = CASES[name], found[name]
    assert tuple(result["settings"]) == case.settings
    assert result["folder"] == case.folder
    assert len(result["issues"]) == len(case.issues), result["issues"]
    for words, issue in zip(case.issues, result["issues"], strict=True):
        assert words in issue
    assert (result["kind"] is None) == (case.settings[0] == 0)


def test_what_the_command_writes_is_what_reg_reads(windows: Wine) -> None:
    def policy(*arguments: str) -> str:
        done = windows.run_mdmp("policy", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    told = policy("set", "count", "4", "--program", "app.exe", "--registry")
    assert told.startswith(f"{APP}: changed")
    assert "only keys for app.exe" in told
    policy("set", "folder", "%LOCALAPPDATA%\\Shop", "--program", "app.exe", "--registry")
    policy("set", "type", "full", "--program", "app.exe", "--registry")
    query = windows.run("wine", "reg", "query", APP).stdout.splitlines()
    assert sorted(line.split() for line in query if line.startswith(" ")) == [
        ["DumpCount", "REG_DWORD", "0x4"],
        ["DumpFolder", "REG_EXPAND_SZ", "%LOCALAPPDATA%\\Shop"],
        ["DumpType", "REG_DWORD", "0x2"],
    ]
    told = policy("explain", "APP.EXE", "--fault", "abort")
    assert "abort: a dump of type full" in told
    assert "\\AppData\\Local\\Shop" in told.splitlines()[0]
    # The debugger that these tests set (`false`) comes first.
    assert "\nWindows Error Reporting itself writes no dump: crashes go to false (AeDebug)\n" in told
    told = policy("explain", "app.exe", "--as-user", "S-1-5-18")
    assert told.splitlines()[0].lower().endswith("system32\\config\\systemprofile\\appdata\\local\\shop")
    policy("set", "--unset", "type", "--program", "app.exe", "--registry")
    assert "DumpType" not in windows.run("wine", "reg", "query", APP).stdout
    refused = windows.run_mdmp("policy", "set", "type", "heap", "--registry")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "custom_flags 0x30201" in refused.stderr
    refused = windows.run_mdmp("policy", "set", "folder", "dumps", "--registry")
    assert refused.returncode == 2
    assert "folder: expected an absolute path" in refused.stderr
    windows.run("wine", "reg", "delete", GLOBAL, "/f")
    refused = windows.run_mdmp("policy", "set", "count", "4", "--program", "x" * 256, "--registry")
    assert refused.returncode == 2
    assert windows.run("wine", "reg", "query", GLOBAL).returncode != 0  # its existence would be the switch


def test_files_of_windows(windows: Wine) -> None:
    """The user's file is below APPDATA, and programs are found without regard to case."""
    done = windows.run_mdmp("policy", "set", "type", "mini", "--program", "Shop.exe")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("C:\\users\\")
    told = windows.run_mdmp("policy", "explain", "SHOP.EXE", "--fault", "access_violation").stdout
    assert "access_violation: a dump of type mini" in told
    assert "\\AppData\\Roaming\\mdmp\\policy.toml, for Shop.exe)" in told
    assert "\\AppData\\Local\\CrashDumps" in told.splitlines()[0]


def test_the_systems_file_wins_when_it_enforces(windows: Wine) -> None:
    done = windows.run_mdmp("policy", "set", "count", "2", "--system", "--enforced")
    assert (done.returncode, done.stdout) == (0, "C:\\ProgramData\\mdmp\\policy.toml: changed\n"), done.stderr
    windows.run_mdmp("policy", "set", "count", "9")
    told = windows.run_mdmp("policy", "explain", "x.exe").stdout
    values = [line.split() for line in told.splitlines() if line.startswith("  count") or line.split()[:1] == ["not"]]
    assert values[0] == ["count", "2", "C:\\ProgramData\\mdmp\\policy.toml"]
    assert values[1][:2] == ["not", "9"]
    assert "belongs to" not in told
    windows.run_mdmp("policy", "set", "count", "--unset", "--system", "--enforced")
    windows.run_mdmp("policy", "set", "count", "--unset")
