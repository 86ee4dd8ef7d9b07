"""Conditions on what a process uses: when they fire, against a model that looks back over all samples each time."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdmp.cli.common import Parser
from mdmp.cli.trigger_options import add_trigger_options, monitor_options, signal_number
from mdmp.errors import UsageError
from mdmp.monitor.fault import KINDS
from mdmp.monitor.options import MonitorOptions
from mdmp.monitor.watch.conditions import Condition, Sample
from mdmp.monitor.watch.quota import Quota
from mdmp.monitor.watch.watcher import Firing, Watcher


def sample(time: float, **values: object) -> Sample:
    return Sample(time, **({"cpu_time": None, "memory": None, "threads": None, "handles": None} | values))  # type: ignore[arg-type]


@dataclass
class Simulation:
    """Time that passes as the watcher asks for it, and a process whose samples are a function of time."""

    conditions: Sequence[Condition]
    at: Callable[[float], Sample | None]
    quota: Quota = field(default_factory=lambda: Quota(1000, 0.0))
    late: Callable[[], float] = lambda: 0.0
    pause: float = 0.0
    seen: list[Sample] = field(default_factory=list)
    fired: list[tuple[float, Firing]] = field(default_factory=list)
    now: float = 100.0

    def run(self, duration: float) -> list[float]:
        """The times of firing, from the begin."""
        began, end = self.now, self.now + duration
        watcher = Watcher(self.conditions, self._take, self.quota)
        while (wait := watcher.due(self.now)) < inf and self.now + wait <= end:
            self.now += wait + self.late()
            if firing := watcher.look(self.now):
                self.fired.append((self.now, firing))
                self.now += self.pause
        return [round(time - began, 6) for time, _ in self.fired]

    def _take(self) -> Sample | None:
        if found := self.at(self.now):
            self.seen.append(found)
        return found


def steady(percent: float) -> Callable[[float], Sample]:
    return lambda now: sample(now, cpu_time=now * percent / 100)


def test_processor_time_fires_when_it_lasted_and_again_as_long_after() -> None:
    simulation = Simulation([Condition("cpu", 80, lasting=10)], steady(97.4))
    times = simulation.run(45)
    assert len(times) == 4
    assert all(10 * n <= time < 11.2 * n for n, time in enumerate(times, 1))
    assert simulation.fired[0][1].text == "processor time 97 % over 80 % for 10 s"
    assert len(simulation.seen) < 60


def test_a_break_starts_it_anew() -> None:
    def busy(now: float) -> Sample:
        return sample(now, cpu_time=min(now, 105.0) + max(0.0, now - 107))

    times = Simulation([Condition("cpu", 80, lasting=6)], busy).run(15)
    assert len(times) == 1 and 13 <= times[0] < 14.5


def test_below() -> None:
    simulation = Simulation([Condition("cpu", 5, lasting=2, below=True)], steady(1))
    assert len(simulation.run(3)) == 1
    assert simulation.fired[0][1].text == "processor time 1 % under 5 % for 2 s"
    assert not Simulation([Condition("cpu", 5, lasting=2, below=True)], steady(5.1)).run(30)


def test_memory_fires_soon_after_it_is_there_and_spacing_holds() -> None:
    def grows(now: float) -> Sample:
        return sample(now, memory=int((now - 100) * (10 << 20)))

    simulation = Simulation([Condition("memory", 100 << 20)], grows, Quota(3, 4.0))
    times = simulation.run(60)
    assert len(times) == 3 and 10 <= times[0] <= 10.2
    assert all(4 <= after - before <= 4.2 for before, after in pairwise(times))
    assert simulation.fired[0][1].text.startswith("memory 10") and simulation.quota.spent


def test_hang_means_less_than_ten_milliseconds_of_processor_time() -> None:
    simulation = Simulation([Condition("hang", 5)], lambda now: sample(now, cpu_time=7.0 + (now - 100) * 0.0005))
    times = simulation.run(12)
    assert len(times) == 2 and 5 <= times[0] <= 6.3 and times[1] - times[0] >= 5
    assert simulation.fired[0][1].text == "no progress (it used no processor time) for 5 s"
    assert not Simulation([Condition("hang", 5)], lambda now: sample(now, cpu_time=now * 0.02)).run(60)
    assert not Simulation([Condition("hang", 5)], sample).run(60)


def test_heartbeat() -> None:
    def beats(now: float) -> Sample:
        return sample(now, heartbeat=-inf if now < 104 else min(now - now % 2, 110))

    simulation = Simulation([Condition("hang", 5, heartbeat="beat")], beats)
    times = simulation.run(18)
    assert len(times) == 1 and 15 <= times[0] <= 16.3
    assert simulation.fired[0][1].text == "no heartbeat in beat for 5 s"
    never = Simulation([Condition("hang", 5, heartbeat="beat")], lambda now: sample(now, heartbeat=-inf)).run(8)
    assert len(never) == 1 and never[0] >= 5
    old = Simulation([Condition("hang", 5, heartbeat="beat")], lambda now: sample(now, heartbeat=3.0)).run(8)
    assert old == never


@pytest.mark.parametrize(("limit", "first", "last"), [(5, 3, 4.3), (8, 6, 7.3)])
def test_windows_that_do_not_answer(limit: float, first: float, last: float) -> None:
    """Windows says so after five seconds, which count."""
    hung = Simulation([Condition("hang", limit)], lambda now: sample(now, cpu_time=now, responding=now < 103))
    times = hung.run(9)
    assert first <= times[0] <= last
    assert hung.fired[0][1].text == f"its windows do not answer for {limit} s"
    back = Simulation([Condition("hang", 8)], lambda now: sample(now, cpu_time=0, responding=not 103 < now < 105))
    assert not back.run(30)


def test_the_time_of_a_dump_is_not_judged() -> None:
    """The process stands still for it: that is no break for one condition, and no progress of another."""
    simulation = Simulation(
        [Condition("memory", 1, lasting=4), Condition("cpu", 90, lasting=10)],
        lambda now: sample(now, memory=1, cpu_time=now - 3 * len(simulation.fired)),
        pause=3.0,
    )
    simulation.run(18)
    assert [firing.condition.kind for _, firing in simulation.fired] == ["memory", "cpu", "memory"]


def test_it_has_to_last_anew_after_a_dump() -> None:
    times = Simulation([Condition("cpu", 90, lasting=1)], steady(100), pause=5.0).run(18)
    assert len(times) == 3 and all(5.99 < after - before < 6.6 for before, after in pairwise(times))
    # For a window as well, although Windows said long ago that it hangs.
    times = Simulation([Condition("hang", 7)], lambda now: sample(now, responding=False)).run(20)
    assert len(times) == 3 and 2 <= times[0] <= 3 and all(7 <= after - before <= 8 for before, after in pairwise(times))


def test_one_condition_does_not_silence_another() -> None:
    simulation = Simulation(
        [Condition("memory", 1), Condition("threads", 2), Condition("handles", 9)],
        lambda now: sample(now, memory=5, threads=3, handles=8),
        Quota(6, 1.0),
    )
    simulation.run(30)
    assert [firing.condition.kind for _, firing in simulation.fired] == ["memory", "threads"] * 3


def test_nothing_to_watch() -> None:
    watcher = Watcher((), lambda: pytest.fail("looked"), Quota(1, 1))
    assert watcher.due(0.0) == watcher.interval == inf and watcher.look(0.0) is None
    watcher = Watcher([Condition("memory", 1)], lambda: pytest.fail("looked"), Quota(0, 1))
    assert watcher.due(0.0) == inf and watcher.look(0.0) is None
    gone = Watcher([Condition("memory", 1)], lambda: None, Quota(1, 1))
    assert gone.due(0.0) == 0 and gone.look(0.0) is None and gone.due(1.0) == inf


def test_it_looks_often_only_when_a_limit_is_near() -> None:
    def count(memory: int, duration: float) -> int:
        simulation = Simulation([Condition("memory", 1000)], lambda now: sample(now, memory=memory))
        simulation.run(duration)
        return len(simulation.seen)

    assert count(10, 100) <= 105
    assert count(900, 10) >= 95


CHOICES = {
    "cpu": st.sampled_from([0.0, 20.0, 50.0, 100.0, 200.0]),
    "memory": st.integers(0, 5),
    "threads": st.integers(0, 5),
}
CONDITIONS = st.builds(
    Condition,
    st.sampled_from(["cpu"]),
    st.sampled_from([10.0, 50.0, 150.0]),
    st.sampled_from([0.0, 0.5, 2.0, 5.0]),
    st.booleans(),
) | st.builds(
    Condition,
    st.sampled_from(["memory", "threads"]),
    st.integers(1, 4),
    st.sampled_from([0.0, 1.0, 3.0]),
    st.booleans(),
)


def model(condition: Condition, seen: Sequence[Sample], breaks: set[int], begin: int) -> bool:
    """Whether a condition asks for a dump at the last of all samples.

    `breaks`: samples before which time is not judged; `begin`: the first one after its last dump.
    """
    since = None
    for i in reversed(range(begin, len(seen))):
        if condition.kind == "cpu":
            if i == 0 or i in breaks:
                if i == len(seen) - 1:
                    return False
                continue
            before, after = seen[i - 1], seen[i]
            assert before.cpu_time is not None and after.cpu_time is not None
            value = 100 * (after.cpu_time - before.cpu_time) / (after.time - before.time)
            start = before.time
        else:
            value, start = getattr(seen[i], condition.kind), seen[i].time
        if (value < condition.limit) != condition.below:
            break
        since = start
    return since is not None and seen[-1].time - since >= condition.lasting


@given(st.data())
def test_against_the_model(data: st.DataObject) -> None:
    conditions = data.draw(st.lists(CONDITIONS, min_size=1, max_size=3))
    steps = data.draw(
        st.lists(st.tuples(CHOICES["cpu"], CHOICES["memory"], CHOICES["threads"]), min_size=20, max_size=20)
    )
    jitter = iter(data.draw(st.lists(st.sampled_from([0.001, 0.125, 0.5, 3.0]), min_size=200, max_size=200)))
    number, spacing = data.draw(st.integers(1, 6)), data.draw(st.sampled_from([0.0, 1.0, 4.0]))

    def at(now: float) -> Sample:
        second = min(int(now - 100), len(steps) - 1)
        used = sum(step[0] for step in steps[:second]) + steps[second][0] * (now - 100 - second)
        return sample(now, cpu_time=used / 100, memory=steps[second][1], threads=steps[second][2])

    simulation = Simulation(conditions, at, Quota(number, spacing))
    watcher = Watcher(conditions, simulation._take, simulation.quota)
    breaks: set[int] = set()
    begins = [0] * len(conditions)
    dumps: list[float] = []
    while (wait := watcher.due(simulation.now)) < inf and simulation.now < 120:
        simulation.now += wait + next(jitter, 0.001)
        firing = watcher.look(simulation.now)
        asks = [i for i, condition in enumerate(conditions) if model(condition, simulation.seen, breaks, begins[i])]
        free = not dumps or simulation.now - dumps[-1] >= spacing
        assert (firing is not None) == bool(asks and free)
        if firing:
            chosen = min(asks, key=lambda i: begins[i])
            assert firing.condition is conditions[chosen]
            begins[chosen] = len(simulation.seen)
            dumps.append(simulation.now)
            breaks.add(len(simulation.seen))
    assert len(dumps) <= number and simulation.quota.spent == (len(dumps) == number)


def test_quota() -> None:
    quota = Quota(4, 10.0)
    assert quota.allow(0.0, is_crash=False) and not quota.allow(9.9, is_crash=False)
    assert quota.waits(4.0) == 6.0
    assert quota.allow(5.0, is_crash=True) and not quota.allow(14.9, is_crash=False)
    assert quota.allow(15.0, is_crash=False) and not quota.spent
    assert quota.allow(15.0, is_crash=True) and quota.spent and quota.waits(1000.0) == inf
    assert not quota.allow(99.0, is_crash=True) and not quota.allow(99.0, is_crash=False)


def options(*arguments: str) -> MonitorOptions:
    parser = Parser("mdmp run", None)
    add_trigger_options(parser)
    return monitor_options(parser.parse_args(arguments))


def test_options() -> None:
    assert options() == MonitorOptions()
    assert options("-n", "3", "-s", "2.5", "--follow", "--exit-code", "3", "--exit-code", "0xC5") == MonitorOptions(
        number=3, spacing=2.5, follow=True, exit_codes=(3, 0xC5)
    )
    assert options("--exit-code", "any", "--exit-code", "-1").exit_codes == ()
    assert options("--first-chance", "SEGV", "--first-chance", "*bad*").first_chance == ("SEGV", "*bad*")
    assert options("--no-crash", "--exit-code", "0").crashes is False


@pytest.mark.parametrize(
    ("arguments", "condition"),
    [
        ("--cpu 80", Condition("cpu", 80, 10)),
        ("--cpu 80%:1.5", Condition("cpu", 80, 1.5)),
        ("--cpu-below 1:0", Condition("cpu", 1, 0, below=True)),
        ("--memory 1G", Condition("memory", 1 << 30)),
        ("--memory-below 100M:3s", Condition("memory", 100 << 20, 3, below=True)),
        ("--threads 100", Condition("threads", 100)),
        ("--handles 7:1", Condition("handles", 7, 1)),
        ("--fds 7", Condition("handles", 7)),
        ("--hang 3", Condition("hang", 3)),
        ("--heartbeat f", Condition("hang", 10, heartbeat="f")),
        ("--heartbeat f --hang 0.5", Condition("hang", 0.5, heartbeat="f")),
    ],
)
def test_options_for_conditions(arguments: str, condition: Condition) -> None:
    assert options(*arguments.split()).conditions == (condition,)
    assert condition.kind in KINDS


def test_percent_of_all_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert options("--cpu", "50", "--all-cpus").conditions == (Condition("cpu", 200, 10),)
    with pytest.raises(UsageError, match="over 500 % of one processor is not possible with 4 of them"):
        options("--cpu", "500")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("--cpu much", "not a percentage above zero: 'much'"),
        ("--cpu 0", "not a percentage above zero"),
        ("--cpu nan", "not a percentage above zero"),
        ("--cpu 80:-1", "not a number of seconds: '-1'"),
        ("--cpu 80:", "not a number of seconds: ''"),
        ("--memory 500", "500 bytes: every program has more; write 500M for MiB"),
        ("--memory 5x", "not a size: '5x'"),
        ("--threads 0", "not a number above zero"),
        ("--spacing inf", "not a number of seconds"),
        ("-n 0", "not a number above zero"),
        ("--signal KILL", "nobody sees SIGKILL"),
        ("--signal FOO", "no such signal: 'FOO' (there are: "),
        ("--signal 65", "no such signal: '65'"),
        ("--signal RTMIN+x", "no such signal"),
        ("--exit-code zero", "not an exit code: 'zero'"),
        ("--no-crash", "nothing to make a dump for"),
    ],
)
def test_bad_options(arguments: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        options(*arguments.split())
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("platform", "possible", "impossible"),
    [("linux", ("0", "255"), ("300", "-1")), ("win32", ("-1", "0xFFFFFFFF"), ("0x100000000", "-2147483649"))],
)
def test_exit_codes_that_can_never_be(
    monkeypatch: pytest.MonkeyPatch, platform: str, possible: Sequence[str], impossible: Sequence[str]
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    for text in possible:
        assert options("--exit-code", text).exit_codes == (int(text, 0),)
    for text in impossible:
        with pytest.raises(UsageError, match="no program ends with it here"):
            options("--exit-code", text)


def test_signals() -> None:
    if not hasattr(signal, "SIGUSR1"):
        with pytest.raises(UsageError, match="no signals on Windows"):
            options("--signal", "2")
        return
    usr1 = int(signal.SIGUSR1)
    assert {signal_number(text) for text in ("USR1", "sigusr1", "SIGUSR1", str(usr1))} == {usr1}
    assert signal_number("RTMIN+3") == int(signal.SIGRTMIN) + 3
    assert options("--signal", "USR1", "--signal", "QUIT").signals == (usr1, int(signal.SIGQUIT))
    with pytest.raises(argparse.ArgumentTypeError):
        signal_number("")
