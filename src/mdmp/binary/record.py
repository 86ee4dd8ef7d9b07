"""Records declared as tables: a reader compares the class body with the specification, not offsets in a loop.

    class MINIDUMP_DIRECTORY(Record, size=12):
        StreamType: u32
        Location: MINIDUMP_LOCATION_DESCRIPTOR

A record is an immutable flat tuple of its scalars (so decoding many is one C call each); nested records and
arrays are slices of it. The declared size is checked when the class is made. Records are packed, little-endian.
"""

from collections.abc import Iterator
from operator import itemgetter
from struct import Struct
from typing import Annotated, Any, ClassVar, Self, get_args, get_origin

from mdmp.binary.window import Window

u8 = Annotated[int, "B"]
u16 = Annotated[int, "H"]
u32 = Annotated[int, "I"]
u64 = Annotated[int, "Q"]
i8 = Annotated[int, "b"]
i16 = Annotated[int, "h"]
i32 = Annotated[int, "i"]
i64 = Annotated[int, "q"]
f32 = Annotated[float, "f"]
f64 = Annotated[float, "d"]


class Array:
    """`Annotated[tuple[int, ...], Array(u64, 15)]`: that many scalars or records in a row."""

    def __init__(self, kind: Any, count: int) -> None:
        self.kind = kind
        self.count = count


class Bytes:
    """`Annotated[bytes, Bytes(16)]`: bytes as they are."""

    def __init__(self, size: int) -> None:
        self.size = size


class Record(tuple[Any, ...]):
    """Base of the declared records; see the module's docstring."""

    __slots__ = ()
    STRUCT: ClassVar[Struct]
    SIZE: ClassVar[int]
    FIELDS: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls, size: int, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        layout, index = "", 0
        for name, kind in cls.__annotations__.items():
            code, count, getter = _field(kind, index)
            setattr(cls, name, property(getter))
            layout, index = layout + code, index + count
        cls.STRUCT = Struct("<" + layout)
        cls.SIZE = cls.STRUCT.size
        cls.FIELDS = tuple(cls.__annotations__)
        if size != cls.SIZE:
            raise TypeError(f"{cls.__name__}: fields take {cls.SIZE} bytes, declared {size}")

    @classmethod
    def new(cls, **values: Any) -> Self:
        """A record from its fields; what is not named is zero."""
        flat: list[Any] = []
        for name in cls.FIELDS:
            kind = cls.__annotations__[name]
            flat.extend(_flatten(kind, values.pop(name)) if name in values else _zeros(kind))
        if values:
            raise TypeError(f"{cls.__name__} has no field {', '.join(values)}")
        return cls(flat)

    @classmethod
    def read(cls, window: Window, offset: int = 0, what: str = "") -> Self:
        """The record at `offset`; `FormatError` when it does not fit."""
        return cls(cls.STRUCT.unpack_from(window.buffer, window.check(offset, cls.SIZE, what or cls.__name__)))

    @classmethod
    def read_many(cls, window: Window, offset: int, count: int, stride: int = 0, what: str = "") -> Iterator[Self]:
        """`count` records in a row, `stride` bytes apart (0: packed). Bounds are checked before the first is made."""
        what = what or cls.__name__
        stride = stride or cls.SIZE
        at = window.check(offset, (count - 1) * stride + cls.SIZE if count else 0, what)
        if stride == cls.SIZE:
            yield from map(cls, cls.STRUCT.iter_unpack(window.buffer[at : at + count * stride]))
            return
        unpack = cls.STRUCT.unpack_from
        for i in range(count):
            yield cls(unpack(window.buffer, at + i * stride))

    def pack(self) -> bytes:
        return self.STRUCT.pack(*self)

    def fields(self) -> dict[str, Any]:
        """The declared fields by name, nested records as records."""
        return {name: getattr(self, name) for name in self.FIELDS}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.fields().items())})"


def _slicer(kind: Any, start: int, stop: int) -> Any:
    return lambda record: kind(tuple.__getitem__(record, slice(start, stop)))


def _field(kind: Any, index: int) -> tuple[str, int, Any]:
    """The struct code of a field, how many scalars it takes, and how to get it out of the flat tuple."""
    mark = get_args(kind)[1] if get_origin(kind) is Annotated else kind
    if isinstance(mark, str):
        return mark, 1, itemgetter(index)
    if isinstance(mark, Bytes):
        return f"{mark.size}s", 1, itemgetter(index)
    if isinstance(mark, Array):
        code, count, _ = _field(mark.kind, 0)
        stop = index + count * mark.count
        if isinstance(mark.kind, type) and issubclass(mark.kind, Record):
            kind_, starts = mark.kind, range(index, stop, count)
            return code * mark.count, count * mark.count, lambda r: tuple(kind_(r[i : i + count]) for i in starts)
        return code * mark.count, count * mark.count, _slicer(tuple, index, stop)
    code = mark.STRUCT.format.lstrip("<")
    count = len(mark.STRUCT.unpack(bytes(mark.SIZE)))
    return code, count, _slicer(mark, index, index + count)


def _zeros(kind: Any) -> tuple[Any, ...]:
    return Struct("<" + _field(kind, 0)[0]).unpack(bytes(Struct("<" + _field(kind, 0)[0]).size))


def _flatten(kind: Any, value: Any) -> list[Any]:
    if isinstance(value, tuple | list):
        return [scalar for item in value for scalar in _flatten(None, item)]
    return [value]
