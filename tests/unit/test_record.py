from typing import Annotated

import pytest

from mdmp.binary.record import Array, Bytes, Record, u16, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import FormatError


class Point(Record, size=8):
    X: u32
    Y: u32


class Shape(Record, size=38):
    Kind: u16
    Origin: Point
    Corners: Annotated[tuple[Point, ...], Array(Point, 2)]
    Weights: Annotated[tuple[int, ...], Array(u16, 2)]
    Tag: Annotated[bytes, Bytes(8)]


def test_a_record_reads_nested_fields_and_packs_back() -> None:
    raw = bytes(range(38))
    shape = Shape.read(Window(raw, "shape"))
    assert shape.Kind == 0x0100
    assert shape.Origin.Y == 0x09080706
    assert shape.Corners[1].X == 0x15141312
    assert shape.Weights == (0x1B1A, 0x1D1C)
    assert shape.Tag == bytes(range(30, 38))
    assert shape.pack() == raw


def test_new_fills_what_is_not_named_with_zeros() -> None:
    shape = Shape.new(Kind=7, Corners=(Point.new(X=1), Point.new(Y=2)))
    assert (shape.Kind, shape.Origin.X, shape.Corners[0].X, shape.Corners[1].Y, shape.Tag) == (7, 0, 1, 2, bytes(8))
    with pytest.raises(TypeError, match="no field Colour"):
        Shape.new(Colour=1)


def test_a_wrong_declared_size_is_caught_when_the_class_is_made() -> None:
    with pytest.raises(TypeError, match="fields take 8 bytes, declared 12"):

        class Wrong(Record, size=12):
            A: u64


def test_read_many_honours_the_stride_and_checks_bounds_first() -> None:
    window = Window(bytes(range(24)), "points")
    assert [p.X for p in Point.read_many(window, 0, 3)] == [0x03020100, 0x0B0A0908, 0x13121110]
    assert [p.X & 0xFF for p in Point.read_many(window, 0, 2, stride=12)] == [0, 12]
    with pytest.raises(FormatError, match=r"points\.Point at 0x0: expected an end <= 0x18 .* found 0x20"):
        list(Point.read_many(window, 0, 4))
