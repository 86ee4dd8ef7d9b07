"""CPU contexts <-> `Context`."""

from mdmp.errors import FormatError
from mdmp.formats.minidump.contexts.choose import decode_context, encode_context
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.header import MINIDUMP_LOCATION_DESCRIPTOR
from mdmp.formats.minidump.streams import table
from mdmp.formats.minidump.streams.system_info import SystemInfo
from mdmp.formats.minidump.writer import Layout
from mdmp.snapshot import Context


class Contexts:
    """Decodes the contexts of one dump: the processor is asked for once."""

    def __init__(self, dump: Minidump) -> None:
        self.dump = dump
        info: SystemInfo | None = dump.stream(table.SYSTEM_INFO)
        self._left = 2 * len(dump.window)
        self.architecture = info.record.ProcessorArchitecture if info else None

    def load(self, location: MINIDUMP_LOCATION_DESCRIPTOR, place: str) -> Context | None:
        """None where there is no context, or a damaged one, which is noted."""
        size, rva = location
        if not size:
            return None
        self._left -= size
        if self._left < 0:
            self.dump.issues.add(
                place, "expected contexts that do not overlap; found more bytes than the file has", rva
            )
            return None
        try:
            raw = decode_context(self.dump.window.sub(rva, size, place), self.architecture)
        except FormatError as error:
            self.dump.issues.add(place, error.problem, error.offset)
            return None
        return Context(raw.cpu, raw.registers, raw.vector, raw.xstate)


def save_context(context: Context | None, windows: bool, out: Layout) -> MINIDUMP_LOCATION_DESCRIPTOR:
    """An empty location where there is no context, or one of a processor whose contexts are only read."""
    raw = None
    if context is not None:
        raw = encode_context(context.cpu, windows, context.registers, context.vector, context.xstate)
    return out.place(raw, 16) if raw else MINIDUMP_LOCATION_DESCRIPTOR((0, 0))
