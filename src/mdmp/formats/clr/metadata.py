"""The metadata of an assembly: its name, and the names of its methods by token."""

from mdmp.binary.window import Window
from mdmp.errors import FormatError
from mdmp.formats.clr.root import Root
from mdmp.formats.clr.tables import Tables

METHOD_DEF = 0x06
"""The high byte of a token of a method."""

_MAX_NESTING = 16


class Metadata:
    """Reads what it is asked for; the window has to stay as it is."""

    def __init__(self, window: Window) -> None:
        """Raises `FormatError` when it is no metadata."""
        self._root = Root(window)
        self._tables = Tables(self._root.tables)

    @property
    def runtime_version(self) -> str:
        """The version of the format: `v4.0.30319` since .NET Framework 4."""
        return self._root.version

    @property
    def assembly(self) -> tuple[str, str] | None:
        """Name and version (`1.2.3.4`); None for a module that is no assembly. Raises `FormatError`."""
        table = self._tables["Assembly"]
        if not table.count:
            return None
        parts = ("MajorVersion", "MinorVersion", "BuildNumber", "RevisionNumber")
        version = ".".join(str(table.cell(1, part)) for part in parts)
        return self._root.string(table.cell(1, "Name")), version

    @property
    def method_count(self) -> int:
        return self._tables["MethodDef"].count

    def method_name(self, token: int) -> str | None:
        """`Namespace.Outer+Inner.Method` as reflection spells it, or None when there is no such method.

        Raises `FormatError` where the tables are damaged.
        """
        row = method_row(token)
        table = self._tables["MethodDef"]
        if row is None or not 1 <= row <= table.count:
            return None
        name = self._root.string(table.cell(row, "Name"))
        if self._tables["MethodPtr"].count:  # then classes do not list their methods in order
            return name
        owner = self._tables["TypeDef"].last_not_above("MethodList", row)
        # The first class stands for the module itself and holds its global functions.
        return f"{self._type_name(owner)}.{name}" if owner > 1 else name

    def _type_name(self, row: int) -> str:
        types, nested = self._tables["TypeDef"], self._tables["NestedClass"]
        name = self._root.string(types.cell(row, "TypeName"))
        for _ in range(_MAX_NESTING):
            link = nested.find("NestedClass", row)
            if not link:
                space = self._root.string(types.cell(row, "TypeNamespace"))
                return f"{space}.{name}" if space else name
            row = nested.cell(link, "EnclosingClass")
            name = f"{self._root.string(types.cell(row, 'TypeName'))}+{name}"
        raise FormatError("NestedClass", f"expected at most {_MAX_NESTING} classes inside each other; found more")


def method_row(token: int) -> int | None:
    """The row of a method's token; None for a token of something else."""
    return token & 0xFFFFFF if token >> 24 == METHOD_DEF else None
