"""Names that a person can read."""

import re
from functools import lru_cache

_DECORATED = {
    "?": "msvc",
    ".?": "msvc",
    "@?": "msvc",
    "_Z": "itanium",
    "__Z": "itanium",
    "_R": "rust",
    "$s": "swift",
    "$S": "swift",
    "_$s": "swift",
    "_T0": "swift",
}


_OPERATOR = re.compile(r"operator ?(\(\)|\[\]|[<>=!+\-*/%&|^~,]+)")
_CONVENTIONS = ("__cdecl ", "__thiscall ", "__stdcall ", "__fastcall ", "__vectorcall ", "__clrcall ")


@lru_cache(maxsize=8192)
def readable(name: str) -> str:
    """`name` without its decoration; as it is when it has none or nobody knows how to read it."""
    scheme = _DECORATED.get(name[:3]) or _DECORATED.get(name[:2]) or _DECORATED.get(name[:1])
    if not scheme:
        return _without_c_decoration(name)
    import demangle

    text = demangle.demangle(name, language=(scheme, "rust") if scheme == "itanium" else (scheme,))
    if text == name:  # `_RaiseException@16` only begins like Rust
        return _without_c_decoration(name)
    return _name_alone(text) if scheme == "msvc" else text


def _without_c_decoration(name: str) -> str:
    """`_DllMain@12` and `@fast@8` lose what the calling conventions of x86 added."""
    head, at, digits = name.rpartition("@")
    if at and digits.isdigit() and head[:1] in ("_", "@") and "@" not in head[1:]:
        return head[1:]
    return name


def _name_alone(declaration: str) -> str:
    """The name in an undecorated MSVC declaration, without access, types and parameters, as debuggers show it."""
    start, depth, i = 0, 0, 0
    while i < len(declaration):
        char = declaration[i]
        operator = _OPERATOR.match(declaration, i) if char == "o" else None
        if operator:
            i = operator.end()
            continue
        if char in "<(":
            if char == "(" and depth == 0 and start and i > start:
                return declaration[start:i]
            depth += 1
        elif char in ">)" and depth:
            depth -= 1
        elif char == "_" and depth == 0 and not start:
            start = next((i + len(c) for c in _CONVENTIONS if declaration.startswith(c, i)), 0)
        i += 1
    return declaration[start:]
