"""The `mdmp` command: one file per command.

What a command's module holds:

    \"""What the command does: shown by `mdmp COMMAND --help`.\"""
    def add_arguments(parser: argparse.ArgumentParser) -> None
    def run(args: argparse.Namespace) -> int

`run` returns the exit code: `common.DONE` (0), `common.NOTHING_FOUND` (1: done, but nothing useful could be concluded);
for everything that ends the command it raises: `UsageError` and `UnusableInputError` become one line on standard error
and exit code 2 in `__main__`, which is the one place that handles errors. Results go out through
`common.write_output` (`-o`), or line by line through `print` where they stream. Addresses and lengths on the command
line have the argparse types `common.address` and `common.length`; options that several commands share are added by
`common.add_…_arguments`. A new command is one module and one row in `__main__.COMMANDS`.
"""
