"""Signatures and WinDbg's bucket."""

import pytest
from made_frames import frame, stack

from mdmp.analysis.blame import blame
from mdmp.analysis.bucket import failure_bucket_id, failure_id_hash
from mdmp.analysis.crash_reason import CrashReason
from mdmp.analysis.names import module_stem, plain_name
from mdmp.analysis.patterns import recognize
from mdmp.analysis.signature import signature
from mdmp.report import Blame, Frame


def access(kind: str, address: int) -> CrashReason:
    return CrashReason(
        "access",
        "EXCEPTION_ACCESS_VIOLATION",
        "",
        0xC0000005,
        address=address,
        access=kind,
        pattern=recognize(address, 8),
    )


def sign(reason: CrashReason, frames: tuple[Frame, ...]) -> str:
    return signature(reason, blame(0, frames, reason=reason), frames)


def test_the_documented_example() -> None:
    frames = stack(("App.exe", "app::Cart<int>::total(int)"), ("App.exe", "app::checkout"), ("kernel32.dll", "x"))
    assert sign(access("read", 0), frames) == "null-read | app!app::Cart::total | app!app::checkout"


def test_the_systems_frames_above_and_between_are_left_out() -> None:
    frames = stack(
        ("ntdll.dll", "RtlFreeHeap"),
        ("app.exe", "app::f"),
        ("user32.dll", "y"),
        ("app.exe", "app::g"),
        ("app.exe", "app::h"),
        ("app.exe", "app::i"),
    )
    assert sign(access("write", 0x140000000), frames) == "write | app!app::f | app!app::g | app!app::h"


def test_addresses_do_not_matter() -> None:
    low = tuple(frame(i, "app.exe", name) for i, name in enumerate(("f", "g")))
    high = tuple(
        Frame(f.index, f.instruction + 0x7FF000000, f.lookup, f.trust, module=f.module, function=f.function)
        for f in low
    )
    assert sign(access("read", 0x18), low) == sign(access("read", 0x20), high)


def test_without_functions_offsets_in_the_module_stand_in() -> None:
    assert sign(access("read", 0), stack(("app.exe", None), ("app.exe", None))) == "null-read | app+0x10 | app+0x110"


def test_guesses_do_not_count_after_the_first() -> None:
    frames = (frame(0, "app.exe", "f"), frame(1, "app.exe", "g", trust="scan"), frame(2, "app.exe", "h"))
    assert sign(access("read", 0), frames) == "null-read | app!f | app!h"


def test_inline_functions_count() -> None:
    frames = (frame(0, "app.exe", "outer", 9, inlines=(("inner", 5),)),)
    assert sign(access("read", 0), frames) == "null-read | app!inner | app!outer"


def test_recursion_is_signed_alike_wherever_the_stack_ran_out() -> None:
    reason = CrashReason("stack-overflow", "EXCEPTION_STACK_OVERFLOW", "", 0xC00000FD)
    one = stack(*[("app.exe", "walk"), ("app.exe", "visit")] * 20)
    two = stack(("app.exe", "log"), *[("app.exe", "visit"), ("app.exe", "walk")] * 20)
    assert sign(reason, one) == sign(reason, two) == "stack-overflow | app!visit | app!walk"


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (
            CrashReason("fast-fail", "x", "", subcode=3, subcode_name="FAST_FAIL_CORRUPT_LIST_ENTRY"),
            "fast-fail:CORRUPT_LIST_ENTRY",
        ),
        (CrashReason("cpp", "x", "", thrown=("std::runtime_error",)), "cpp:std::runtime_error"),
        (CrashReason("clr", "x", "", thrown=("System.Exception",)), "clr:System.Exception"),
        (CrashReason("stowed", "x", "", subcode=0x80004005), "stowed:0x80004005"),
        (CrashReason("abort", "SIGABRT / SI_TKILL", ""), "signal:SIGABRT"),
        (CrashReason("arithmetic", "EXCEPTION_INT_DIVIDE_BY_ZERO", ""), "int-divide-by-zero"),
        (CrashReason("heap", "STATUS_HEAP_CORRUPTION", ""), "heap-corruption"),
        (CrashReason("other", "unknown 0xe0424242", ""), "0xe0424242"),
        (CrashReason("none", "No crash", ""), "none"),
    ],
)
def test_kinds(reason: CrashReason, kind: str) -> None:
    assert sign(reason, ()) == kind


