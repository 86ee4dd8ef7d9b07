"""One condition over time."""

from math import inf

from mdmp.binary.sizes import size_text
from mdmp.monitor.watch.conditions import Condition, Sample

PROGRESS = 0.01
"""Seconds of processor time: less is no progress. A program that hangs may still have a timer that ticks."""
WINDOW_HANG = 5.0
"""Seconds after which Windows says that a window does not answer."""
COARSE = 1.0
"""Seconds between two looks when the value is far from its limit."""


class Track:
    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        self.fired = -inf
        """When it last led to a dump."""
        self._needed = condition.limit if condition.kind == "hang" else condition.lasting
        self._value: float | None = None
        self._since: float | None = None
        """Since when it has been fulfilled; for hangs, when the process last moved."""
        self._mark: float | None = None
        """For hangs: the processor time when it last moved."""
        self._why = ""

    def take(self, previous: Sample | None, sample: Sample) -> None:
        """`previous`: the sample before, None when it says nothing about the time between."""
        if self.condition.kind == "hang":
            self._since = self._moved(previous, sample)
            return
        self._value = value = _value(self.condition.kind, previous, sample)
        if value is None:
            # Of processor time nothing is known before there are two samples: it goes on as it was.
            if self.condition.kind != "cpu":
                self._since = None
        elif (value < self.condition.limit) != self.condition.below:
            self._since = None
        elif self._since is None:
            # The processor time of an interval was used since its beginning.
            self._since = previous.time if previous and self.condition.kind == "cpu" else sample.time

    def ripe(self, now: float) -> bool:
        """It has been fulfilled for long enough, since it last fired."""
        if self._since is None or (self._value is None and self.condition.kind != "hang"):
            return False
        return now - max(self._since, self.fired) >= self._needed

    def fire(self, now: float) -> None:
        """What was fulfilled until now does not count for the next time."""
        self.fired = now
        self._since = self._mark = None

    @property
    def near(self) -> bool:
        """The value is not far from its limit, so it pays to look often."""
        value, limit = self._value, self.condition.limit
        if value is None or self.condition.kind == "hang":
            return False
        return value < limit * 2 if self.condition.below else value >= limit / 2

    @property
    def pace(self) -> float:
        """Seconds between two looks when it is near. Processor time over a shorter time would be noise."""
        least = 0.25 if self.condition.kind == "cpu" else 0.1
        return min(max(self._needed / 4, least), COARSE)

    @property
    def rest(self) -> float:
        """The most seconds between two looks."""
        return self.pace if self.condition.kind == "hang" else COARSE

    def text(self) -> str:
        condition, lasting = self.condition, self.condition.lasting
        if condition.kind == "hang":
            return f"{self._why} for {condition.limit:g} s"
        assert self._value is not None
        relation = "under" if condition.below else "over" if self._value > condition.limit else "reached"
        value, limit = (_WORDS[condition.kind][1](number) for number in (self._value, condition.limit))
        return f"{_WORDS[condition.kind][0]} {value} {relation} {limit}" + (f" for {lasting:g} s" if lasting else "")

    def _moved(self, previous: Sample | None, sample: Sample) -> float | None:
        """When the process last gave a sign of life, as far as is known. None: no way to know."""
        if self.condition.heartbeat is not None:
            self._why = f"no heartbeat in {self.condition.heartbeat}"
            # A file that is not there yet, or an old one, counts from when we began to look.
            since = sample.time if self._since is None else self._since
            return since if sample.heartbeat is None else max(since, min(sample.heartbeat, sample.time))
        if sample.responding is not None:
            self._why = "its windows do not answer"
            if sample.responding:
                self._mark = None
                return sample.time
            if self._mark is None or self._since is None:
                self._mark = 0.0
                return sample.time - WINDOW_HANG
            return self._since
        self._why = "no progress (it used no processor time)"
        if sample.cpu_time is None:
            return None
        if self._mark is None or self._since is None or sample.cpu_time - self._mark >= PROGRESS:
            self._mark = sample.cpu_time
            return sample.time
        return self._since


def _value(kind: str, previous: Sample | None, sample: Sample) -> float | None:
    """In the unit of `Condition.limit`."""
    if kind == "memory":
        return sample.memory
    if kind == "threads":
        return sample.threads
    if kind == "handles":
        return sample.handles
    if previous is None or previous.cpu_time is None or sample.cpu_time is None or sample.time <= previous.time:
        return None
    return max(0.0, (sample.cpu_time - previous.cpu_time) / (sample.time - previous.time) * 100)


def _percent(number: float) -> str:
    return f"{number:.0f} %"


def _count(number: float) -> str:
    return f"{number:.0f}"


_WORDS = {
    "cpu": ("processor time", _percent),
    "memory": ("memory", size_text),
    "threads": ("threads", _count),
    "handles": ("open files or handles", _count),
}
