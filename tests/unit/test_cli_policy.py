"""`mdmp policy`, in a process of its own."""

import json
import os
import sys
from pathlib import Path

import pytest
from command import Result, assert_refused, mdmp

pytestmark = pytest.mark.skipif(
    os.path.exists("/etc/mdmp/policy.toml"), reason="this machine has a policy of its own, which tests leave alone"
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def policy(home: Path, *arguments: object, **variables: str) -> Result:
    where = {"XDG_CONFIG_HOME": str(home), "APPDATA": str(home), "XDG_STATE_HOME": str(home / "state")}
    return mdmp("policy", *arguments, env={**where, **variables})


def file(home: Path) -> Path:
    return home / "mdmp" / "policy.toml"


def test_set_show_explain(home: Path) -> None:
    for words in (
        ("type", "full", "--program", "shop"),
        ("max_total", "2G"),
        ("rules.abort", "none"),
        ("rules.hang", "mini", "--program", "shop"),
        ("exclude", "cc1*,ld"),
        ("notice", "none"),
        ("custom_flags", "0x121"),
    ):
        result = policy(home, "set", *words)
        assert (result.code, result.out, result.err) == (0, f"{file(home)}: changed\n", "")
    assert file(home).read_text() == (
        'exclude = ["cc1*", "ld"]\n\n'
        '[applications.shop]\ntype = "full"\n\n'
        '[dumps]\nmax_total = "2G"\nnotice = []\ncustom_flags = 289\n\n'
        '[rules]\nabort = "none"\n\n'
        '[applications.shop.rules]\nhang = "mini"\n'
    )
    assert policy(home, "set", "max_total", "2G").out == f"{file(home)}: it says so already\n"
    assert policy(home, "set", "--unset", "notice").out == f"{file(home)}: changed\n"
    shown = policy(home, "show").out
    assert f"user: {file(home)}\n" in shown
    for line in ("  max_total          2G", "  no dumps of cc1*", "  shop", "    type               full"):
        assert f"\n{line}\n" in shown
    assert "notice" not in shown

    told = policy(home, "explain", "/usr/bin/shop", "--fault", "hang").out
    assert told.startswith(f"shop: dumps go to {home / 'state' / 'mdmp' / 'dumps'}\nhang: a dump of type mini\n") or (
        sys.platform != "linux"
    )
    assert f"\n  type mini for hang ({file(home)}, for shop)\n" in told
    assert "\n                       not indirect               built in\n" in told
    assert "rules.abort = none" in told.partition("warnings")[2]
    told = policy(home, "explain", "shop", MDMP_DUMP_TYPE="heap", MDMP_DUMP_REPEAT="x").out
    assert "\n  type heap (environment)\n" in told
    assert "environment: MDMP_DUMP_REPEAT: expected a number" in told
    told = policy(home, "explain", "cc1plus").out
    assert f"no dump: cc1plus gets none ({file(home)}, exclude 'cc1*')" in told


def test_json(home: Path) -> None:
    policy(home, "set", "max_age", "30d")
    found = json.loads(policy(home, "explain", "ls", "--json", MDMP_DUMP_MAX_AGE="1h").out)
    assert found["program"] == "ls"
    assert found["values"]["max_age"] == {
        "value": 3600.0,
        "by": "environment",
        "overrode": [{"value": 30 * 86400.0, "by": str(file(home))}],
    }
    assert found["decisions"]["heap_corruption"]["type"] in ("heap", "mini", None)
    assert found["values"]["count"] == {"value": 10, "by": "built in", "overrode": []}
    shown = json.loads(policy(home, "show", "--json").out)
    assert shown["files"]["user"] == str(file(home))
    assert shown["sources"][0]["values"] == {"max_age": 30 * 86400.0}


def test_comments_stay(home: Path) -> None:
    file(home).parent.mkdir()
    file(home).write_text("# mine\n[dumps]\ncount = 3 # few\n# end\n")
    assert policy(home, "set", "count", "4").code == 0
    assert policy(home, "set", "repeat", "0").code == 0
    assert file(home).read_text() == "# mine\n[dumps]\ncount = 4  # few\nrepeat = 0\n# end\n"


def test_wrong_requests(home: Path) -> None:
    assert_refused(policy(home, "set", "typ", "full"), "no setting 'typ'", "type")
    assert_refused(policy(home, "set", "type", "tiny"), "expected mini", "found 'tiny'")
    assert_refused(policy(home, "set", "type"), "a value for type is missing")
    assert_refused(policy(home, "set", "type", "full", "--unset"), "takes no value")
    assert_refused(policy(home, "set", "type", "full", "--enforced"), "add --system")
    assert_refused(policy(home, "set", "type", "full", "--program", "/bin/x"), "without a folder")
    assert_refused(policy(home, "set", "type", "full", "--program", ""), "without a folder")  # not all programs
    assert_refused(policy(home, "set", "exclude", "x", "--program", "y"), "for all programs")
    assert_refused(policy(home, "set", "name", "{password}.dmp"), "expected the name of a file")
    assert_refused(policy(home, "set", "folder", "dumps"), "expected an absolute path", "found 'dumps'")
    if sys.platform != "win32":
        assert_refused(policy(home, "set", "type", "full", "--registry"), "only Windows has one")
        assert_refused(policy(home, "explain", "x", "--as-user", "no such user"), "no user 'no such user'")
    assert_refused(policy(home, "explain", "x", "--fault", "boredom"), "no kind of fault 'boredom'", "heap_corruption")
    assert_refused(policy(home), "ACTION")
    assert not file(home).exists()
    file(home).parent.mkdir()
    file(home).write_text("[dumps\n")
    assert_refused(policy(home, "set", "type", "full"), "is not TOML, mend it first")
    assert "not used at all: it is not TOML" in policy(home, "show").out


@pytest.mark.skipif(sys.platform == "win32", reason="users as Unix has them")
def test_as_the_systems_handler_for_a_user(home: Path) -> None:
    import pwd

    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        pytest.skip("this user has no name")
    result = policy(home, "explain", "x", "--as-user", name, MDMP_DUMP_TYPE="full")
    assert result.code == 0
    assert "environment" not in result.out
