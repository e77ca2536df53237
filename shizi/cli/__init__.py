"""The command ``shizi``. Each subcommand is a module here, imported only when it is called.

Exit codes: 0 all done, 1 something failed and is named on stderr, 2 wrong usage,
130 interrupted, 141 the reader of a pipe went away.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

from shizi import __version__
from shizi.errors import ShiziError
from shizi.extras import missing
from shizi.terminal import one_line

STDIN = "<stdin>"
"""What a lone ``-`` among the arguments becomes, since it would pass for an option."""

_COMMANDS = {
    "read": "Read the text in pictures and PDFs.",
    "check": "Show what is installed and whether it works.",
    "live": "Read a live room from its picture alone.",
    "synth": "Render synthetic text to train on.",
    "data": "Convert, check and count sets to train on.",
    "train": "Train a network.",
    "export": "Turn a run folder into the files that reading uses.",
    "eval": "Score shizi on labelled pictures.",
    "bench": "Measure shizi beside a peer.",
}


class UsageError(Exception):
    """The arguments make no sense together: exit code 2."""


app = App(
    name="shizi",
    help="识字: read Chinese and Latin text from pictures and PDFs.",
    version=__version__,
    # --data a b c takes them all; an option that is a list needs no --empty- twin.
    default_parameter=Parameter(consume_multiple=True, negative_iterable=()),
    help_format="plaintext",  # Markdown would cost a third of the start-up
    suppress_keyboard_interrupt=False,
)
for _name, _help in _COMMANDS.items():
    app.command(f"shizi.cli.{_name}:{_name}", name=_name, help=_help)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, the process's own if none is given, and return its exit code."""
    tokens = [STDIN if a == "-" else a for a in (sys.argv[1:] if arguments is None else arguments)]
    try:
        return _run(tokens)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # What is still buffered cannot be written; Python would complain when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except ModuleNotFoundError as error:
        wanted = missing(error, "this command")
        if wanted is None:
            raise
        print(f"shizi: {wanted}", file=sys.stderr)
        return 1
    except (ShiziError, OSError) as error:
        print(f"shizi: {one_line(str(error))}", file=sys.stderr)
        return 1


def _run(tokens: list[str]) -> int:
    try:
        # ValueError: the dataclasses of options check themselves.
        try:
            command, bound, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
        except (CycloptsError, ValueError) as error:
            raise UsageError(str(error)) from error
        result = command(*bound.args, **bound.kwargs)
        sys.stdout.flush()
    except UsageError as error:
        print(f"shizi: {one_line(str(error))}", file=sys.stderr)
        print("Try: shizi --help, or --help after a command.", file=sys.stderr)
        return 2
    return result if isinstance(result, int) else 0
