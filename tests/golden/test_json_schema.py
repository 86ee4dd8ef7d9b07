"""The JSON of every dump has the shape that minidump-stackwalk's has, and beyond that the one we document."""

import json
import re
from copy import deepcopy
from pathlib import Path

import pytest
from stackwalk_schema import OURS, REGISTERS, STACKWALK, violations, with_ours

from mdmp.report import as_json
from mdmp.report.options import RenderOptions

WINDOWS = Path(__file__).resolve().parent.parent / "data" / "windows"
SCHEMA = with_ours(STACKWALK)
DOCS = Path(__file__).resolve().parent.parent.parent / "docs" / "json.md"


def checked(value):
    """The violations, after a look at the one place where an object of the list has a key more than the others."""
    value = deepcopy(value)
    thread = value["crashing_thread"]
    if thread and thread["frames"]:
        registers = {"registers": thread["frames"][0].pop("registers")}
        assert not list(violations(registers, REGISTERS))
    return list(violations(value, SCHEMA))


@pytest.mark.parametrize("name", json.loads((WINDOWS / "expected.json").read_text()))
def test_our_dumps(name, windows_report):
    report = windows_report(name)
    value = json.loads(as_json.render(report, RenderOptions()))
    assert checked(value) == []
    width = 2 + 2 * report.pointer_size
    assert {len(module["base_addr"]) for module in value["modules"]} == {width}
    assert value["thread_count"] == len(value["threads"])
    assert value["crash_info"]["crashing_thread"] == value["crashing_thread"]["threads_index"]


def test_the_check_sees_what_is_wrong(windows_report):
    good = json.loads(as_json.render(windows_report("null_write_x64.dmp"), RenderOptions()))
    assert checked(good) == []
    for change in (
        lambda value: value.pop("pid"),
        lambda value: value.update(pid="7"),
        lambda value: value.update(pid=True),
        lambda value: value.update(surprise=1),
        lambda value: value["crash_info"].update(address="18"),
        lambda value: value["threads"][0]["frames"][1].update(trust="guess"),
        lambda value: value["threads"][0]["frames"][0].update(inlines={}),
        lambda value: value["crashing_thread"]["frames"][0]["registers"].clear() or value.update(threads="none"),
        lambda value: value["modules"][0].update(symbols=[]),
    ):
        bad = deepcopy(good)
        change(bad)
        assert len(checked(bad)) == 1


def test_the_corpus(corpus):
    """Also what other systems' dumps give, and damaged ones."""
    import mdmp

    dumps = sorted((corpus / "dumps").rglob("*.dmp"))
    read = 0
    for path in dumps:
        try:
            report = mdmp.analyze(mdmp.open_dump(path))
        except mdmp.UnusableInputError:
            continue
        assert checked(json.loads(as_json.render(report, RenderOptions()))) == [], path
        read += 1
    assert read > 80


def test_every_key_of_ours_is_documented():
    text = DOCS.read_text(encoding="utf-8")
    assert [key for key in OURS if not re.search(rf"`(mdmp\.)?{key}`", text)] == []
