"""What was read of every source: what it was taken for, how many rows were kept, and why the others were not."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from spikewatch.enrichment.adapters.geodata.column_map import ColumnMap
from spikewatch.enrichment.domain.geocoding.records import Vintage

__all__ = ["BuildReport", "Refusal", "SourceReport"]

_MOST_REFUSALS: Final = 10_000  # of one source are kept one by one; further ones are counted
_EXPECTED: Final[Mapping[str, tuple[str, str]]] = {
    "more cells than the header has": ("as many cells as the header, those with a delimiter inside in quotes", '"12 Elm St, Unit 3"'),
    "cells cannot be told apart": ("quotes around a cell, doubled inside", '"a ""b"" c"'),
    "no GeoJSON feature": ("an object with geometry and properties", '{"type": "Feature", "geometry": {}, "properties": {}}'),
    "a geometry that cannot be read": ("WKT or GeoJSON of points, lines or polygons", "LINESTRING (-122.4 37.7, -122.5 37.7)"),
    "a position that is nowhere on earth": ("longitude from -180 to 180 and latitude from -90 to 90", "-122.4194, 37.7749"),
    "a latitude or longitude that is no number": ("decimal degrees", "-122.4194, 37.7749"),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that could not be used; it names no value of the row."""

    file: str
    line: int
    problem: str

    def as_json(self) -> dict[str, Any]:
        """Return it as the command line writes it."""
        expected, example = _EXPECTED.get(self.problem, ("a row like the others", ""))
        return {"file": self.file, "line": self.line, "field": None, "problem": self.problem, "expected": expected, "example": example}


@dataclass(slots=True)
class SourceReport:
    """One layer.

    Attributes:
        file: its name.
        column_map: what it was taken for.
        vintage: its name and date, and how many of its records are in the index.
        read: rows that were read.
        kept: rows of which records were made.
        left_out: rows that say nothing an index could use, by reason.
        refused: rows that are wrong, by reason.
        notes: rows that were kept after something was put right, by what it was.
        refusals: the first of the refused rows.
    """

    file: str
    column_map: ColumnMap
    vintage: Vintage
    read: int = 0
    kept: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)

    def refuse(self, line: int, problem: str) -> None:
        """Count a row that is wrong."""
        self.refused[problem] += 1
        if len(self.refusals) < _MOST_REFUSALS:
            self.refusals.append(Refusal(self.file, line, problem))

    def lines(self) -> list[str]:
        """Return it as text for people."""
        taken = self.column_map
        told = [f"{self.file}: {taken.kind} ({taken.sure:.0%} sure: {taken.why}), {self.vintage.name}, {self.vintage.date or 'no date'}"]
        told.append(f"  {self.read:,} rows read, {self.kept:,} kept")
        told += [f"  {count:,} left out: {reason}" for reason, count in self.left_out.most_common()]
        told += [f"  {count:,} refused: {reason}" for reason, count in self.refused.most_common()]
        return told + [f"  {count:,} noted: {reason}" for reason, count in self.notes.most_common()]

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        taken = self.column_map
        return {
            "file": self.file,
            "kind": taken.kind.value,
            "sure": taken.sure,
            "why": taken.why,
            "columns": dict(taken.columns),
            "vintage": {"name": self.vintage.name, "date": self.vintage.date},
            "read": self.read,
            "kept": self.kept,
            "left_out": dict(self.left_out),
            "refused": dict(self.refused),
            "notes": dict(self.notes),
        }


@dataclass(slots=True)
class BuildReport:
    """All sources of an index, in the order in which they were given."""

    sources: list[SourceReport] = field(default_factory=list)

    @property
    def refused(self) -> int:
        """How many rows were wrong."""
        return sum(source.refused.total() for source in self.sources)

    @property
    def kept(self) -> int:
        """How many rows records were made of."""
        return sum(source.kept for source in self.sources)

    def lines(self) -> list[str]:
        """Return it as text for people."""
        return [line for source in self.sources for line in source.lines()]

    def as_json(self) -> list[dict[str, Any]]:
        """Return it for programs."""
        return [source.as_json() for source in self.sources]
