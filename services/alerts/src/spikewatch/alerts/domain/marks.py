"""What a rule may filter by, as bits: one small integer says all of an overdose that counting needs."""

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from spikewatch.alerts.domain.instants import Bools
from spikewatch.contracts.vocabulary import DrugClass, Outcome, SourceType

__all__ = ["EVERYTHING", "Asked", "Marks", "asked", "has", "mark", "matches"]

Marks = npt.NDArray[np.uint32]

# The order of the bits is what MongoDB holds: append, never reorder.
_OUTCOMES: Final = {outcome: 1 << position for position, outcome in enumerate((Outcome.FATAL, Outcome.NONFATAL, Outcome.UNKNOWN))}
_CLASSES: Final = {
    drug: 1 << (8 + position)
    for position, drug in enumerate(
        (
            DrugClass.OPIOID,
            DrugClass.HEROIN,
            DrugClass.FENTANYL,
            DrugClass.STIMULANT,
            DrugClass.COCAINE,
            DrugClass.METHAMPHETAMINE,
            DrugClass.BENZODIAZEPINE,
            DrugClass.ALCOHOL,
            DrugClass.OTHER,
            DrugClass.UNKNOWN,
        )
    )
}

_SOURCES: Final = {
    source: 1 << (20 + position)
    for position, source in enumerate(
        (
            SourceType.CAD,
            SourceType.EMS,
            SourceType.POLICE,
            SourceType.FIRE,
            SourceType.ED,
            SourceType.ME,
            SourceType.LAB,
            SourceType.JAIL,
            SourceType.COMMUNITY,
            SourceType.OTHER,
        )
    )
}

# A rule that asks for opioids means heroin and fentanyl too; a source often names only the narrower class.
_WITHIN: Final = {
    DrugClass.OPIOID: (DrugClass.HEROIN, DrugClass.FENTANYL),
    DrugClass.STIMULANT: (DrugClass.COCAINE, DrugClass.METHAMPHETAMINE),
}


class Asked(NamedTuple):
    """Bits of the outcomes, drug classes and sources of which an overdose must have one each; 0 asks for nothing."""

    outcomes: int = 0
    classes: int = 0
    sources: int = 0


EVERYTHING: Final = Asked()
"""Every overdose counts."""


def asked(outcomes: Iterable[Outcome], classes: Iterable[DrugClass], sources: Iterable[SourceType]) -> Asked:
    """Return what a rule asks for, with the classes that lie within those it names."""
    return Asked(mark(outcomes), mark(classes=(part for drug in classes for part in (drug, *_WITHIN.get(drug, ())))), mark(sources=sources))


def mark(outcomes: Iterable[Outcome] = (), classes: Iterable[DrugClass] = (), sources: Iterable[SourceType] = ()) -> int:
    """Return the bits of the outcomes, drug classes and kinds of source."""
    bits = 0
    for outcome in outcomes:
        bits |= _OUTCOMES[outcome]
    for drug in classes:
        bits |= _CLASSES[drug]
    for source in sources:
        bits |= _SOURCES[source]
    return bits


def has(bits: int, asks: Asked) -> bool:
    """Tell whether one overdose has one of the outcomes, one of the classes and one of the sources."""
    return all(not wanted or bits & wanted for wanted in asks)


def matches(marks: Marks, asks: Asked) -> Bools:
    """Tell which overdoses have one of the outcomes, one of the classes and one of the sources."""
    kept = np.ones(len(marks), dtype=np.bool_)
    for bits in asks:
        if bits:
            kept &= (marks & np.uint32(bits)) != 0
    return kept
