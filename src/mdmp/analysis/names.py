"""Function names brought to one plain form, for rules and signatures: no parameters, return types or template
arguments, no numbers that a compiler made up."""

import re
from functools import lru_cache

_KEPT = re.compile(
    r"`[^`']*'"  # `scalar deleting destructor'
    r"|operator\s*(?:\(\)|\[\]|<=>|<<=|>>=|->\*|->|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%^&|~!=<>,]=?|new\b(?:\[\])?|delete\b(?:\[\])?"
    r"|\"\"\s*\w+|[\w:]+[ *&]*(?=\(|$))"
)
_MADE_UP = tuple(
    (re.compile(pattern, re.IGNORECASE), plain)
    for pattern, plain in (
        (r"::h[0-9a-f]{16}(?=$|::)", ""),  # Rust's hash
        (r"<lambda_[0-9a-f]{8,}>|<lambda\([^>]*>|`lambda[^']*'", "lambda"),
        (r"\{lambda[^}]*\}|\$_\d+\b|\{\{closure\}\}(?:#\d+)?", "lambda"),
        (r"`anonymous[ -]namespace'|\(anonymous namespace\)|\{anonymous\}|\?A0x[0-9a-f]+", "anonymous"),
        (r"`adjustor\{\d+\}'|`vcall'\{[^}]*\}'?|\[thunk\]:\s*|`\d+'::", ""),
        (r"\.(?:isra|constprop|part|cold|lto_priv|llvm|localalias|resume|destroy|cleanup)\b(?:\.\d+)*", ""),
        (r"\[(?:clone|abi:)[^\]]*\]", ""),
        (r"\$(?:fin|filt|catch|dtor)\$\d+$", ""),
        (r"@plt$|@@?GLIBC[\w.]*$|@\d+$", ""),
    )
)
_LONGEST = 4096
_LEADING = re.compile(r"^(?:(?:public|private|protected|static|virtual|inline|const|class|struct|union|enum):?\s+)+")
_CONVENTION = re.compile(r"\b__(?:cdecl|stdcall|thiscall|fastcall|vectorcall|clrcall|pascal)\b\s*")


@lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """`app::Cart::total` for `public: int __cdecl app::Cart<int>::total(int) const`; stable between builds."""
    if name.startswith(("-[", "+[")):  # Objective-C has nothing to take away
        return name
    plain = name = name[:_LONGEST]
    for pattern, instead in _MADE_UP:
        plain = pattern.sub(instead, plain)
    plain = _LEADING.sub("", _CONVENTION.sub(" ", plain)).strip()
    # What holds brackets and blanks of its own is put aside, one control character each.
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return chr(0xE000 + len(kept) - 1) if len(kept) < 0x1000 else match[0]

    plain = _without_brackets(_unqualified(_KEPT.sub(keep, plain))).strip()
    if " " in plain:
        plain = plain.rsplit(" ", 1)[-1]  # before it stands a return type
    for i, text in enumerate(kept):
        plain = plain.replace(chr(0xE000 + i), text)
    return plain.lstrip("*&") or name


def _unqualified(name: str) -> str:
    """Rust's `<Vec<T> as Drop>::drop` is `Vec<T>::drop`."""
    if not name.startswith("<"):
        return name
    depth = 0
    for i, letter in enumerate(name):
        depth += (letter == "<") - (letter == ">")
        if depth == 0:
            inner = name[1:i]
            return inner.partition(" as ")[0] + name[i + 1 :]
    return name


def _without_brackets(name: str) -> str:
    """Without template arguments, and cut where the parameters begin."""
    depth = 0
    out: list[str] = []
    for letter in name:
        if letter == "<":
            depth += 1
        elif letter == ">" and depth:
            depth -= 1
        elif depth == 0:
            if letter == "(" and out:
                break
            out.append(letter)
    return "".join(out)


def module_stem(module: str) -> str:
    """`app` for `App.exe`, `libc.so` for `libc.so.6` and `libc-2.31.so`: without version, extension and case."""
    stem = re.sub(r"\.(exe|dll|ocx|sys|cpl|drv|com|scr)$", "", module.lower())
    return re.sub(r"(?:-[\d.]+)?\.so(?:\.[\d.]+)?$", ".so", stem)
