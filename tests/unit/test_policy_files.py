"""Policy files: their form, what is wrong in them, in which order they count, and whom we trust."""

import os
import re
import stat
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest

from mdmp.errors import IssueLog, UsageError
from mdmp.monitor.fault import Subject
from mdmp.monitor.policy.load import load_policy, system_policy_file, user_policy_file
from mdmp.monitor.policy.policy import Policy
from mdmp.monitor.policy.registry import Registry
from mdmp.monitor.policy.toml_files import MAX_SIZE, parse
from mdmp.monitor.policy.values import KEYS

NOBODY = 65534
EVERYTHING = """
exclude = ["cc1*", "ld"]

[dumps]
folder = "/var/dumps"
count = 20
type = "full"           # or 0, 1, 2 as in LocalDumps
budget = "500M"
max_age = "30d"
notice = ["terminal"]
exclude = ["tmp*"]

[rules]
heap_corruption = "full"
abort = "none"

[applications."shop.exe"]
type = 1
rules.abort = "mini"

[applications.bank.rules]
hang = "none"

[enforced]
exclude = ["vault"]

[enforced.dumps]
webhook = "none"

[enforced.applications.bank]
type = "mini"
"""


class NoKey:
    def values(self):
        return {}

    def subkeys(self):
        return []

    def open(self, path):
        return None


NO_REGISTRY = Registry(NoKey())


def load(folder: Path, **how) -> Policy:
    """Without anything of this machine."""
    files = {"system_file": str(folder / "system.toml"), "user_file": str(folder / "user.toml")}
    return load_policy(**{"environment": {}, "registry": NO_REGISTRY, **files, **how})


def test_everything_that_a_file_can_say() -> None:
    issues = IssueLog()
    own, enforced = parse(EVERYTHING.encode(), "file", issues, enforcing=True)
    assert issues.freeze() == ()
    assert own.values == {
        "folder": "/var/dumps",
        "count": 20,
        "type": "full",
        "budget": 500 << 20,
        "max_age": timedelta(days=30),
        "notice": ("terminal",),
        "rules.heap_corruption": "full",
        "rules.abort": "none",
    }
    assert own.applications == {
        "shop.exe": {"type": "mini", "rules.abort": "mini"},
        "bank": {"rules.hang": "none"},
    }
    assert own.exclude == ("cc1*", "ld", "tmp*")
    assert (enforced.enforced, enforced.exclude) == (True, ("vault",))
    assert enforced.values == {"webhook": None}
    assert enforced.applications == {"bank": {"type": "mini"}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[dumps]\ncount = 'x'", "dumps.count: expected a number from 0 to 1000000; found 'x'"),
        ("[dumps]\ncoutn = 5", "dumps.coutn: unknown (there are: enabled, folder, count, "),
        ("[rules]\nabort = 'tiny'", "rules.abort: expected mini, triage, "),
        ("[rules]\nabrot = 'mini'", "dumps.rules.abrot: unknown"),
        ("[aplications.x]\ncount = 1", "aplications: unknown (there are: dumps, rules, applications, exclude)"),
        (
            "count = 5",
            "count: unknown (there are: dumps, rules, applications, exclude); it belongs into the table [dumps]",
        ),
        ("[applications.shop.exe]\ncount = 1", "applications.'shop'.exe: unknown table; names with dots need quotes"),
        ("[applications]\nshop = 1", "applications.'shop': expected a table; found 1"),
        ("[applications.'a/b']\ncount = 1", "applications.'a/b': expected the name of a file without a folder"),
        ("dumps = 5", "dumps: expected a table; found 5"),
        ("exclude = [5]", "exclude: expected a list of names of programs; found [5]"),
        ("[enforced.dumps]\ncount = 1", "enforced: ignored; only the system's file can enforce values"),
        ("[dumps]\ncount = " + "9" * 90, "dumps.count: expected a number from 0 to 1000000; found 9999"),
        ("[dumps]\ncount", "not used at all: it is not TOML: "),
        ("x = " + "[" * 100_000, "not used at all: it is not TOML: "),
        ("x = '\udcff'", "not used at all: it is not TOML: "),
    ],
)
def test_what_is_wrong_costs_only_itself(text: str, problem: str) -> None:
    issues = IssueLog()
    parse(text.encode(errors="surrogateescape"), "file", issues)
    (issue,) = issues.freeze()
    assert str(issue).startswith(f"file: {problem.replace('dumps.rules', 'rules')}")
    issues = IssueLog()
    sources = parse(f"{text}\n[applications.good]\nreport = true".encode(errors="surrogateescape"), "file", issues)
    if sources and "applications" not in text:
        assert sources[0].applications["good"] == {"report": True}


def test_the_order_of_sources(tmp_path: Path) -> None:
    (tmp_path / "system.toml").write_text(
        "[dumps]\ncount = 1\ntype = 'mini'\nrepeat = 1\nreport = true\n[enforced.dumps]\nmin_free = '2G'"
    )
    (tmp_path / "user.toml").write_text("[dumps]\ntype = 'full'\nrepeat = 2\nmin_free = 0\nlog = false")
    policy = load(tmp_path, environment={"MDMP_DUMP_REPEAT": "3", "MDMP_DUMP_LOG": "yes"}, command_line={"log": False})
    settings, by = policy.settings_for("x")
    assert (settings.count, settings.type, settings.repeat, settings.log) == (1, "full", 3, False)
    assert (settings.report, settings.min_free) == (True, 2 << 30)
    system, user = str(tmp_path / "system.toml"), str(tmp_path / "user.toml")
    assert by == {
        "count": system,
        "report": system,
        "min_free": system,
        "type": user,
        "repeat": "environment",
        "log": "command line",
    }


