"""Writes expected.json: what gdb 13.1 says about the threads of every core here. Run it without arguments.

Shape: {core: {"program": name, "threads": {tid: [[function, file, line], …innermost first]}}}. Inlined functions count
as frames. gdb runs this file too: once for each core. It does not come to an end with arm64-handler, which is left out.
"""

import json
import lzma
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def inside_gdb() -> dict[str, list[list[str | int | None]]]:
    import gdb  # type: ignore[import-not-found]

    gdb.execute("set backtrace past-main on")
    gdb.execute("set backtrace past-entry on")
    threads = {}
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        frames, frame = [], gdb.newest_frame()
        while frame is not None and len(frames) < 100:
            place = frame.find_sal()
            if frame.type() == gdb.SIGTRAMP_FRAME:
                frames.append(["<signal handler called>", None, None])
            elif (
                frame.type() != gdb.TAILCALL_FRAME
            ):  # a function that jumped on has no frame; gdb concludes it was there
                frames.append([frame.name(), place.symtab and Path(place.symtab.filename).name, place.line or None])
            frame = frame.older()
        threads[thread.ptid[1]] = frames
    return threads


def main() -> None:
    expected = {}
    for packed in sorted(FOLDER.glob("*.core.xz")):
        if packed.name.startswith("arm64-handler"):
            continue
        cpu = next((cpu for cpu in ("arm64", "x86") if packed.name.startswith(cpu)), "amd64")
        program = f"crash_{cpu}" + ("_pie" if packed.name.startswith("pie") else "")
        with tempfile.NamedTemporaryFile() as core:
            core.write(lzma.decompress(packed.read_bytes()))
            core.flush()
            debugger = "gdb-multiarch" if cpu == "arm64" else "gdb"
            commands = (f"file {program}", f"core-file {core.name}", f"source {__file__}")
            arguments = [debugger, "-batch", "-nx", *(word for text in commands for word in ("-ex", text))]
            out = subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=FOLDER, timeout=60).stdout
        threads = json.loads(out[out.index("\n{") + 1 :].splitlines()[0])
        expected[packed.name.removesuffix(".core.xz")] = {"program": program, "threads": threads}
    rows = (f"{json.dumps(name)}: {json.dumps(core)}" for name, core in expected.items())
    (FOLDER / "expected.json").write_text("{" + ",\n".join(rows) + "}\n", "utf-8")


if "gdb" in sys.modules:
    print("\n" + json.dumps(inside_gdb()))
else:
    main()
