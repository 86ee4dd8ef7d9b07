"""What the keys of a policy take, and what they refuse."""

from datetime import timedelta

import pytest

from mdmp.errors import IssueLog, UsageError
from mdmp.monitor.fault import KINDS
from mdmp.monitor.policy.environment import VARIABLES, command_line_source, environment_source
from mdmp.monitor.policy.settings import Settings
from mdmp.monitor.policy.values import KEYS, shown
from mdmp.monitor.policy.variables import expand, is_relative

GOOD = [
    ("enabled", True, True),
    ("enabled", "off", False),
    ("enabled", "YES", True),
    ("count", 0, 0),
    ("count", "12", 12),
    ("type", 0, "custom"),
    ("type", 1, "mini"),
    ("type", "2", "full"),
    ("type", "Heap", "heap"),
    ("type", "private", "private"),
    ("custom_flags", "0x121", 0x121),
    ("custom_flags", 0x121, 0x121),
    ("name", "{program}-{pid}.dmp", "{program}-{pid}.dmp"),
    ("budget", "500M", 500 << 20),
    ("budget", "1.5 GiB", 3 << 29),
    ("budget", "64kb", 64 << 10),
    ("budget", "0x10", 16),
    ("budget", 4096, 4096),
    ("budget", "none", None),
    ("max_age", "30d", timedelta(days=30)),
    ("max_age", "1.5h", timedelta(minutes=90)),
    ("max_age", "2W", timedelta(days=14)),
    ("max_age", "none", None),
    ("notice", ["terminal", "desktop"], ("terminal", "desktop")),
    ("notice", "terminal, desktop", ("terminal", "desktop")),
    ("notice", "none", ()),
    ("notice", [], ()),
    ("webhook", "https://crash.example/hook", "https://crash.example/hook"),
    ("rules.abort", "none", "none"),
    ("rules.hang", 2, "full"),
    ("folder", "~/dumps", "~/dumps"),
    ("folder", "none", None),
]
BAD = [
    ("enabled", "maybe"),
    ("enabled", 1),
    ("count", -1),
    ("count", True),
    ("count", 1.5),
    ("count", "many"),
    ("count", 10**9),
    ("count", "9" * 5000),
    ("type", 3),
    ("type", "tiny"),
    ("type", ["full"]),
    ("custom_flags", 1 << 32),
    ("name", "../x.dmp"),
    ("name", ".."),
    ("name", "{password}"),
    ("budget", "5 lots"),
    ("budget", "-5M"),
    ("budget", "1e3"),
    ("budget", 1 << 70),
    ("max_age", 30),
    ("max_age", "30"),
    ("max_age", "999999999w"),
    ("notice", ["terminal", "horn"]),
    ("webhook", "ftp://x/y"),
    ("webhook", "file:///etc/passwd"),
    ("rules.abort", "nothing"),
    ("folder", ""),
    ("folder", "a\nb"),
    ("folder", "a\0b"),
    ("folder", 5),
]


@pytest.mark.parametrize(("key", "given", "meant"), GOOD)
def test_good_values(key: str, given: object, meant: object) -> None:
    assert KEYS[key].parse(given) == meant


@pytest.mark.parametrize(("key", "given"), BAD)
def test_bad_values(key: str, given: object) -> None:
    with pytest.raises((ValueError, OverflowError)):
        KEYS[key].parse(given)


def test_every_field_has_a_key() -> None:
    fields = set(Settings.__dataclass_fields__) - {"rules"}
    assert {key for key in KEYS if "." not in key} == fields
    assert {key.removeprefix("rules.") for key in KEYS if "." in key} == set(KINDS)


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("budget", 500 << 20, "500M"),
        ("min_free", 3 << 29, "1.5G"),
        ("max_total", 0, "0"),
        ("budget", 1000, "1000"),
        ("max_age", timedelta(days=30), "30d"),
        ("max_age", timedelta(hours=5), "5h"),
        ("custom_flags", 0x121, "0x121"),
        ("notice", (), "none"),
        ("count", 10, "10"),
        ("enabled", False, "false"),
    ],
)
def test_values_are_shown_as_people_write_them(key: str, value: object, text: str) -> None:
    assert shown(key, value) == text


