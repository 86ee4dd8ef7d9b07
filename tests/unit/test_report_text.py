from dataclasses import replace

import pytest
from report_samples import EMPTY, FRAMES, REPORT, hostile, recursion

from mdmp.report import as_text, view
from mdmp.report.options import RenderOptions


def shown(report, **options):
    return as_text.render(report, RenderOptions(**options))


def test_what_where_and_why_come_first():
    text = shown(REPORT)
    order = [
        "write to a null pointer (address 0x18)",
        "EXCEPTION_ACCESS_VIOLATION_WRITE (0xc0000005) in shop.exe",
        "shop.exe!Customer::add",
        "C:\\shop\\src\\customer.h:42",
        "> 42 |     this->orders = 1;",
        "a field of a null object was written (certain)",
        "rax is 0",
        'Thread 0 "main" (id 1001), which crashed; last error 2 (ERROR_FILE_NOT_FOUND)',
        ">0  shop.exe!Customer::add [inline]  C:\\shop\\src\\customer.h:42",
        " 0  shop.exe!total(Order*)+0x10      C:\\shop\\src\\order.cpp:44",
        " 2? kernel32.dll+0x7034",
        "once plugin.dll+0x33, unloaded",
        "rip 00007ff610001010",
        "rax + 0x18 = 0x18, 4 bytes written",
        "kernel32.pdb not found (looked in 2 places), id FEDCBA",
        "--symbols DIR",
        "ThreadInfoListStream at 0x1c40",
        "1 more thread: --all-threads",
        "minidump, 24.1 KiB, by MiniDumpWriteDump, 2024-05-06 07:08:09 UTC",
        "NULL_POINTER_WRITE_c0000005_shop.exe!Customer::add",
    ]
    places = [text.find(part) for part in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)


def test_brief_is_a_few_lines():
    lines = shown(REPORT, brief=True).splitlines()
    assert 3 <= len(lines) <= 6
    assert "write to a null pointer" in lines[0]
    assert "customer.h:42" in lines[1]


def test_other_threads_on_request():
    assert "id 1002" not in shown(REPORT)
    assert "Thread 1 (id 1002)" in shown(REPORT, all_threads=True)


def test_recursion_is_folded():
    lines = shown(recursion()).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("Thread 0"))
    stack = lines[start + 1 : start + 5]
    assert [line.split()[:2] for line in stack] == [
        [">", "0"],
        ["1", "shop.exe!visit+0x4"],
        ["...", "frames"],
        ["900", "shop.exe!main+0x1f"],
    ]
    assert "frames 2 to 899 repeat visit -> walk (450 times)" in stack[2]


def test_recursion_with_a_rest():
    frames = [replace(FRAMES[1], index=i, function=name) for i, name in enumerate("xabcabcabcabcab")]
    thread = replace(REPORT.threads[0], frames=tuple(frames))
    rows = view.stack_rows(REPORT, thread, None)
    assert [row.number for row in rows] == ["0", "1", "2", "3", "", "13", "14"]
    assert "frames 4 to 12 repeat c -> b -> a (4 times)" in rows[4].name


def test_a_few_equal_frames_are_not_folded():
    frames = tuple(replace(FRAMES[1], index=i) for i in range(3))
    assert len(view.stack_rows(REPORT, replace(REPORT.threads[0], frames=frames), None)) == 3


def test_limited_frames():
    rows = view.stack_rows(REPORT, recursion().threads[0], 5)
    assert "896 more frames" in rows[-1].name


def test_colour_only_on_request():
    assert "\x1b" not in shown(REPORT)
    assert "\x1b[1;31mwrite to a null pointer" in shown(REPORT, color=True)


def test_narrow_terminals_keep_the_end_of_paths():
    long = replace(FRAMES[1], file="C:\\" + "very\\" * 30 + "main.cpp")
    report = replace(REPORT, threads=(replace(REPORT.threads[0], frames=(FRAMES[0], long)), REPORT.threads[1]))
    line = next(line for line in shown(report, width=80).splitlines() if "shop.exe!main" in line)
    assert len(line) <= 80
    assert line.endswith("\\main.cpp:9")
    assert "very\\" * 30 in shown(report), "a pipe gets all of it"


def test_nothing_known_is_still_a_report():
    text = shown(EMPTY)
    assert "no exception is recorded" in text
    assert "None" not in text


@pytest.mark.parametrize("options", [{}, {"brief": True}, {"all_threads": True, "width": 60}])
def test_hostile_texts_reach_nobody(options):
    text = shown(hostile(), **options)
    assert all(char.isprintable() or char == "\n" for char in text)
