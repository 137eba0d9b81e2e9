"""Records as they should not be: one way of each kind of fault that real feeds have shown."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from spikewatch.cli.county.forms import csv_line, json_line

__all__ = ["broken_cad", "broken_statutory"]

# Far enough ahead that no tolerance for a fast clock lets it pass.
_AHEAD: Final = timedelta(days=400)


def _without_time(fields: dict[str, Any]) -> str:
    return json_line({name: value for name, value in fields.items() if name != "occurred_at"})


def _in_the_future(fields: dict[str, Any]) -> str:
    return json_line(fields | {"occurred_at": (datetime.fromisoformat(fields["occurred_at"]) + _AHEAD).isoformat()})


def _off_the_world(fields: dict[str, Any]) -> str:
    return json_line(fields | {"lat": 123.4, "lon": -45.0})


def _cut_short(fields: dict[str, Any]) -> str:
    line = json_line(fields)
    return line[: len(line) // 2]


def _wrong_type(fields: dict[str, Any]) -> str:
    return json_line(fields | {"reversal_doses": "many"})


def _unknown_outcome(fields: dict[str, Any]) -> str:
    return json_line(fields | {"outcome": "perhaps"})


def _no_object(fields: dict[str, Any]) -> str:
    return json_line({"list": list(fields)})[8:-1]  # a bare JSON list


_STATUTORY: Final[tuple[tuple[str, Callable[[dict[str, Any]], str]], ...]] = (
    ("time missing", _without_time),
    ("time in the future", _in_the_future),
    ("coordinates outside the world", _off_the_world),
    ("line cut short", _cut_short),
    ("wrong type", _wrong_type),
    ("value outside its list", _unknown_outcome),
    ("no JSON object", _no_object),
)


def _cad_future(row: dict[str, str]) -> str:
    later = (datetime.fromisoformat(row["timeStamp"]) + _AHEAD).strftime("%Y-%m-%d %H:%M:%S")
    street, town, station, _ = row["desc"].split(";", 3)
    return csv_line(row | {"timeStamp": later, "desc": f"{street};{town};{station}; {later.replace(' ', ' @ ')};"})


def _cad_without_time(row: dict[str, str]) -> str:
    street, town, station, _ = row["desc"].split(";", 3)
    return csv_line(row | {"timeStamp": "", "desc": f"{street};{town};{station};"})


def _cad_no_number(row: dict[str, str]) -> str:
    return csv_line(row | {"lat": "north of the bridge"})


_CAD: Final[tuple[tuple[str, Callable[[dict[str, str]], str]], ...]] = (
    ("time in the future", _cad_future),
    ("time missing", _cad_without_time),
    ("coordinate is no number", _cad_no_number),
)


def broken_statutory(fields: dict[str, Any], random: Random) -> tuple[str, str]:
    """Spoil a statutory record; return the name of the fault and the line."""
    fault, spoil = random.choice(_STATUTORY)
    return fault, spoil(fields)


def broken_cad(row: dict[str, str], random: Random) -> tuple[str, str]:
    """Spoil a 911/CAD row; return the name of the fault and the line."""
    fault, spoil = random.choice(_CAD)
    return fault, spoil(row)
