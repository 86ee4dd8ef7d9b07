"""Exceptions of Python in dumps that `install_handler` asked for."""

from dataclasses import replace

from made_snapshots import make

import mdmp
from mdmp.snapshot import Annotations, Snapshot

TRACEBACK = """\
Traceback (most recent call last):
  File "/srv/shop/prices.py", line 7, in price
    return PRICES[name]
KeyError: 'pear'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/shop/app.py", line 30, in <module>
    main()
  File "/srv/shop/app.py", line 21, in main
    total(order)
  File "/srv/shop/cart.py", line 12, in total
    raise LookupError("no price") from None
LookupError: no price
"""


def dump_of(text: str, traceback: str) -> Snapshot:
    notes = {"mdmp.fault": "python_exception", "mdmp.fault.text": text, "mdmp.message[0]": traceback}
    return replace(make(code=0x40010006), annotations=Annotations(process=notes))


def test_the_traceback_tells_what_and_where() -> None:
    report = mdmp.analyze(dump_of("uncaught Python exception: LookupError: no price in total, cart.py:12", TRACEBACK))
    assert report.crash.title == "uncaught Python exception: LookupError: no price in total, cart.py:12"
    assert report.crash.reason == "Python exception"
    assert report.crash.details == (
        "total (/srv/shop/cart.py:12)",
        "main (/srv/shop/app.py:21)",
        "<module> (/srv/shop/app.py:30)",
    )
    assert report.blame is not None
    assert (report.blame.function, report.blame.file, report.blame.line) == ("total", "/srv/shop/cart.py", 12)
    assert report.signature == "python:LookupError | total | main | <module>"
    assert report.findings[0].kind == "uncaught-exception"
    assert report.findings[0].title == "uncaught Python exception LookupError"


def test_anything_may_stand_there() -> None:
    for traceback in ("", "Traceback (most recent call last):\n", '  File "x", line 99999999999, in y\n' * 1000, "\0"):
        report = mdmp.analyze(dump_of("", traceback))
        assert report.crash.title == "uncaught Python exception"
