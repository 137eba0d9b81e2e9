"""Writes rows with what the geocoder says of them beside, as CSV or JSON lines."""

import csv
import json
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final

from spikewatch.enrichment.domain.geocoding.answer import Answer, ReverseAnswer

__all__ = ["PLACED", "REVERSED", "PlacedRows", "placed", "reversed_place"]

PLACED: Final = (
    "geo_lat", "geo_lon", "geo_precision", "geo_radius_m", "geo_confidence", "geo_matched", "geo_reasons", "geo_candidates", "geo_vintage",
    "geo_zip", "geo_county", "geo_alternatives",
)  # fmt: skip
"""Columns beside a geocoded row."""
REVERSED: Final = ("geo_street", "geo_block", "geo_cross_street", "geo_distance_m", "geo_zip", "geo_county", "geo_vintage")
"""Columns beside a point whose street was looked up."""
_DIGITS: Final = 6  # of a degree: 11 cm


def placed(answer: Answer) -> dict[str, Any]:
    """Return an answer by column."""
    is_placed = answer.lat is not None and answer.lon is not None
    return dict(
        zip(
            PLACED,
            (
                round(answer.lat, _DIGITS) if answer.lat is not None else None,
                round(answer.lon, _DIGITS) if answer.lon is not None else None,
                answer.precision.value,
                round(answer.radius_m, 1) if is_placed else None,
                round(answer.confidence, 3),
                answer.matched,
                answer.reasons,
                answer.candidates,
                answer.vintage,
                answer.zip5,
                answer.county,
                tuple(one.matched for one in answer.alternatives),
            ),
            strict=True,
        )
    )


def reversed_place(answer: ReverseAnswer | None) -> dict[str, Any]:
    """Return what lies at a point by column."""
    if answer is None:
        return dict.fromkeys(REVERSED)
    values = (answer.street, answer.block, answer.cross_street, round(answer.metres, 1), answer.zip5, answer.county, answer.vintage)
    return dict(zip(REVERSED, values, strict=True))


class PlacedRows:
    """Writes rows in the order in which they come.

    Args:
        output: where to.
        columns: of the input; those that have a name of ours are written anew.
        added: ours.
        as_json: JSON lines in place of CSV.
        delimiter: between cells of CSV.
    """

    def __init__(self, output: IO[str], columns: Sequence[str], added: Sequence[str], *, as_json: bool, delimiter: str) -> None:
        self._output = output
        self._kept = [column for column in columns if column not in added]
        self._added = added
        self._writer = None if as_json else csv.writer(output, delimiter=delimiter, lineterminator="\n")
        if self._writer is not None:
            self._writer.writerow([*self._kept, *added])

    def write(self, values: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        """Write one row."""
        if self._writer is None:
            row = {**{name: value for name, value in values.items() if name not in found}, **found}
            self._output.write(json.dumps(row, ensure_ascii=False) + "\n")
            return
        given = (values.get(name) for name in self._kept)
        ours = ("; ".join(value) if type(value) is tuple else value for value in found.values())
        self._writer.writerow([*(value if type(value) is str else _cell(value) for value in given), *ours])


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, bool | list | dict) else value
