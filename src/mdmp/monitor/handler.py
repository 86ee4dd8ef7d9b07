"""Help for a Python program from inside: a small process of its own that watches it.

Only the standard library is imported here, and little of it: this runs in other people's programs. All that happens in
the program when something goes wrong is that the watcher is told by a pipe and a signal (Linux) or debug output
(Windows), which stops the program until the watcher lets it go on.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import traceback
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from mdmp.errors import UsageError
from mdmp.monitor.interpreter import interpreter, package_root

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

GUARD: Final = "MDMP_WATCHER"
"""In the environment of a watcher, so that one that turns out to be no Python does not start another."""
DEBUG_OUTPUT: Final = "mdmp handler: "
"""How debug output begins that is meant for the watcher (Windows)."""
DEBUG_OUTPUT_LIMIT: Final = 32_000
"""Characters, ASCII only: its length has 16 bits."""
PART: Final = 900
"""Characters in one message: never more bytes than the kernel keeps together in a pipe (PIPE_BUF, 4096)."""
TEXT_LIMIT: Final = 12_000
"""Characters of a traceback that are kept, which a pipe has room for: of a longer one the beginning and the end."""
LINE_LIMIT: Final = 800
"""Characters of what is said of an exception in one line."""
PLAIN: Final = {code: "\ufffd" for code in range(32) if chr(code) not in "\t\n"}
"""No other control characters are sent: each takes six bytes in JSON, where no character takes more than four."""
START_LIMIT: Final = 30.0
"""Seconds that a watcher may take to begin or to end."""

_lock = threading.RLock()
_current: Handler | None = None


class Handler:
    """What `install_handler` began. It ends with the program, or by `close`, or at the end of a `with`."""

    def __init__(self, exceptions: bool, ignore: tuple[type[BaseException], ...], follow: bool) -> None:
        self.problem: str | None = None
        """Why the program is not watched, in one line."""
        self.watcher: int | None = None
        """The process that watches."""
        self._tracer: int | None = None
        """Its thread that does so."""
        self._ignore = ignore
        self.follow = follow
        self._owner = os.getpid()
        self._requests: Pipe | None = None
        self._answers: Pipe | None = None
        self._settled = threading.Event()
        self._hooks: list[Callable[[], None]] = []
        if exceptions:
            self._hook()

    @property
    def watching(self) -> bool:
        """Whether a fault would be noticed now."""
        return (
            self._settled.is_set() and self.problem is None and self._requests is not None and _is_watched(self._tracer)
        )

    def wait(self, limit: float | None = None) -> bool:
        """Until it is watched or cannot be. False when it cannot, and when that takes over `limit` seconds."""
        return self._settled.wait(limit) and self.problem is None

    def close(self) -> None:
        """The program is on its own again: another debugger can attach to it. Does no harm when done twice."""
        global _current
        with _lock:
            self._unhook()
            if _current is self:
                _current = None
            if os.getpid() == self._owner and self._requests:
                self._end_watcher()
            self._forget()

    def __enter__(self) -> Handler:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, python: str, settings: dict[str, object]) -> None:
        """Begins the watcher; a thread, which ends then, waits until it watches."""
        try:
            process = self._connect(python)
        except OSError as problem:
            self._fail(f"cannot start {python}: {problem.strerror}")
            return
        threading.Thread(target=self._shake_hands, args=(process, settings), name="mdmp handler", daemon=True).start()

    def _connect(self, python: str) -> subprocess.Popen[bytes]:
        """The watcher, with a pipe each way. Raises `OSError`."""
        theirs, ours = os.pipe()
        try:
            self._requests = Pipe(ours)
            also_ours, also_theirs = os.pipe()
            try:
                self._answers = Pipe(also_ours)
                if sys.platform != "win32":
                    os.set_blocking(ours, False)
                return _spawn(python, theirs, also_theirs)
            finally:
                os.close(also_theirs)
        finally:
            os.close(theirs)

    def _shake_hands(self, process: subprocess.Popen[bytes], settings: dict[str, object]) -> None:
        if sys.platform == "win32":
            process.returncode = 0  # nobody will wait for it, and it may outlive us
        else:
            process.wait()
        with suppress(OSError, ValueError):
            answers = self._answers
            if answers is None:
                raise ValueError("given up meanwhile")
            self.watcher = int(answers.next()["watcher"])
            _let_trace(self.watcher)
            self._send({"pid": os.getpid(), "paths": sys.path, "follow": self.follow, "settings": settings})
            answer = answers.next()
            self.problem = answer["problem"]
            self._tracer = answer.get("tracer")
            self._settled.set()
            return
        self._fail("the process that was to watch the program ended before it did")

    def _fail(self, problem: str) -> None:
        self.problem = problem
        self._settled.set()

    def _hook(self) -> None:
        previous, previous_of_threads = sys.excepthook, threading.excepthook

        def of_program(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
            try:
                self._report(kind, error, traceback)
            finally:
                previous(kind, error, traceback)

        def of_thread(told: threading.ExceptHookArgs) -> None:
            try:
                self._report(told.exc_type, told.exc_value, told.exc_traceback)
            finally:
                previous_of_threads(told)

        sys.excepthook, threading.excepthook = of_program, of_thread

        def unhook() -> None:
            if sys.excepthook is of_program:
                sys.excepthook = previous
            if threading.excepthook is of_thread:
                threading.excepthook = previous_of_threads

        self._hooks.append(unhook)

    def _unhook(self) -> None:
        """Whoever chained their own hook to ours since then keeps it; ours then does nothing but pass on."""
        while self._hooks:
            self._hooks.pop()()

    def _report(self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        """Tells of an exception that nobody caught, and returns when the dump is there."""
        if not self._hooks or issubclass(kind, self._ignore) or hasattr(sys, "ps1") or not self.watching:
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        line = "".join(traceback.format_exception_only(kind, error)).strip().splitlines()[-1:]
        frame = traceback.extract_tb(trace)[-1:]
        place = f" in {frame[0].name}, {os.path.basename(frame[0].filename)}:{frame[0].lineno}" if frame else ""
        half = TEXT_LIMIT // 4
        if len(text) > TEXT_LIMIT:
            text = f"{text[:half]}\n[…]\n{text[half - TEXT_LIMIT :]}"
        said = f"{''.join(line)[:500]}{place}"[:LINE_LIMIT]
        with suppress(OSError):  # it is gone
            self._tell({"said": "exception", "line": said.translate(PLAIN)}, text.translate(PLAIN))

    def _tell(self, message: dict[str, object], text: str = "") -> None:
        """A message, then the stop in which the watcher reads it."""
        message["tid"] = threading.get_native_id()
        if sys.platform == "win32":
            from mdmp.monitor.windows.own_debugger import tell_debugger

            while len(line := json.dumps({**message, "text": text})) > DEBUG_OUTPUT_LIMIT:
                text = text[len(text) // 2 :]
            tell_debugger(DEBUG_OUTPUT + line)
        else:
            with suppress(BlockingIOError):  # the pipe is full: what is there has to do
                for start in range(0, len(text), PART):
                    self._send({"tid": message["tid"], "part": text[start : start + PART]})
            self._send(message)
            _stop_here()

    def _send(self, message: dict[str, object]) -> None:
        if self._requests:
            line = json.dumps(message, ensure_ascii=False)
            os.write(self._requests.file(), line.encode("utf-8", "surrogatepass") + b"\n")

    def _end_watcher(self) -> None:
        self._settled.wait(START_LIMIT)
        if self.watching and self.watcher:
            with suppress(OSError):
                if sys.platform == "win32":
                    self._tell({"said": "end"})
                else:
                    os.kill(self.watcher, 15)
        self._forget_requests()
        ended = threading.Thread(target=self._read_to_the_end, name="mdmp handler", daemon=True)
        ended.start()
        ended.join(START_LIMIT)
        if ended.is_alive() and self.watcher:
            with suppress(OSError):
                os.kill(self.watcher, 9)
            ended.join(START_LIMIT)

    def _read_to_the_end(self) -> None:
        with suppress(OSError):
            while self._answers and os.read(self._answers.file(), 4096):
                pass

    def _forget_requests(self) -> None:
        if self._requests:
            self._requests.close()
            self._requests = None

    def _forget(self) -> None:
        self._forget_requests()
        if self._answers:
            self._answers.close()
            self._answers = None

    def after_fork(self) -> None:
        """In a new child, which is watched only when that was asked for."""
        if not self.follow:
            self._unhook()
            self._forget()


class Pipe:
    """One end of a pipe. The program may close all its files, and the number then be that of another file."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._identity = self._look()
        self._rest = b""

    def _look(self) -> tuple[int, int]:
        found = os.fstat(self._file)
        return found.st_dev, found.st_ino

    def file(self) -> int:
        """Raises `OSError` when it is closed."""
        if self._look() != self._identity:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._file

    def next(self) -> dict[str, Any]:
        """The next message, a line. Raises `ValueError` when there will be none, `BlockingIOError` when there is none
        yet."""
        while b"\n" not in self._rest:
            more = os.read(self.file(), 4096)
            if not more:
                raise ValueError("the other side ended")
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        with suppress(OSError):
            os.close(self.file())


