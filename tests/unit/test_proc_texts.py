"""The texts of Linux that crash handlers keep: limits and the distribution; what they are good for in a report."""

import json
from pathlib import Path

import pytest

import mdmp
from mdmp.analysis.system_facts import stack_limit
from mdmp.formats.proc.limits import Limit, parse_limits
from mdmp.formats.proc.release import distribution
from mdmp.formats.proc.status import number, number_in, parse_fields
from mdmp.report import as_json
from mdmp.report.options import RenderOptions
from mdmp.snapshot import Annotations, Origin, Snapshot, System
from synth import minidump as synth

LIMITS = b"""\
Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max stack size            8388608              unlimited            bytes
Max nice priority         0                    0
Max open files            1024                 524288               files
"""
UBUNTU = b'DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\nDISTRIB_CODENAME=jammy\nDISTRIB_DESCRIPTION="Ubuntu 22.04.3 LTS"\n'
FEDORA = b'NAME=Fedora\nID=fedora\nVERSION_ID=33\nPRETTY_NAME="Fedora 33"\n'
STATUS = b"Name:\tapp\nPid:\t42\nVmRSS:\t 100 kB\n"
LSB_RELEASE, PROC_STATUS = 0x47670005, 0x47670004


def test_limits() -> None:
    assert parse_limits(LIMITS) == {
        "Max cpu time": Limit(None, None, "seconds"),
        "Max stack size": Limit(8388608, None, "bytes"),
        "Max nice priority": Limit(0, 0, ""),
        "Max open files": Limit(1024, 524288, "files"),
    }
    assert parse_limits(b"Max stack size " + b"9" * 5000 + b" 1 bytes\n\xff\0") == {}


def test_distribution() -> None:
    ubuntu = {"id": "Ubuntu", "release": "22.04", "codename": "jammy", "description": "Ubuntu 22.04.3 LTS"}
    assert distribution(UBUNTU) == ubuntu
    assert distribution(FEDORA) == {"id": "Fedora", "release": "33", "codename": "", "description": "Fedora 33"}
    assert distribution(b"\xff\n==\n") == {"id": "", "release": "", "codename": "", "description": ""}


@pytest.mark.parametrize(
    ("text", "want"), [("42", 42), ("42 kB", 42), ("x", None), ("", None), ("²", None), ("9" * 5000, None)]
)
def test_numbers_of_status(text: str, want: int | None) -> None:
    assert number(parse_fields(b"Pid: " + text.encode()), "Pid") == want


def test_a_report_names_the_distribution(tmp_path: Path) -> None:
    file = synth.DumpFile()
    file.stream(7, synth.system_info(synth.AMD64, synth.LINUX, file.string("Linux 6.1.0 #1 SMP x86_64")))
    file.stream(LSB_RELEASE, UBUNTU)
    file.stream(PROC_STATUS, STATUS)
    path = tmp_path / "a.dmp"
    path.write_bytes(file.build())
    snapshot = mdmp.open_dump(path)
    assert snapshot.process.pid == 42
    report = mdmp.analyze(snapshot)
    assert report.os_product == "Ubuntu 22.04.3 LTS"
    found = json.loads(as_json.render(report, RenderOptions()))
    assert found["lsb_release"]["codename"] == "jammy"


def test_the_limit_of_the_stack() -> None:
    def of(text: bytes) -> int | None:
        notes = Annotations(texts={"limits": text})
        return stack_limit(Snapshot(Origin("minidump"), System("linux", "amd64"), annotations=notes))

    assert of(LIMITS) == 8388608
    assert of(b"Max stack size            unlimited            unlimited            bytes\n") is None
    assert of(b"") is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (b"Name:\tTgid: 5\nTgid:\t4711\nPid:\t3\n", 4711),
        (b"Tgid:\t\n", None),
        (b"Tgid:\t5x\n", None),
        (b"tgid:\t5\nXTgid: 6\n", None),
        (b"", None),
    ],
)
def test_one_number_of_a_status(text, number):
    assert number_in(text, "Tgid") == number
