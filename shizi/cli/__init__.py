"""The command ``shizi``. Each subcommand is a module here, imported only when it is called.

Exit codes: 0 all done, 1 something failed and is named on stderr, 2 wrong usage,
130 interrupted, 141 the reader of a pipe went away.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from inspect import cleandoc
from pathlib import Path

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError

from shizi import __version__
from shizi.cli.help import ALL, Help
from shizi.errors import ShiziError
from shizi.extras import missing
from shizi.terminal import one_line

STDIN = "<stdin>"
"""What a lone ``-`` among the arguments becomes, since it would pass for an option."""

_COMMANDS = {
    "read": """Read the text in pictures and PDFs.

    shizi read photo.jpg
    shizi read scans report.pdf --format text,json --out results""",
    "batch": """Read very many pictures and PDFs into a folder.

    shizi batch scans --out texts
    shizi batch @list.txt s3://bucket/scans/ --format text,pdf --out results""",
    "check": """Show what is installed and whether it works.

    shizi check
    shizi check > report.txt""",
    "live": """Read a live room from its picture alone.

    shizi live clip.mp4 --events events.jsonl
    shizi live rtmp://host/live/room --platform douyin --store room.db --dashboard""",
    "serve": """Read for others: a web page for people, an HTTP API for programs.

    shizi serve
    shizi serve --host 0.0.0.0 --token-file token.txt --collect corrected""",
    "synth": """Render synthetic text to train on.

    shizi synth lines --out data/lines --count 40000
    shizi synth pages --out data/pages --count 4000""",
    "data": """Convert, check and count sets to train on.

    shizi data check data/lines
    shizi data stats data/lines --out plots""",
    "train": """Train a network: resumable, logged, the best weights kept.

    shizi train crnn --data data/lines --val real/lines --out runs/crnn
    shizi train ctpn --data data/pages --val real/pages --out runs/ctpn""",
    "export": """Turn a run folder into the files that reading uses.

    shizi export runs/crnn --out my-weights
    shizi export runs/crnn --to torch --out crnn""",
    "eval": """Score shizi on labelled pictures.

    shizi eval pages --data real/pages
    shizi eval recognition --data real/lines --weights my-weights""",
    "bench": """Measure shizi beside a peer.

    shizi bench --data real/pages
    shizi bench --data real/pages receipts --threads 1 --json figures.json""",
}
"""The commands and what their help begins with."""


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
    app.command(f"shizi.cli.{_name}:{_name}", name=_name, help=cleandoc(_help))


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
    app.help_formatter = Help(whole=ALL in tokens)
    tokens = ["--help" if token == ALL else token for token in tokens]
    try:
        if tokens and tokens[0] not in _COMMANDS and Path(tokens[0]).exists():
            raise UsageError(f"{tokens[0]}: is no command; to read it: shizi read {tokens[0]}")
        # ValueError: the dataclasses of options check themselves.
        try:
            command, bound, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
        except UnusedCliTokensError as error:
            told = " ".join(error.unused_tokens or ())
            raise UsageError(f"{told}: is nothing that this command takes; leave it out") from error
        except (CycloptsError, ValueError) as error:
            raise UsageError(str(error)) from error
        result = command(*bound.args, **bound.kwargs)
        sys.stdout.flush()
    except UsageError as error:
        print(f"shizi: {one_line(str(error))}", file=sys.stderr)
        print("Try: shizi --help, or --help after a command.", file=sys.stderr)
        return 2
    return result if isinstance(result, int) else 0
