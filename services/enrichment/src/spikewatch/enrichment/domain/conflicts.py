"""When two reports about one person contradict each other, and when they only know less or look less closely."""

import math
from functools import lru_cache
from typing import Final

from spikewatch.contracts.vocabulary import DrugClass, SourceType
from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.locate import EXACT

__all__ = ["ages_differ", "ages_meet", "families", "places_differ"]

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
_NONE: Final[frozenset[DrugClass]] = frozenset()


def ages_meet(one: Candidate, two: Candidate) -> bool:
    """Return whether both state an age or a band of ages, and one age lies in both."""
    first, second = one.record, two.record
    return first.age_low >= 0 and second.age_low >= 0 and first.age_low <= second.age_high and second.age_low <= first.age_high


def ages_differ(one: Candidate, two: Candidate) -> bool:
    """Return whether both state an age or a band, more than a year apart; an estimate may be ten years off."""
    first, second = one.record, two.record
    if first.age_low < 0 or second.age_low < 0:
        return False
    apart = max(second.age_low - first.age_high, first.age_low - second.age_high)
    return apart > (_ESTIMATE if first.is_age_rough or second.is_age_rough else _BIRTHDAY)


def families(report: Candidate) -> frozenset[DrugClass]:
    """Return the known families of the drugs that a report names; two that both name some contradict each other when they share none."""
    drugs = report.extract.drugs
    return _families(tuple([drug.drug_class for drug in drugs])) if drugs else _NONE


def places_differ(one: Candidate, two: Candidate) -> bool:
    """Return whether both know the scene exactly, and the scenes cannot be one."""
    first, second = one.extract.position, two.extract.position
    if first is None or second is None or first.precision not in EXACT or second.precision not in EXACT:
        return False
    if one.extract.reference.source_type in _ELSEWHERE or two.extract.reference.source_type in _ELSEWHERE:
        return False
    north, east = abs(first.lat - second.lat), abs(first.lon - second.lon)
    if (north + east) * _METRES <= _FURTHEST_M:  # most are: a degree of longitude is no longer than one of latitude
        return False
    east = min(east, 360.0 - east) * math.cos(math.radians((first.lat + second.lat) / 2))
    return math.hypot(north, east) * _METRES > first.radius_m + second.radius_m + _FURTHEST_M


@lru_cache(1_024)
def _families(named: tuple[DrugClass, ...]) -> frozenset[DrugClass]:
    return frozenset(_FAMILY.get(drug, drug) for drug in named) - {DrugClass.UNKNOWN, DrugClass.OTHER}
