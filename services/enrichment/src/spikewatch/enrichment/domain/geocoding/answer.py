"""What the geocoder is asked and what it answers: a rung of the precision ladder, with a radius and a confidence that were measured.

A rung is never lowered silently: every step down the ladder leaves its code in ``reasons``.
"""

from typing import Final, NamedTuple

from spikewatch.contracts.vocabulary import PlacePrecision as Precision

__all__ = ["LADDER", "NOWHERE", "Alternative", "Answer", "Precision", "Query", "ReverseAnswer"]


LADDER: Final = tuple(Precision)
"""All rungs, finest first."""


class Query(NamedTuple):
    """One address to place, with what else the report tells of the place."""

    address: str | None
    city: str | None = None
    zip5: str | None = None
    county: str | None = None


class Alternative(NamedTuple):
    """One of several places that an ambiguous address could mean."""

    matched: str
    lat: float
    lon: float
    precision: Precision
    zip5: str = ""
    city: str = ""
    county: str = ""


class Answer(NamedTuple):
    """Where an address lies, and how sure that is.

    Attributes:
        lat: latitude in WGS 84 degrees; None when there is no place.
        lon: longitude, likewise.
        precision: rung of the ladder.
        radius_m: the true place lies within this many metres with probability ``confidence``.
        confidence: from 0 to 1; nine of ten answers with 0.9 lie within their radius.
        matched: normal form of what was matched: ``1500 BLOCK LYON ST``.
        reasons: codes of what was assumed, corrected or missing.
        candidates: how many places were weighed.
        alternatives: what it could be, when it is ambiguous.
        zip5: ZIP code of the place, empty when not known.
        county: FIPS code of its county, empty when not known.
        vintage: name and date of the source it was placed with.
    """

    lat: float | None
    lon: float | None
    precision: Precision
    radius_m: float = 0.0
    confidence: float = 0.0
    matched: str = ""
    reasons: tuple[str, ...] = ()
    candidates: int = 0
    alternatives: tuple[Alternative, ...] = ()
    zip5: str = ""
    county: str = ""
    vintage: str = ""


NOWHERE: Final = Answer(None, None, Precision.NONE)
"""The answer to what names no place."""


class ReverseAnswer(NamedTuple):
    """What lies at a point.

    Attributes:
        street: nearest street.
        block: first number of the hundred-block there; None when the street has no numbers there.
        cross_street: nearest street that crosses it, empty when none does.
        metres: from the point to the street's middle line.
        zip5: ZIP code on that side of the street, empty when not known.
        county: FIPS code likewise.
        vintage: of the source.
    """

    street: str
    block: int | None
    cross_street: str
    metres: float
    zip5: str = ""
    county: str = ""
    vintage: str = ""
