"""The forms in which the county's agencies write their records: the statutory JSON line and the 911/CAD row."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from spikewatch.cli.county.agencies import Agency
from spikewatch.cli.county.geography import COUNTY_FIPS, TIME_ZONE
from spikewatch.cli.county.overdoses import Overdose

__all__ = ["CAD_COLUMNS", "CAD_OVERDOSE", "cad_row", "csv_line", "json_line", "statutory_fields"]

CAD_COLUMNS: Final = ("lat", "lng", "desc", "zip", "title", "timeStamp", "twp", "addr", "e")
CAD_OVERDOSE: Final = "EMS: OVERDOSE"
_ZONE: Final = ZoneInfo(TIME_ZONE)


def statutory_fields(agency: Agency, record: str, overdose: Overdose, stated_at: datetime, *, is_numbered: bool = True) -> dict[str, Any]:
    """Return what a careful agency states about one overdose, by the names of the statutory dictionary."""
    fields: dict[str, Any] = {
        "record_id": record,
        "revision": 1,
        "occurred_at": stated_at.astimezone(_ZONE).isoformat(),
        "occurred_at_basis": agency.basis.value,
        "zip": overdose.place.zip5,
        "city": overdose.place.city,
        "county_fips": COUNTY_FIPS,
        "outcome": "fatal" if overdose.fatal else "nonfatal",
        "reversal_given": "yes" if overdose.doses else "no",
        "reversal_doses": overdose.doses,
        "age": overdose.age,
        "sex": overdose.sex,
        "suspected_drugs": overdose.substance.split(" and "),
    }
    if agency.exact:
        fields |= {"lat": overdose.lat, "lon": overdose.lon, "address": overdose.corner}
    if is_numbered:
        # By the time of the overdose, not of the statement: around New Year all agencies must write the same number.
        fields["cad_number"] = f"C{overdose.occurred_at.astimezone(_ZONE):%y}-{overdose.incident:06d}"
    if agency.numbered == 1.0:
        fields["count"] = overdose.people
    return fields


def json_line(fields: dict[str, Any]) -> str:
    """Write fields as one line of JSON, without its end."""
    return json.dumps(fields, separators=(",", ":"))


def _row(values: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(values)
    return out.getvalue()


def cad_row(overdose: Overdose, called_at: datetime, written_at: datetime, *, title: str = CAD_OVERDOSE) -> dict[str, str]:
    """Return one call by the columns of the 911/CAD layout; all times are wall-clock times of the county."""
    called, written = called_at.astimezone(_ZONE), written_at.astimezone(_ZONE)
    town = overdose.place.city.upper()
    return {
        "lat": f"{overdose.lat:.5f}",
        "lng": f"{overdose.lon:.5f}",
        "desc": f"{overdose.corner};  {town}; Station {300 + int(overdose.place.zip5) % 100}; {called:%Y-%m-%d @ %H:%M:%S};",
        "zip": overdose.place.zip5,
        "title": title,
        "timeStamp": f"{written:%Y-%m-%d %H:%M:%S}",
        "twp": town,
        "addr": overdose.corner,
        "e": "1",
    }


def csv_line(row: dict[str, str]) -> str:
    """Write a row as one line of CSV, without its end."""
    return _row([row[column] for column in CAD_COLUMNS])
