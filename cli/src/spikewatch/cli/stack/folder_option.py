"""The option ``--folder`` that every verb of the stack has."""

import argparse
from pathlib import Path

from spikewatch.cli.stack.stack_file import DEFAULT_FOLDER

__all__ = ["add_folder_option"]


def add_folder_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--folder``, stored as ``folder``."""
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, metavar="DIR", help=f"the stack's folder (default {DEFAULT_FOLDER})")
