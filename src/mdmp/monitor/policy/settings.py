"""What the policy says about one program, and what it decides about one fault."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Settings:
    """What applies to one program, when all sources are put together. The first five are those of WER's LocalDumps."""

    enabled: bool = True
    folder: str | None = None
    """DumpFolder, with variables (`%LOCALAPPDATA%`, `$HOME`, `~`) not yet replaced. None: the system's default."""
    count: int = 10
    """DumpCount: files in the folder; beyond it the oldest goes. 0: no dumps."""
    type: str = "heap"
    """DumpType: a name of `dump_type.DUMP_TYPES`, or `custom` for `custom_flags`."""
    custom_flags: int = 0x121
    """CustomDumpFlags: MINIDUMP_TYPE bits for the type `custom`."""
    name: str = "{program}.{pid}.{time}.dmp"
    budget: int | None = None
    """Bytes of memory in one dump."""
    scrub_stacks: bool = False
    max_age: timedelta | None = None
    """Older dumps in the folder are removed."""
    max_total: int | None = None
    """Bytes that all dumps in the folder may take together."""
    min_free: int = 1 << 30
    """Bytes that are to stay free on the disk: a dump is made smaller for it. With less free there are only `mini`
    dumps, with less than a sixteenth of it none."""
    repeat: int = 5
    """Dumps of the same fault of the same program within a day; later ones are only logged. 0: no limit. As long as
    nobody sets it, it does not count for programs that are watched by `run` and `attach`."""
    rules: Mapping[str, str] = field(default_factory=dict)
    """Kind of fault (`fault.KINDS`) -> dump type, or `none`."""
    log: bool = True
    """An entry in the system's log."""
    notice: tuple[str, ...] = ("terminal",)
    """How the user is told: `terminal`, `desktop`."""
    webhook: str | None = None
    report: bool = False
    """Analyze at once and leave the report beside the dump."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a decision depends on besides policy and fault."""

    free: int | None = None
    """Bytes free on the disk of the dump folder; None: not known."""
    memory: int | None = None
    """Bytes of memory that the process uses; None: not known."""
    repeats: int = 0
    """Dumps that were made of the same fault of the same program within a day."""


@dataclass(frozen=True, slots=True)
class Decision:
    kind: str | int | None
    """What to keep, as `mdmp.save_dump` takes it; None: no dump."""
    settings: Settings
    folder: str
    """Where the dump goes, variables replaced."""
    budget: int | None = None
    reasons: tuple[str, ...] = ()
    """Why, in words, each with the source of the value that decided."""
