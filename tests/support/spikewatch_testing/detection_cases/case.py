"""One reference case: a folder with ``input.csv``, ``expected.csv`` and ``meta.json``."""

import csv
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from spikewatch.alerts.domain.detection.series import Series

__all__ = ["Case", "argument", "called_with", "compare", "number", "read_case"]

Table = dict[str, list[str]]


@dataclass(frozen=True)
class Case:
    """A case as it lies on the disk; columns are texts, by name."""

    folder: Path
    meta: Mapping[str, Any]
    input: Table
    expected: Table

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def package(self) -> str:
        """The peer's name; empty for a case computed by hand."""
        return str((self.meta.get("package") or {}).get("name", ""))

    @property
    def algorithm(self) -> str:
        return str(self.meta["algorithm"])

    @property
    def call(self) -> str:
        return str(self.meta.get("call", ""))

    @property
    def parameters(self) -> dict[str, Any]:
        """The peer's arguments; an empty list in JSON is R's empty list."""
        return dict(self.meta.get("params") or {})

    def table(self, name: str) -> Table:
        """Read another table of the folder."""
        return _table(self.folder / name)

    def numbers(self, column: str, *, of: Table | None = None) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """Return a column as numbers, nan where the field is empty."""
        return np.array([number(text) for text in (self.input if of is None else of)[column]], dtype=np.float64)

    def series(self, column: str = "") -> Series:
        """Return the input as one series; invented weeks where it carries no dates."""
        name = column or next(each for each in ("observed", "count", "cases", "y") if each in self.input)
        counts = self.numbers(name)
        if "date" in self.input:
            starts = np.array([date.fromisoformat(text[:10]) for text in self.input["date"]], dtype="datetime64[D]")
        else:
            starts = np.datetime64("2001-01-01") + 7 * np.arange(len(counts)).astype("timedelta64[D]")
        population = next(
            (self.numbers(each)[None, :] for each in ("population", "pop", "populationFrac", "n") if each in self.input), None
        )
        return Series(starts.astype("datetime64[D]"), counts[None, :], ("one",), population)


def read_case(folder: Path) -> Case:
    """Read a folder."""
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    return Case(folder, meta, _table(folder / "input.csv"), _table(folder / "expected.csv"))


def _table(path: Path) -> Table:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    return {name: [row[index] for row in rows[1:]] for index, name in enumerate(rows[0])}


def number(text: str) -> float:
    """Read a number as R writes it."""
    if text.strip() in {"", "NA", "NaN"}:
        return math.nan
    if text.strip().upper() in {"TRUE", "FALSE"}:
        return float(text.strip().upper() == "TRUE")
    return float(text)


def compare(case: Case, columns: Mapping[str, Sequence[Any]], *, rows: Sequence[int] | None = None) -> None:
    """Assert that columns are those expected, to the tolerance of the case; a column that is not given fails.

    ``rows`` names the rows of ``expected.csv`` that the columns stand for, all by default.
    """
    wanted = case.meta["compare"]
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    for name in names:
        assert name in columns, f"{case.name}: nothing is computed for column {name}"
        expected = case.expected[name] if rows is None else [case.expected[name][row] for row in rows]
        found = list(columns[name])
        assert len(found) == len(expected), f"{case.name}: {name} has {len(found)} rows, expected {len(expected)}"
        wrong = [row for row, (mine, theirs) in enumerate(zip(found, expected, strict=True)) if not _agrees(case, mine, theirs)]
        first = "".join(f"; row {row}: {found[row]!r}, expected {expected[row]!r}" for row in wrong[:5])
        assert not wrong, f"{case.name}: {name} differs in {len(wrong)} of {len(expected)} rows{first}"


def _agrees(case: Case, mine: Any, theirs: str) -> bool:
    if isinstance(mine, str):
        return mine == theirs
    wanted = number(theirs)
    found = float(mine)
    if math.isnan(wanted) or math.isnan(found):
        return math.isnan(wanted) and math.isnan(found)
    if math.isinf(wanted) or math.isinf(found):
        return wanted == found
    tolerance = case.meta.get("tolerance", {})
    if not isinstance(tolerance, Mapping):
        return found == wanted
    return abs(found - wanted) <= float(tolerance.get("abs", 0)) + float(tolerance.get("rel", 0)) * abs(wanted)


def called_with(case: Case, name: str) -> str | None:
    """Return the text of an argument in the call, for what ``params`` does not carry."""
    found = re.search(rf"\b{re.escape(name)}\s*=\s*([^,()]+)", case.call)
    return found[1].strip().strip("\"'") if found else None


def argument(case: Case, name: str, default: Any = None) -> Any:
    """Return an argument of ``params``, else of the call, else the default."""
    if name in case.parameters:
        return case.parameters[name]
    text = called_with(case, name)
    if text is None:
        return default
    if text in {"TRUE", "FALSE", "T", "F"}:
        return text.startswith("T")
    if text == "NULL":
        return None
    try:
        return number(text)
    except ValueError:
        return text