def test_environment() -> None:
    issues = IssueLog()
    given = {
        "MDMP_DUMP_FOLDER": "/var/dumps",
        "MDMP_DUMP_TYPE": "full",
        "MDMP_DUMP_RULES_HEAP_CORRUPTION": "full",
        "MDMP_DUMP_MAX_AGE": "soon",
        "MDMP_DUMP_COLOUR": "red",
        "MDMP_DUMP_COUNT": "",
        "MDMP_DUMP_EXCLUDE": "cc1*, ld",
        "MDMP_CACHE": "/x",
    }
    source = environment_source(given, issues)
    assert source.values == {"folder": "/var/dumps", "type": "full", "rules.heap_corruption": "full"}
    assert source.exclude == ("cc1*", "ld")
    assert [str(issue) for issue in issues.freeze()] == [
        "environment: MDMP_DUMP_MAX_AGE: expected an age like 30d, 12h, 2w, or \"none\"; found 'soon'",
        "environment: MDMP_DUMP_COLOUR: unknown",
    ]
    assert set(VARIABLES.values()) == set(KEYS)


def test_command_line(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = command_line_source({"folder": "here", "type": 0x241, "report": True, "count": None})
    assert source.values == {"folder": str(tmp_path / "here"), "type": "custom", "custom_flags": 0x241, "report": True}
    assert command_line_source({"folder": "~/d", "type": "mini"}).values == {"folder": "~/d", "type": "mini"}
    with pytest.raises(UsageError, match=r"type: expected mini.*found 'tiny'"):
        command_line_source({"type": "tiny"})
    with pytest.raises(UsageError, match="no setting 'typ'"):
        command_line_source({"typ": "mini"})


LINUX = {"HOME": "/home/ann", "XDG_STATE_HOME": "/state", "EVIL": "$HOME"}
WINDOWS = {"LocalAppData": "C:\\Users\\ann\\AppData\\Local", "USERPROFILE": "C:\\Users\\ann"}


@pytest.mark.parametrize(
    ("folder", "platform", "path"),
    [
        ("~/dumps", "linux", "/home/ann/dumps"),
        ("~", "linux", "/home/ann"),
        ("$HOME/a$$b", "linux", "/home/ann/a$b"),
        ("${XDG_STATE_HOME}/d", "linux", "/state/d"),
        ("%HOME%/d", "linux", "/home/ann/d"),
        ("/a/~/b%", "linux", "/a/~/b%"),
        ("/x/$EVIL", "linux", "/x/$HOME"),
        ("%LOCALAPPDATA%\\CrashDumps", "win32", "C:\\Users\\ann\\AppData\\Local\\CrashDumps"),
        ("$localappdata\\d", "win32", "C:\\Users\\ann\\AppData\\Local\\d"),
        ("~\\d", "win32", "C:\\Users\\ann\\d"),
        ("\\\\server\\dumps$\\x", "win32", "\\\\server\\dumps$\\x"),
        ("D:\\$$Recycle", "win32", "D:\\$Recycle"),
    ],
)
def test_variables(folder: str, platform: str, path: str) -> None:
    assert expand(folder, LINUX if platform == "linux" else WINDOWS, platform) == path


@pytest.mark.parametrize("folder", ["$NOPE/d", "%NOPE%", "${}/x", "dumps", "../d", "~bob/d", "$HOME_/d", ""])
def test_variables_that_cannot_be_replaced(folder: str) -> None:
    with pytest.raises(ValueError, match=r"is not known|not an absolute path"):
        expand(folder, LINUX, "linux")


@pytest.mark.parametrize("folder", ["\\dumps", "C:dumps", "dumps", "..\\dumps"])
def test_folders_that_depend_on_where_somebody_is(folder: str) -> None:
    with pytest.raises(ValueError, match="not an absolute path"):
        expand(folder, WINDOWS, "win32")
    assert is_relative(folder, "win32")


@pytest.mark.parametrize("folder", ["%LOCALAPPDATA%\\d", "$HOME/d", "~\\d", "D:\\d", "\\\\server\\share\\d"])
def test_folders_that_do_not(folder: str) -> None:
    assert not is_relative(folder, "win32")
