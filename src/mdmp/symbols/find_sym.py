"""The Breakpad symbol file of a module of any OS."""

from pathlib import Path

from mdmp.formats.breakpad import SymFile
from mdmp.snapshot import DebugId
from mdmp.snapshot.module import base_name
from mdmp.symbols import layout
from mdmp.symbols.folders import Folders
from mdmp.symbols.locate import MISSING, Located, locate


def find_sym(debug: DebugId, module_name: str, folders: Folders, index_folder: Path | None) -> Located[SymFile]:
    """The symbol file, checked by the identity in its MODULE record."""
    name = layout.safe_name(base_name(debug.path) or module_name)
    if not name:
        return Located(MISSING, note="the name of its symbol file is not usable")
    file = f"{name[:-4] if name.lower().endswith('.pdb') else name}.sym"

    def objection(sym: SymFile) -> str | None:
        if sym.module is None:
            return "it does not say which module it belongs to"
        if sym.module.debug_id.upper() == debug.breakpad.upper():
            return None
        return f"another build: the module wants {debug.breakpad}, the file is for {sym.module.debug_id}"

    layouts = [*layout.plain(file), *layout.store(name, debug.breakpad, file)]
    return locate(folders.candidates(layouts), lambda path: SymFile.open(path, index_folder), objection, folders.tried)
