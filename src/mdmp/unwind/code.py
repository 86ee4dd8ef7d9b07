"""Code addresses: which are plausible, and which stand behind a call."""

from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.unwind import callsite
from mdmp.unwind.source import Memory, UnwindSource


class Code:
    """Answers about the code of the process, from the images of its modules and its memory."""

    def __init__(self, memory: Memory, source: UnwindSource, cpu: str) -> None:
        self._memory = memory
        self._source = source
        self._cpu = cpu
        self._known: dict[int, bool | None] = {}

    def bytes_at(self, address: int, size: int) -> bytes:
        """Up to `size` bytes of code from `address` on; fewer, or none, where there are none."""
        data = self._memory.read_some(address, size)
        module = self._source.module_at(address) if len(data) < size else None
        if module is None:
            return data
        for n in (size, size // 2, size // 4):
            try:
                return module.read(address - module.base, n)
            except (FormatError, MemoryUnavailable):
                continue
        return data

    def bytes_before(self, address: int, size: int) -> bytes:
        """Up to `size` bytes that end at `address`; fewer, or none, where there are none."""
        module = self._source.module_at(address - 1)
        for n in {size: None, (size + 1) // 2: None}:
            if module is not None:
                try:
                    return module.read(address - n - module.base, n)
                except (FormatError, MemoryUnavailable):
                    pass
            try:
                return self._memory.read(address - n, n)
            except MemoryUnavailable:
                continue
        return b""

    def is_code(self, address: int) -> bool | None:
        """Can instructions stand at `address`? None: nothing tells (in no module, and no memory map)."""
        module = self._source.module_at(address)
        if module is None:
            return self._source.executable(address)
        told = module.executable(address - module.base)
        if told is not None:
            return told
        allowed = self._source.executable(address)
        return allowed is None or allowed

    def is_after_call(self, address: int) -> bool | None:
        """Does a call stand right before `address`, in code? None: it is in a module, but its bytes are not at hand.

        What is neither in a module nor in memory known to be executable counts as no code: the bytes of a stack may
        well look like a call.
        """
        if address in self._known:
            return self._known[address]
        if len(self._known) > 1 << 16:
            self._known.clear()
        found = self._known[address] = self._look(address)
        return found

    def call_target(self, address: int) -> int | None:
        """What the direct call before `address` calls; None where no direct call is known to stand there."""
        before = self.bytes_before(address, 8)
        displacement = callsite.x86_call_before(before)
        return address + displacement if displacement else None

    def _look(self, address: int) -> bool | None:
        if address < 0x1000 or not self.is_code(address - 1) or (self._cpu == "arm64" and address & 3):
            return False
        module = self._source.module_at(address - 1)
        before = self.bytes_before(address & ~1 if self._cpu == "arm" else address, 8)
        if not before:
            return None
        if self._cpu == "arm64":
            return callsite.arm64_call_before(before)
        if self._cpu == "arm":
            return callsite.arm_call_before(before, bool(address & 1))
        displacement = callsite.x86_call_before(before)
        if displacement is None:
            return self._cpu == "x86" and callsite.x86_far_call_before(before)
        if displacement == 0 or module is None:
            return True
        # A direct call that leaves the module is no call but data that looks like one.
        return module.base <= address + displacement < module.end
