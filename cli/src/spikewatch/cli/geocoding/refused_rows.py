"""Counts rows that are refused and writes each to the file of ``--errors``; none of its values goes there."""

import json
from typing import IO, Final

from spikewatch.cli.geocoding.address_rows import AddressRow

__all__ = ["RefusedRows"]

_EXPECTED: Final = {
    "more cells than the header has": ("as many cells as the header, those with a delimiter inside in quotes", '"12 Elm St, Apt 3"'),
    "cells cannot be told apart": ("quotes around a cell, doubled inside", '"a ""b"" c"'),
    "no JSON object": ("one JSON object on each line", '{"address": "12 Elm St"}'),
    "no position": ("latitude and longitude in degrees", "37.7749, -122.4194"),
}


class RefusedRows:
    """The refused rows of a run.

    Attributes:
        count: how many there were.
    """

    def __init__(self, errors: IO[str] | None) -> None:
        self._errors = errors
        self.count = 0

    def refuse(self, file: str, row: AddressRow, field: str | None = None) -> None:
        """Count a row and write it down."""
        self.count += 1
        if self._errors is not None:
            expected, example = _EXPECTED[row.problem]
            told = {"file": file, "line": row.line, "field": field, "problem": row.problem, "expected": expected, "example": example}
            self._errors.write(json.dumps(told, ensure_ascii=False) + "\n")