def install_handler(
    *,
    exceptions: bool = True,
    ignore: tuple[type[BaseException], ...] = (KeyboardInterrupt, SystemExit, BrokenPipeError),
    folder: str | os.PathLike[str] | None = None,
    kind: str | None = None,
    report: bool | None = None,
    follow: bool = False,
    wait: bool = True,
    strict: bool = False,
    python: str | None = None,
) -> Handler:
    """Has this program watched from now on by a small process: a dump is made when it crashes, in whatever code.

    With `exceptions` also when nobody catches an exception of Python, but for those to `ignore`. What dump, and where,
    is up to the policy, over which `folder`, `kind` (a type as `save_dump` takes it) and `report` (leave one beside the
    dump) win. `follow`: forked children, too (Linux). `wait`: return when the program is watched, else at once. When it
    cannot be watched there is a warning, or with `strict` and `wait` a `UsageError`; see also `Handler.problem`.
    `python` is the interpreter for the watcher, where `sys.executable` is none. Called again, it returns the handler
    that is there.

    As long as it is there no other debugger can attach to the program; `close` lets it go.
    """
    global _current
    with _lock:
        if _current is not None:
            return _current
        python = python or _interpreter()
        settings: dict[str, object] = {"type": kind, "report": report}
        settings["folder"] = None if folder is None else os.path.abspath(folder)
        handler = Handler(exceptions, ignore, follow)
        handler.start(python, settings)
        _current = handler
    if wait:
        if not handler.wait(START_LIMIT) and handler.problem is None:
            handler.problem = f"the process that was to watch the program did not begin within {START_LIMIT:g} s"
        if handler.problem is not None:
            problem = handler.problem
            handler.close()
            if strict:
                raise UsageError(problem)
            warnings.warn(f"no crash dumps of this program: {problem}", RuntimeWarning, stacklevel=2)
    return handler