def test_nothing_anywhere(tmp_path: Path) -> None:
    assert load(tmp_path) == Policy()
    with pytest.raises(UsageError):
        load(tmp_path, command_line={"count": "x"})


def test_where_files_are_looked_for() -> None:
    assert system_policy_file("linux") == "/etc/mdmp/policy.toml"
    assert system_policy_file("darwin") == "/Library/Application Support/mdmp/policy.toml"
    assert system_policy_file("win32", {"ProgramData": "D:\\Data"}) == "D:\\Data\\mdmp\\policy.toml"
    assert user_policy_file({"HOME": "/home/ann"}, "linux") == "/home/ann/.config/mdmp/policy.toml"
    assert user_policy_file({"HOME": "/home/ann", "XDG_CONFIG_HOME": "/c"}, "linux") == "/c/mdmp/policy.toml"
    assert (
        user_policy_file({"HOME": "/home/ann", "XDG_CONFIG_HOME": "c"}, "linux") == "/home/ann/.config/mdmp/policy.toml"
    )
    assert user_policy_file({"APPDATA": "C:\\a"}, "win32") == "C:\\a\\mdmp\\policy.toml"
    assert user_policy_file({"HOME": "here"}, "linux") is None
    assert user_policy_file({}, "win32") is None


unix = pytest.mark.skipif(sys.platform == "win32", reason="owners and links as Unix has them")


@unix
@pytest.mark.parametrize("kind", ["folder", "pipe", "big"])
def test_what_is_no_ordinary_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "user.toml"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(b"#" * (MAX_SIZE + 1))
    (issue,) = load(tmp_path).issues
    assert issue.place == str(path)
    assert issue.problem.startswith("not read: ")


@unix
def test_a_file_that_may_not_be_read() -> None:
    us = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = Path(folder, "user.toml")
        path.touch(mode=0)
        os.seteuid(us or NOBODY)  # root may read everything
        try:
            (issue,) = load(Path(folder)).issues
        finally:
            os.seteuid(us)
    assert issue.place == str(path)
    assert issue.problem == "not read: Permission denied"


@unix
def test_another_users_file(tmp_path: Path) -> None:
    """As the system's handler: only the user's own, ordinary file counts, and in it only what does no harm."""
    path = tmp_path / "user.toml"
    path.write_text(
        "[dumps]\ntype = 'full'\nwebhook = 'https://x.example/'\nfolder = '/etc'\n[applications.y]\nlog = false"
    )
    us = os.geteuid()
    other = Subject(1, "/bin/x", us + 1, us + 1, {})
    policy = load(tmp_path, subject=other)
    assert policy.sources == ()
    assert [issue.problem for issue in policy.issues] == [f"not read: it belongs to user {us}, not to {us + 1}"]

    ours = Subject(1, "/bin/x", us, us, {})
    policy = load(tmp_path, subject=ours, handler=True)
    assert dict(policy.sources[0].values) == {"type": "full", "folder": "/etc"}
    assert policy.sources[0].applications == {"y": {}}
    ignored = "ignored; for its own handler only the system's file decides that"
    assert [issue.problem for issue in policy.issues] == [f"webhook: {ignored}", f"y: log: {ignored}"]
    policy = load(tmp_path, subject=ours, handler=True, as_user=False)
    assert dict(policy.sources[0].values) == {"type": "full"}

    link = tmp_path / "link.toml"
    link.symlink_to(path)
    policy = load(tmp_path, subject=ours, handler=True, user_file=str(link))
    assert policy.sources == ()
    assert len(policy.issues) == 1
    assert load(tmp_path, subject=ours, user_file=str(link)).sources


@unix
def test_our_environment_is_not_that_of_other_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MDMP_DUMP_TYPE", "full")
    us = os.geteuid()
    ours, other = Subject(1, "x", us, us, {}), Subject(1, "x", us + 1, us + 1, {})
    assert load(tmp_path, subject=ours, environment=None).settings_for("x")[0].type == "full"
    assert load(tmp_path, subject=other, environment=None).sources == ()
    assert load(tmp_path, subject=ours, environment=None, handler=True).sources == ()


@unix
def test_the_user_file_is_that_of_the_crashed_user(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".config" / "mdmp").mkdir(parents=True)
    (home / ".config" / "mdmp" / "policy.toml").write_text("[dumps]\ncount = 3")
    subject = Subject(1, "x", os.geteuid(), 0, {"HOME": str(home)})
    policy = load_policy(subject, environment={}, registry=NO_REGISTRY, system_file=str(tmp_path / "none"))
    assert policy.settings_for("x")[0].count == 3
    assert stat.S_ISDIR(home.stat().st_mode)


@unix
def test_the_systems_file_is_out_of_reach_of_others(tmp_path: Path) -> None:
    path = tmp_path / "system.toml"
    path.write_text("[enforced.dumps]\ncount = 1")
    assert load(tmp_path).settings_for("x")[0].count == 1
    path.chmod(0o666)
    policy = load(tmp_path)
    assert policy.sources == ()
    assert [issue.problem for issue in policy.issues] == ["not read: others than root may change it"]
    if os.geteuid() == 0:
        path.chmod(0o644)
        os.chown(path, 12345, 12345)
        policy = load(tmp_path)
        assert policy.sources == ()
        assert [issue.problem for issue in policy.issues] == ["not read: it belongs to user 12345, not to root"]


def test_the_examples_in_the_documentation() -> None:
    text = (Path(__file__).parent.parent.parent / "docs" / "policy.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        issues = IssueLog()
        parse(example.encode(), "docs", issues, enforcing=True)
        assert issues.freeze() == ()
    said = {key for source in parse(examples[0].encode(), "docs", IssueLog()) for key in source.values}
    assert {key for key in KEYS if "." not in key} - said == {"enabled"}
