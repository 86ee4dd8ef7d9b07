"""What a rule looks at."""

from collections.abc import Iterator
from dataclasses import dataclass

from mdmp.analysis.blame import Place, places
from mdmp.analysis.crash_reason import CrashReason, pointer_size
from mdmp.analysis.instruction_facts import InstructionFacts
from mdmp.analysis.names import plain_name
from mdmp.analysis.patterns import Pattern
from mdmp.report import Blame, ThreadReport
from mdmp.snapshot import MemoryReader, Snapshot, Thread


@dataclass(frozen=True, slots=True)
class Case:
    """One crash with everything that was worked out before the rules run."""

    snapshot: Snapshot
    reason: CrashReason
    instruction: InstructionFacts | None
    thread: Thread | None
    """The thread looked at, as seen."""
    stack: ThreadReport | None
    """The same thread with its frames."""
    threads: tuple[ThreadReport, ...]
    blame: Blame | None
    memory: MemoryReader
    """The snapshot's memory, completed by images where they are at hand."""

    @property
    def pointer_size(self) -> int:
        return pointer_size(self.snapshot)

    @property
    def pattern(self) -> Pattern | None:
        """What the bad pointer looks like: the register's value first, else the address."""
        return (self.instruction.pattern if self.instruction else None) or self.reason.pattern

    @property
    def address(self) -> int | None:
        """The address of the bad access: recovered from the operands, else as reported."""
        found = self.instruction.fault_address if self.instruction else None
        return self.reason.address if found is None else found

    @property
    def messages(self) -> tuple[str, ...]:
        """What the program or its run-time library said at its end, as who wrote the dump has found it."""
        notes = self.snapshot.annotations
        said = (text for key, text in notes.process.items() if key.startswith("mdmp.message["))
        return (*((notes.assertion,) if notes.assertion else ()), *said)

    @property
    def bad_access(self) -> bool:
        return self.reason.kind == "access"

    @property
    def executes(self) -> bool:
        """The processor was sent to a place without code."""
        return self.bad_access and self.reason.access == "execute"

    def places(self, limit: int = 24) -> Iterator[tuple[Place, str]]:
        """The functions on the stack with their plain names, innermost first; the innermost `limit` frames."""
        for place in places(self.stack.frames[:limit] if self.stack else ()):
            if place.function:
                yield place, plain_name(place.function)

    def calls(self, *functions: str) -> str | None:
        """The innermost of the plain function names that is on the stack."""
        return next((name for _, name in self.places() if name in functions), None)

    @property
    def how(self) -> tuple[str, ...]:
        """The instruction in words, as evidence."""
        facts = self.instruction
        if facts is None or facts.explanation is None:
            return ()
        return (f"`{facts.text}`: {facts.explanation}" if facts.text else facts.explanation,)
