import pytest

from mdmp.symbols.names import readable


@pytest.mark.parametrize(
    ("decorated", "plain"),
    [
        ("main", "main"),
        ("__scrt_common_main_seh", "__scrt_common_main_seh"),
        ("_DllMain@12", "DllMain"),
        ("@fast@8", "fast"),
        ("_RaiseException@16", "RaiseException"),  # begins like a name of Rust
        ("?total@Cart@app@@QEBAHXZ", "app::Cart::total"),
        ("?total@Cart@?A0x1234@app@@QEAAXXZ", "app::`anonymous namespace'::Cart::total"),
        ("?foo@@YAXV?$vector@HV?$allocator@H@std@@@std@@@Z", "foo"),
        ("??0exception@std@@QEAA@XZ", "std::exception::exception"),
        ("??1?$A@H@@QEAA@XZ", "A<int>::~A<int>"),
        ("??_Gbar@@UEAAPEAXI@Z", "bar::`scalar deleting dtor'"),
        ("??_7bar@@6B@", "const bar::`vftable'"),
        ("??RLess@@QEBA_NHH@Z", "Less::operator()"),
        ("??6@YAAEAVs@@AEAV0@H@Z", "operator<<"),
        ("??Cp@@QEBAPEAHXZ", "p::operator->"),
        ("_ZN3app4Cart5totalEv", "app::Cart::total()"),
        ("_RNvC6_123foo3bar", "123foo::bar"),
        ("?bad", "?bad"),
        ("?", "?"),
        ("", ""),
    ],
)
def test_readable(decorated: str, plain: str) -> None:
    assert readable(decorated) == plain
