"""What the report says of modules: identity, and what became of the search for their files."""

from dataclasses import replace

from mdmp.analysis.managed import ManagedCode
from mdmp.report import ModuleReport, SymbolState, ThreadReport
from mdmp.snapshot import DebugId, Module, Snapshot
from mdmp.snapshot.module import base_name
from mdmp.symbols.locate import DAMAGED, FOUND, MISMATCHED, MISSING, Located
from mdmp.symbols.symbols import Symbols

_TELLING = (FOUND, MISMATCHED, DAMAGED, MISSING)
NOT_SEARCHED = SymbolState("not searched", note="no stack goes through it")


def loaded(
    snapshot: Snapshot, symbols: Symbols, managed: ManagedCode, threads: tuple[ThreadReport, ...]
) -> tuple[ModuleReport, ...]:
    """All modules in order; files are told of only for those that a stack goes through."""
    on_stacks = {
        module for t in threads for f in t.frames if f.module and (module := snapshot.module_at(f.lookup)) is not None
    }
    reports = ((m, _searched(m, symbols) if m in on_stacks else _plain(m)) for m in snapshot.modules or ())
    if managed.runtime is None:
        return tuple(report for _, report in reports)
    return tuple(replace(report, managed=managed.module_kind(m)) for m, report in reports)


def unloaded(snapshot: Snapshot) -> tuple[ModuleReport, ...]:
    return tuple(
        ModuleReport(
            base=m.base,
            size=m.size,
            name=m.name,
            path=m.path,
            version=None,
            code_id=None if m.timestamp is None else f"{m.timestamp:08X}{m.size:x}",
            debug_id=None,
            debug_file=None,
            symbols=NOT_SEARCHED,
            image=NOT_SEARCHED,
            timestamp=m.timestamp,
        )
        for m in snapshot.unloaded_modules or ()
    )


def main_module(snapshot: Snapshot) -> int | None:
    """The program itself: the first module, as every writer puts it; None without modules."""
    return 0 if snapshot.modules else None


def _searched(module: Module, symbols: Symbols) -> ModuleReport:
    found = symbols.of(module)
    image = _state("image", found.image_search)
    return _report(module, found.debug, _best_state(found.searches), image)


def _best_state(searches: tuple[tuple[str, Located[object]], ...]) -> SymbolState:
    """The search that found something; else the most telling failure, with what the other searches have to say."""
    states = [_state(name, located) for name, located in searches]
    best = min(states, key=lambda state: _TELLING.index(state.status))
    if best.status == FOUND:
        return best
    notes = dict.fromkeys(state.note for state in states if state.note and state.status == best.status)
    tried = dict.fromkeys(place for state in states for place in state.tried)
    return replace(best, note="; ".join(notes) or None, tried=tuple(tried))


def _plain(module: Module) -> ModuleReport:
    return _report(module, module.debug, NOT_SEARCHED, NOT_SEARCHED)


def _report(module: Module, debug: DebugId | None, symbols: SymbolState, image: SymbolState) -> ModuleReport:
    return ModuleReport(
        base=module.base,
        size=module.size,
        name=module.name,
        path=module.path,
        version=module.file_version,
        code_id=module.code_id,
        debug_id=debug.breakpad if debug else None,
        debug_file=_debug_file(module, debug),
        symbols=symbols,
        image=image,
        timestamp=module.timestamp,
    )


def _debug_file(module: Module, debug: DebugId | None) -> str | None:
    """A build id comes without a path: the debug information is that of the file itself."""
    if debug is None:
        return None
    return base_name(debug.path) or (module.name if debug.kind == "elf" else None) or None


def _state(name: str, located: Located[object]) -> SymbolState:
    return SymbolState(
        status=located.state,
        path=str(located.path) if located.path else None,
        note=located.note,
        tried=located.tried,
        format=name if located.file is not None else None,
    )
