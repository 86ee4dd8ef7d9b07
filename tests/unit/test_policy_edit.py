"""Editing policy files: one value changes, all else stays as it is."""

import stat
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdmp.errors import UsageError
from mdmp.monitor.policy.edit import changed, set_value

FILE = """\
# Ours.
exclude = [
  "cc1*",  # compilers
  "ld",
]

[dumps]   # for all
# How many?
count = 10  # not "9"
folder = 'C:\\d # x'   # a # in a string

# The shop.
[applications."shop.exe"]
type = "full"
text = \"\"\"
[rules]
abort = "x"
\"\"\"
[rules]
"""


@pytest.mark.parametrize(
    ("table", "key", "value", "old", "new"),
    [
        (("dumps",), "count", 5, 'count = 10  # not "9"\n', 'count = 5  # not "9"\n'),
        (("dumps",), "count", None, 'count = 10  # not "9"\n', ""),
        (
            ("dumps",),
            "folder",
            "/x",
            "folder = 'C:\\d # x'   # a # in a string\n",
            'folder = "/x"  # a # in a string\n',
        ),
        (("dumps",), "type", "mini", "in a string\n", 'in a string\ntype = "mini"\n'),
        ((), "exclude", ("a", "b"), FILE[FILE.index("exclude") : FILE.index("\n[dumps]")], 'exclude = ["a", "b"]\n'),
        (("applications", "shop.exe"), "type", "D:\\x", 'type = "full"', "type = 'D:\\x'"),
        (("rules",), "abort", "none", "[rules]\n", '[rules]\nabort = "none"\n'),
    ],
)
def test_only_the_value_changes(table: tuple[str, ...], key: str, value: object, old: str, new: str) -> None:
    before, _, after = FILE.rpartition(old) if old == "[rules]\n" else FILE.partition(old)
    assert changed(FILE, table, key, value) == before + new + after


def test_new_tables_go_to_the_end() -> None:
    assert changed("", ("dumps",), "count", 3) == "[dumps]\ncount = 3\n"
    assert changed("x = 1", ("applications", "a b.exe", "rules"), "abort", "none") == (
        'x = 1\n\n[applications."a b.exe".rules]\nabort = "none"\n'
    )
    assert changed("[dumps]\ncount = 3\n", (), "exclude", ("x",)) == 'exclude = ["x"]\n\n[dumps]\ncount = 3\n'
    assert changed("# a\n\n# b\n[dumps]\n", (), "exclude", ()) == "# a\n\nexclude = []\n\n# b\n[dumps]\n"
    assert changed("[dumps]\r\ncount = 3\r\n", ("dumps",), "log", False) == "[dumps]\r\ncount = 3\r\nlog = false\r\n"
    assert changed("[dumps]\ncount = 3", ("dumps",), "log", False) == "[dumps]\ncount = 3\nlog = false\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("dumps.count = 3\n", "dumps.count in the file is written in a way that only people can change; set it to 5"),
        ("dumps = { count = 3 }\n", "only people can change"),
        ("[dumps\n", "is not TOML, mend it first"),
        ("dumps = 5\n", "dumps is no table in the file"),
    ],
)
def test_what_we_do_not_dare(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        changed(text, ("dumps",), "count", 5)


SCALARS = st.one_of(
    st.booleans(),
    st.integers(0, 1 << 60),
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=9),
)
NAMES = st.sampled_from(["count", "type", "log", "a.b", "ä ö", "x\\y"])
TABLES = st.sampled_from([("dumps",), ("rules",), ("applications", "x.exe"), ("applications", "x.exe", "rules"), ()])


@given(st.lists(st.tuples(TABLES, NAMES, st.one_of(st.none(), SCALARS)), max_size=12))
def test_what_was_set_is_what_is_read(edits: list[tuple[tuple[str, ...], str, Any]]) -> None:
    text = "# first\n"
    expected: dict[tuple[tuple[str, ...], str], Any] = {}
    for table, key, value in edits:
        text = changed(text, table, key, value)
        expected.pop((table, key), None)
        if value is not None:
            expected[table, key] = value
    document = tomllib.loads(text)
    for (table, key), value in expected.items():
        found = document
        for part in table:
            found = found[part]
        assert found[key] == value
    assert "# first\n" in text


def test_the_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "mdmp" / "policy.toml"
    assert set_value(str(path), ("dumps",), "count", 5)
    assert not set_value(str(path), ("dumps",), "count", 5)
    assert path.read_text() == "[dumps]\ncount = 5\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["policy.toml"]
    path.chmod(0o600)
    assert set_value(str(path), ("dumps",), "count", None)
    assert path.read_text() == "[dumps]\n"
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        link = tmp_path / "link.toml"
        link.symlink_to(path)
        assert set_value(str(link), ("dumps",), "count", 7)
        assert link.is_symlink()
        assert path.read_text() == "[dumps]\ncount = 7\n"
    with pytest.raises(UsageError, match="cannot read"):
        set_value(str(path / "x"), ("dumps",), "count", 5)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot read"):
        set_value(str(path), ("dumps",), "count", 5)
    assert path.read_bytes() == b"\xff\xfe"
