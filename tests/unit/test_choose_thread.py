"""Which exception and thread an analysis starts from."""

from dataclasses import replace

from made_snapshots import make

from mdmp.analysis.choose_thread import choose_exception, choose_thread
from mdmp.snapshot import ExceptionRecord, Snapshot, Thread


def with_threads(snapshot: Snapshot, *threads: Thread, requesting: int | None = None) -> Snapshot:
    return replace(snapshot, threads=threads, requesting_tid=requesting)


def test_the_thread_of_the_exception() -> None:
    snapshot = with_threads(make(code=0xC0000005), Thread(1), Thread(7))
    assert choose_thread(snapshot, choose_exception(snapshot))[0] == 1


def test_the_thread_that_asked_for_the_dump() -> None:
    snapshot = with_threads(make(), Thread(1), Thread(5), Thread(9), requesting=9)
    assert choose_thread(snapshot, None) == (2, "it asked for the dump")


def test_an_exception_on_a_thread_that_is_not_listed() -> None:
    snapshot = with_threads(make(code=0xC0000005), Thread(1), Thread(2), requesting=2)
    assert choose_thread(snapshot, choose_exception(snapshot))[0] == 1


def test_the_first_thread_that_did_not_write_the_dump() -> None:
    snapshot = with_threads(make(), Thread(1, wrote_the_dump=True), Thread(2))
    assert choose_thread(snapshot, None)[0] == 1


def test_no_threads_at_all() -> None:
    snapshot = with_threads(make())
    assert choose_thread(snapshot, None)[0] is None
    assert choose_thread(replace(snapshot, threads=None), None)[0] is None


def test_of_several_exceptions_the_first_fault() -> None:
    stops = (
        ExceptionRecord(1, 19, 0, 0),
        ExceptionRecord(2, 5, 0, 0),
        ExceptionRecord(3, 11, 1, 0),
        ExceptionRecord(4, 6, 0, 0),
    )
    snapshot = replace(make(os="linux"), exceptions=stops)
    assert choose_exception(snapshot) is stops[2]
    assert choose_exception(replace(snapshot, exceptions=stops[:2])) is stops[0]
    assert choose_exception(replace(snapshot, exceptions=())) is None
