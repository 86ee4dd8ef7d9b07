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


def to_unix(time: datetime | None) -> int:
    """Seconds since 1970, 0 for None and for what 32 bits cannot hold."""
    seconds = 0 if time is None else int(time.timestamp())
    return seconds if 0 < seconds < 1 << 32 else 0


def to_filetime(time: datetime | None) -> int:
    """100 ns units since 1601, 0 for None."""
    return 0 if time is None else max(0, (time - _FILETIME_EPOCH) // timedelta(microseconds=1) * 10)
