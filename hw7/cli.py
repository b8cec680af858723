"""The ``hw7`` command. Each of its commands is a module of its own."""

import argparse
import errno
import io
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import NoReturn

from helpers.errors import HomeworkError

COMMANDS = {
    "doctor": "say whether the homework will run on this machine",
    "download": "fetch the models: resumed, verified, from the hub or a mirror",
    "run": "execute notebooks and write them as .ipynb and .html",
    "explain": "explain every text of a table, on several devices if asked to",
    "grade": "grade a folder or zip of submitted notebooks without executing them",
    "key": "compute the answer key by running the model",
    "release": "build what students get",
}


class _Parser(argparse.ArgumentParser):
    """Tells misuse in one line; the whole usage is what ``--help`` is for."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}. See: {self.prog} --help\n")


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 on success, 1 on a failure that was explained, 2 on misuse."""
    words = list(sys.argv[1:] if words is None else words)
    for stream in (sys.stdout, sys.stderr):
        # Consoles of Windows know one script: cp950, cp936, cp1252. Files are always UTF-8.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # The students' wheel lacks the instructors' commands.
    here = {n: text for n, text in COMMANDS.items() if find_spec(f"hw7.course.commands.{n}")}
    rows = "\n".join(f"  {name:9}{text}" for name, text in here.items())
    overview = _Parser(
        prog="hw7",
        usage="hw7 COMMAND [options]   (hw7 COMMAND --help tells the options)",
        description=f"commands:\n{rows}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if not words or words[0] not in here:
        if words and words[0] in COMMANDS:
            overview.error(f"{words[0]} is for instructors and not in the students' package")
        if words and not words[0].startswith("-"):
            overview.error(f"unknown command {words[0]!r}; there are {', '.join(here)}")
        overview.print_help()
        return 0 if words else 2
    command = import_module(f"hw7.course.commands.{words[0]}")
    parser = _Parser(prog=f"hw7 {words[0]}", description=command.__doc__)
    command.add_arguments(parser)
    try:
        return int(command.run(parser.parse_args(words[1:])))
    except HomeworkError as error:
        print(f"hw7: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # a home that cannot be written, a full disk, a missing file
        what = f"{error.filename}: " if error.filename else ""
        advice = " Write somewhere else: choose a folder with -o, or another home with HOME=..."
        is_refused = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)
        text = f"{what}{error.strerror or error}.{advice if is_refused else ''}"
        print(f"hw7: {text}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("hw7: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
