"""The kernel's handler of crashes: every kind of fault, and what stands against tricks."""

import sys
from collections.abc import Iterator
from pathlib import Path

import fault_table
import pytest
from fault_table import FAULTS, Fault, build, check_dump

if sys.platform != "linux":
    pytest.skip("this is about Linux", allow_module_level=True)

from postmortem import GROUP, USER, Handler, machine, why_not

if reason := why_not():
    pytest.skip(reason, allow_module_level=True)

OTHER = {"user": USER, "group": GROUP, "extra_groups": []}


@pytest.fixture(scope="module")
def handler() -> Iterator[Handler]:
    with machine(), Handler() as handler:
        yield handler


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("built")


def faulty(handler: Handler, built: Path, name: str) -> Path:
    return handler.program(build(name, built))


@pytest.mark.parametrize("thread", [False, True], ids=["main", "thread"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_faults(handler: Handler, built: Path, fault: Fault, thread: bool) -> None:
    name = "faults" if fault.source == fault_table.C else "cpp"
    if thread and name == "cpp":
        pytest.skip("these are programs of one thread")
    program = faulty(handler, built, name)
    entry = handler.crash([program, fault.name, *(["thread"] if thread else [])])
    assert "problem" not in entry and entry["program"] == str(program)
    snapshot, _ = check_dump(Path(entry["dump"]), fault, entry["pid"])
    assert snapshot.annotations.process["mdmp.trigger"] == "postmortem"
    assert (snapshot.exceptions[0].tid != entry["pid"]) == thread
    names = {thread.tid: thread.name for thread in snapshot.threads or ()}
    assert len(names) == (5 if thread else 1) and None not in names.values()
    assert Path(entry["dump"]).stat().st_mode & 0o777 == 0o600
