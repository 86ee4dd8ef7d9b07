"""What pointer values look like."""

import pytest

from mdmp.analysis.patterns import is_canonical, recognize


@pytest.mark.parametrize(
    ("value", "size", "kind", "offset"),
    [
        (0, 8, "null", 0),
        (0x18, 8, "null", 0x18),
        (0xFFFF, 4, "null", 0xFFFF),
        (0xFEEEFEEE, 4, "freed", 0),
        (0xFEEEFEEEFEEEFEEE, 8, "freed", 0),
        (0xFEEEFEEEFEEEFEF6, 8, "freed", 8),
        (0xDDDDDDDD, 4, "freed", 0),
        (0xDDDDDDDDDDDDDDE5, 8, "freed", 8),
        (0xDDDDDDD5, 4, "freed", -8),
        (0xE5E5E5E5E5E5E5E5, 8, "freed", 0),
        (0xE5E5E5E5E5E5E605, 8, "freed", 0x20),
        (0xCDCDCDCD, 4, "uninitialized", 0),
        (0xCCCCCCCCCCCCCCCC, 8, "uninitialized", 0),
        (0xBAADF00D, 4, "uninitialized", 0),
        (0xBAADF00DBAADF00D, 8, "uninitialized", 0),
        (0xABABABABABABABAB, 8, "guard", 0),
        (0xDEADBEEF, 8, "poison", 0),
        (0x0DEFACED0DEFACED, 8, "sanitized", 0),
        (0xFFFFFFFF, 4, "negative", -1),
        (0xFFFFFFFFFFFFFFF8, 8, "negative", -8),
        (0x41414141, 4, "text", 0),
        (int.from_bytes(b"filename", "little"), 8, "text", 0),
        (int.from_bytes("name".encode("utf-16-le"), "little"), 8, "text", 0),
        (0x8000000000000000, 8, "non-canonical", 0),
        (0x0001000000000000, 8, "non-canonical", 0),
        (0xFFFFF80000001000, 8, "kernel", 0),
    ],
)
def test_bad_pointers(value: int, size: int, kind: str, offset: int) -> None:
    pattern = recognize(value, size)
    assert pattern is not None
    assert (pattern.kind, pattern.offset) == (kind, offset)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (0x00007FF6A1B2C3D4, 8),
        (0x140001000, 8),
        (0x7FFDE000, 4),
        (0x00401000, 4),
        (0x0000626364656667, 8),  # six letters, and a good address
        (0xDD112233, 4),
        (0xCD000000, 4),
    ],
)
def test_possible_pointers(value: int, size: int) -> None:
    assert recognize(value, size) is None


def test_canonical() -> None:
    assert is_canonical(0x00007FFFFFFFFFFF)
    assert is_canonical(0xFFFF800000000000)
    assert not is_canonical(0x0000800000000000)
    assert not is_canonical(0xFFFF7FFFFFFFFFFF)
