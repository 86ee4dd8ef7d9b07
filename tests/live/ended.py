"""What a program that had itself watched left when it ended."""

from pathlib import Path
from typing import NamedTuple

import mdmp


class Ended(NamedTuple):
    code: int
    output: str
    errors: str
    dumps: list[Path]

    @property
    def snapshot(self) -> mdmp.Snapshot:
        """Of the one dump."""
        assert len(self.dumps) == 1, f"{self.dumps}\n{self.errors}"
        return mdmp.open_dump(self.dumps[0])
