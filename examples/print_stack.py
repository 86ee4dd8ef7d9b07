"""Print the crashing thread's stack: print_stack.py DUMP [SYMBOLS...]"""

import sys

import mdmp


def main(dump: str, *symbols: str) -> int:
    report = mdmp.analyze(mdmp.open_dump(dump), symbols=symbols)
    print(report.crash.title)
    if report.crashing_thread is None:
        print("no thread stands out")
        return 1
    for frame in report.threads[report.crashing_thread].frames:
        for inline in frame.inlines:
            print(f"    {inline.function}  {inline.file}:{inline.line}  (inlined)")
        place = f"{frame.file}:{frame.line}" if frame.file else ""
        name = frame.function or f"{frame.instruction:#x}"
        print(f"{frame.index:3} {frame.module or '?'}!{name}  {place}  [{frame.trust}]")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
