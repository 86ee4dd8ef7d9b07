"""A stable signature: equal for crashes of the same kind at the same place, whatever the addresses.

Recipe: the kind of crash, then the blamed frame, then the next frames that may be blamed (three at most in all),
joined by ` | `: `null-read | app!Cart::total | app!checkout`.

- Kinds: `null-read`, `null-write`, `null-call`, `read`, `write`, `call` for access violations, `access` and
  `null-access` where the system does not tell which; `stack-overflow`; `fast-fail:NAME`; `cpp:TYPE`; `clr:CLASS`;
  `python:CLASS`, followed by the innermost functions of the traceback;
  `stowed:HRESULT`; `signal:SIGABRT`; else the exception's name or number (`int-divide-by-zero`); `requested` or
  `none` without a crash.
- A frame is `module!function`: module without extension or version in lower case, function without parameters,
  template arguments, or compiler-made numbers. Without a function it is `module+offset` (hex, relative to the
  module's base: stable for one build), without a module `?`.
- A stack overflow is signed by the functions of its recursion in alphabetical order: where in the circle the stack
  ran out is chance.
- Inline functions count as frames. Frames found by scanning are left out after the blamed one, repeats
  (recursion) are taken once.
"""

from collections.abc import Collection

from mdmp.analysis.blame import Place, places, qualified, recursive_functions, skip_class
from mdmp.analysis.crash_reason import CrashReason
from mdmp.analysis.names import plain_name
from mdmp.report import Blame, Frame

MAX_FRAMES = 3


def signature(
    reason: CrashReason, blamed: Blame | None, frames: tuple[Frame, ...], system_modules: Collection[str] = ()
) -> str:
    """The signature of a crash; see the module's docstring for the recipe."""
    parts = [crash_kind(reason)]
    if reason.kind == "stack-overflow" and (recursion := recursive_functions(frames)):
        return " | ".join((*parts, *recursion[:MAX_FRAMES]))
    if reason.kind == "python":
        return " | ".join((*parts, *(detail.partition(" (")[0] for detail in reason.details[:MAX_FRAMES])))
    started = False
    for place in places(frames):
        if not started:
            started = blamed is not None and _is_blamed(place, blamed)
            if not started:
                continue
        elif _is_skipped(place, system_modules):
            continue
        text = qualified(place)
        if text not in parts[1:]:
            parts.append(text)
        if len(parts) > MAX_FRAMES:
            break
    return " | ".join(parts)


def crash_kind(reason: CrashReason) -> str:
    """The first word of a signature."""
    match reason.kind:
        case "access":
            access = {"read": "read", "write": "write", "execute": "call"}.get(reason.access or "", "access")
            return f"null-{access}" if reason.pattern and reason.pattern.kind == "null" else access
        case "fast-fail":
            return f"fast-fail:{(reason.subcode_name or hex(reason.subcode or 0)).removeprefix('FAST_FAIL_')}"
        case "cpp":
            return f"cpp:{plain_name(reason.thrown[0])}" if reason.thrown else "cpp"
        case "clr":
            return f"clr:{reason.thrown[0] if reason.thrown else reason.subcode_name or hex(reason.subcode or 0)}"
        case "python":
            return f"python:{reason.thrown[0]}" if reason.thrown else "python"
        case "stowed":
            return f"stowed:{reason.subcode or 0:#010x}"
        case "stack-overflow" | "requested" | "none":
            return reason.kind
    name = reason.name.split(" / ")[0]
    if name.startswith("SIG"):
        return f"signal:{name}"
    for prefix in ("unknown ", "EXCEPTION_", "STATUS_", "EXC_"):
        name = name.removeprefix(prefix)
    return name.lower().replace("_", "-").replace(" ", "-")


def _is_skipped(place: Place, system_modules: Collection[str]) -> bool:
    frame = place.frame
    guess = frame.trust in ("scan", "cfi_scan") or frame.module is None
    return guess or skip_class(frame.module, place.function, system_modules) is not None


def _is_blamed(place: Place, blamed: Blame) -> bool:
    return (
        place.frame.index == blamed.frame_index
        and place.function == blamed.function
        and (place.file, place.line) == (blamed.file, blamed.line)
    )
