"""LocalDumps as Windows Error Reporting reads it, and the traps in it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_registry import DWORD, EXPAND_SZ, QWORD, SZ, registry, tree

from mdmp.errors import UsageError
from mdmp.monitor.fault import Fault, Subject
from mdmp.monitor.policy.decide import decide
from mdmp.monitor.policy.load import load_policy
from mdmp.monitor.policy.policy import Policy
from mdmp.monitor.policy.registry import Registry, automatic_debugger, debugger_exclusions, local_dumps_value
from mdmp.monitor.policy.settings import Circumstances
from mdmp.monitor.policy.wer import profile_variables, told

KEY = "HKLM\\SOFTWARE\\Microsoft\\Windows\\Windows Error Reporting\\LocalDumps"


def load(found: Registry) -> Policy:
    return load_policy(registry=found, environment={}, system_file="/no/such", user_file="/no/such")


def policy(**keys: Any) -> Policy:
    loaded = load(registry(tree(**keys)))
    return Policy(loaded.sources, loaded.issues, ignore_case=True)


def settings(program: str = "app.exe", **keys: Any) -> tuple[object, ...]:
    found, _ = policy(**keys).settings_for(program)
    return found.folder, found.count, found.type, found.custom_flags


def warnings(**keys: Any) -> list[str]:
    return [str(issue) for issue in policy(**keys).issues]


def test_no_key_says_nothing() -> None:
    assert policy() == Policy((), (), ignore_case=True)
    assert policy().settings_for("app.exe")[0].type == "heap"


def test_the_existence_of_the_key_is_the_switch() -> None:
    """An empty one, or one that only holds another product's, is for all programs; its defaults are those of WER."""
    folder = "%LOCALAPPDATA%\\CrashDumps"
    assert settings(local_dumps={}) == (folder, 10, "mini", 0x121)
    assert settings(local_dumps={"other.exe": {"DumpType": (DWORD, 2)}}) == (folder, 10, "mini", 0x121)
    (warning,) = warnings(local_dumps={})
    assert warning == f"{KEY}: the key is empty, and its existence alone has Windows write dumps of all programs"
    (warning,) = warnings(local_dumps={"other.exe": {}})
    assert warning.startswith(
        f"{KEY}: the key has no values, only keys for other.exe: its existence has Windows write "
    )


def test_defaults_of_the_key_yield_to_the_systems_file(tmp_path) -> None:
    """Somebody else's key does not undo what was set for mdmp; values in it do."""
    file = tmp_path / "policy.toml"
    file.write_text("[dumps]\ntype = 'heap'\ncount = 3")
    how: dict[str, Any] = {"environment": {}, "system_file": str(file), "user_file": "/no/such"}
    loaded = load_policy(registry=registry(tree(local_dumps={"other.exe": {}})), **how)
    assert (loaded.settings_for("app.exe")[0].type, loaded.settings_for("app.exe")[0].count) == ("heap", 3)
    loaded = load_policy(registry=registry(tree(local_dumps={"DumpCount": (DWORD, 5)})), **how)
    assert (loaded.settings_for("app.exe")[0].type, loaded.settings_for("app.exe")[0].count) == ("heap", 5)


def test_values_of_a_program_override_and_absent_ones_are_inherited() -> None:
    keys = {
        "DumpFolder": (EXPAND_SZ, "D:\\Dumps"),
        "DUMPTYPE": (DWORD, 1),
        "App.exe": {"DumpType": (DWORD, 0), "CustomDumpFlags": (DWORD, 0x2)},
    }
    assert settings("app.EXE", local_dumps=keys) == ("D:\\Dumps", 10, "custom", 2)
    assert settings("other.exe", local_dumps=keys) == ("D:\\Dumps", 10, "mini", 0x121)
    assert warnings(local_dumps=keys) == []


