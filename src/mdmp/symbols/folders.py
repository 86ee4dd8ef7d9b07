"""Files below the folders on the symbol path, found whatever the case of their names."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from mdmp.symbols.path import Place


class Folders:
    """The places on a symbol path, each folder listed at most once for the life of this object."""

    def __init__(self, places: Iterable[Place]) -> None:
        self.places = tuple(dict.fromkeys(places))
        self._listings: dict[str, dict[str, list[str]]] = {}

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
            if os.path.isfile(place.path):
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
        exact = os.path.join(folder, *components)
        if os.path.isfile(exact):
            yield exact
        head, *rest = components
        for name in self._listing(folder).get(head.lower(), ()):
            path = os.path.join(folder, name)
            if rest:
                yield from (found for found in self._resolve(path, tuple(rest)) if found != exact)
            elif path != exact and os.path.isfile(path):
                yield path

    def _listing(self, folder: str) -> dict[str, list[str]]:
        """Lower-cased name to the names in a folder; a folder that cannot be listed is empty."""
        if folder not in self._listings:
            names: dict[str, list[str]] = {}
            try:
                for entry in sorted(os.listdir(folder)):
                    names.setdefault(entry.lower(), []).append(entry)
            except OSError:
                pass
            self._listings[folder] = names
        return self._listings[folder]
