"""From a policy and a fault to a decision."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdmp.monitor.fault import KINDS, Fault, Subject
from mdmp.monitor.policy.decide import MINI_ROOM, decide, look_up
from mdmp.monitor.policy.history import record
from mdmp.monitor.policy.policy import Policy, Source
from mdmp.monitor.policy.settings import Circumstances
from mdmp.snapshot.dump_type import DUMP_TYPES

M, G = 1 << 20, 1 << 30
HOME = {"HOME": "/home/ann", "LOCALAPPDATA": "C:\\Users\\ann\\AppData\\Local", "USERPROFILE": "C:\\Users\\ann"}
SUBJECT = Subject(7, "/opt/shop", None, None, HOME)
PLENTY = Circumstances(free=500 * G, memory=100 * M)


def said(**values: object) -> Policy:
    return Policy((Source("file", {key.replace("__", "."): value for key, value in values.items()}, {}),))


def fault(kind: str = "access_violation", **more: object) -> Fault:
    return Fault(kind, SUBJECT, "it broke", **more)  # type: ignore[arg-type]


def test_built_in() -> None:
    for kind, expected in {
        "heap_corruption": "heap",
        "access_violation": "heap",
        "abort": "mini",
        "stack_overflow": "mini",
        "hang": "indirect",
        "request": "heap",
    }.items():
        decision = decide(Policy(), fault(kind), PLENTY)
        assert decision.kind == expected
        assert decision.budget is None
    assert decide(Policy(), fault("abort"), PLENTY).reasons == ("type mini for abort (built in)",)
    assert decide(Policy(), fault("request"), PLENTY).reasons == ("type heap (built in)",)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"enabled": False}, "no dump: shop gets none (file)"),
        ({"count": 0}, "no dump: count is 0 (file)"),
        ({"rules__abort": "none"}, "no dump: type none for abort (file)"),
    ],
)
def test_no_dump(values: dict[str, object], reason: str) -> None:
    decision = decide(said(**values), fault("abort"), PLENTY)
    assert decision.kind is None
    assert decision.reasons == (reason,)


def test_a_type_that_was_said_wins_over_built_in_rules_and_a_rule_over_the_type_beside_it() -> None:
    assert decide(said(type="full"), fault("abort"), PLENTY).kind == "full"
    assert decide(said(type="full", rules__abort="mini"), fault("abort"), PLENTY).kind == "mini"
    later = Policy((Source("a", {"rules.abort": "mini"}, {}), Source("b", {"type": "full"}, {})))
    assert decide(later, fault("abort"), PLENTY).reasons == ("type full (b)",)
    nearer = Policy((Source("a", {"rules.abort": "mini"}, {"shop": {"type": "full"}}),))
    assert decide(nearer, fault("abort"), PLENTY).reasons == ("type full (a, for shop)",)
    defaults = Policy((Source("d", {"type": "mini"}, {}, default=True),))
    assert decide(defaults, fault("heap_corruption"), PLENTY).kind == "heap"
    assert decide(defaults, fault("request"), PLENTY).kind == "mini"


def test_custom_flags() -> None:
    assert decide(said(type="custom"), fault(), PLENTY).kind == 0x121
    assert decide(said(type="custom", custom_flags=0x2), fault(), PLENTY).kind == 2
    assert decide(said(rules__abort="custom"), fault("abort"), PLENTY).kind == 0x121


def test_repeats() -> None:
    for repeats, kind, how, expected in [
        (4, "abort", "postmortem", "mini"),
        (5, "abort", "postmortem", None),
        (5, "abort", "handler", None),
        (500, "abort", "run", "mini"),
        (500, "hang", "handler", "indirect"),
        (500, "exit", "handler", "mini"),
        (500, "request", "handler", "heap"),
    ]:
        assert decide(Policy(), fault(kind, how=how), Circumstances(repeats=repeats)).kind == expected
    assert decide(said(repeat=0), fault(how="postmortem"), Circumstances(repeats=500)).kind == "heap"
    assert decide(said(repeat=1), fault(how="run"), Circumstances(repeats=1)).reasons == (
        "no dump: 1 dumps of the same fault within a day, repeat is 1 (file)",
    )


@pytest.mark.parametrize(
    ("type_", "free", "memory", "kind", "budget"),
    [
        ("full", 100 * G, 2 * G, "full", None),
        ("full", 100 * G, None, "full", None),
        ("full", 3 * G, 4 * G, "heap", 2 * G),
        ("full", 3 * G, 1 * G, "full", None),
        ("heap", 2 * G, 4 * G, "heap", 1 * G),
        ("heap", 2 * G, 1 * M, "heap", None),
        ("heap", 1 * G + 10 * M, 4 * G, "mini", MINI_ROOM),
        ("full", 500 * M, 4 * G, "mini", MINI_ROOM),
        ("mini", 500 * M, 4 * G, "mini", MINI_ROOM),
        ("mini", 70 * M, 4 * G, "mini", 6 * M),
        ("mini", 60 * M, 4 * G, None, None),
        ("heap", 0, 4 * G, None, None),
    ],
)
def test_free_disk(type_: str, free: int, memory: int | None, kind: str | None, budget: int | None) -> None:
    decision = decide(said(type=type_), fault(), Circumstances(free, memory))
    assert (decision.kind, decision.budget) == (kind, budget)
    if kind is None or kind != type_:
        assert "min_free is 1G (built in)" in decision.reasons[-1]


def test_budgets() -> None:
    decision = decide(said(budget=50 * M, max_total=10 * M), fault(), PLENTY)
    assert decision.budget == 10 * M
    assert decision.reasons[1:] == ("budget 50M (file)", "budget 10M: max_total (file)")
    assert decide(said(budget=5 * M, max_total=10 * M), fault(), PLENTY).budget == 5 * M


ORDER = [None, "mini", "indirect", "heap", "full"]


@given(st.sampled_from(ORDER[1:]), st.integers(0, 8 * G), st.integers(0, 8 * G), st.integers(1, 8 * G))
def test_less_disk_never_gives_more(type_: str, free: int, more: int, memory: int) -> None:
    small = decide(said(type=type_), fault(), Circumstances(free, memory))
    big = decide(said(type=type_), fault(), Circumstances(free + more, memory))
    assert ORDER.index(small.kind) <= ORDER.index(big.kind) <= ORDER.index(type_)  # type: ignore[arg-type]
    if small.kind == big.kind is not None:
        assert (small.budget or memory) <= (big.budget or memory) or memory < MINI_ROOM
    if small.kind is not None:
        assert min(small.budget or memory, memory) <= free


@given(
    st.sampled_from(list(KINDS)), st.sampled_from([*DUMP_TYPES, "custom"]), st.one_of(st.none(), st.integers(0, 4 * G))
)
def test_there_is_always_a_reason(kind: str, type_: str, free: int | None) -> None:
    decision = decide(said(type=type_), fault(kind), Circumstances(free))
    assert decision.reasons
    assert decision.kind in (None, 0x121, *DUMP_TYPES)


@pytest.mark.skipif(sys.platform == "win32", reason="paths as Unix has them")
def test_folders() -> None:
    assert decide(Policy(), fault(), PLENTY).folder.startswith("/home/ann/")
    assert decide(said(folder="$HOME/d"), fault(), PLENTY).folder == "/home/ann/d"
    assert decide(Policy(default_folder="/var/x"), fault(), PLENTY).folder == "/var/x"
    decision = decide(said(folder="$NOPE/d"), fault(), PLENTY)
    assert decision.folder == decide(Policy(), fault(), PLENTY).folder
    assert decision.reasons[1] == (
        "the folder $NOPE/d is not used: the variable $NOPE is not known for the user of the program"
    )


def test_what_is_looked_up(tmp_path: Path) -> None:
    here = Fault("abort", Subject(os.getpid(), "x"), "", code=6)
    found = look_up(str(tmp_path / "not" / "there"), here)
    assert found.free
    assert found.repeats == 0
    if sys.platform == "linux":
        assert found.memory is not None
        assert 1 * M < found.memory < 1000 * G
    for _ in range(3):
        record(str(tmp_path), here)
    assert look_up(str(tmp_path), here).repeats == 3
    policy = Policy((Source("file", {"folder": str(tmp_path), "repeat": 3, "min_free": 0}, {}),))
    assert decide(policy, here).kind is None
    assert look_up(str(tmp_path), Fault("abort", Subject(2**30, "x"), "")).memory is None
