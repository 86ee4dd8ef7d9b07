#!/usr/bin/env python3
"""Write expected.json and the look-up tables lookups/*.jsonl from the programs, PDBs and dumps of this folder.

    make_expected.py SYSTEM64 SYSTEM32

SYSTEM64 and SYSTEM32 are the folders of the Wine DLLs that the dumps of make_dumps.py come from (WINE10/usr/lib/
x86_64-linux-gnu/wine/x86_64-windows and .../i386-windows). Needs llvm-22 and lldb-22.

Nothing here comes from mdmp. The chain of functions of each crash is written down below by hand, from the source.
A stack is then checked against the dump's bytes: each caller's return address must lie further up the stack, inside
that caller, behind a call instruction that calls the callee (llvm-objdump says so). llvm-symbolizer gives lines and
inlined functions. Whether LLDB, with all images at hand, unwound to the same return addresses is recorded too.
"""

import json
import re
import sys
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from peek import Dump, Image, run

HERE = Path(__file__).resolve().parent
NO_PDB = {"filters.dll", "filters32.dll"}
SYSTEM = {"ntdll.dll", "kernel32.dll", "kernelbase.dll", "ucrtbase.dll", "vcruntime140.dll", "msvcrt.dll"}

START = ["mainCRTStartup", "kernel32.dll!BaseThreadInitThunk", "ntdll.dll!RtlUserThreadStart"]
THREAD_START = START[1:]
# Innermost first; inlined functions are not listed. "?" is a place without code, "~" stands before a function that was
# reached by a tail call, "*" after one that recurs, "..." for frames of the system that are left out.
CHAINS = {
    "null_write": ["process_order", "run_jobs", "main"],
    "folded": ["set", "update_load", "run_engine", "main"],
    "callback": [
        "on_pixel", "plugin.dll!count_pixel", "filters.dll!", "filters.dll!apply_filter",
        "plugin.dll!filter_picture", "plugin.dll!run_plugin", "render", "main",
    ],
    "null_read": ["settings_volume", "load_settings", "null_read", "main"],
    "freed_pointer": ["sum_of_ids", "close_idle_sessions", "freed_pointer", "main"],
    "write_readonly": ["capitalize", "write_readonly", "main"],
    "wild_jump": ["?", "dispatch", "pump_events", "wild_jump", "main"],
    "null_call": ["?", "dispatch", "pump_events", "null_call", "main"],
    "execute_data": ["?", "run_script", "execute_data", "main"],
    "breakpoint": ["check", "breakpoint", "main"],
    "illegal_instruction": ["unreachable_state", "next_state", "illegal_instruction", "main"],
    "privileged_instruction": ["wait_for_interrupt", "privileged_instruction", "main"],
    "divide_by_zero": ["average", "report_average", "divide_by_zero", "main"],
    "fast_fail": ["unlink", "drain", "fast_fail", "main"],
    "seh_then_custom": ["kernelbase.dll!RaiseException", "report_damage", "seh_then_custom", "main"],
    "deep_inline": ["draw_picture", "deep_inline", "main"],
    "dynamic_frame": ["checksum", "pad_line", "print_lines", "dynamic_frame", "main"],
    "big_frame": ["sort_rows", "build_table", "big_frame", "main"],
    "saved_registers": ["measure", "mix", "mix_twice", "saved_registers", "main"],
    "tail_call": ["~write_block", "close_all", "tail_call", "main"],
    "named_threads": ["length_of", "load_files", "run_worker"],
    "deadlock": ["ntdll.dll!ZwWaitForAlertByThreadId", "...", "~take_both", "deadlock", "main"],
    "cpp_throw": [
        "kernelbase.dll!RaiseException", "ucrtbase.dll!_CxxThrowException", "parse_line", "load", "start", "cpp_throw",
        "main",
    ],
    "stack_overflow": ["files_above*", "stack_overflow", "main"],
    "stack_probe": ["__chkstk", "render_level*", "stack_probe", "main"],
}  # fmt: skip


