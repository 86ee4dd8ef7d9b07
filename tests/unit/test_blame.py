"""Which frame is blamed."""

import pytest
from made_frames import frame, stack

from mdmp.analysis.blame import blame, recursive_functions, skip_class, system_module_names
from mdmp.analysis.crash_reason import CrashReason

STACKS = [
    ("the application itself", [("app.exe", "app::f"), ("app.exe", "main")], "app::f"),
    (
        "a throw",
        [
            ("KERNELBASE.dll", "RaiseException"),
            ("vcruntime140.dll", "_CxxThrowException"),
            ("app.exe", "std::_Xout_of_range"),
            ("app.exe", "std::vector<int,std::allocator<int> >::at"),
            ("app.exe", "app::Cart::total"),
            ("app.exe", "main"),
        ],
        "app::Cart::total",
    ),
    (
        "abort on Linux",
        [("libc.so.6", "raise"), ("libc.so.6", "abort"), ("app", "app::check(int)"), ("app", "main")],
        "app::check(int)",
    ),
    ("a copy", [("app.exe", "memcpy"), ("app.exe", "app::load"), ("app.exe", "main")], "app::load"),
    ("a copy in the runtime", [("VCRUNTIME140.dll", "memcpy"), ("app.exe", "app::load")], "app::load"),
    (
        "a double free",
        [
            ("ntdll.dll", "RtlReportCriticalFailure"),
            ("ntdll.dll", "RtlFreeHeap"),
            ("ucrtbase.dll", "_free_base"),
            ("app.exe", "operator delete"),
            ("app.exe", "app::Session::~Session"),
        ],
        "app::Session::~Session",
    ),
    (
        "Rust",
        [
            ("app", "__rustc::rust_panic"),
            ("app", "std::panicking::rust_panic_with_hook::h0123456789abcdef"),
            ("app", "core::panicking::panic_fmt::h0123456789abcdef"),
            ("app", "core::option::unwrap_failed"),
            ("app", "core::option::Option<T>::unwrap"),
            ("app", "shop::checkout::h0123456789abcdef"),
        ],
        "shop::checkout::h0123456789abcdef",
    ),
    (
        "Firefox",
        [
            ("mozglue.dll", "mozalloc_abort"),
            ("xul.dll", "NS_DebugBreak"),
            ("xul.dll", "RefPtr<Foo>::operator->"),
            ("xul.dll", "mozilla::dom::Document::Write"),
        ],
        "mozilla::dom::Document::Write",
    ),
    (
        "Unreal",
        [("Game.exe", "FDebug::CheckVerifyFailedImpl"), ("Game.exe", "AHero::Tick"), ("Game.exe", "FEngineLoop::Tick")],
        "AHero::Tick",
    ),
    (
        "the system calls back",
        [
            ("user32.dll", "UserCallWinProcCheckWow"),
            ("app.exe", "app::window_proc"),
            ("user32.dll", "DispatchMessageW"),
        ],
        "app::window_proc",
    ),
    (
        "only the system",
        [("ntdll.dll", "NtWaitForSingleObject"), ("kernel32.dll", "BaseThreadInitThunk")],
        "NtWaitForSingleObject",
    ),
    (
        "only the standard library",
        [("app.exe", "std::vector<int>::push_back"), ("ntdll.dll", "RtlUserThreadStart")],
        "std::vector<int>::push_back",
    ),
    ("no symbols", [("ntdll.dll", None), ("app.exe", None), ("kernel32.dll", None)], None),
    ("a wild jump", [(None, None), ("app.exe", "dispatch")], "dispatch"),
]


@pytest.mark.parametrize(("what", "places", "function"), STACKS, ids=[case[0] for case in STACKS])
def test_blamed_function(what: str, places: list[tuple[str | None, str | None]], function: str | None) -> None:
    found = blame(0, stack(*places))
    assert found is not None
    assert found.function == function
    assert found.why


def test_without_symbols_the_module_is_still_right() -> None:
    found = blame(3, stack(("ntdll.dll", None), ("app.exe", None)))
    assert found is not None
    assert (found.thread_index, found.frame_index, found.module) == (3, 1, "app.exe")


def test_no_frames() -> None:
    assert blame(0, ()) is None


def test_an_inlined_standard_function_is_not_to_blame() -> None:
    inner = frame(
        0, "app.exe", "app::Cart::total", 40, inlines=(("std::vector<int>::operator[]", 1500), ("app::Cart::at", 12))
    )
    found = blame(0, (inner,))
    assert found is not None
    assert (found.function, found.line) == ("app::Cart::at", 12)


def test_a_guess_is_called_a_guess() -> None:
    found = blame(0, (frame(0, "ntdll.dll", "x"), frame(1, "app.exe", "f", trust="scan")))
    assert found is not None
    assert "guess" in found.why


def test_a_place_that_is_no_code_is_not_to_blame() -> None:
    reason = CrashReason("access", "EXCEPTION_ACCESS_VIOLATION_EXEC", "", access="execute")
    found = blame(0, stack(("app.exe", None), ("app.exe", "run_script")), reason=reason)
    assert found is not None
    assert found.function == "run_script"


def test_a_stack_overflow_is_the_fault_of_the_recursion() -> None:
    reason = CrashReason("stack-overflow", "EXCEPTION_STACK_OVERFLOW", "")
    frames = stack(
        ("app.exe", "app::log"), *[("app.exe", "app::walk"), ("app.exe", "app::visit")] * 20, ("app.exe", "main")
    )
    found = blame(0, frames, reason=reason)
    assert found is not None
    assert found.function == "app::walk"
    assert recursive_functions(frames) == ("app!app::visit", "app!app::walk")


def test_modules_in_folders_of_the_system_are_the_systems() -> None:
    names = system_module_names(
        [
            ("app.exe", r"C:\Windows\System32\app.exe"),
            ("vendor.dll", r"C:\WINDOWS\system32\vendor.dll"),
            ("plugin.dll", r"C:\Program Files\App\plugin.dll"),
            ("libssl.so.3", "/usr/lib/x86_64-linux-gnu/libssl.so.3"),
            ("server", "/opt/server/bin/server"),
        ],
        main="app.exe",
    )
    assert names == {"vendor.dll", "libssl.so.3"}
    found = blame(0, stack(("VENDOR.dll", "f"), ("plugin.dll", "g")), names)
    assert found is not None
    assert found.function == "g"


@pytest.mark.parametrize(
    "function", ["strategy::run", "core::Engine::run", "printer", "freeze", "app::abort_order", "standard::f"]
)
def test_names_that_only_look_like_helpers(function: str) -> None:
    assert skip_class("app.exe", function) is None
