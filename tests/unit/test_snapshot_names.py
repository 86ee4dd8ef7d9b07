"""The names of `mdmp.snapshot`, which are imported when they are first used."""

import subprocess
import sys
from importlib import import_module

import pytest

from mdmp import snapshot


def test_every_name_is_where_it_is_looked_for() -> None:
    for name, home in snapshot._HOME.items():
        found = getattr(snapshot, name)
        assert found is getattr(import_module(f"mdmp.snapshot.{home}"), name)
        assert found.__module__ == f"mdmp.snapshot.{home}"


def test_there_are_no_others() -> None:
    with pytest.raises(AttributeError, match=r"mdmp\.snapshot.*'Nothing'"):
        snapshot.Nothing  # type: ignore[attr-defined]  # noqa: B018


def test_what_a_program_that_is_watched_need_not_wait_for() -> None:
    code = "import sys, mdmp.snapshot.dump_type; print(sorted(name for name in sys.modules if 'mdmp.snap' in name))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['mdmp.snapshot', 'mdmp.snapshot.dump_type']\n"
