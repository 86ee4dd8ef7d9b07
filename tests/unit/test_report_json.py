import json
from dataclasses import replace

import pytest
from report_samples import APP_BASE, EMPTY, NASTY, REPORT, hostile, recursion

from mdmp.report import as_json
from mdmp.report.options import RenderOptions


def words(text):
    return set(text.split())


# The keys of minidump-stackwalk's JSON, from its schema and from what newer versions print.
TOP = words(
    "status pid process_uptime crash_info system_info threads thread_count crashing_thread modules main_module "
    "modules_contains_cert_info unloaded_modules handles lsb_release mac_crash_info mac_boot_args "
    "linux_memory_map_count soft_errors"
)
CRASH_INFO = words(
    "type address adjusted_address instruction memory_accesses instruction_pointer_update possible_bit_flips "
    "crash_inconsistencies crashing_thread assertion"
)
SYSTEM_INFO = words("os os_ver cpu_arch cpu_info cpu_count cpu_microcode_version")
THREAD = words("thread_id thread_name last_error_value frame_count frames")
FRAME = words(
    "frame trust offset module module_offset function function_offset file line inlines missing_symbols "
    "unloaded_modules"
)
MODULE = words(
    "base_addr end_addr filename code_id debug_file debug_id version cert_subject loaded_symbols missing_symbols "
    "corrupt_symbols symbol_url"
)


def parsed(report, **options):
    return json.loads(as_json.render(report, RenderOptions(**options)))


@pytest.mark.parametrize("report", [REPORT, EMPTY, hostile(), recursion()], ids=["rich", "empty", "hostile", "deep"])
def test_every_key_of_the_schema_is_there(report):
    out = parsed(report)
    assert set(out) == TOP | {"mdmp"}
    assert set(out["crash_info"]) == CRASH_INFO
    assert set(out["system_info"]) == SYSTEM_INFO
    for thread in out["threads"]:
        assert set(thread) >= THREAD
        assert thread["frame_count"] == len(thread["frames"])
        for frame in thread["frames"]:
            assert set(frame) >= FRAME
    for module in out["modules"]:
        assert set(module) >= MODULE


def test_values():
    out = parsed(REPORT)
    crash = out["crash_info"]
    assert (crash["type"], crash["address"]) == ("EXCEPTION_ACCESS_VIOLATION_WRITE", "0x0000000000000018")
    assert crash["memory_accesses"] == [
        {"address": "0x0000000000000018", "size": 4, "access_type": "write", "is_likely_guard_page": False}
    ]
    assert out["process_uptime"] == 75
    frames = out["threads"][0]["frames"]
    assert frames[1]["offset"] == f"0x{APP_BASE + 0x10FF:016x}", "the address looked up, inside the call"
    assert frames[1]["instruction"] == f"0x{APP_BASE + 0x1100:016x}"
    assert frames[0]["inlines"] == [{"function": "Customer::add", "file": "C:\\shop\\src\\customer.h", "line": 42}]
    assert frames[3]["unloaded_modules"] == [{"module": "plugin.dll", "offsets": ["0x0000000000000033"]}]
    assert out["modules"][0]["code_id"] == "5f5e10006000"
    assert [m["loaded_symbols"] for m in out["modules"]] == [True, False]
    assert [m["missing_symbols"] for m in out["modules"]] == [False, True]
    ours = out["mdmp"]
    assert ours["schema"] == as_json.SCHEMA
    assert ours["blame"]["line"] == 42
    assert ours["blame"]["source"]["lines"][2] == "    this->orders = 1;"
    assert ours["issues"][0]["offset"] == "0x1c40"


def test_only_the_crashing_thread_tells_registers():
    out = parsed(REPORT)
    assert out["crashing_thread"]["threads_index"] == out["crash_info"]["crashing_thread"] == 0
    assert out["crashing_thread"]["frames"][0]["registers"]["rcx"] == "0xffffffffffffffff"
    assert all("registers" not in frame for thread in out["threads"] for frame in thread["frames"])
    assert all("registers" not in frame for frame in out["crashing_thread"]["frames"][1:])


def test_addresses_have_the_width_of_the_process():
    assert parsed(replace(REPORT, pointer_size=4))["crash_info"]["address"] == "0x00000018"


def test_without_a_crashing_thread():
    out = parsed(EMPTY)
    assert out["crashing_thread"] is None
    assert out["crash_info"]["crashing_thread"] is None
    assert out["crash_info"]["type"] is None
    assert out["mdmp"]["exception"] is None


def test_one_line_and_many_lines_say_the_same():
    one = as_json.render(REPORT, RenderOptions(pretty=False))
    assert one.count("\n") == 1
    assert json.loads(one) == parsed(REPORT)


def test_output_is_ascii_and_without_lone_surrogates():
    text = as_json.render(hostile(), RenderOptions())
    assert text.isascii()
    assert "\x1b" not in text
    json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")


def test_surrogate_pairs_and_backslashes_survive():
    text = "\U0001f600 \\udc80 \\\\\ud83d!"
    out = parsed(replace(REPORT, signature=text))
    assert out["mdmp"]["signature"] == "\U0001f600 \\udc80 \\\\\ufffd!"


def test_limited_frames_keep_the_count():
    thread = parsed(recursion(), max_frames=10)["threads"][0]
    assert thread["frame_count"] == 901
    assert len(thread["frames"]) == 10


@pytest.mark.parametrize(
    ("text", "value"),
    [('[{"a": 1}]', [{"a": 1}]), ("no json", "no json"), ("NaN", "NaN"), ("[" * 100, "[" * 100), (NASTY, None)],
)
def test_soft_errors(text, value):
    out = parsed(replace(REPORT, soft_errors=text))["soft_errors"]
    assert out == value if value is not None else isinstance(out, str)


def test_mac_crash_info():
    out = parsed(replace(REPORT, mac_crash_info=({"message": "abort()", "thread": 7},)))
    assert out["mac_crash_info"] == {
        "num_records": 1,
        "records": [{"message": "abort()", "thread": "0x0000000000000007"}],
    }
