"""Texts that files choose, made harmless for people's eyes and terminals."""

MAX_LENGTH = 2000


def safe_text(text: str, limit: int = MAX_LENGTH) -> str:
    """The text on one line, with everything that does not print as itself written as an escape.

    That covers control characters and with them terminal sequences, overrides of the writing direction, invisible
    characters and halves of surrogate pairs. Longer texts than `limit` lose their middle.
    """
    if len(text) > limit:
        half = limit // 2
        text = f"{text[:half]}...{text[-half:]}"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    code = ord(char)
    if char == "\t":
        return "    "
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