def _interpreter() -> str:
    if GUARD in os.environ:
        raise UsageError("this process was started to watch another: sys.executable is no Python; name one by python=")
    found = interpreter()
    if getattr(sys, "frozen", False) or not found:
        raise UsageError("this program has no Python interpreter of its own (sys.executable): name one by python=")
    return found


def _spawn(python: str, requests: int, answers: int) -> subprocess.Popen[bytes]:
    """A process that Ctrl-C in our terminal is not meant for. Raises `OSError`."""
    root = package_root()
    # What it is comes last, for people who look at the list of processes.
    script = os.path.join(root, "mdmp", "cli", "handler_process.py")
    command = [python, "-I", "-S", script, root, f"mdmp: watches process {os.getpid()}"]
    environment = {**os.environ, GUARD: str(os.getpid())}
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP
        return subprocess.Popen(command, stdin=requests, stdout=answers, env=environment, creationflags=flags)
    else:
        return subprocess.Popen(command, stdin=requests, stdout=answers, env=environment, start_new_session=True)


def _is_watched(tracer: int | None) -> bool:
    """By this thread of another process; on Windows by any: it does not tell."""
    if sys.platform == "win32":
        from mdmp.monitor.windows.own_debugger import has_debugger

        return has_debugger()
    else:
        with suppress(OSError), open("/proc/self/status", "rb") as status:
            return any(line.split() == [b"TracerPid:", str(tracer).encode()] for line in status)
        return False


def _let_trace(watcher: int) -> None:
    """Where only parents may trace (Yama), a process can name one more."""
    if sys.platform == "linux":
        with suppress(OSError), open("/proc/sys/kernel/yama/ptrace_scope", "rb") as scope:
            if scope.read().strip() == b"1":
                from mdmp.capture.linux.syscalls import set_ptracer

                set_ptracer(watcher)


def _stop_here() -> None:
    """Stops this thread until the watcher lets it go. Nobody is hurt by SIGURG when there is none."""
    if sys.platform != "win32":
        import signal

        mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGURG})
        signal.pthread_kill(threading.get_ident(), signal.SIGURG)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _after_fork() -> None:
    global _current, _lock
    _lock = threading.RLock()
    if _current is not None:
        handler = _current
        if not handler.follow:
            _current = None
        handler.after_fork()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_after_fork)
