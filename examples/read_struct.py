"""Read a C++ structure out of the crashed process: read_struct.py tests/data/windows/null_write_x64.dmp

The function that crashed there, `process_order`, has its order in rbx:

    struct Order { int number; Customer *customer; Item items[6]; int size; };
    struct Item { const char *name; int cents; int count; };
"""

import struct
import sys

import mdmp

ORDER = struct.Struct("<i4xQ")
ITEM = struct.Struct("<Qii")
ITEMS = 6


def main(dump: str) -> int:
    snapshot = mdmp.open_dump(dump)
    context = snapshot.exceptions[0].context
    if context is None:
        print("the dump does not say which registers there were", file=sys.stderr)
        return 1
    address = context.registers["rbx"]
    number, customer = ORDER.unpack(snapshot.memory.read(address, ORDER.size))
    print(f"order {number}, customer {customer:#x}")
    items = address + ORDER.size
    count = snapshot.memory.word(items + ITEMS * ITEM.size, 4) or 0
    for i in range(min(count, ITEMS)):
        _, cents, pieces = ITEM.unpack(snapshot.memory.read(items + i * ITEM.size, ITEM.size))
        print(f"  {pieces} for {cents / 100:.2f} each")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
