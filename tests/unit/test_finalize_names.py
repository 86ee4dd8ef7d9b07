"""Names of dumps: harmless in every file system whatever the program calls itself, inside the folder, never empty."""

import fnmatch
import os
import re
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdmp.monitor.fault import Fault, Subject
from mdmp.monitor.finalize.name import FIELDS, MAX_NAME, MAX_NUMBER, dump_paths, name_globs, template_problem
from mdmp.monitor.policy.settings import Settings

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DEVICES = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    f"{d}{n}" for d in ("COM", "LPT") for n in "0123456789¹²³"
}


def fault(program: str = "/opt/shop", **more: object) -> Fault:
    given = {"kind": "access_violation", "text": "SIGSEGV at 0x18", "tid": 4712, "code": 11, **more}
    return Fault(subject=Subject(4711, program, uid=1000), **given)  # type: ignore[arg-type]


def names(template: str, count: int = 1, **more: object) -> list[str]:
    paths = dump_paths("/dumps", template, fault(**more), WHEN)
    found = [next(paths) for _ in range(count)]
    assert all(os.path.dirname(path) == "/dumps" for path in found)
    return [os.path.basename(path) for path in found]


def assert_harmless(name: str) -> None:
    assert name.endswith(".dmp") and len(name) > 4
    assert 0 < len(name.encode()) <= MAX_NAME
    assert not re.search(r'[\x00-\x20\x7f/\\:*?"<>|$`\'!;&(){}~#%\[\]]', name)
    assert name[0] not in ".-"
    assert name.split(".")[0].upper() not in DEVICES
    assert name == unicodedata.normalize("NFC", name)
    assert all(unicodedata.category(c)[0] in "LMN" or c in "._-+@=" for c in name)


def test_the_default() -> None:
    assert names(Settings().name, 3) == [f"shop.4711.20260102T030405Z{more}.dmp" for more in ("", ".2", ".3")]


def test_all_fields() -> None:
    template = "-".join(f"{{{name}}}" for name in FIELDS if name != "host")
    assert names(template) == ["shop-4711-4712-20260102T030405Z-access_violation-SIGSEGV-SIGSEGV-1000-1.dmp"]
    assert names("{code}", code=0xC0000005) == ["c0000005.dmp"]
    assert names("{code}{tid}", code=None, tid=None) == ["dump.dmp"]


def test_a_counter_in_the_template() -> None:
    assert names("{program}_{count}_x.dmp", 3) == ["shop_1_x.dmp", "shop_2_x.dmp", "shop_3_x.dmp"]
    assert len(set(names("a" * 300 + "{count}", 50))) == 50


@pytest.mark.parametrize(
    "template", ["{program.__class__}.dmp", "{nothing}", "{}", "{0}", "{pid:>999999999}", "{pid!r}"]
)
def test_an_unknown_field_is_told_and_the_default_used(template: str) -> None:
    problem = template_problem(template)
    assert problem and template in problem and "{program}" in problem
    assert names(template) == ["shop.4711.20260102T030405Z.dmp"]


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("..", "_."),
        (".bashrc", "_bashrc"),
        ("-rf", "_rf"),
        ("con", "_con"),
        ("C:\\x\\NUL", "_NUL"),
        ("com1", "_com1"),
        ("console", "console"),
        ("a b;c$(d)`e`", "a_b_c__d__e_"),
        ("\x1b[2J\n", "__2J_"),
        ("gpj\u202eexe", "gpj_exe"),
        ("caf\u0065\u0301", "caf\u00e9"),
        ("\udcff\udc80", "__"),
        ("日本語", "日本語"),
        ("", "process"),
    ],
)
def test_programs_that_call_themselves_something(program: str, name: str) -> None:
    found = names("{program}.{pid}.dmp", program=program)[0]
    assert found == f"{name}.4711.dmp"
    assert_harmless(found)


def test_a_template_stays_in_the_folder() -> None:
    for template in (
        "../{program}",
        "/etc/{program}",
        "a/b/../../../{pid}",
        "C:\\{pid}",
        "..",
        "",
        ".dmp",
        "{program}/.dmp",
    ):
        assert_harmless(names(template)[0])


def test_a_long_name_keeps_process_and_time() -> None:
    found = names(Settings().name, 2, program="é" * 4000)
    assert all(name.startswith("é" * 40 + ".4711.20260102T030405Z") for name in found)
    assert all(len(name.encode()) <= MAX_NAME for name in found)


TEMPLATES = st.lists(st.one_of(st.sampled_from([f"{{{name}}}" for name in FIELDS]), st.text(max_size=300))).map("".join)


@given(TEMPLATES, st.text(max_size=300), st.text(max_size=50), st.integers(1, 5))
def test_any_template_and_program(template: str, program: str, kind: str, count: int) -> None:
    found = names(template, count, program=program, kind=kind)
    for name in found:
        assert_harmless(name)
        if len(name.encode()) < 150 and template.isascii():
            assert any(fnmatch.fnmatchcase(name, glob) for glob in name_globs(template))
    assert len(set(found)) == count


def test_names_come_to_an_end() -> None:
    assert len(list(dump_paths("/dumps", "x", fault()))) == MAX_NUMBER


def test_which_names_are_taken_for_ours() -> None:
    globs = name_globs(Settings().name)

    def ours(name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, glob) for glob in globs)

    assert ours("shop.1.20260102T030405Z.dmp") and ours("a.b.exe.1.20260102T030405Z.17.dmp")
    for name in ("shop.dmp", "shop.1.dmp", "important.1.20260102T030405Z.dmp.txt", "shop.x.20260102T030405Z.dmp"):
        assert not ours(name)
