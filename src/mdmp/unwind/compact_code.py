"""The code around an interrupted thread."""

from typing import NamedTuple


class Surroundings(NamedTuple):
    code: bytes
    """Of the function as far as it is at hand; empty where it is not."""
    at: int
    """Where in `code` the thread stands."""
    low: int
    """Where in `code` the function starts: 0, or less where its start is too far away."""
    high: int
    """Where in `code` the function ends; it can lie behind the end of `code`."""