@pytest.mark.parametrize(
    ("text", "guid"),
    [
        ("x64_0x7e_man+1ce7", "ceed7a1b-a47b-c452-63c1-012e444d5204"),
    ],
)
def test_hash_of_kernel_buckets(text: str, guid: str) -> None:
    assert failure_id_hash(text, "km") == guid


@pytest.mark.parametrize(
    ("bucket", "guid"),
    [
        # Published outputs of !analyze
        ("BREAKPOINT_AVRF_80000003_image009e0000!Unknown", "d3f728e1-6a74-3cb2-714a-f2180f2ee172"),
        ("NULL_CLASS_PTR_READ_c0000005_Flash.ocx!Unknown", "fc7546b3-cbbe-7687-a761-c90b7fcd1642"),
        ("INVALID_POINTER_READ_c0000005_Gw.exe!Unknown", "edaade2d-e7c7-68e3-7919-8ecabe3f321a"),
        (
            "SOFTWARE_NX_FAULT_NULL_INVALID_POINTER_EXECUTE_c0000005_Warframe.x64.exe!Unknown",
            "b2e2f003-f1a9-53a7-3fe6-e89cb3ca4935",
        ),
        (
            "INVALID_POINTER_READ_c0000005_chrome_child.dll!blink::CrossThreadPersistentRegion::ShouldTracePersistentNode",
            "28d2ce5b-6d23-b6da-6b00-43597c3c7d3d",
        ),
    ],
)
def test_hash_of_user_buckets(bucket: str, guid: str) -> None:
    assert failure_id_hash(bucket) == guid


def blamed(module: str | None, function: str | None) -> Blame:
    return Blame(0, 0, function, module, None, None, "")