def test_a_global_count_of_0_is_inherited_too() -> None:
    keys = {"DumpCount": (DWORD, 0), "app.exe": {"DumpType": (DWORD, 2)}, "b.exe": {"DumpCount": (DWORD, 4)}}
    assert settings("app.exe", local_dumps=keys)[1] == 0
    assert settings("b.exe", local_dumps=keys)[1] == 4
    (warning,) = warnings(local_dumps=keys)
    assert warning.startswith(f"{KEY}\\app.exe: gets no dumps: it has no DumpCount of its own")
    decision = decide(policy(local_dumps=keys), Fault("abort", Subject(1, "app.exe"), ""), Circumstances())
    assert decision.reasons == (f"no dump: count is 0 ({KEY})",)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("DumpType", (SZ, "2"), "DumpType: ignored: expected REG_DWORD; found REG_SZ"),
        ("DumpType", (QWORD, 2), "DumpType: ignored: expected REG_DWORD; found REG_QWORD"),
        ("DumpType", (DWORD, 3), "DumpType: ignored: expected 0 (custom), 1 (mini) or 2 (full); found 3"),
        ("DumpCount", (SZ, "0"), "DumpCount: ignored: expected REG_DWORD; found REG_SZ"),
        ("DumpCount", (99, b""), "DumpCount: ignored: expected REG_DWORD; found type 99"),
        ("DumpFolder", (DWORD, 5), "DumpFolder: ignored: expected REG_EXPAND_SZ; found REG_DWORD"),
        ("DumpFolder", (EXPAND_SZ, ""), "DumpFolder: ignored: it is empty"),
        (
            "DumpFolder",
            (EXPAND_SZ, "~\\d"),
            "DumpFolder: ignored: it is not an absolute path (Windows knows no ~)",
        ),
        ("DumpFolder", (EXPAND_SZ, None), "DumpFolder: ignored: expected REG_EXPAND_SZ; found REG_EXPAND_SZ"),
        ("CustomDumpFlags", (EXPAND_SZ, "0x121"), "CustomDumpFlags: ignored: expected REG_DWORD; found REG_EXPAND_SZ"),
    ],
)
def test_values_of_the_wrong_type_are_as_absent(name: str, value: tuple[int, object], problem: str) -> None:
    assert settings(local_dumps={name: value}) == settings(local_dumps={})
    assert f"{KEY}: {problem}" in warnings(local_dumps={name: value})
    inner = {"DumpCount": (DWORD, 10), "app.exe": {name: value}}
    assert settings(local_dumps=inner) == settings(local_dumps={})
    assert warnings(local_dumps=inner) == [f"{KEY}\\app.exe: {problem}"]


def test_folders() -> None:
    profile = {"LOCALAPPDATA": "C:\\Windows\\System32\\Config\\SystemProfile\\AppData\\Local"}
    from mdmp.monitor.policy.variables import expand

    folder = settings(local_dumps={})[0]
    assert isinstance(folder, str)
    assert expand(folder, profile, "win32") == f"{profile['LOCALAPPDATA']}\\CrashDumps"
    # A dollar sign means nothing to Windows.
    dollar = settings(local_dumps={"DumpFolder": (EXPAND_SZ, "D:\\$LOCALAPPDATA")})[0]
    assert expand(str(dollar), profile, "win32") == "D:\\$LOCALAPPDATA"
    assert warnings(local_dumps={"DumpFolder": (SZ, "D:\\Dumps")}) == []
    (warning,) = warnings(local_dumps={"DumpFolder": (SZ, "%TEMP%\\Dumps")})
    assert "it is REG_SZ" in warning


def test_custom_flags_count_only_with_type_0() -> None:
    keys = {"CustomDumpFlags": (DWORD, 2)}
    assert settings(local_dumps=keys)[2:] == ("mini", 2)
    assert warnings(local_dumps=keys) == [f"{KEY}: CustomDumpFlags has no effect: it counts only where DumpType is 0"]
    keys = {"DumpType": (DWORD, 0), "app.exe": {"CustomDumpFlags": (DWORD, 2)}}
    assert settings(local_dumps=keys)[2:] == ("custom", 2)
    assert warnings(local_dumps=keys) == []


def test_full_dumps_of_everything() -> None:
    (warning,) = warnings(local_dumps={"DumpType": (DWORD, 2)})
    assert warning.startswith(f"{KEY}: DumpType is 2 for all programs")
    assert warnings(local_dumps={"DumpCount": (DWORD, 3), "app.exe": {"DumpType": (DWORD, 2)}}) == []


