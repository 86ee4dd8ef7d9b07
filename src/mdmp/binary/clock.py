"""Times as files keep them, as aware UTC datetimes. A time out of range is None: it says nothing."""

from datetime import UTC, datetime, timedelta

_FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


def from_unix(seconds: int) -> datetime | None:
    """Seconds since 1970; 0 means not known."""
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 1 << 36 else None


def from_filetime(ticks: int) -> datetime | None:
    """A Windows FILETIME: 100 ns units since 1601; 0 means not known."""
    try:
        return _FILETIME_EPOCH + timedelta(microseconds=ticks // 10) if ticks > 0 else None
    except OverflowError:
        return None
