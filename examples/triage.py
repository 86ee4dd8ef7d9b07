"""Group the dumps of a folder by what crashed: triage.py FOLDER [SYMBOLS...] > crashes.csv

One row for each signature, the most frequent first.
"""

import csv
import sys
from collections import defaultdict
from pathlib import Path

import mdmp


def main(folder: str, *symbols: str) -> int:
    groups: dict[str, list[tuple[Path, mdmp.Report]]] = defaultdict(list)
    for path in sorted(Path(folder).glob("*.dmp")):
        try:
            report = mdmp.analyze(mdmp.open_dump(path), symbols=symbols)
        except mdmp.UnusableInputError as problem:
            print(problem, file=sys.stderr)
            continue
        groups[report.signature or "unknown"].append((path, report))
    table = csv.writer(sys.stdout)
    table.writerow(["count", "signature", "title", "function", "file", "line", "first dump"])
    for signature, crashes in sorted(groups.items(), key=lambda item: -len(item[1])):
        path, report = crashes[0]
        blame = report.blame
        where = (blame.function, blame.file, blame.line) if blame else (None, None, None)
        table.writerow([len(crashes), signature, report.crash.title, *where, path.name])
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
