"""Reads single fields of a record. Every failure names the field and what was expected, never the value."""

import math
import re
from collections.abc import Mapping
from typing import Final, TypeVar

from spikewatch.ingest.domain.identifying import is_identifying, without_identifiers
from spikewatch.ingest.domain.record import Fields
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["choice", "coordinates", "free_text", "matching", "number", "required", "stated", "whole"]

T = TypeVar("T")
# What exports write into an empty cell.
_NOT_STATED: Final = frozenset({"", "-", "--", "na", "n/a", "#n/a", "nan", "null", "none", "not recorded", "not applicable"})
_NOT_KNOWN: Final = frozenset({"unknown", "unk", "u", "?", "not known"})  # where a number, a code or an id is asked for
_LONGEST_NOT_STATED: Final = max(map(len, _NOT_STATED))
_NUMBER: Final = re.compile(r"^[+-]?\d{1,12}(?:\.\d{1,20})?$", re.ASCII)
_WITH_COMMA: Final = re.compile(r"[+-]?\d{1,12},\d{1,20}", re.ASCII)  # 40,1209: half of Europe, and tables with semicolons
_LONGEST_TEXT: Final = 512


def stated(fields: Fields, name: str) -> object | None:
    """Return the field's value, or None when the source does not state it."""
    value = fields.get(name)
    if isinstance(value, str):
        value = value.strip()
        return None if len(value) <= _LONGEST_NOT_STATED and value.lower() in _NOT_STATED else value
    return value


def required(fields: Fields, name: str, expected: str, example: str) -> object:
    """Return the field's value.

    Raises:
        Rejected: it is not stated.
    """
    value = stated(fields, name)
    if value is None:
        raise Rejected(Fault.MISSING_FIELD, name, "is missing", expected, example)
    return value


def matching(fields: Fields, name: str, pattern: re.Pattern[str], expected: str, example: str) -> str | None:
    """Return a text that has the pattern and nothing of a direct identifier; None when it is not stated, or said to be unknown.

    Raises:
        Rejected: it is something else.
    """
    if name not in fields or (value := stated(fields, name)) is None:
        return None
    text = str(value) if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)) else ""
    if text.lower() in _NOT_KNOWN:
        return None
    if not pattern.fullmatch(text):
        raise Rejected(Fault.INVALID_FIELD, name, "is not of the expected form", expected, example)
    if is_identifying(text):
        raise Rejected(Fault.INVALID_FIELD, name, "looks like a personal identifier", expected, example)
    return text


def free_text(fields: Fields, name: str, example: str) -> tuple[str | None, bool]:
    """Return a text of at most 512 characters without direct identifiers, and whether one was taken out.

    Raises:
        Rejected: it is no text, too long, or holds characters that cannot be printed.
    """
    if name not in fields or (value := stated(fields, name)) is None:
        return None, False
    if not isinstance(value, str):
        raise Rejected(Fault.INVALID_FIELD, name, "is not a text", "a text", example)
    text = " ".join(value.split())
    if len(text) > _LONGEST_TEXT or not text.isprintable():
        raise Rejected(
            Fault.INVALID_FIELD, name, "is too long or cannot be printed", f"at most {_LONGEST_TEXT} printable characters", example
        )
    text, is_cut = without_identifiers(text)
    return text[:_LONGEST_TEXT], is_cut  # what is put in place of an identifier may be longer


def choice(fields: Fields, name: str, values: Mapping[str, T], default: T) -> T:
    """Return what the stated word stands for, in any case; ``default`` when it is not stated.

    Raises:
        Rejected: the word is not listed.
    """
    if name not in fields or (value := stated(fields, name)) is None:
        return default
    word = str(value).lower() if isinstance(value, str | bool) else ""
    if word not in values:
        raise Rejected(Fault.INVALID_FIELD, name, "is not one of the listed values", "one of " + ", ".join(values), next(iter(values)))
    return values[word]


def number(fields: Fields, name: str, low: float, high: float, example: str) -> float | None:
    """Return a finite number from ``low`` to ``high``; None when it is not stated, or said to be unknown.

    Raises:
        Rejected: it is no number, or out of range.
    """
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        if _NUMBER.match(value):
            value = float(value)
        else:  # hardly ever
            text = stated(fields, name)
            if not isinstance(text, str) or text.lower() in _NOT_KNOWN:
                return None
            if _WITH_COMMA.fullmatch(text):
                expected = f"a number from {low:g} to {high:g}, written with a decimal point"
                raise Rejected(Fault.INVALID_FIELD, name, "is written with a comma", expected, example)
            value = float(text) if _NUMBER.match(text) else text
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Rejected(Fault.INVALID_FIELD, name, "is not a number", f"a number from {low:g} to {high:g}", example)
    if not low <= value <= high or math.isnan(value):
        raise Rejected(Fault.OUT_OF_RANGE, name, "is out of range", f"a number from {low:g} to {high:g}", example)
    return float(value)


def whole(fields: Fields, name: str, low: int, high: int, example: str) -> int | None:
    """Return a whole number from ``low`` to ``high``; None when it is not stated.

    Raises:
        Rejected: it is no whole number, or out of range.
    """
    value = number(fields, name, low, high, example)
    if value is not None and value != int(value):
        raise Rejected(Fault.INVALID_FIELD, name, "is not a whole number", f"a whole number from {low} to {high}", example)
    return None if value is None else int(value)


def coordinates(fields: Fields, lat: str, lon: str) -> tuple[float, float] | None:
    """Return degrees north and east (WGS 84), or None when neither is stated.

    Raises:
        Rejected: one is missing, no number, or outside the world.
    """
    north = number(fields, lat, -90, 90, "40.1209")
    east = number(fields, lon, -180, 180, "-75.3399")
    if north is None and east is None:
        return None
    if north is None or east is None:
        lacking = lat if north is None else lon
        raise Rejected(Fault.MISSING_FIELD, lacking, "is missing beside the other coordinate", "both coordinates or none", "40.1209")
    return north, east
