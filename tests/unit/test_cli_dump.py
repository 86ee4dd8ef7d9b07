"""`mdmp info`, `mdmp streams` and `mdmp memory`: fixed forms, exit codes, one line of error."""

import json
import struct
from pathlib import Path

import pytest

from mdmp.cli.__main__ import main
from synth import minidump as synth


@pytest.fixture
def dump(tmp_path: Path) -> str:
    file = synth.DumpFile(flags=0x2)
    file.stream(7, synth.system_info(synth.AMD64, synth.WINDOWS, file.string("SP\x1b[31m1")))
    bytes_at = file.place(bytes(range(64)))
    file.stream(
        5, synth.counted([struct.pack("<QII", 0x7FF0, 32, bytes_at), struct.pack("<QII", 0x8020, 32, bytes_at + 32)])
    )
    file.stream(6, synth.exception(7, 0xC0000005, 0x1234, [1, 0x18]))
    file.stream(11, "note\nline two".encode("utf-16-le"))
    file.stream(0x9999, b"raw bytes of a user")
    path = tmp_path / "a.dmp"
    path.write_bytes(file.build())
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


def test_info_json_has_the_fixed_form(dump: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "info", "--json", dump)
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["header"]["flags"] == "0x2" and found["header"]["flag_names"] == ["MiniDumpWithFullMemory"]
    assert [stream["type"] for stream in found["streams"]] == ["0x7", "0x5", "0x6", "0xb", "0x9999"]
    assert found["system_info"]["build_number"] == 19045
    assert found["exception"]["parameters"] == ["0x1", "0x18"]
    assert found["memory_ranges"][1] == {"base": "0x8020", "size": 32, "rva": found["memory_ranges"][1]["rva"]}
    assert found["misc_info"] is found["breakpad_info"] is None
    assert "no thread list" in found["missing"]


def test_info_text_is_safe_and_tells_the_main_things(dump: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "info", dump)
    assert code == 0
    assert "\x1b" not in out and "SP\\x1b[31m1" in out
    assert "code 0xc0000005 at 0x1234 in thread 7, parameters 0x1 0x18" in out
    assert "64 bytes in 2 ranges" in out
    assert "no module list" in out


def test_streams_lists_and_prints(dump: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "SystemInfoStream" in run(capsys, "streams", dump)[1]
    assert json.loads(run(capsys, "streams", "--json", dump)[1])[0]["name"] == "SystemInfoStream"
    for name in ("exception", "ExceptionStream", "6", "0x6"):
        code, out, _ = run(capsys, "streams", dump, name)
        assert code == 0 and "ExceptionCode: 0xc0000005" in out
    assert json.loads(run(capsys, "streams", "--json", dump, "6")[1])["ExceptionRecord"]["NumberParameters"] == 2
    assert "note\nline two" in run(capsys, "streams", dump, "CommentStreamW")[1]
    assert "72 61 77 20 62 79 74 65" in run(capsys, "streams", dump, "0x9999")[1]
    assert "|" not in run(capsys, "streams", "--bytes", dump, "6")[1]


def test_streams_absent_unknown_and_unreadable(dump: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "streams", dump, "ThreadList")
    assert (code, out) == (1, "") and "no ThreadListStream" in err
    code, _, err = run(capsys, "streams", dump, "Nonsense")
    assert code == 2 and err.count("\n") == 1


def test_memory_rows_gaps_and_hex(dump: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "memory", dump, "7ff8", "0x40")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith(f"0000000000007ff0{'':27}08 09 0a")
    assert lines[2] == "0000000000008010  not in the dump: 0x10 bytes"
    assert lines[-1].startswith("0000000000008030")
    assert run(capsys, "memory", "--hex", dump, "0x7ff0", "4")[:2] == (0, "00010203\n")
    assert run(capsys, "memory", "--hex", dump, "0x7ff0", "0x30")[0] == 1
    code, out, err = run(capsys, "memory", dump, "0x10")
    assert (code, out) == (1, "") and "no memory kept" in err


@pytest.mark.parametrize("command", ["info", "streams", "memory"])
def test_unusable_input_is_one_line_and_code_two(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, text = tmp_path / "empty.dmp", tmp_path / "text.dmp"
    empty.write_bytes(b"")
    text.write_text("hello")
    for path in (empty, text, tmp_path / "absent.dmp", tmp_path):
        code, out, err = run(capsys, command, str(path), *(["0"] if command == "memory" else []))
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith("mdmp: ")
