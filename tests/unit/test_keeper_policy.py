"""The policy's decision is what is kept, told in the dump, and remembered."""

from contextlib import contextmanager
from pathlib import Path

import pytest
from made_snapshots import make

import mdmp
from mdmp.errors import UsageError
from mdmp.monitor.fault import Fault, Subject
from mdmp.monitor.handler_process import HandlerKeeper
from mdmp.monitor.keeper import Keeper
from mdmp.monitor.policy.history import count_of
from mdmp.monitor.policy.policy import Policy, Source

FAULT = Fault("abort", Subject(7, "/opt/shop"), "SIGABRT in thread 7", code=6, place="shop+0x10")


@contextmanager
def capture(_):
    yield make(os="linux", code=6, registers={"rip": 0x140001000, "rsp": 0x9000})


@contextmanager
def refused(_):
    raise UsageError("it does not let us")
    yield


def keeper(folder: Path, **values: object) -> Keeper:
    quiet = {"log": False, "notice": (), "min_free": 0}
    return Keeper(Policy((Source("file", {"folder": str(folder), **quiet, **values}, {}),)))


def test_dumps_are_counted_until_it_is_enough(tmp_path: Path) -> None:
    keep = keeper(tmp_path / "dumps", repeat=2)
    outcomes = [keep.keep(FAULT, capture) for _ in range(4)]
    assert [outcome.saved is not None for outcome in outcomes] == [True, True, False, False]
    assert outcomes[2].problem is None
    assert outcomes[3].decision.reasons == ("no dump: 2 dumps of the same fault within a day, repeat is 2 (file)",)
    assert outcomes[0].saved is not None
    kept = mdmp.open_dump(outcomes[0].saved.path).annotations
    assert kept.process["mdmp.decision[0]"] == "type mini for abort (built in)"
    assert kept.process["mdmp.fault"] == "abort"
    assert any("kept because: type mini for abort (built in)" in comment for comment in kept.comments)


def test_what_gave_no_dump_is_not_counted(tmp_path: Path) -> None:
    outcome = keeper(tmp_path).keep(FAULT, refused)
    assert (outcome.saved, outcome.problem) == (None, "it does not let us")
    assert count_of(str(tmp_path), FAULT) == 0
    # Where there is to be no dump the process is not even looked at.
    assert keeper(tmp_path, enabled=False).keep(FAULT, refused).problem is None
    assert list(tmp_path.iterdir()) == []


class Silent:
    def do_not_wait(self) -> None: ...


@pytest.mark.parametrize("words", ["{nonsense", "[1]", '{"said": 5}', "null", ""])
def test_debug_output_that_only_begins_like_the_handlers(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    keep = HandlerKeeper(Silent(), {}, str)
    fault = Fault("request", Subject(7, "/opt/shop"), "debug output", messages=(f"mdmp handler: {words}",))
    outcome = keep.keep(fault, refused)
    assert (outcome.saved, outcome.problem) == (None, None)
