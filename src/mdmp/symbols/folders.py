"""Files below the folders on the symbol path, found whatever the case of their names."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from mdmp.symbols.path import Place


class Folders:
    """The places on a symbol path, each folder listed at most once for the life of this object."""

    def __init__(self, places: Iterable[Place]) -> None:
        self.places = tuple(dict.fromkeys(places))
        self._listings: dict[str, dict[str, tuple[str, ...]]] = {}
        self._files: dict[str, bool] = {}

    @property
    def tried(self) -> tuple[str, ...]:
        """The places, for people who wonder where we looked."""
        return tuple(f"{place.path} ({place.origin})" for place in self.places)

    def candidates(self, layouts: Iterable[tuple[str, ...]]) -> Iterator[Path]:
        """Every file that lies where a layout says, place by place, best layout first, each once.

        A place that is itself a file is a candidate when a plain layout has its name.
        """
        layouts = tuple(layouts)
        seen = set()
        for place in self.places:
            if self._is_file(place.path):
                name = os.path.basename(place.path).lower()
                found = [place.path] if any(len(c) == 1 and c[0].lower() == name for c in layouts) else []
            else:
                found = [path for components in layouts for path in self._resolve(place.path, components)]
            for path in found:
                key = os.path.realpath(path)
                if key not in seen:
                    seen.add(key)
                    yield Path(path)

    def _resolve(self, folder: str, components: tuple[str, ...]) -> Iterator[str]:
        head, *rest = components
        for name in self._names(folder, head):
            path = os.path.join(folder, name)
            if rest:
                yield from self._resolve(path, tuple(rest))
            elif os.path.isfile(path):
                yield path

    def _names(self, folder: str, name: str) -> tuple[str, ...]:
        """The entries of a folder that differ from `name` in case only, the exact one first."""
        listing = self._listings.get(folder)
        if listing is None:
            listing = self._listings[folder] = _listing(folder)
        found = listing.get(name.lower(), ()) if listing is not UNLISTED else (name,)
        return found if len(found) < 2 else tuple(sorted(found, key=lambda entry: entry != name))

    def _is_file(self, path: str) -> bool:
        if path not in self._files:
            self._files[path] = os.path.isfile(path)
        return self._files[path]


UNLISTED: dict[str, tuple[str, ...]] = {}
"""What stands for the listing of a folder that may be entered but not listed."""


def _listing(folder: str) -> dict[str, tuple[str, ...]]:
    """Lower-cased name to the entries of a folder; empty when it is none."""
    names: dict[str, tuple[str, ...]] = {}
    try:
        entries = sorted(os.listdir(folder))
    except PermissionError:
        return UNLISTED
    except (OSError, ValueError):
        return names
    for entry in entries:
        names[entry.lower()] = (*names.get(entry.lower(), ()), entry)
    return names
