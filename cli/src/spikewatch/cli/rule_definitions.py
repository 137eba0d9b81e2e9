"""Which case definitions the rules of a file may name: the shipped ones, or those of an operator's own file."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from spikewatch.alerts.adapters.definitions_file import UnusableDefinitions, known_definitions
from spikewatch.cli.exit_status import CannotRun

__all__ = ["add_definitions_option", "definitions_of"]

_FILES: Final = ("SPIKEWATCH_ALERTS_DEFINITIONS_FILE", "SPIKEWATCH_INGEST_DEFINITIONS_FILE")


def add_definitions_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--definitions``."""
    parser.add_argument(
        "--definitions",
        metavar="FILE",
        help=f"the case definitions that rules may name (default: ${_FILES[0]}, ${_FILES[1]}, else the shipped ones)",
    )


def definitions_of(arguments: argparse.Namespace | None) -> Mapping[str, int]:
    """Return the version of each case definition that rules may name, by id.

    Raises:
        CannotRun: the file cannot be used.
    """
    named = getattr(arguments, "definitions", None) or next(filter(None, map(os.environ.get, _FILES)), None)
    try:
        return known_definitions(Path(named) if named else None)
    except UnusableDefinitions as error:
        raise CannotRun(str(error)) from None
