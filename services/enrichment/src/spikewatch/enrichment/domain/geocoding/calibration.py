"""What an answer is worth: radius and confidence for each rung, and for what was assumed on the way. The numbers were measured."""

from typing import Final, NamedTuple

from spikewatch.enrichment.domain.geocoding.answer import Precision

__all__ = ["FACTORS", "ORIGIN", "RUNGS", "Rung", "worth"]

ORIGIN: Final = (
    "San Francisco, centreline of 2014 with 15,602 segments. Half of the development strings (3,000 different ones of address points, "
    "businesses, fire and ambulance calls), taken by a hash of the string; as they are, with one slip of the keyboard, and with a quarter "
    "of the segments missing. A rung's confidence is that of the set it fits worst, so that 0.9 means nine of ten on each "
    "of them. The other half was only used to check. Rungs marked 'stated' had no points to measure with: cautious figures."
)
"""Where the numbers come from. Streets there are short: in the country the share of the extent carries the radius, unmeasured."""


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
    Precision.POINT: Rung(25.0, 0.0, 0.95),  # stated; published: parcel points lie 21 m off in towns
    Precision.RANGE: Rung(45.0, 0.2, 0.95),  # n = 2,423 with all segments: 95 to 99 % of each set lay within it
    Precision.NEAR_RANGE: Rung(90.0, 0.6, 0.92),  # n = 390, nearly all with segments taken away
    Precision.BLOCK: Rung(55.0, 0.35, 0.95),  # n = 1,912
    Precision.INTERSECTION: Rung(40.0, 1.0, 0.97),  # n = 1,036
    Precision.NEAR_INTERSECTION: Rung(60.0, 0.6, 0.94),  # n = 43, with segments taken away
    Precision.STREET: Rung(100.0, 1.0, 0.6),  # n = 20; a whole street by its name alone: the circle holds all of it
    Precision.LANDMARK: Rung(0.0, 1.0, 0.85),  # stated
    Precision.ZIP: Rung(0.0, 1.0, 0.9),  # stated: the radius reaches all of the area
    Precision.CITY: Rung(0.0, 1.0, 0.9),  # stated
    Precision.COUNTY: Rung(0.0, 1.0, 0.95),  # stated
}
"""By precision."""
FACTORS: Final = {
    "type_conflict": 0.65,  # n = 17: nine of ten within the radius, the others wrong by miles
    "direction_conflict": 0.4,  # stated
    "direction_missing": 0.85,  # n = 14
    "direction_extra": 0.7,  # n = 8
    "direction_moved": 0.98,  # stated
    "name_corrected": 0.97,  # n = 2,270
    "name_run_together": 0.93,  # n = 40
    "name_shortened": 0.8,  # stated
    "route_class_assumed": 0.9,  # stated
    "trailing_words_dropped": 0.95,  # n = 86
    "leading_words_dropped": 0.6,  # n = 30, unit letters and streets whose own segments were taken away among them; 4 of 4 as written
    "unit_letter_dropped": 0.97,  # stated: all four known points of such strings lie on another street than the one written
    "lead_in_dropped": 0.95,  # stated
    "number_after_street": 0.7,  # stated
    "house_number_dropped": 0.9,  # stated: of a landmark
    "other_zip": 0.9,  # n = 106
    "other_city": 0.85,  # stated
    "zip_not_in_index": 0.9,  # stated
    "city_not_in_index": 0.75,  # stated
    "coordinates_outside_index": 0.5,  # stated
    "coordinates_swapped": 0.95,  # stated: the other order lies in the index, the told one far from it
    "longitude_sign_assumed": 0.95,  # stated, likewise
}
"""What remains of the confidence when something was assumed."""


def worth(precision: Precision, extent_m: float, reasons: tuple[str, ...]) -> tuple[float, float]:
    """Return radius in metres and confidence of an answer."""
    rung = RUNGS[precision]
    confidence = rung.confidence
    if reasons:
        for reason in reasons:
            confidence *= FACTORS.get(reason, 1.0)
        confidence = round(confidence, 3)
    return round((rung.radius_m + rung.share * extent_m) * 10) / 10, confidence
