"""What is told of a dump, and to whom: real sockets, terminals and servers stand at the other end."""

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from mdmp.binary.sizes import size_text
from mdmp.dumpfile.save import Saved
from mdmp.errors import SaveError
from mdmp.monitor.fault import Fault, Subject
from mdmp.monitor.finalize import notice
from mdmp.monitor.finalize.describe import describe, facts_of, without_messages
from mdmp.monitor.finalize.event_log import MESSAGE_ID, journal_entry, log_outcome
from mdmp.monitor.finalize.notice import notify_desktop
from mdmp.monitor.finalize.webhook import post
from mdmp.monitor.keeper import Outcome
from mdmp.monitor.policy.settings import Decision, Settings

posix = pytest.mark.skipif(os.name == "nt", reason="sockets and terminals of POSIX")
linux = pytest.mark.skipif(sys.platform != "linux", reason="processes of Linux")

SUBJECT = Subject(123, "/opt/shop", 1000, 1000, {})
FAULT = Fault("access_violation", SUBJECT, "SIGSEGV at 0x18 in thread 124", 124, 11, 0x18, messages=("secret output",))
DECISION = Decision("heap", Settings(), "/dumps", None, ("type heap (built in)",))
DUMP = Outcome(FAULT, DECISION, Saved("/dumps/shop.dmp", 1234567, 1000000, ()))
NONE = Outcome(FAULT, replace(DECISION, kind=None, reasons=("no dump: count is 0 (command line)",)))
FAILED = Outcome(FAULT, DECISION, problem="cannot write /dumps/x: No space left on device")
HOSTILE = Outcome(
    replace(FAULT, subject=replace(SUBJECT, path="/tmp/\x1b]0;owned\x07\nMDMP_PID=1"), text="a\r\nb\u202e\udcff"),
    DECISION,
)


def test_one_line_for_people() -> None:
    assert describe(DUMP) == "shop (pid 123): SIGSEGV at 0x18 in thread 124; dump /dumps/shop.dmp (1.2 MiB)"
    assert describe(NONE) == "shop (pid 123): SIGSEGV at 0x18 in thread 124; no dump: count is 0 (command line)"
    assert describe(FAILED).endswith("; no dump: cannot write /dumps/x: No space left on device")
    assert describe(HOSTILE).isprintable()


def test_sizes() -> None:
    sizes = {0: "0 bytes", 1023: "1023 bytes", 1536: "1.5 KiB", (1 << 20) - 52: "1023.9 KiB", (1 << 20) - 51: "1.0 MiB"}
    sizes |= {5 << 30: "5.0 GiB", 5 << 50: "5120.0 TiB"}
    assert {size: size_text(size) for size in sizes} == sizes


def test_facts_hold_no_secrets() -> None:
    facts = facts_of(DUMP)
    assert {k: v for k, v in facts.items() if k not in ("host", "time")} == {
        "program": "shop",
        "pid": 123,
        "thread": 124,
        "uid": 1000,
        "kind": "access_violation",
        "code": "SIGSEGV",
        "address": "0x18",
        "text": "SIGSEGV at 0x18 in thread 124",
        "trigger": "run",
        "dump": "/dumps/shop.dmp",
        "size": 1234567,
    }
    assert "secret" not in str(facts)
    assert facts_of(FAILED)["no_dump"] == "cannot write /dumps/x: No space left on device"


@contextmanager
def listening(path: Path, kind: socket.SocketKind = socket.SOCK_DGRAM) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, kind) as listener:
        listener.bind(str(path))
        listener.settimeout(5)
        if kind == socket.SOCK_STREAM:
            listener.listen()
        yield listener


def parse_journal(raw: bytes) -> dict[str, bytes]:
    """As the description of the protocol has it."""
    fields = {}
    while raw:
        line, _, rest = raw.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size = int.from_bytes(rest[:8], "little")
            value, rest = rest[8 : 8 + size], rest[8 + size :]
            assert rest[:1] == b"\n"
            rest = rest[1:]
        fields[name.decode("ascii")] = value
        raw = rest
    return fields


@posix
def test_an_entry_in_the_journal(tmp_path: Path) -> None:
    with listening(tmp_path / "journal") as journal:
        log_outcome(DUMP, str(tmp_path / "journal"), str(tmp_path / "none"))
        fields = parse_journal(journal.recv(65536))
    assert fields["MESSAGE"].decode() == describe(DUMP)
    assert fields["MESSAGE_ID"].decode() == MESSAGE_ID
    assert fields["PRIORITY"] == b"3"
    assert fields["SYSLOG_IDENTIFIER"] == b"mdmp"
    assert (fields["MDMP_PID"], fields["MDMP_CODE"], fields["MDMP_DUMP"]) == (b"123", b"SIGSEGV", b"/dumps/shop.dmp")
    assert all(name.isupper() and name[0].isalpha() for name in fields)


@posix
def test_a_program_cannot_add_fields(tmp_path: Path) -> None:
    with listening(tmp_path / "journal") as journal:
        log_outcome(HOSTILE, str(tmp_path / "journal"), "")
        fields = parse_journal(journal.recv(65536))
    assert fields["MDMP_PID"] == b"123"
    assert b"\n" not in b"".join(fields.values()) and b"\x1b" not in b"".join(fields.values())


def test_lines_in_values_have_their_length_before_them() -> None:
    assert parse_journal(journal_entry({"A": "x\ny=z\n", "B": "=", "C": ""})) == {"A": b"x\ny=z\n", "B": b"=", "C": b""}


