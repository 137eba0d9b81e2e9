"""The words that the closed fields of a report may have, with what each becomes."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from spikewatch.contracts.vocabulary import AgeBand, Confirmation, Disposition, Outcome, ReversalGiver, Sex, YesNo

__all__ = ["CLOSED"]


def _of(kind: type[StrEnum], **more: StrEnum) -> Mapping[str, object]:
    return {**{member.value: member for member in kind}, **more}


def _plain(*words: str) -> Mapping[str, object]:
    return {word: word for word in words}


_YES_NO: Final = _of(YesNo, y=YesNo.YES, n=YesNo.NO, true=YesNo.YES, false=YesNo.NO, u=YesNo.UNKNOWN)

CLOSED: Final[Mapping[str, Mapping[str, object]]] = {
    "outcome": {**_of(Outcome), "non-fatal": Outcome.NONFATAL},
    "confirmation": _of(Confirmation),
    "disposition": _of(Disposition),
    "sex": _of(Sex, f=Sex.FEMALE, m=Sex.MALE, u=Sex.UNKNOWN, x=Sex.OTHER),
    "age_band": _of(AgeBand),
    "reversal_given": _YES_NO,
    "reversal_before_ems": _YES_NO,
    "withdrawn": _YES_NO,
    "reversal_by": _of(ReversalGiver),
    "reversal_drug": _plain("naloxone", "nalmefene", "other"),
    "reversal_unit": _plain("mg", "mcg", "ml"),
    "reversal_route": _plain("intranasal", "intramuscular", "intravenous", "auto-injector", "intraosseous", "other"),
    "reversal_response": _plain("improved", "unchanged", "worse"),
}
"""Field: the words that a value map may name, in lower case."""
