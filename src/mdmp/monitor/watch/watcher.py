"""Samples of one process against conditions: when to look, and which condition is fulfilled."""

from collections.abc import Callable, Sequence
from math import inf
from typing import NamedTuple

from mdmp.monitor.watch.conditions import Condition, Sample
from mdmp.monitor.watch.quota import Quota
from mdmp.monitor.watch.track import Track

Sampler = Callable[[], Sample | None]
"""What the process uses at this moment; None when it is gone."""

FIRST = 0.1
"""Seconds between the first two looks; twice as many each time, as long as all is far from its limit."""


class Firing(NamedTuple):
    condition: Condition
    text: str
    """One line for people: `processor time 97 % over 80 % for 10 s`."""


class Watcher:
    """Asks a sampler now and then. A loop waits no longer than `due` for other things, then calls `look`.

    `now` is always a time of the clock that samples have (`time.monotonic`).
    """

    def __init__(self, conditions: Sequence[Condition], sampler: Sampler, quota: Quota) -> None:
        self._sampler = sampler
        self._quota = quota
        self._tracks = [Track(condition) for condition in conditions]
        self._previous: Sample | None = None
        self._next = -inf if conditions else inf
        self.interval = FIRST if conditions else inf
        """Seconds between two looks: short when a limit is near, infinite when there is nothing to look for."""

    def due(self, now: float) -> float:
        """Seconds until the next look; infinite when there is none."""
        return inf if self._quota.spent else max(0.0, self._next - now)

    def look(self, now: float) -> Firing | None:
        """The condition that asks for a dump now, if any; the quota allowed it, and has counted it.

        Nothing happens before a look is due. A condition that stays fulfilled fires again when it has been so for its
        full time anew and the quota's spacing has passed.
        """
        if self.due(now) > 0:
            return None
        sample = self._sampler()
        if sample is None:
            self._next = self.interval = inf
            return None
        for track in self._tracks:
            track.take(self._previous, sample)
        self._previous = sample
        self._plan(now)
        ripe = [track for track in self._tracks if track.ripe(sample.time)]
        if not ripe or not self._quota.allow(now, is_crash=False):
            return None
        # The one that was heard least recently: one that is always fulfilled shall not silence the others.
        track = min(ripe, key=lambda track: track.fired)
        firing = Firing(track.condition, track.text())
        track.fire(sample.time)
        # The dump takes time that says nothing about the program: judge anew soon after it.
        self._previous = None
        self._next = now + FIRST
        return firing

    def _plan(self, now: float) -> None:
        pace = min(track.pace if track.near else track.rest for track in self._tracks)
        self.interval = pace if any(track.near for track in self._tracks) else min(self.interval * 2, pace)
        self._next = now + self.interval
