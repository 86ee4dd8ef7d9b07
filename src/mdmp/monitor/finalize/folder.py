"""The folder that dumps go to."""

import os


def make_folder(folder: str) -> None:
    """The folder, made if need be, for its owner's eyes only."""
    os.makedirs(folder, 0o700, exist_ok=True)
