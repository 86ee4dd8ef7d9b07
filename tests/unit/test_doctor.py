"""Checks of a system, from facts made up."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mdmp.cli import doctor as command
from mdmp.cli.__main__ import main
from mdmp.monitor.doctor.check import CONCERNS, STATES, Check
from mdmp.monitor.doctor.common_checks import check_common
from mdmp.monitor.doctor.common_facts import CommonFacts, Folder, gather_common, look_at_folder
from mdmp.monitor.doctor.linux_checks import check_linux
from mdmp.monitor.doctor.linux_facts import LinuxFacts, Traced
from mdmp.monitor.doctor.self_test import KINDS, WAYS, Trial
from mdmp.monitor.doctor.windows_checks import check_windows
from mdmp.monitor.doctor.windows_facts import WindowsFacts, facts_of
from mdmp.monitor.fault import Fault, Subject
from mdmp.monitor.install import Status
from mdmp.monitor.policy.explain import explain
from mdmp.monitor.policy.policy import Policy, Source
from mdmp.monitor.policy.registry import AEDEBUG, LOCAL_DUMPS, REG_DWORD, REG_SZ, WER, Registry
from mdmp.monitor.policy.settings import Circumstances

Values = Mapping[str, tuple[int, object]]
FOLDER = Folder("/d", True, "/d", True, True, 1000, 0o700, 100 << 30, 1 << 20)
INSTALLED = Status(True, True, {})
ABSENT = Status(False, False, {})
GOOD = LinuxFacts(
    core_pattern="|/usr/local/lib/mdmp/postmortem %P",
    pipe_limit=100,
    core_limit=0,
    suid_dumpable=2,
    installed=INSTALLED,
    scope=1,
    user=0,
    journal=True,
    protected=(("protected_symlinks", 1), ("protected_regular", 2)),
)


def state(checks: tuple[Check, ...], name: str) -> str:
    """The worst of that name, `-` when there is none."""
    found = [check.state for check in checks if check.name == name]
    return max(found, key=("unknown", "ok", "warn", "bad").index, default="-")


def linux(**changes: object) -> tuple[Check, ...]:
    return tuple(check_linux(replace(GOOD, **changes)))


def common(folder: Folder = FOLDER, user: int = 1000, desktop: bool = True, **values: object) -> tuple[Check, ...]:
    policy = Policy((Source("test", values, {}),), ignore_case=False)
    fault = Fault("access_violation", Subject(1, "/usr/bin/shop"), "")
    return tuple(check_common(CommonFacts("shop", explain(policy, fault, Circumstances()), folder, user, desktop)))


def test_all_is_well() -> None:
    for check in (*linux(), *common()):
        assert check.state == "ok", check


def test_every_check_is_one_line_with_a_known_state() -> None:
    everything = (
        *linux(installed=ABSENT, core_pattern="", suid_dumpable=0, scope=3, journal=False, trace_problem="refused"),
        *linux(pipe_limit=0, core_limit=1, suid_dumpable=None, protected=(("protected_symlinks", 0),)),
        *common(replace(FOLDER, writable=False, free=None), desktop=False, notice=("desktop",), type="full", count=0),
        *check_windows(WindowsFacts(("one",), True, "drwtsn32", None, True, ("a.exe",), True, service=False)),
    )
    assert {check.state for check in everything} == set(STATES)
    assert {check.concerns for check in everything} == set(CONCERNS)
    for check in everything:
        assert check.text and "\n" not in check.text + check.advice
        assert check.advice or check.state in ("ok", "unknown"), check


@pytest.mark.parametrize(
    ("changes", "expected", "word"),
    [
        ({}, "ok", "come to mdmp"),
        ({"installed": ABSENT, "core_pattern": "core", "core_limit": 0}, "bad", "ulimit -c"),
        ({"installed": ABSENT, "core_pattern": "core", "core_limit": -1}, "warn", "core file"),
        ({"installed": ABSENT, "core_pattern": "core", "core_limit": 5}, "warn", "cut at 5 bytes"),
        ({"installed": ABSENT, "core_pattern": ""}, "bad", "empty"),
        ({"installed": ABSENT, "core_pattern": "|/usr/lib/systemd/systemd-coredump %P"}, "warn", "coredumpctl"),
        ({"installed": ABSENT, "core_pattern": "|/usr/share/apport/apport -p%p"}, "warn", "apport"),
        ({"installed": ABSENT, "core_pattern": "|/opt/own %p"}, "warn", "/opt/own"),
        ({"installed": None, "trouble": "no rights"}, "unknown", "no rights"),
    ],
)
def test_core_pattern(changes: dict[str, object], expected: str, word: str) -> None:
    checks = linux(**changes)
    assert state(checks, "core_pattern") == expected
    assert word in next(check.text for check in checks if check.name == "core_pattern")


@pytest.mark.parametrize(
    ("changes", "name", "expected"),
    [
        ({"pipe_limit": 0}, "core_pipe_limit", "bad"),
        ({"core_limit": 1}, "core_limit", "bad"),
        ({"installed": replace(INSTALLED, problems=("the launcher is gone",))}, "handler", "bad"),
        ({"installed": ABSENT, "pipe_limit": 0}, "core_pipe_limit", "-"),
        ({"suid_dumpable": 0}, "suid_dumpable", "warn"),
        ({"suid_dumpable": 1}, "suid_dumpable", "warn"),
        ({"suid_dumpable": None}, "suid_dumpable", "unknown"),
        ({"trace_problem": "Operation not permitted"}, "ptrace", "bad"),
        ({"scope": 3}, "ptrace_scope", "bad"),
        ({"scope": 2}, "ptrace_scope", "ok"),
        ({"scope": 2, "user": 1000, "may_trace": False}, "ptrace_scope", "bad"),
        ({"scope": 1, "user": 1000, "may_trace": False}, "ptrace_scope", "warn"),
        ({"scope": 0, "user": 1000, "may_trace": False}, "ptrace_scope", "ok"),
        ({"scope": None, "user": 1000, "may_trace": False}, "ptrace_scope", "ok"),
        ({"scope": 1, "may_trace": False}, "ptrace_scope", "warn"),
        ({"traced": (Traced(5, "shop", 6, "gdb"),)}, "traced", "warn"),
        ({"traced": (Traced(5, "shop", 6, "mdmp: watches process 5"),)}, "traced", "ok"),
        ({"journal": False}, "log", "warn"),
        ({"journal": False, "syslog": True}, "log", "ok"),
        ({"protected": (("protected_regular", 0),)}, "protected", "warn"),
        ({"protected": ()}, "protected", "-"),
    ],
)
def test_linux(changes: dict[str, object], name: str, expected: str) -> None:
    assert state(linux(**changes), name) == expected


def test_a_filter_of_a_container_is_named() -> None:
    checks = linux(trace_problem="Operation not permitted", seccomp=True, container=True)
    (check,) = [check for check in checks if check.name == "ptrace"]
    assert "seccomp" in check.text and "--cap-add=SYS_PTRACE" in check.advice


@pytest.mark.parametrize(
    ("folder", "name", "expected"),
    [
        ({"free": 900 << 20}, "disk", "bad"),
        ({"free": 2 << 30}, "disk", "warn"),
        ({"free": None}, "disk", "unknown"),
        ({"free_files": 3}, "disk", "bad"),
        ({"free_files": None}, "disk", "ok"),
        ({"writable": False}, "folder", "bad"),
        ({"writable": False, "exists": False, "nearest": "/"}, "folder", "bad"),
        ({"exists": False, "nearest": "/"}, "folder", "ok"),
        ({"is_folder": False}, "folder", "bad"),
        ({"mode": 0o777}, "folder", "warn"),
        ({"mode": 0o755}, "folder", "ok"),
    ],
)
def test_folder_and_disk(folder: dict[str, object], name: str, expected: str) -> None:
    assert state(common(replace(FOLDER, **folder)), name) == expected


def test_the_policy_may_want_no_dump() -> None:
    for values in ({"enabled": False}, {"count": 0}, {"rules.access_violation": "none"}):
        (check,) = [check for check in common(**values) if check.name == "policy"]
        assert check.state == "bad" and "test" in check.text
    assert state(common(type="full"), "policy_trap") == "warn"


def test_a_desktop_matters_only_to_those_who_want_it() -> None:
    assert state(common(desktop=False), "notice") == "-"
    assert state(common(desktop=False, notice=("desktop",)), "notice") == "warn"


def test_a_folder_is_looked_at_without_being_made(tmp_path: Path) -> None:
    found = look_at_folder(str(tmp_path / "a" / "b"))
    assert (found.exists, found.nearest, found.is_folder, found.writable) == (False, str(tmp_path), True, True)
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    assert not look_at_folder(str(tmp_path / "file" / "b")).is_folder
    assert gather_common("shop", Policy((Source("t", {"folder": str(tmp_path)}, {}),)), False).folder.exists


class Key:
    """A registry of dictionaries: path -> values."""

    def __init__(self, keys: Mapping[str, Values], path: str = "") -> None:
        self.keys, self.path = keys, path

    def values(self) -> Values:
        return self.keys.get(self.path, {})

    def subkeys(self) -> list[str]:
        return []

    def open(self, path: str) -> "Key | None":
        full = f"{self.path}\\{path}".strip("\\")
        return Key(self.keys, full) if full in self.keys else None


DEBUGGER = {"Debugger": (REG_SZ, "vsjitdebugger -p %ld"), "Auto": (REG_SZ, "1")}
MDMP = {"Debugger": (REG_SZ, "python -m mdmp postmortem %ld %ld"), "Auto": (REG_SZ, "1")}
WERSVC = "SYSTEM\\CurrentControlSet\\Services\\WerSvc"


@pytest.mark.parametrize(
    ("keys", "keys_32", "name", "expected"),
    [
        ({}, {}, "system", "bad"),
        ({LOCAL_DUMPS: {}}, {}, "system", "ok"),
        ({}, {LOCAL_DUMPS: {}}, "system", "bad"),
        ({AEDEBUG: DEBUGGER}, {AEDEBUG: DEBUGGER}, "system", "warn"),
        ({AEDEBUG: DEBUGGER | {"Auto": (REG_SZ, "0")}}, {}, "system", "bad"),
        ({AEDEBUG: MDMP}, {AEDEBUG: MDMP}, "system", "ok"),
        ({AEDEBUG: MDMP}, {AEDEBUG: MDMP}, "aedebug_32", "-"),
        ({AEDEBUG: MDMP}, {}, "aedebug_32", "warn"),
        (
            {AEDEBUG: MDMP, f"{AEDEBUG}\\AutoExclusionList": {"shop.exe": (REG_DWORD, 1)}},
            {},
            "aedebug_excluded",
            "warn",
        ),
        ({AEDEBUG: MDMP, f"{AEDEBUG}\\AutoExclusionList": {"DWM.exe": (REG_DWORD, 1)}}, {}, "aedebug_excluded", "ok"),
        ({LOCAL_DUMPS: {}, WER: {"Disabled": (REG_DWORD, 1)}}, {}, "wer", "ok"),
        ({LOCAL_DUMPS: {}, WERSVC: {"Start": (REG_DWORD, 4)}}, {}, "wer", "bad"),
        ({WERSVC: {"Start": (REG_DWORD, 4)}}, {}, "wer", "warn"),
        ({WERSVC: {"Start": (REG_DWORD, 3)}}, {}, "wer", "ok"),
    ],
)
def test_windows_registry(keys: Mapping[str, Values], keys_32: Mapping[str, Values], name: str, expected: str) -> None:
    facts = facts_of(Registry(Key(keys), Key(keys_32)), debug_privilege=True)
    assert state(tuple(check_windows(facts)), name) == expected


@pytest.mark.parametrize(
    ("changes", "name", "expected"),
    [
        ({"debug_privilege": False}, "debug_privilege", "warn"),
        ({"debug_privilege": None}, "debug_privilege", "unknown"),
        ({"snapshots": False}, "snapshot", "warn"),
        ({"dbghelp": False}, "dbghelp", "warn"),
        ({"other_width": True}, "width", "bad"),
        ({"problems": ("the command is gone",)}, "handler", "bad"),
    ],
)
def test_windows(changes: dict[str, object], name: str, expected: str) -> None:
    good = WindowsFacts((), True, None, debug_privilege=True, dont_show=True)
    assert {check.state for check in check_windows(good)} == {"ok"}
    assert state(tuple(check_windows(replace(good, **changes))), name) == expected


def test_the_exit_code_tells_whether_dumps_would_be_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for found, code in (((Check("a", "warn", "so so", "do it"),), 0), ((Check("b", "bad", "lost", "mend"),), 1)):
        monkeypatch.setattr("mdmp.monitor.doctor.examine.examine", lambda _, found=found: found)
        assert main(["doctor", "system"]) == code
        assert f"-> {found[0].advice}" in capsys.readouterr().out
        assert main(["doctor", "system", "--json"]) == code
        told = json.loads(capsys.readouterr().out)
        assert told["checks"][0]["state"] == found[0].state and "self_test" not in told


def test_trials_become_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    trials = [Trial(kind, way, kind != "handled", int(kind != "handled")) for kind in KINDS for way in WAYS]
    trials[0] = replace(trials[0], dumps=0)
    trials[1] = replace(trials[1], dumps=None, note="not tried: no time")
    trials[2] = replace(trials[2], note="the dump cannot be opened: empty")
    assert [trial.good for trial in trials[:4]] == [False, None, False, True]
    command._print_trials(trials)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split(",")[1].split() == ["by", "ctypes", "none:", "WRONG", "-", "dump:", "WRONG", "dump"]
    assert any("expected one dump; found 0" in line for line in lines)
    assert any("cannot be opened" in line for line in lines)


@pytest.mark.skipif(sys.platform != "linux", reason="the handler of Linux")
def test_dumps_of_the_systems_handler_are_looked_for_where_the_policy_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mdmp.monitor.doctor import examine
    from mdmp.monitor.policy import load

    file = tmp_path / "policy.toml"
    file.write_text("[dumps]\ncount = 3\n")
    monkeypatch.setattr(load, "system_policy_file", lambda: str(file))
    monkeypatch.setattr(load, "user_policy_file", lambda variables: None)
    monkeypatch.setattr(examine, "status", lambda: Status(True, True, {}))
    assert examine.handler_place("shop") == (f"/var/lib/mdmp/dumps/{os.geteuid()}", 3)
    file.write_text("[dumps]\nfolder = '/srv/dumps'\n")
    assert examine.handler_place("shop") == ("/srv/dumps", 10)
    monkeypatch.setattr(examine, "status", lambda: Status(True, False, {}))
    assert examine.handler_place("shop") is None
