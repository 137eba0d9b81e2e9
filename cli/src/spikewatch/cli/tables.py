"""Results on standard output: a table for people, or JSON with ``--json`` for programs."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["add_json_option", "print_json", "print_table"]

_WIDTH_WHEN_PIPED = 200  # rich assumes 80 columns without a terminal and would cut addresses


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``, stored as ``as_json``."""
    parser.add_argument("--json", dest="as_json", action="store_true", help="print JSON for programs instead of tables for people")


def print_json(value: object) -> None:
    """Print one JSON document; instants and other values of the domain as their text."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None, *, title: str | None = None) -> None:
    """Print rows as a table; columns in the given order, or those of the first row. None shows as an empty cell."""
    names = list(columns) if columns is not None else list(rows[0]) if rows else []
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in names:
        numeric = bool(rows) and all(isinstance(row.get(name), int | float) for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if row.get(name) is None else str(row[name]) for name in names))
    terminal = sys.stdout.isatty()
    Console(file=sys.stdout, width=None if terminal else _WIDTH_WHEN_PIPED, markup=False, highlight=False, emoji=False).print(table)
