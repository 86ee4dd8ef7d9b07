"""The `mdmp` command: picks the command, and handles every error in one place.

`mdmp --version` and `mdmp --help` must cost little more than bare Python: import here only what both need.
"""

import os
import sys

from mdmp.version import __version__

COMMANDS = (
    ("analyze", "mdmp.cli.analyze", "explain crash dumps: what happened, why, and on which line"),
    ("info", "mdmp.cli.info", "what kind of dump this is, from whom, when, and what it holds"),
    ("streams", "mdmp.cli.streams", "list the streams of a dump, or print one as it is"),
    ("memory", "mdmp.cli.memory", "print memory of the crashed process"),
    ("lookup", "mdmp.cli.lookup", "addresses to function, file, line and inline chain"),
    ("convert", "mdmp.cli.convert", "write a minidump from a core file, or a smaller one from a minidump"),
    ("demo", "mdmp.cli.demo", "crash a small program for real, and show what mdmp makes of it"),
    ("run", "mdmp.cli.run", "start a program, and write a minidump when it crashes"),
    ("attach", "mdmp.cli.attach", "watch a running process, and write a minidump when it crashes"),
    ("capture", "mdmp.cli.capture", "write a minidump of a running process, which goes on"),
    ("install", "mdmp.cli.install", "have the system hand the crash of every program to mdmp"),
    ("uninstall", "mdmp.cli.uninstall", "put back what handled crashes before"),
    ("status", "mdmp.cli.status", "whether mdmp handles crashes, and what it did last"),
    ("postmortem", "mdmp.cli.postmortem", "what the system runs at a crash, once installed"),
    ("watch", "mdmp.cli.watch", "report the dumps that others write into a folder"),
    ("policy", "mdmp.cli.policy", "what happens when a program crashes: show, explain, set"),
    ("doctor", "mdmp.cli.doctor", "why a crash would leave no dump here, and what to do"),
)

INTERRUPTED = 130
BROKEN_PIPE = 141
"""As if the signal had ended the process."""


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0, 1 or 2 as `docs/cli.md` says, 70 for a bug of ours."""
    _never_without_streams()
    _never_fail_on_encoding()
    try:
        code = _run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would complain when it flushes standard output at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence: nobody shall see a traceback
        from mdmp.cli import failure

        message, code = failure.describe(error)
        failure.complain(message)
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
            return _run_command(name, module_name, arguments[1:])
    from mdmp.errors import UsageError

    known = ", ".join(command for command, _, _ in COMMANDS)
    raise UsageError(f"no command {name!r} (there are: {known})")


def _run_command(name: str, module_name: str, arguments: list[str]) -> int:
    from mdmp.cli.common import Parser

    module = __import__(module_name, fromlist=["run"])
    parser = Parser(prog=f"mdmp {name}", description=module.__doc__)
    module.add_arguments(parser)
    return int(module.run(parser.parse_args(arguments)))


def _help() -> str:
    rows = "\n".join(f"  {command:<11}{text}" for command, _, text in COMMANDS)
    return (
        "usage: mdmp [--version] [--help] COMMAND ...\n\n"
        f"Catches crashes, writes minidumps of them, and explains dumps down to the line of source.\n\n{rows}\n\n"
        "mdmp COMMAND --help tells more about a command."
    )


def _never_without_streams() -> None:
    """Some start us with closed files, and pythonw.exe has none. Else a dump could become what others take for
    standard error; a program that we start has them closed as it should."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - for good


def _never_fail_on_encoding() -> None:
    """A terminal or pipe with a small character set gets escapes instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
