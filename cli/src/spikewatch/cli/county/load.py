"""A stream of plain, valid statutory records for load tests: many counties, many agencies, as fast as lines can be written."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

__all__ = ["LOAD_AGENCIES", "LoadProfile", "load_directory", "load_lines"]

LOAD_AGENCIES: Final = tuple(f"load-agency-{number:02d}" for number in range(1, 13))
# Counties spread the records over the partitions that a place decides; codes that are given to nobody.
_COUNTIES: Final = 48
_FIRST_COUNTY: Final = 99101
_WEST: Final = -48.0
_SOUTH: Final = 32.0
_DEGREES: Final = 0.3
_COLUMNS: Final = 8
_BLOCK: Final = 9_999  # a multiple of three: no overdose is torn between two blocks


@dataclass(frozen=True, slots=True)
class LoadProfile:
    """What to write: ``reports`` lines, event times spread evenly over ``span`` up to ``until``."""

    seed: int
    reports: int
    until: datetime
    span: timedelta = timedelta(days=30)


def load_lines(profile: LoadProfile) -> Iterator[tuple[str, list[str]]]:
    """Yield blocks of lines (without their ends), each of one agency, in order of event time.

    One report in three tells of an overdose that another agency's line tells of too, so that matching has work to do.
    """
    random = np.random.default_rng(profile.seed)
    start = profile.until - profile.span
    step = profile.span.total_seconds() / max(1, profile.reports)
    for first in range(0, profile.reports, _BLOCK):
        count = min(_BLOCK, profile.reports - first)
        overdose = (first + np.arange(count)) * 2 // 3
        county = (overdose * 7919) % _COUNTIES
        lat = np.round(_SOUTH + county // _COLUMNS * _DEGREES + _scatter(overdose, 104_729) * _DEGREES, 5)
        lon = np.round(_WEST + county % _COLUMNS * _DEGREES + _scatter(overdose, 611_953) * _DEGREES, 5)
        ages = 16 + overdose * 31 % 64  # of the person, so the same in both reports
        doses = random.integers(0, 4, count)
        moments = (start.timestamp() + overdose * 1.5 * step).astype(np.int64)
        lines = [
            f'{{"record_id":"L{profile.seed}-{first + index}","occurred_at":"{moment}Z","lat":{y},"lon":{x},"county_fips":"{code}",'
            f'"outcome":"nonfatal","reversal_given":"{"yes" if dose else "no"}","reversal_doses":{dose},"age":{age},"sex":"male"}}'
            for index, moment, y, x, code, dose, age in zip(
                range(count),
                np.datetime_as_string(moments.astype("datetime64[s]")).tolist(),
                lat.tolist(),
                lon.tolist(),
                (county + _FIRST_COUNTY).tolist(),
                doses.tolist(),
                ages.tolist(),
                strict=True,
            )
        ]
        turn = first // _BLOCK
        # Of three lines the first two tell of one overdose: they must come from two agencies to be about one person.
        second = lines[1::3]
        del lines[1::3]
        yield LOAD_AGENCIES[turn % len(LOAD_AGENCIES)], lines
        if second:
            yield LOAD_AGENCIES[(turn + 1) % len(LOAD_AGENCIES)], second


def _scatter(numbers: "np.ndarray[tuple[int], np.dtype[np.int64]]", prime: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Spread whole numbers over [0, 1) so that equal numbers fall on equal places."""
    return (numbers * prime % 99_991) / 99_991


def load_directory(until: datetime) -> list[dict[str, object]]:
    """Return the directory records of the load agencies."""
    assured = until.astimezone(UTC).date().isoformat()
    return [
        {
            "kind": "agency",
            "name": f"agencies/{agency}",
            "display_name": f"{agency} (simulated, {assured})",
            "agency_id": agency,
            "source_type": "ems",
            "time_zone": "UTC",
            "areas": [],
        }
        for agency in LOAD_AGENCIES
    ]
