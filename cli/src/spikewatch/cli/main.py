"""The command ``spikewatch``: finds the verb, runs it, and turns every failure into an exit status and one sentence.

A verb is a module of this package with ``add(verbs)``, which adds its parser and sets ``run`` (arguments in, exit status out).
"""

import argparse
import contextlib
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from typing_extensions import override

from spikewatch.cli.exit_status import CANNOT_RUN, CannotRun

__all__ = ["VERB_MODULES", "Parser", "main"]

# In the order of --help: the stack first, then what is asked of it, then the verbs on files.
VERB_MODULES: Final = (
    "up",
    "down",
    "status",
    "doctor",
    "demo",
    "trace",
    "topics",
    "dlq",
    "feeds",
    "directory",
    "agency_keys",
    "submit",
    "simulate",
    "normalize",
    "geodata",
    "geocode",
    "areas",
    "dedupe",
    "match",
    "incident",
    "rules",
    "detect",
    "backtest",
    "profile",
    "reclassify",
)
_INTERRUPTED: Final = 130  # what a shell reports for SIGINT
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PACKAGE: Final = "spikewatch.cli"


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence and say where the help is."""

    @override
    def error(self, message: str) -> NoReturn:
        """End the command with status 2."""
        self.exit(CANNOT_RUN, f"{self.prog}: {message.rstrip('.')}; see {self.prog} --help for what it takes.\n")


def _modules(arguments: Sequence[str]) -> tuple[str, ...]:
    """Choose the modules to import: one when its verb is named first (a fast start), else all, for the help."""
    named = arguments[0].replace("-", "_") if arguments else ""
    return (named,) if named in VERB_MODULES else VERB_MODULES


def _parser(modules: Sequence[str]) -> Parser:
    parser = Parser(
        prog="spikewatch",
        description="Overdose surveillance and response: run the local stack, ask it, and work on files without it.",
        epilog="Exit status: 0 all well; 1 done, with refused rows; 2 could not run, and one sentence says what to do.",
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True, parser_class=Parser)
    for name in modules:
        importlib.import_module(f"{_PACKAGE}.{name}").add(verbs)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parsed = _parser(_modules(given)).parse_args(given)
    try:
        status: int = parsed.run(parsed)
        sys.stdout.flush()
    except CannotRun as error:
        print(f"spikewatch: {error}", file=sys.stderr)
        return CANNOT_RUN
    except KeyboardInterrupt:
        print("spikewatch: stopped by you.", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (head, less) went away: that is its right. Without this the interpreter complains at exit.
        _say_no_more()
        return 0
    except OSError as error:
        if error.errno not in _FULL:
            raise
        print("spikewatch: the output cannot be written, its disk is full; make room and run it again", file=sys.stderr)
        _say_no_more()
        return CANNOT_RUN
    return status


def _say_no_more() -> None:
    with contextlib.suppress(OSError):  # a stream without a descriptor, as in a test, is nothing that the interpreter flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