class Stack:
    def __init__(self, dump: Dump, system: Path) -> None:
        self.dump, self.system = dump, system

    def image(self, name: str) -> Image:
        return image((self.system if name in SYSTEM else HERE) / name)

    def fits(self, wanted: str, program: str, address: int) -> tuple[str, int] | None:
        """(module, offset), when the address is in the function that is wanted."""
        module = self.dump.module_at(address)
        if not module:
            return None
        base, name = module
        wanted_module, _, function = wanted.rpartition("!")
        if self.dump.cpu == "x86" and wanted_module in ("plugin.dll", "filters.dll"):
            wanted_module = wanted_module.replace(".dll", "32.dll")
        offset = address - base
        if name != (wanted_module or program):
            return None
        code = self.image(name)
        if not code.code[0] <= offset < code.code[1]:
            return None
        if name in SYSTEM:
            return (name, offset) if self.dump.cpu == "x86" or code.export_at(offset) == function else None
        if name in NO_PDB:
            return name, offset
        names = {known.rpartition("::")[2] for known in code.names_at(offset)}
        return (name, offset) if function in names else None

    def follow(self, chain: list[str], program: str, pc: int, sp: int) -> list[dict[str, Any]]:
        """The frames of the chain, or an exception when the stack does not show it."""
        words = self.dump.words(sp)
        first, *rest = chain
        frames: list[dict[str, Any]] = [{"pc": pc, "sp": sp}]
        if first != "?" and not self.fits(first.strip("~*"), program, pc):
            raise ValueError(f"{hex(pc)} is not in {first}")
        at, loose, recurs, gap = 0, first.startswith(("?", "~")), first.endswith("*"), False
        while rest:
            wanted = rest[0]
            if wanted == "...":
                rest, loose, gap = rest[1:], True, True
                continue
            previous = frames[-1]["pc"] if len(frames) == 1 else frames[-1]["pc"] - 1
            for index in range(at, len(words)):
                slot, value = words[index]
                again = recurs and self.fits(chain[len(chain) - len(rest) - 1].strip("~*"), program, value - 1)
                if not again and not self.fits(wanted.strip("~*"), program, value - 1):
                    continue
                module, offset = self.fits_any(value)
                code = self.image(module)
                if offset not in code.calls():
                    continue
                target = code.calls()[offset]
                callee = self.dump.module_at(previous)
                known = target is not None and not loose and module not in SYSTEM | NO_PDB
                if known and callee and callee[1] == module and target not in code.starts_of(previous - callee[0]):
                    continue
                frames.append({"pc": value, "sp": slot + self.dump.word, **({"gap_before": True} if gap else {})})
                at, loose, gap = index + 1, wanted.startswith("~"), False
                break
            else:
                if self.dump.cpu == "x86" and wanted.partition("!")[0] in SYSTEM:
                    break
                raise ValueError(f"no return into {wanted}")
            if not again:
                recurs, rest = wanted.endswith("*"), rest[1:]
        return frames

    def place(self, addresses: list[int], sp: int) -> list[dict[str, Any]]:
        """Frames of known return addresses, with the places where these lie on the stack."""
        frames = [{"pc": addresses[0], "sp": sp}]
        words = self.dump.words(sp)
        for pc in addresses[1:]:
            slot = next(slot for slot, value in words if value == pc and slot >= frames[-1]["sp"])
            frames.append({"pc": pc, "sp": slot + self.dump.word})
        return frames

    def fits_any(self, address: int) -> tuple[str, int]:
        module = self.dump.module_at(address)
        assert module
        return module[1], address - module[0]

    def describe(self, frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
        described: list[dict[str, Any]] = []
        for index, frame in enumerate(frames):
            found = self.dump.module_at(frame["pc"])
            entry: dict[str, Any] = {"pc": hex(frame["pc"]), "sp": hex(frame["sp"])}
            if frame.get("gap_before"):
                entry["gap_before"] = True
            if not found:
                described.append({**entry, "module": None, "function": None})
                continue
            base, name = found
            offset = frame["pc"] - base
            entry |= {"module": name, "offset": hex(offset)}
            if described and described[-1].get("offset") == hex(offset) and described[-1]["module"] == name:
                described[-1]["repeat"] = described[-1].get("repeat", 1) + 1
                continue
            look_up = offset if index == 0 else offset - 1
            code = self.image(name)
            if name in SYSTEM | NO_PDB:
                described.append({**entry, "function": None, "export": code.export_at(look_up)})
                continue
            runs = code.code[0] <= look_up < code.code[1]
            places = symbolize(code, [look_up])[0]["frames"] if runs else [{"function": None}]
            described.extend(entry | place for place in places)
        return described


def plain(name: str) -> str:
    """A function's name without its parameters."""
    return name.partition("(")[0] if not name.startswith(("(", "`")) else name


def spellings(public: str) -> list[str]:
    """A C function's name, as it is and without what the compiler adds on x86."""
    return sorted({public, re.sub(r"^_(\w+?)(@\d+)?$", r"\1", public)})


@cache
def image(path: Path) -> Image:
    return Image(path)


@cache
def symbolized(path: Path, offsets: tuple[int, ...]) -> list[Any]:
    return json.loads(
        run("llvm-symbolizer-22", f"--obj={path}", "--relative-address", "--inlines", "--output-style=JSON",
            *map(hex, offsets))
    )  # fmt: skip


def symbolize(code: Image, offsets: list[int]) -> list[dict[str, Any]]:
    answers = []
    for answer in symbolized(code.path, tuple(offsets)):
        symbols = [symbol for symbol in answer["Symbol"] if symbol["FunctionName"]]
        frames = [
            {
                "function": plain(symbol["FunctionName"]),
                "file": symbol["FileName"] or None,
                "line": symbol["Line"] or None,
                "inline": level < len(symbols) - 1,
            }
            for level, symbol in enumerate(symbols)
        ]
        names = code.names_at(int(answer["Address"], 16))
        if len(names) > 1 and frames:  # folded functions: any of the names is right
            frames[-1]["aliases"] = names
        answers.append({"address": answer["Address"], "frames": frames})
    return answers


def lldb_stacks(dump: Path, system: Path) -> list[list[int]]:
    """The program counters of each thread in the dump's order, as LLDB unwinds them with all images at hand."""
    script = [
        f"settings set target.exec-search-paths {HERE} {system}",
        'settings set frame-format "PC ${frame.pc}{ inlined${function.is-inlined}}\\n"',
        f"target create --core {dump}",
        "bt all",
    ]
    output = run("lldb-22", "--batch", *(part for line in script for part in ("-o", line)))
    stacks: list[list[int]] = []
    inlined = False  # LLDB gives the frame that holds inlined ones another place; that of the innermost one is right
    for line in output.splitlines():
        if re.match(r"[* ] thread #", line):
            stacks.append([])
        elif match := re.search(r"PC (0x[0-9a-f]+)", line):
            if not inlined:
                stacks[-1].append(int(match[1], 16))
            inlined = "inlined" in line
    return stacks


def expect(path: Path, system64: Path, system32: Path) -> dict[str, Any]:
    dump = Dump(path)
    system = system64 if dump.cpu == "amd64" else system32
    fault = re.sub(r"_(x64|x86|wine\d+|full)", "", path.name.partition(".")[0])
    program = dump.modules[0][2].rsplit("\\", 1)[-1]
    stack = Stack(dump, system)
    exception = dump.exception()
    thread = exception["thread_id"] if exception else next(iter(dump.threads))
    chain = CHAINS[fault] + (THREAD_START if fault == "named_threads" else START)
    old = "wine8" in path.name or path.name == "null_write_x64.dmp"
    if old:  # its system DLLs are not at hand
        chain = chain[:-2]
    frames = stack.follow(chain, program, *dump.threads[thread])

    with NamedTemporaryFile(suffix=".dmp") as unpacked:
        unpacked.write(dump.data)
        unpacked.flush()
        unwound = dict(zip(dump.threads, lldb_stacks(Path(unpacked.name), system), strict=True))
    ours, theirs = [frame["pc"] for frame in frames], unwound.get(thread, [])
    if "..." in chain:
        same = [pc for pc in theirs if pc in ours] == ours
        if same and dump.cpu == "amd64":
            frames = stack.place(theirs, dump.threads[thread][1])
    else:
        same = ours == theirs[: len(ours)]
    print(f"{path.name}: {len(ours)} frames, LLDB {'agrees' if same else [hex(pc) for pc in theirs[:12]]}")

    threads = [{"thread_id": thread, "frames": stack.describe(frames)}]
    if dump.cpu == "amd64" and not old:
        for other, (_, sp) in dump.threads.items():
            if other != thread:
                threads.append({"thread_id": other, "frames": stack.describe(stack.place(unwound[other], sp))})
    for entry in threads:
        entry["name"] = dump.names.get(entry["thread_id"]) or None
    return {
        "fault": fault,
        "cpu": dump.cpu,
        "writer": "Wine 8" if old else "Wine 10",
        "full_memory": 9 in dump.streams,
        "program": program,
        "exception": exception,
        "thread_count": len(dump.threads),
        "threads": threads,
        "checked_by_lldb": same,
    }


def lldb_lines(code: Image, answers: list[dict[str, Any]]) -> list[int | None]:
    """The innermost line at each address, as LLDB says."""
    command = "image lookup -v --address"
    places = [code.preferred_base + int(answer["address"], 16) for answer in answers]
    with NamedTemporaryFile("w", suffix=".lldb") as script:
        script.writelines(f"{command} {place}\n" for place in places)
        script.write("quit 0\n")
        script.flush()
        go_on = "settings set interpreter.stop-command-source-on-error false"
        output = run("lldb-22", "--batch", "-O", go_on, "-s", script.name, code.path)
    found = [re.search(r"LineEntry: .*?\.\w+:(\d+)", part) for part in output.split(f"(lldb) {command}")[1:]]
    return [int(match[1]) if match else None for match in found]


def table(path: Path) -> None:
    """About 200 look-ups spread over the code of a program, each function's first and last byte among them."""
    code = image(path)
    edges = {at for start, size, _ in code.functions for at in (start, start + size - 1)}
    low, high = code.code
    spread = {low + (high - low) * i // 200 for i in range(200)}
    answers = symbolize(code, sorted(edges | spread))
    for answer, line in zip(answers, lldb_lines(code, answers), strict=True):
        at, frames = int(answer["address"], 16), answer["frames"]
        double = any(start <= at < end for start, end in code.double_lines)
        if frames and frames[0]["line"] is None:  # no procedure record: only publics and thunks name this place
            frames[0].pop("aliases", None)
            if at in code.publics:
                frames[0]["aliases"] = [name for public in code.publics[at] for name in spellings(public)]
            else:
                answer["open"] = True
        elif frames and (frames[0]["line"] != line or double):
            answer["open"] = True
    (HERE / "lookups" / f"{path.name}.jsonl").write_text("".join(json.dumps(answer) + "\n" for answer in answers))
    print(f"{path.name}: {len(answers)} look-ups, {sum('open' in answer for answer in answers)} open")


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print(__doc__)
        return 2
    system64, system32 = (Path(argument).resolve() for argument in arguments)
    (HERE / "lookups").mkdir(exist_ok=True)
    for path in sorted([*HERE.glob("*.exe"), *HERE.glob("*.dll")]):
        if path.with_suffix(".pdb").exists():
            table(path)
    dumps = sorted([*HERE.glob("*.dmp"), *HERE.glob("*.dmp.xz")])
    expected = {path.name: expect(path, system64, system32) for path in dumps}
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
