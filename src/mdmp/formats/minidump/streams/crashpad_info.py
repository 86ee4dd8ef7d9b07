"""CrashpadInfoStream (0x43500001): report and client ids, annotations of the process and of its modules.

Source: minidump/minidump_extensions.h of Crashpad, whose names are used.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple, TypeVar

from mdmp.binary.record import Bytes, Record, u16, u32
from mdmp.binary.window import Window
from mdmp.errors import FormatError, IssueLog
from mdmp.formats.minidump.header import MINIDUMP_LOCATION_DESCRIPTOR
from mdmp.formats.minidump.lists import counted, pack_counted
from mdmp.formats.minidump.text import Texts
from mdmp.formats.minidump.writer import Layout

R = TypeVar("R", bound=Record)


class MinidumpSimpleStringDictionaryEntry(Record, size=8):
    key: u32
    value: u32


class MinidumpAnnotation(Record, size=12):
    name: u32
    type: u16
    """1: a string; from 0x8000 on the program's own types."""
    reserved: u16
    value: u32


class MinidumpModuleCrashpadInfo(Record, size=28):
    version: u32
    list_annotations: MINIDUMP_LOCATION_DESCRIPTOR
    simple_annotations: MINIDUMP_LOCATION_DESCRIPTOR
    annotation_objects: MINIDUMP_LOCATION_DESCRIPTOR


class MinidumpModuleCrashpadInfoLink(Record, size=12):
    minidump_module_list_index: u32
    location: MINIDUMP_LOCATION_DESCRIPTOR


class MinidumpCrashpadInfo(Record, size=52):
    """Newer writers add an address mask behind it."""

    version: u32
    report_id: Annotated[bytes, Bytes(16)]
    client_id: Annotated[bytes, Bytes(16)]
    simple_annotations: MINIDUMP_LOCATION_DESCRIPTOR
    module_list: MINIDUMP_LOCATION_DESCRIPTOR


class Rva(Record, size=4):
    rva: u32


class AnnotationObject(NamedTuple):
    name: str
    type: int
    value: bytes


class ModuleAnnotations(NamedTuple):
    module_index: int
    """In ModuleListStream."""
    list_annotations: tuple[str, ...]
    simple_annotations: dict[str, str]
    annotation_objects: tuple[AnnotationObject, ...]


class CrashpadInfo(NamedTuple):
    record: MinidumpCrashpadInfo
    simple_annotations: dict[str, str]
    modules: tuple[ModuleAnnotations, ...]


def decode(stream: Window, file: Window, issues: IssueLog) -> CrashpadInfo:
    record = MinidumpCrashpadInfo.read(stream)
    reader = _Reader(file, issues)
    simple = reader.dictionary(record.simple_annotations, f"{stream.name}.simple_annotations")
    modules = []
    place = f"{stream.name}.module_list"
    for index, link in enumerate(reader.records(MinidumpModuleCrashpadInfoLink, record.module_list, place)):
        try:
            info = MinidumpModuleCrashpadInfo.read(file, link.location.Rva, f"{place}[{index}]")
        except FormatError as error:
            issues.survive(error)
            continue
        modules.append(reader.module(link.minidump_module_list_index, info, f"{place}[{index}]"))
    return CrashpadInfo(record, simple, tuple(modules))


class _Reader:
    """Follows the RVAs; what cannot be read costs only itself."""

    def __init__(self, file: Window, issues: IssueLog) -> None:
        self.file = file
        self.texts = Texts(file)
        self.issues = issues

    def records(self, kind: type[R], location: MINIDUMP_LOCATION_DESCRIPTOR, place: str) -> Sequence[R]:
        if not location.DataSize:
            return ()
        try:
            return counted(kind, self.file.sub(location.Rva, location.DataSize, place), self.issues, "entries")
        except FormatError as error:
            self.issues.survive(error)
            return ()

    def dictionary(self, location: MINIDUMP_LOCATION_DESCRIPTOR, place: str) -> dict[str, str]:
        found = {}
        for entry in self.records(MinidumpSimpleStringDictionaryEntry, location, place):
            try:
                found[self.texts.utf8(entry.key)] = self.texts.utf8(entry.value)
            except FormatError as error:
                self.issues.add(place, error.problem, error.offset)
        return found

    def module(self, index: int, info: MinidumpModuleCrashpadInfo, place: str) -> ModuleAnnotations:
        texts, objects = [], []
        for entry in self.records(Rva, info.list_annotations, place):
            try:
                texts.append(self.texts.utf8(entry.rva))
            except FormatError as error:
                self.issues.survive(error)
        for annotation in self.records(MinidumpAnnotation, info.annotation_objects, place):
            try:
                value = self.texts.byte_array(annotation.value) if annotation.value else b""
                name = self.texts.utf8(annotation.name)
                objects.append(AnnotationObject(name, annotation.type, value))
            except FormatError as error:
                self.issues.survive(error)
        simple = self.dictionary(info.simple_annotations, place)
        return ModuleAnnotations(index, tuple(texts), simple, tuple(objects))


def encode(
    layout: Layout,
    report_id: bytes,
    client_id: bytes,
    simple_annotations: Mapping[str, str],
    modules: Mapping[int, Mapping[str, str]],
) -> bytes:
    """Annotations of modules, by index in ModuleListStream, become simple ones: all texts, as a snapshot has them."""
    links = []
    for index, values in modules.items():
        info = MinidumpModuleCrashpadInfo.new(version=1, simple_annotations=_dictionary(layout, values))
        link = MinidumpModuleCrashpadInfoLink.new(minidump_module_list_index=index, location=layout.place(info.pack()))
        links.append(link)
    return MinidumpCrashpadInfo.new(
        version=1,
        report_id=report_id,
        client_id=client_id,
        simple_annotations=_dictionary(layout, simple_annotations),
        module_list=layout.place(pack_counted(links)) if links else (0, 0),
    ).pack()


def _dictionary(layout: Layout, values: Mapping[str, str]) -> MINIDUMP_LOCATION_DESCRIPTOR:
    if not values:
        return MINIDUMP_LOCATION_DESCRIPTOR((0, 0))
    entry = MinidumpSimpleStringDictionaryEntry
    rvas = (
        (layout.byte_array(k.encode("utf-8", "replace")), layout.byte_array(v.encode("utf-8", "replace")))
        for k, v in values.items()
    )
    return layout.place(pack_counted([entry(pair) for pair in rvas]))
