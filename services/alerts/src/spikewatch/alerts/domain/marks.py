"""What a rule may filter by, as bits: one integer says all of an overdose that counting needs.

The bits below ``_DEFINITIONS`` are what MongoDB holds; above them stands the number of its set of case definitions, which holds in this
process only.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from spikewatch.alerts.domain.definition_sets import meeting, meets, number_of, number_of_text, text_of
from spikewatch.alerts.domain.instants import Bools
from spikewatch.contracts.vocabulary import DrugClass, Outcome, SourceType

__all__ = ["EVERYTHING", "Asked", "Marks", "asked", "has", "mark", "matches", "stored_bits", "stored_definitions", "with_definitions"]

Marks = npt.NDArray[np.int64]

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
_DEFINITIONS: Final = 32  # the first bit of the number of the set of definitions
_STORED: Final = (1 << _DEFINITIONS) - 1

# A rule that asks for opioids means heroin and fentanyl too; a source often names only the narrower class.
_WITHIN: Final = {
    DrugClass.OPIOID: (DrugClass.HEROIN, DrugClass.FENTANYL),
    DrugClass.STIMULANT: (DrugClass.COCAINE, DrugClass.METHAMPHETAMINE),
}


class Asked(NamedTuple):
    """Bits of the outcomes, drug classes and sources, and case definitions: an overdose must have one of each; empty asks for nothing."""

    outcomes: int = 0
    classes: int = 0
    sources: int = 0
    definitions: tuple[str, ...] = ()


EVERYTHING: Final = Asked()
"""Every overdose counts."""


def asked(
    outcomes: Iterable[Outcome], classes: Iterable[DrugClass], sources: Iterable[SourceType], definitions: Iterable[str] = ()
) -> Asked:
    """Return what a rule asks for, with the classes that lie within those it names."""
    within = (part for drug in classes for part in (drug, *_WITHIN.get(drug, ())))
    return Asked(mark(outcomes), mark(classes=within), mark(sources=sources), tuple(sorted(definitions)))


def mark(
    outcomes: Iterable[Outcome] = (),
    classes: Iterable[DrugClass] = (),
    sources: Iterable[SourceType] = (),
    definitions: Iterable[str] = (),
) -> int:
    """Return the bits of the outcomes, drug classes, kinds of source and case definitions."""
    bits = number_of(definitions) << _DEFINITIONS
    for outcome in outcomes:
        bits |= _OUTCOMES[outcome]
    for drug in classes:
        bits |= _CLASSES[drug]
    for source in sources:
        bits |= _SOURCES[source]
    return bits


def stored_bits(bits: int) -> int:
    """Return what of a mark another process understands: all but its case definitions."""
    return bits & _STORED


def stored_definitions(bits: int) -> str:
    """Return the case definitions of a mark as they are stored, empty where there is none."""
    return text_of(bits >> _DEFINITIONS)


def with_definitions(bits: int, definitions: str) -> int:
    """Return the mark of which ``stored_bits`` and ``stored_definitions`` were stored."""
    return bits | number_of_text(definitions) << _DEFINITIONS


def has(bits: int, asks: Asked) -> bool:
    """Tell whether one overdose has one of the outcomes, the classes, the sources and the case definitions."""
    *wanted, definitions = asks
    return all(not each or bits & each for each in wanted) and (not definitions or meets(bits >> _DEFINITIONS, definitions))


def matches(marks: Marks, asks: Asked) -> Bools:
    """Tell which overdoses have one of the outcomes, the classes, the sources and the case definitions."""
    kept = np.ones(len(marks), dtype=np.bool_)
    for bits in asks[:3]:
        if bits:
            kept &= (marks & bits) != 0
    if asks.definitions:
        kept &= meeting(asks.definitions)[marks >> _DEFINITIONS]
    return kept
