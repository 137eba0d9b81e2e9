"""What people call the columns of an ODMAP-style table."""

from typing import Final

__all__ = ["COLUMNS"]

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "when": (
        *("overdose date time", "od date time", "date time of overdose", "overdose date and time", "incident date time"),
        *("incident datetime", "event date time", "date and time", "date time", "datetime", "occurred at", "timestamp"),
    ),
    "day": ("overdose date", "od date", "date of overdose", "incident date", "event date", "date of incident", "date"),
    "clock": ("overdose time", "od time", "time of overdose", "incident time", "event time", "time of incident", "time"),
    "lat": ("latitude", "incident latitude", "overdose latitude", "y"),
    "lon": ("lng", "long", "longitude", "incident longitude", "overdose longitude", "x"),
    "address": (
        "incident address",
        "street address",
        "street",
        "location",
        "incident location",
        "overdose location",
        "approximate location",
    ),
    "intersection": ("cross streets", "cross street"),
    "zip": ("zip code", "zipcode", "zip5", "postal code", "incident zip"),
    "city": ("town", "municipality", "incident city", "city town"),
    "county_fips": ("fips", "fips code", "county code", "county fips code"),
    "outcome": (
        *("fatal", "fatality", "fatal nonfatal", "fatal non fatal", "fatal or nonfatal", "fatal or non fatal", "overdose type", "od type"),
        *("overdose outcome", "od outcome", "fatal status", "suspected fatal", "suspected overdose type", "severity", "fatal yn"),
    ),
    "nonfatal": ("non fatal", "survived", "survive"),
    "naloxone": (
        *("naloxone administered", "naloxone given", "was naloxone administered", "narcan", "narcan administered", "narcan given"),
        *("naloxone used", "naloxone administration", "narcan used", "antagonist administered"),
    ),
    "doses": (
        *("naloxone doses", "number of doses", "doses", "number of naloxone doses", "doses administered", "narcan doses", "total doses"),
        *("number of doses administered", "naloxone doses administered", "number of narcan doses", "dose count"),
    ),
    "by": (
        "naloxone administered by",
        "administered by",
        "narcan administered by",
        "who administered",
        "who administered naloxone",
        "given by",
    ),
    "age": ("victim age", "patient age", "age years", "approximate age"),
    "sex": ("gender", "victim sex", "victim gender", "patient sex", "patient gender"),
    "drug": (
        *(
            "primary suspected drug",
            "primary drug",
            "suspected drug",
            "primary substance",
            "suspected substance",
            "primary suspected substance",
        ),
        *("drug suspected", "substance"),
    ),
    "drugs": (
        *(
            "additional suspected drug",
            "additional suspected drugs",
            "additional drugs",
            "additional drug",
            "secondary drug",
            "other drugs",
        ),
        *("secondary suspected drug", "additional substances", "suspected drugs"),
    ),
    "hospital": ("hospital name", "transported to hospital", "taken to hospital", "hospital transported to", "receiving hospital"),
    "count": ("victims", "number of victims", "victim count", "mass overdose count", "number of overdoses", "mass overdose victims"),
    "case": ("case number", "case no", "case id", "incident number", "incident no", "incident id", "record number", "report number"),
    "record_id": ("overdose id", "od id", "odmap id", "submission id", "object id", "global id", "id"),
}
"""Names of columns by what they mean, the best first. All others are never looked at."""
