"""Source link: from the path of a source file to the address of that very version of it.

Source: "Source Link" in the proposed specifications of dotnet/designs.
"""

from collections.abc import Mapping
from urllib.parse import quote

MAX_RULES = 4096


def source_url(rules: Mapping[str, str], path: str) -> str | None:
    """The URL of `path`. Of rules `folder*` -> `URL*` the one with the longest folder counts; case does not."""
    lowered = path.lower()
    best: tuple[int, str] | None = None
    for index, (pattern, url) in enumerate(rules.items()):
        if index >= MAX_RULES:
            break
        head, star, rest = pattern.partition("*")
        if rest or pattern.count("*") != url.count("*"):
            continue
        if not star:
            if pattern.lower() == lowered:
                return url
        elif lowered.startswith(head.lower()) and (best is None or len(head) > best[0]):
            tail = "/".join(quote(part) for part in path[len(head) :].replace("\\", "/").split("/"))
            best = len(head), url.replace("*", tail)
    return best[1] if best else None
