"""The `mdmp` command."""


def main() -> int:
    return 0
