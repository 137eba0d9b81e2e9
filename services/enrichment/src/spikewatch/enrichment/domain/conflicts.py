"""When two reports about one person contradict each other, and when they only know less or look less closely."""

import math
from typing import Final

from spikewatch.contracts.vocabulary import DrugClass, SourceType
from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.locate import EXACT

__all__ = ["ages_differ", "ages_meet", "drugs_differ", "places_differ"]

_BIRTHDAY: Final = 1  # year by which two ages differ of which one was counted from the date of birth
_ESTIMATE: Final = 10  # years by which an age that was told or looked may be off
_FURTHEST_M: Final = 1_000.0  # beyond what both places may be off: another scene, or one that was misread
_METRES: Final = 111_194.9  # of a degree of latitude
_ELSEWHERE: Final = frozenset({SourceType.ED, SourceType.ME})  # may state the home or the hospital
_FAMILY: Final = {
    DrugClass.HEROIN: DrugClass.OPIOID,
    DrugClass.FENTANYL: DrugClass.OPIOID,
    DrugClass.COCAINE: DrugClass.STIMULANT,
    DrugClass.METHAMPHETAMINE: DrugClass.STIMULANT,
}


def ages_meet(one: Candidate, two: Candidate) -> bool:
    """Return whether both state an age or a band of ages, and one age lies in both."""
    return min(one.record.age_low, two.record.age_low) >= 0 and _years_apart(one, two) == 0


def ages_differ(one: Candidate, two: Candidate) -> bool:
    """Return whether both state an age or a band, more than a year apart; an estimate may be ten years off."""
    if min(one.record.age_low, two.record.age_low) < 0:
        return False
    return _years_apart(one, two) > (_ESTIMATE if one.record.is_age_rough or two.record.is_age_rough else _BIRTHDAY)


def drugs_differ(one: Candidate, two: Candidate) -> bool:
    """Return whether both name drugs of known families, and no family in common: heroin for fentanyl is a guess, not a contradiction."""
    families, others = _families(one), _families(two)
    return bool(families) and bool(others) and families.isdisjoint(others)


def places_differ(one: Candidate, two: Candidate) -> bool:
    """Return whether both know the scene exactly, and the scenes cannot be one."""
    first, second = one.extract.position, two.extract.position
    if first is None or second is None or not EXACT.issuperset({first.precision, second.precision}):
        return False
    if not _ELSEWHERE.isdisjoint({one.extract.reference.source_type, two.extract.reference.source_type}):
        return False
    east = abs(first.lon - second.lon)
    east = min(east, 360.0 - east) * math.cos(math.radians((first.lat + second.lat) / 2))
    return math.hypot(first.lat - second.lat, east) * _METRES > first.radius_m + second.radius_m + _FURTHEST_M


def _years_apart(one: Candidate, two: Candidate) -> int:
    return max(two.record.age_low - one.record.age_high, one.record.age_low - two.record.age_high, 0)


def _families(report: Candidate) -> set[DrugClass]:
    named = {_FAMILY.get(drug.drug_class, drug.drug_class) for drug in report.extract.drugs}
    return named - {DrugClass.UNKNOWN, DrugClass.OTHER}
