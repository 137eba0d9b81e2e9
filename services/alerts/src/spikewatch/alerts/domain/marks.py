"""What a rule may filter by, as bits: one small integer says all of an overdose that counting needs."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from spikewatch.alerts.domain.instants import Bools
from spikewatch.contracts.vocabulary import DrugClass, Outcome

__all__ = ["Marks", "asked", "mark", "matches"]

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

# A rule that asks for opioids means heroin and fentanyl too; a source often names only the narrower class.
_WITHIN: Final = {
    DrugClass.OPIOID: (DrugClass.HEROIN, DrugClass.FENTANYL),
    DrugClass.STIMULANT: (DrugClass.COCAINE, DrugClass.METHAMPHETAMINE),
}


def asked(classes: Iterable[DrugClass]) -> int:
    """Return the bits a rule asks for, with the classes that lie within those it names."""
    return mark((), (part for drug in classes for part in (drug, *_WITHIN.get(drug, ()))))


def mark(outcomes: Iterable[Outcome], classes: Iterable[DrugClass]) -> int:
    """Return the bits of the outcomes and drug classes."""
    bits = 0
    for outcome in outcomes:
        bits |= _OUTCOMES[outcome]
    for drug in classes:
        bits |= _CLASSES[drug]
    return bits


def matches(marks: Marks, outcomes: int, classes: int) -> Bools:
    """Tell which overdoses have one of the outcomes and one of the classes; 0 asks for nothing."""
    kept = np.ones(len(marks), dtype=np.bool_)
    if outcomes:
        kept &= (marks & np.uint32(outcomes)) != 0
    if classes:
        kept &= (marks & np.uint32(classes)) != 0
    return kept
