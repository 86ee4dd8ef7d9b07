"""How many dumps, and how close together."""

from math import inf


class Quota:
    """Shared by all processes that one command watches."""

    def __init__(self, number: int, spacing: float) -> None:
        """`number` dumps in all; two that conditions make are begun at least `spacing` seconds apart."""
        self._left = number
        self._spacing = spacing
        self._last = -inf

    @property
    def spent(self) -> bool:
        """There are as many dumps as were asked for."""
        return self._left <= 0

    def waits(self, now: float) -> float:
        """Seconds until a condition may make a dump; infinite when there are enough."""
        return inf if self.spent else max(0.0, self._last + self._spacing - now)

    def allow(self, now: float, is_crash: bool) -> bool:
        """Whether a dump may be made, which counts then.

        `is_crash`: it cannot be had later (a crash, an exception at first chance, a signal, the end), so the spacing
        does not hold it back. Conditions can wait: they are fulfilled until they are not.
        """
        if self.spent or (not is_crash and self.waits(now) > 0):
            return False
        self._left -= 1
        self._last = now
        return True
