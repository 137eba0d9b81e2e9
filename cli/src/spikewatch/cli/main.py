"""The command ``spikewatch``: finds the verb, runs it, and turns every failure into an exit status and one sentence.

A verb is a module of this package with ``add(verbs)``, which adds its parser and sets ``run`` (arguments in, exit status out).
"""

import argparse
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
    "rules",
    "profile",
    "reclassify",
)
_INTERRUPTED: Final = 130  # what a shell reports for SIGINT
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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status
