"""What an answer is worth: radius and confidence for each rung, and for what was assumed on the way. The numbers were measured."""

from typing import Final, NamedTuple

from spikewatch.enrichment.domain.geocoding.answer import Precision

__all__ = ["FACTORS", "ORIGIN", "RUNGS", "Rung", "worth"]

ORIGIN: Final = "to be measured"


class Rung(NamedTuple):
    """One row of the table.

    Attributes:
        radius_m: least radius.
        share: of the extent (of the piece of street, the gap, the area) that is added to it.
        confidence: share of answers whose true place lies within the radius, when nothing was assumed.
    """

    radius_m: float
    share: float
    confidence: float


RUNGS: Final = {
    Precision.POINT: Rung(25.0, 0.0, 0.97),
    Precision.RANGE: Rung(40.0, 0.15, 0.95),
    Precision.NEAR_RANGE: Rung(90.0, 0.5, 0.85),
    Precision.BLOCK: Rung(50.0, 0.2, 0.95),
    Precision.INTERSECTION: Rung(30.0, 1.0, 0.97),
    Precision.NEAR_INTERSECTION: Rung(60.0, 0.6, 0.85),
    Precision.STREET: Rung(100.0, 1.0, 0.85),
    Precision.LANDMARK: Rung(0.0, 1.0, 0.85),
    Precision.ZIP: Rung(0.0, 1.0, 0.9),
    Precision.CITY: Rung(0.0, 1.0, 0.9),
    Precision.COUNTY: Rung(0.0, 1.0, 0.95),
}
FACTORS: Final = {
    "type_conflict": 0.6,
    "direction_conflict": 0.4,
    "direction_missing": 0.85,
    "direction_extra": 0.85,
    "name_corrected": 0.85,
    "trailing_words_dropped": 0.9,
    "leading_words_dropped": 0.9,
    "zip_not_in_index": 0.8,
    "coordinates_outside_index": 0.5,
}


def worth(precision: Precision, extent_m: float, reasons: tuple[str, ...]) -> tuple[float, float]:
    """Return radius in metres and confidence of an answer."""
    rung = RUNGS[precision]
    confidence = rung.confidence
    if reasons:
        for reason in reasons:
            confidence *= FACTORS.get(reason, 1.0)
    return round(rung.radius_m + rung.share * extent_m, 1), round(confidence, 3)