def test_a_key_that_fits_no_program() -> None:
    (warning,) = warnings(local_dumps={"DumpCount": (DWORD, 3), "app": {}})
    assert warning == f"{KEY}\\app: fits no program: the name of the key has to be that of the file, app.exe"


def test_group_policy_wins() -> None:
    keys: dict[str, Any] = {
        "local_dumps": {"DumpFolder": (EXPAND_SZ, "D:\\a"), "app.exe": {"DumpFolder": (EXPAND_SZ, "D:\\b")}},
        "policy": {"DumpFolder": (EXPAND_SZ, "E:\\c")},
    }
    assert settings(**keys)[0] == "E:\\c"
    loaded = load_policy(
        command_line={"folder": "~/x"},
        registry=registry(tree(**keys)),
        environment={},
        system_file="/no",
        user_file="/no",
    )
    assert loaded.settings_for("app.exe")[0].folder == "E:\\c"


def test_other_places_are_ignored_with_a_warning() -> None:
    filled = tree(local_dumps={"DumpType": (DWORD, 2)})
    found = load(registry({}, user=filled))
    assert found.sources == ()
    assert [issue.problem for issue in found.issues] == ["ignored: Windows reads this key of HKEY_LOCAL_MACHINE only"]
    found = load(registry({}, machine_32=filled))
    assert found.sources == ()
    assert "Wow6432Node" in found.issues[0].place
    # On the systems where both views are one key there is nothing to warn of.
    assert len(load(registry(filled, machine_32=filled)).issues) == 1


@pytest.mark.parametrize(
    ("values", "command"),
    [
        ({"Debugger": (SZ, "dbg -p %ld"), "Auto": (SZ, "1")}, "dbg -p %ld"),
        ({"debugger": (EXPAND_SZ, "dbg"), "AUTO": (DWORD, 1)}, "dbg"),
        ({"Debugger": (SZ, "dbg"), "Auto": (SZ, "0")}, None),
        ({"Debugger": (SZ, "dbg")}, None),
        ({"Debugger": (SZ, " "), "Auto": (SZ, "1")}, None),
        ({"Debugger": (DWORD, 5), "Auto": (SZ, "1")}, None),
        ({}, None),
    ],
)
def test_an_automatic_debugger_keeps_windows_from_writing_dumps(values: dict[str, Any], command: str | None) -> None:
    found = registry(tree(aedebug=values))
    assert automatic_debugger(found.machine) == command
    wer = {"DumpCount": (DWORD, 3)}
    issues = warnings(aedebug=values, local_dumps=wer)
    assert bool(issues) == (command is not None)
    assert warnings(aedebug=values) == []


def test_programs_that_the_debugger_leaves_alone() -> None:
    values = {"AutoExclusionList": {"dwm.exe": (DWORD, 1), "x.exe": (DWORD, 0)}}
    assert debugger_exclusions(registry(tree(aedebug=values)).machine) == ("dwm.exe",)
    assert debugger_exclusions(registry({}).machine) == ()


def test_a_key_that_cannot_be_read() -> None:
    class Closed:
        def values(self):
            return {}

        def subkeys(self):
            return ["app.exe"]

        def open(self, path: str):
            return self if path.endswith("LocalDumps") and "Policies" not in path else None

    found = load(Registry(Closed()))
    assert f"{KEY}\\app.exe: cannot be read" in map(str, found.issues)


def test_values_as_windows_writes_them() -> None:
    assert local_dumps_value("folder", "%TEMP%\\a$$b") == (EXPAND_SZ, "%TEMP%\\a$b")
    assert local_dumps_value("count", 0) == (DWORD, 0)
    assert local_dumps_value("type", "custom") == (DWORD, 0)
    assert local_dumps_value("type", "full") == (DWORD, 2)
    assert local_dumps_value("custom_flags", 0x121) == (DWORD, 0x121)
    with pytest.raises(UsageError, match=r"comes near to heap is custom, with custom_flags 0x30201"):
        local_dumps_value("type", "heap")
    for folder in ("$TEMP/x", "${TEMP}", "~/x"):
        with pytest.raises(UsageError, match="variables like %NAME% only"):
            local_dumps_value("folder", folder)