@posix
@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_line_in_syslog_where_there_is_no_journal(tmp_path: Path, kind: socket.SocketKind) -> None:
    with listening(tmp_path / "log", kind) as log:
        log_outcome(DUMP, str(tmp_path / "none"), str(tmp_path / "log"))
        if kind == socket.SOCK_STREAM:
            connection, _ = log.accept()
            with connection:
                line = connection.recv(65536)
            assert line.endswith(b"\0")
        else:
            line = log.recv(65536)
    assert line.startswith(b"<11>") and f"mdmp[{os.getpid()}]: {describe(DUMP)}".encode() in line


@posix
def test_no_log_at_all(tmp_path: Path) -> None:
    with pytest.raises(SaveError, match="neither journald nor syslog runs here"):
        log_outcome(DUMP, str(tmp_path / "none"), str(tmp_path / "none"))
    (tmp_path / "file").write_text("")
    with pytest.raises(SaveError, match=r"\(journald: No such file or directory; syslog: Connection refused\)"):
        log_outcome(DUMP, str(tmp_path / "none"), str(tmp_path / "file"))


@posix
def test_a_log_that_takes_nothing_does_not_hold_us(tmp_path: Path) -> None:
    began = time.monotonic()
    with listening(tmp_path / "journal"), pytest.raises(SaveError, match="timed out"):
        for _ in range(10000):
            log_outcome(DUMP, str(tmp_path / "journal"), str(tmp_path / "none"))
    assert time.monotonic() - began < 5


class Hook(BaseHTTPRequestHandler):
    requests: ClassVar[list[tuple[str, dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.requests.append((self.path, dict(self.headers), body))
        if self.path == "/elsewhere":
            self.send_response(307)
            self.send_header("Location", "/ok")
        elif self.path == "/slow":
            for _ in range(30):  # a byte now and then, so that no single read takes too long
                time.sleep(0.1)
                try:
                    self.wfile.write(b"H")
                except OSError:
                    return
            return
        else:
            self.send_response(500 if self.path == "/broken" else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Hook.requests.clear()
    with HTTPServer(("127.0.0.1", 0), Hook) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


def test_a_webhook(server: str) -> None:
    post(f"{server}/hook?x=1", replace(DUMP, fault=replace(FAULT, text=f"{FAULT.text}: what(): my secret")))
    ((path, headers, body),) = Hook.requests
    assert path == "/hook?x=1" and headers["Content-Type"] == "application/json"
    told = json.loads(body)
    assert told["message"] == describe(DUMP)
    assert (told["pid"], told["dump"], told["code"]) == (123, "/dumps/shop.dmp", "SIGSEGV")
    assert b"secret" not in body


def test_what_is_posted_of_other_faults() -> None:
    uncaught = replace(FAULT, kind="python_exception", text="KeyError: 'my secret'", code=None, address=None)
    assert without_messages(replace(DUMP, fault=uncaught)).fault.text == "python exception in thread 124"


def test_a_webhook_is_not_followed(server: str) -> None:
    with pytest.raises(SaveError, match="webhook: the server answered 307"):
        post(f"{server}/elsewhere", DUMP)
    assert [path for path, *_ in Hook.requests] == ["/elsewhere"]


def test_a_webhook_that_fails(server: str) -> None:
    with pytest.raises(SaveError, match="webhook: the server answered 500"):
        post(f"{server}/broken", DUMP)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(SaveError, match=r"webhook: .*refused"):
            post(f"http://127.0.0.1:{unused.getsockname()[1]}/", DUMP)


def test_a_webhook_that_is_slow(server: str) -> None:
    began = time.monotonic()
    with pytest.raises(SaveError, match=r"webhook: (no answer within 0.5 s|timed out)"):
        post(f"{server}/slow", DUMP, seconds=0.5)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/", "/hook", "javascript:1", ""])
def test_other_addresses_are_no_webhooks(url: str) -> None:
    with pytest.raises(SaveError, match="http://"):
        post(url, DUMP)


@pytest.mark.parametrize(
    "url", ["http://", "http://[", "http://127.0.0.1:99999999/", "http://127.0.0.1:x/", "http://a b/\n"]
)
def test_addresses_that_cannot_be(url: str) -> None:
    with pytest.raises(SaveError, match="webhook: "):
        post(url, DUMP)


@linux
def test_a_notice_on_the_desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for notify-send notes what it is told."""
    tool = tmp_path / "notify-send"
    tool.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" "$DBUS_SESSION_BUS_ADDRESS" > {tmp_path}/told\n')
    tool.chmod(0o755)
    monkeypatch.setattr(notice, "PATH", f"{tmp_path}:/usr/bin:/bin")
    subject = replace(SUBJECT, path="/tmp/<b>$(id)", uid=os.geteuid(), variables={"DBUS_SESSION_BUS_ADDRESS": "unix:x"})
    notify_desktop(replace(DUMP, fault=replace(FAULT, subject=subject)))
    *options, title, text, bus = (tmp_path / "told").read_text().splitlines()
    assert options == ["--app-name=mdmp", "--"]
    assert title == "<b>$(id) crashed" and text.startswith("&lt;b&gt;$(id) (pid 123): ") and bus == "unix:x"
    tool.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(SaveError, match=r"notify-send failed \(3\)"):
        notify_desktop(replace(DUMP, fault=replace(FAULT, subject=subject)))
    tool.write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(notice, "SECONDS", 0.2)
    with pytest.raises(SaveError, match=r"no answer within 0.2 s"):
        notify_desktop(replace(DUMP, fault=replace(FAULT, subject=subject)))
    monkeypatch.setattr(notice, "PATH", "/nowhere")
    with pytest.raises(SaveError, match="not installed"):
        notify_desktop(replace(DUMP, fault=replace(FAULT, subject=subject)))


@linux
def test_no_desktop() -> None:
    notify_desktop(replace(DUMP, fault=replace(FAULT, subject=replace(SUBJECT, uid=os.geteuid() + 1))))
