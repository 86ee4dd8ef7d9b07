"""A file replaced in one step."""

import os
import sys
from contextlib import suppress


def write_whole(path: str, content: bytes, mode: int) -> None:
    """The file is never there half written: when this raises `OSError`, it is as it was."""
    part = f"{path}.{os.getpid()}.part"
    with suppress(FileNotFoundError):
        os.unlink(part)  # of one with our number that was killed
    try:
        with open(part, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content)
            file.flush()
            if sys.platform != "win32":
                os.fchmod(file.fileno(), mode)  # whatever our umask is
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError:
        with suppress(OSError):
            os.unlink(part)
        raise
