"""mdmp: the whole life of a crash dump."""

__version__ = "0.1.0"
