"""What ``normalize --dry-run`` shows: one line a row, with what would come out of it."""

import json
from collections.abc import Mapping
from typing import IO, Any, Final

from spikewatch.contracts.report import Location, Report

__all__ = ["DryRun"]

_COLUMNS: Final = (
    ("line", 7), ("outcome", 15), ("record", 18), ("occurred at (UTC)", 17), ("basis", 13), ("place", 30), ("fatal", 8), ("person", 9),
    ("reversal", 8), ("drugs", 26),
)  # fmt: skip
_CUT: Final = "…"


class DryRun:
    """Writes rows as they are read, so that a long file can be looked at from its start."""

    def __init__(self, output: IO[str], *, as_json: bool) -> None:
        self._output = output
        self._as_json = as_json
        self._file: str | None = None

    def report(self, file: str, line: int, report: Report) -> None:
        """Show the report that a row would become."""
        if self._as_json:
            self._json({"file": file, "line": line, "outcome": "report", "report": json.loads(report.to_json())})
            return
        precision = {"date": "%Y-%m-%d", "month": "%Y-%m"}.get(report.occurred_at_precision.value, "%Y-%m-%d %H:%M")
        person = (
            f"{report.victims.age if report.victims.age is not None else report.victims.age_band or '?'} {report.victims.sex.value[:1]}"
        )
        cells = (
            "withdrawal" if report.withdrawn else "report" if report.revision == 1 else f"revision {report.revision}",
            report.source_record_id,
            report.occurred_at.strftime(precision),
            report.occurred_at_basis.value,
            _place(report.location),
            report.outcome.value,
            person,
            report.reversal.given.value,
            ", ".join(drug.term for drug in report.drugs),
        )
        self._row(file, line, cells)
        notes = ", ".join(f"{note.field}: {note.code}" for note in report.quality)
        if notes:
            self._output.write(f"{'':7}  noted: {notes}\n")

    def other(self, file: str, line: int, outcome: str) -> None:
        """Show a row that becomes no report."""
        if self._as_json:
            self._json({"file": file, "line": line, "outcome": outcome})
        else:
            self._row(file, line, (outcome.replace("_", " "),))

    def refused(self, row: Mapping[str, Any]) -> None:
        """Show a row that is refused, with what to change."""
        if self._as_json:
            self._json({"outcome": "rejected", **row})
            return
        self._row(row["file"], row["line"], ("rejected",))
        example = f", for example {row['example']}" if row["example"] else ""
        self._output.write(f"{'':7}  {row['field'] or 'the row'} {row['problem']}; expected {row['expected']}{example}\n")

    def _row(self, file: str, line: int, cells: tuple[str, ...]) -> None:
        if file != self._file:
            self._file = file
            self._output.write(f"{file}\n" + "  ".join(name.ljust(width) for name, width in _COLUMNS).rstrip() + "\n")
        texts = (str(line).rjust(_COLUMNS[0][1]), *(_fit(cell, width) for cell, (_, width) in zip(cells, _COLUMNS[1:], strict=False)))
        self._output.write("  ".join(texts).rstrip() + "\n")

    def _json(self, value: Mapping[str, Any]) -> None:
        self._output.write(json.dumps(value, ensure_ascii=False) + "\n")


def _fit(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else text[: width - 1] + _CUT


def _place(location: Location) -> str:
    stated = location.address or location.intersection or location.city or location.zip5
    if stated is None and location.lat is not None:
        stated = f"{location.lat:.4f}, {location.lon:.4f}"
    return f"{location.precision.value}: {stated or location.county_fips or '-'}"
