"""A stream of plain, valid statutory records for load tests: many counties, many agencies, as fast as lines can be written."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["LOAD_AGENCIES", "LoadProfile", "load_directory", "load_lines"]

LOAD_AGENCIES: Final = tuple(f"load-agency-{number:02d}" for number in range(1, 13))
# Counties spread the records over the partitions that a place decides; codes that are given to nobody.
_COUNTIES: Final = 48
_FIRST_COUNTY: Final = 99101
_WEST: Final = -48.0
_SOUTH: Final = 32.0
_DEGREES: Final = 0.3
_COLUMNS: Final = 8
_SEEDS_APART: Final = 1_000_003  # so that two seeds do not tell of the same places
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
    start = (profile.until - profile.span).timestamp()
    step = profile.span.total_seconds() / max(1, profile.reports)
    for turn, first in enumerate(range(0, profile.reports, _BLOCK)):
        lines = [_line(profile.seed, number, start, step) for number in range(first, min(first + _BLOCK, profile.reports))]
        # Of three lines the first two tell of one overdose: they must come from two agencies to be about one person.
        second = lines[1::3]
        del lines[1::3]
        yield LOAD_AGENCIES[turn % len(LOAD_AGENCIES)], lines
        if second:
            yield LOAD_AGENCIES[(turn + 1) % len(LOAD_AGENCIES)], second


def _line(seed: int, number: int, start: float, step: float) -> str:
    """Write one record. Everything but its id follows from the overdose, so that two reports of one agree."""
    overdose = number * 2 // 3
    scattered = overdose + seed * _SEEDS_APART
    county = scattered * 7_919 % _COUNTIES
    row, column = divmod(county, _COLUMNS)
    # Multiples of a prime modulo another spread whole numbers evenly over the county.
    lat = _SOUTH + (row + scattered * 104_729 % 99_991 / 99_991) * _DEGREES
    lon = _WEST + (column + scattered * 611_953 % 99_991 / 99_991) * _DEGREES
    moment = datetime.fromtimestamp(int(start + overdose * 1.5 * step), UTC)
    doses = scattered % 4
    return (
        f'{{"record_id":"L{seed}-{number}","occurred_at":"{moment:%Y-%m-%dT%H:%M:%SZ}","lat":{lat:.5f},"lon":{lon:.5f},'
        f'"county_fips":"{_FIRST_COUNTY + county}","outcome":"nonfatal","reversal_given":"{"yes" if doses else "no"}",'
        f'"reversal_doses":{doses},"age":{16 + scattered * 31 % 64},"sex":"male"}}'
    )


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