@pytest.mark.parametrize(
    ("reason", "module", "function", "bucket"),
    [
        (access("read", 0x10), "Flash.ocx", None, "NULL_CLASS_PTR_READ_c0000005_Flash.ocx!Unknown"),
        (
            access("read", 0),
            "clr.dll",
            "COMString::UseRandomizedHashing",
            "NULL_POINTER_READ_c0000005_clr.dll!COMString::UseRandomizedHashing",
        ),
        (
            access("execute", 0),
            "Warframe.x64.exe",
            None,
            "SOFTWARE_NX_FAULT_NULL_INVALID_POINTER_EXECUTE_c0000005_Warframe.x64.exe!Unknown",
        ),
        (
            access("read", 0x140000000),
            "a.dll",
            "mojo::internal::InterfacePtrState<content::mojom::URLLoaderClient,1>::Swap",
            "INVALID_POINTER_READ_c0000005_a.dll!mojo::internal::InterfacePtrState_content::mojom::URLLoaderClient,1_::Swap",
        ),
        (
            CrashReason("fast-fail", "", "", 0xC0000409, subcode=7, subcode_name="FAST_FAIL_FATAL_APP_EXIT"),
            "ucrtbase.dll",
            "abort",
            "FAIL_FAST_FATAL_APP_EXIT_c0000409_ucrtbase.dll!abort",
        ),
        (
            CrashReason("stack-overflow", "", "", 0xC00000FD),
            "StackOverflow.exe",
            "wmain",
            "STACK_OVERFLOW_c00000fd_StackOverflow.exe!wmain",
        ),
        (
            CrashReason("arithmetic", "", "", 0xC0000094),
            "DebugApplication.exe",
            "hDoRemaining",
            "INTEGER_DIVIDE_BY_ZERO_c0000094_DebugApplication.exe!hDoRemaining",
        ),
        (
            CrashReason("abort", "", "", 0xC0000602),
            "Fabric.exe",
            "Common::Assert::DoFailFast",
            "FAIL_FAST_EXCEPTION_c0000602_Fabric.exe!Common::Assert::DoFailFast",
        ),
        (
            CrashReason("in-page", "", "", 0xC0000006, subcode=0xC0000185),
            "WudfPlatform.dll",
            "_string_",
            "IN_PAGE_ERROR_c0000185_c0000006_WudfPlatform.dll!_string_",
        ),
        (
            CrashReason("clr", "", "", 0xE0434352, subcode=0x80131509, thrown=("System.InvalidOperationException",)),
            "System.Windows.Forms.dll",
            "System.Windows.Forms.Control.MarshaledInvoke",
            "CLR_EXCEPTION_System.InvalidOperationException_80131509_System.Windows.Forms.dll!System.Windows.Forms.Control.MarshaledInvoke",
        ),
        (
            CrashReason("stowed", "", "", 0xC000027B, subcode=0x80004003),
            "CoreMessagingXP.dll",
            "DispatcherQueue::DeferInvokeCallback",
            "STOWED_EXCEPTION_80004003_CoreMessagingXP.dll!DispatcherQueue::DeferInvokeCallback",
        ),
        (
            CrashReason("requested", "", "", 0x0517A7ED),
            "chrome_elf.dll",
            None,
            "APPLICATION_FAULT_517a7ed_chrome_elf.dll!Unknown",
        ),
        (CrashReason("none", "", ""), "app.exe", "main", "BREAKPOINT_80000003_app.exe!main"),
    ],
)
def test_buckets_as_windbg_prints_them(reason: CrashReason, module: str, function: str | None, bucket: str) -> None:
    assert failure_bucket_id(reason, blamed(module, function)) == bucket


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("public: int __cdecl app::Cart<int>::total(int) const", "app::Cart::total"),
        ("std::vector<int,std::allocator<int> >::operator[]", "std::vector::operator[]"),
        ("app::`anonymous namespace'::f", "app::anonymous::f"),
        ("(anonymous namespace)::Foo::bar(int)", "anonymous::Foo::bar"),
        ("core::panicking::panic_fmt::h0123456789abcdef", "core::panicking::panic_fmt"),
        ("operator new(unsigned int)", "operator new"),
        ("operator delete[](void*)", "operator delete[]"),
        ("bool operator<(A const&, B const&)", "operator<"),
        ("std::operator<<<std::char_traits<char> >", "std::operator<<"),
        ("Foo::operator()(int) const", "Foo::operator()"),
        ("Foo::operator std::string() const", "Foo::operator std::string"),
        ("Foo::`vector deleting destructor'", "Foo::`vector deleting destructor'"),
        ("void foo<int>(int)", "foo"),
        ("foo(void (*)(int))", "foo"),
        ("foo.cold", "foo"),
        ("foo.constprop.0", "foo"),
        ("foo [clone .isra.0]", "foo"),
        ("_DllMain@12", "_DllMain"),
        ("puts@plt", "puts"),
        ("a::b::<lambda_0123456789abcdef0123456789abcdef>::operator()", "a::b::lambda::operator()"),
        ("main::{{closure}}", "main::lambda"),
        ("<alloc::vec::Vec<T> as core::ops::Drop>::drop", "alloc::vec::Vec::drop"),
        ("-[NSException raise]", "-[NSException raise]"),
        ("f$filt$0", "f"),
    ],
)
def test_plain_names(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@pytest.mark.parametrize("name", ["<", ">>>", "(", "operator", "", "a<b<c<d", "x" * 5000, "<" * 3000, "`" * 99])
def test_broken_names_do_no_harm(name: str) -> None:
    assert isinstance(plain_name(name), str)


@pytest.mark.parametrize(
    ("module", "stem"),
    [
        ("App.EXE", "app"),
        ("libc.so.6", "libc.so"),
        ("libc-2.31.so", "libc.so"),
        ("libfoo.1.dylib", "libfoo.1.dylib"),
        ("server", "server"),
    ],
)
def test_module_stems(module: str, stem: str) -> None:
    assert module_stem(module) == stem
