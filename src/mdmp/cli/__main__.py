"""The `mdmp` command: picks the command, and handles every error in one place.

`mdmp --version` and `mdmp --help` must cost little more than bare Python: import here only what both need.
"""

import os
import sys

from mdmp import __version__
from mdmp.errors import MdmpError

COMMANDS = (
    ("analyze", "mdmp.cli.analyze", "explain crash dumps: what happened, why, and on which line"),
    ("info", "mdmp.cli.info", "what kind of dump this is, from whom, when, and what it holds"),
    ("streams", "mdmp.cli.streams", "list the streams of a dump, or print one as it is"),
    ("memory", "mdmp.cli.memory", "print memory of the crashed process"),
    ("lookup", "mdmp.cli.lookup", "addresses to function, file, line and inline chain"),
)

BROKEN_PIPE = 141
INTERRUPTED = 130
BUG = 70


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code (0, 1, 2 as `docs/cli.md` says; 70 for a bug of ours)."""
    arguments = sys.argv[1:] if argv is None else argv
    _never_fail_on_encoding()
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except MdmpError as error:
        return _fail(str(error), 2)
    except BrokenPipeError:
        # Python would complain when it flushes standard output at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    except MemoryError:
        return _fail("out of memory", 2)
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        return _fail(f"{name}{error.strerror or error}", 2)
    except Exception as error:  # the last line of defence: a bug of ours must not show as a traceback
        if os.environ.get("MDMP_TRACEBACK"):
            raise
        return _fail(f"internal error, please report it: {_place(error)}", BUG)
    return code


def _run(arguments: list[str]) -> int:
    name = arguments[0] if arguments else "--help"
    if name in ("--version", "-V"):
        print(f"mdmp {__version__}")
        return 0
    if name in ("--help", "-h", "help"):
        print(_help())
        return 0 if arguments else 2
    for command, module_name, _ in COMMANDS:
        if command == name:
            module = __import__(module_name, fromlist=["run"])
            from mdmp.cli.common import Parser

            parser = Parser(prog=f"mdmp {name}", description=module.__doc__)
            module.add_arguments(parser)
            return int(module.run(parser.parse_args(arguments[1:])))
    known = ", ".join(command for command, _, _ in COMMANDS)
    return _fail(f"no command {name!r} (there are: {known})", 2)


def _help() -> str:
    rows = "\n".join(f"  {command:<10}{text}" for command, _, text in COMMANDS)
    return (
        "usage: mdmp [--version] COMMAND …\n\n"
        f"Reads crash dumps and explains them.\n\n{rows}\n\n"
        "mdmp COMMAND --help tells more about a command."
    )


def _never_fail_on_encoding() -> None:
    """A terminal or pipe with a small character set gets escapes instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="backslashreplace")


def _fail(message: str, code: int) -> int:
    line = " ".join(message.split())
    print(f"mdmp: {line}", file=sys.stderr)
    return code


def _place(error: BaseException) -> str:
    """Type, message and innermost place of ours, on one line."""
    trace, place = error.__traceback__, ""
    while trace:
        code = trace.tb_frame.f_code
        if f"{os.sep}mdmp{os.sep}" in code.co_filename:
            place = f" at {os.path.basename(code.co_filename)}:{trace.tb_lineno}"  # noqa: PTH119
        trace = trace.tb_next
    return f"{type(error).__name__}: {error}{place} (MDMP_TRACEBACK=1 shows all)"


if __name__ == "__main__":
    sys.exit(main())
