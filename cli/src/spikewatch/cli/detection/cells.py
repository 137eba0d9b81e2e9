"""What the cells of a table of counts or overdoses say, and why one cannot be read."""

import math
import re
from dataclasses import dataclass
from typing import Final

__all__ = ["MISSING", "Refused", "count_of", "number_of", "says_refused"]

MISSING: Final = frozenset({"", "na", "n/a", "nan", "null", "none"})
"""What stands where nothing was told, in small letters."""

# Python's float() would also take 1_234 and digits of other scripts.
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a row cannot be read; never the value itself."""

    field: str
    problem: str
    expected: str
    example: str


def number_of(text: str) -> float | None:
    """Return the number that a text tells, None where it tells none."""
    number = float(text) if _NUMBER.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None


def count_of(column: str, text: str, most: float) -> float | Refused | None:
    """Return the whole number of a cell, None where nothing was told, or why it is refused."""
    if text.lower() in MISSING:
        return None
    number = number_of(text)
    if number is None:
        problem = "is no number"
    elif number < 0:
        problem = "is negative"
    elif number > most:
        problem = "is too large"
    elif number != int(number):
        problem = "is no whole number"
    else:
        return number
    return Refused(column, problem, f"a whole number from 0 to {most:,.0f}, without a thousands separator", "1234")


def says_refused(count: int, line: int, first: Refused, errors: str | None) -> str:
    """Return how many rows were refused and what the first lacks; ``errors`` is the file that has them all, if there is one."""
    where = errors or "--errors FILE"
    return (
        f"{count:,} rows refused, the first on line {line:,}: {first.field} {first.problem}; expected {first.expected}, "
        f"for example {first.example} ({where} has each)"
    )