PROFILE = {"LOCALAPPDATA": "C:\\Users\\ann\\AppData\\Local"}


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, "writes no dump: LocalDumps does not exist"),
        ({"local_dumps": {}}, "writes a mini dump to C:\\Users\\ann\\AppData\\Local\\CrashDumps, and keeps 10"),
        ({"local_dumps": {"DumpCount": (DWORD, 0)}}, "writes no dump: DumpCount is 0"),
        (
            {"local_dumps": {"App.exe": {"DumpType": (DWORD, 0), "DumpFolder": (EXPAND_SZ, "%NOPE%\\x")}}},
            "writes a custom dump (0x121) to %NOPE%\\x (the variable %NOPE% is not known for the user of the program), "
            "and keeps 10",
        ),
        (
            {"local_dumps": {}, "aedebug": {"Debugger": (SZ, "dbg"), "Auto": (SZ, "1")}},
            "writes no dump: crashes go to dbg (AeDebug)",
        ),
        (
            {
                "local_dumps": {"DumpType": (DWORD, 2), "DumpFolder": (SZ, "D:\\d")},
                "aedebug": {"Debugger": (SZ, "dbg"), "Auto": (SZ, "1"), "AutoExclusionList": {"APP.exe": (DWORD, 1)}},
            },
            "writes a full dump to D:\\d, and keeps 10",
        ),
    ],
)
def test_what_windows_itself_does(keys: dict[str, Any], words: str) -> None:
    assert told(registry(tree(**keys)), "app.exe", PROFILE) == words


def test_profiles_of_services() -> None:
    environment = {"SystemRoot": "C:\\Windows", "LOCALAPPDATA": "C:\\Users\\ann\\AppData\\Local", "USERNAME": "ann"}
    path = "SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList"
    keys: dict[str, Any] = {}
    at = keys
    for part in path.split("\\"):
        at = at.setdefault(part, {})
    at["S-1-5-21-1"] = {"ProfileImagePath": (EXPAND_SZ, "D:\\Profiles\\bob")}
    machine = registry(keys).machine
    assert profile_variables(machine, "S-1-5-21-1", environment)["LOCALAPPDATA"] == "D:\\Profiles\\bob\\AppData\\Local"
    system = profile_variables(machine, "S-1-5-18", environment)
    assert system["LOCALAPPDATA"] == "C:\\Windows\\System32\\Config\\SystemProfile\\AppData\\Local"
    assert "USERNAME" not in system
    service = profile_variables(machine, "S-1-5-19", environment)
    assert service["USERPROFILE"] == "C:\\Windows\\ServiceProfiles\\LocalService"
    assert profile_variables(machine, "S-1-5-21-2", environment) == {}


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "DumpCount": st.tuples(st.just(DWORD), st.integers(0, 20)),
        "DumpType": st.tuples(st.just(DWORD), st.integers(0, 2)),
        "CustomDumpFlags": st.tuples(st.just(DWORD), st.integers(0, 0xFFFF)),
        "DumpFolder": st.tuples(st.just(EXPAND_SZ), st.sampled_from(["D:\\a", "%TEMP%\\b"])),
    },
)


@given(VALUES, st.one_of(st.none(), VALUES))
def test_inheritance_is_a_merge_of_dictionaries(globals_: dict[str, Any], own: dict[str, Any] | None) -> None:
    keys = {**globals_, **({} if own is None else {"app.exe": own})}
    merged = {**globals_, **(own or {})}
    plain = {name: data for name, (_, data) in merged.items()}
    assert settings(local_dumps=keys) == (
        plain.get("DumpFolder", "%LOCALAPPDATA%\\CrashDumps"),
        plain.get("DumpCount", 10),
        ("custom", "mini", "full")[plain.get("DumpType", 1)],
        plain.get("CustomDumpFlags", 0x121),
    )
