"""Work that only one thread may do, done for others: ptrace obeys nobody but the thread that seized."""

from __future__ import annotations

import signal
import threading
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

P = ParamSpec("P")
T = TypeVar("T")


class Desk:
    """Belongs to the thread that makes it. That one has SIGCHLD blocked, and waits for it among other things."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._queue: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """In any thread: what the function says when the owner has called it, at its next `serve`."""
        if threading.get_ident() == self._thread:
            return function(*args, **kwargs)
        from concurrent.futures import Future

        future: Future[T] = Future()
        self._queue.put((future, partial(function, *args, **kwargs)))
        signal.pthread_kill(self._thread, signal.SIGCHLD)
        return future.result()

    def serve(self) -> None:
        """In the owner's thread: does what there is to do."""
        while True:
            try:
                future, function = self._queue.get_nowait()
            except Empty:
                return
            try:
                future.set_result(function())
            except BaseException as problem:  # noqa: BLE001 - it is the caller's
                future.set_exception(problem)
