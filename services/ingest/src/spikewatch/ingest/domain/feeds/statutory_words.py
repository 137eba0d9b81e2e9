"""The fields of the statutory minimum that have listed words or small numbers."""

import re
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

from spikewatch.contracts.report import Reversal, Victims
from spikewatch.contracts.vocabulary import (
    AgeBand,
    Confirmation,
    Disposition,
    Outcome,
    ReversalGiver,
    Sex,
    TimeBasis,
    YesNo,
)
from spikewatch.ingest.domain.evidence import Named
from spikewatch.ingest.domain.feeds.facts import facts_of
from spikewatch.ingest.domain.feeds.fields import choice, required, stated, whole
from spikewatch.ingest.domain.feeds.fields import number as decimal
from spikewatch.ingest.domain.record import Fields
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.repeated import repeated

__all__ = ["ROUTES", "Words", "names_of", "stated_victims", "stated_words", "victims_of", "words_of"]

E = TypeVar("E", bound=StrEnum)

_OLDEST_STATED: Final = 89  # older ages are pooled
_MOST_DRUGS: Final = 20  # the largest number of substances in one public row is 7


def _words(kind: type[E]) -> dict[str, E]:
    words = {member.value: member for member in kind}
    return {**words, "unk": words["unknown"]} if "unknown" in words else words


# 90+, 90 or older, >89. Of 65+ nobody knows the age.
_OPEN_AGE: Final = re.compile(
    r"(?:9\d|1[0-2]\d|130)\s*(?:\+|(?:years?\s*)?(?:and|or|&)\s*(?:over|older|above|up))|(?:>|over|above|older than)\s*(?:89|9\d)",
    re.IGNORECASE,
)
_YES_NO: Final = {**_words(YesNo), "y": YesNo.YES, "n": YesNo.NO, "true": YesNo.YES, "false": YesNo.NO, "u": YesNo.UNKNOWN}
_OUTCOME: Final = {**_words(Outcome), "non-fatal": Outcome.NONFATAL, "non fatal": Outcome.NONFATAL}
_SEX: Final = {**_words(Sex), "f": Sex.FEMALE, "m": Sex.MALE, "u": Sex.UNKNOWN}
_BASIS: Final = _words(TimeBasis)
_GIVER: Final = _words(ReversalGiver)
_DISPOSITION: Final = _words(Disposition)
_CONFIRMATION: Final = _words(Confirmation)
_BANDS: Final = _words(AgeBand)
_REVERSAL_DRUG: Final = {name: name for name in ("naloxone", "nalmefene", "other")}
ROUTES: Final = {name: name for name in ("intranasal", "intramuscular", "intravenous", "auto-injector", "intraosseous", "other")}
_UNIT: Final = {name: name for name in ("mg", "mcg", "ml")}
_RESPONSE: Final = {name: name for name in ("improved", "unchanged", "worse")}


def _reversal(fields: Fields) -> Reversal:
    return Reversal(
        given=choice(fields, "reversal_given", _YES_NO, YesNo.UNKNOWN),
        drug=choice(fields, "reversal_drug", _REVERSAL_DRUG, None),
        doses=whole(fields, "reversal_doses", 0, 99, "2"),
        dose_amount=decimal(fields, "reversal_dose_amount", 0, 10_000, "4"),
        unit=choice(fields, "reversal_unit", _UNIT, None),
        route=choice(fields, "reversal_route", ROUTES, None),
        by=choice(fields, "reversal_by", _GIVER, ReversalGiver.UNKNOWN),
        before_ems=choice(fields, "reversal_before_ems", _YES_NO, YesNo.UNKNOWN),
        response=choice(fields, "reversal_response", _RESPONSE, None),
    )


def stated_victims(fields: Fields) -> Victims:
    """Read age, sex and how many were counted.

    Raises:
        Rejected: one is wrong.
    """
    stated_age = fields.get("age")
    is_open = isinstance(stated_age, str) and not stated_age.isdecimal() and _OPEN_AGE.fullmatch(stated_age.strip()) is not None
    age = _OLDEST_STATED + 1 if is_open else whole(fields, "age", 0, 130, "34")
    band = choice(fields, "age_band", _BANDS, None)
    if age is not None and age > _OLDEST_STATED:
        age, band = None, AgeBand.A90_PLUS
    return Victims(count=whole(fields, "count", 1, 500, "1"), age=age, age_band=band, sex=choice(fields, "sex", _SEX, Sex.UNKNOWN))


class Words(NamedTuple):
    """What the fields with listed words say."""

    outcome: Outcome
    reversal: Reversal
    facts: frozenset[str]
    basis: TimeBasis
    confirmation: Confirmation
    disposition: Disposition
    is_withdrawn: bool


def stated_words(fields: Fields) -> Words:
    """Read the fields with listed words, and the numbers of the reversal drug.

    Raises:
        Rejected: one that the statutes ask for is missing, or one is wrong.
    """
    required(fields, "outcome", "one of fatal, nonfatal, unknown", "nonfatal")
    required(fields, "reversal_given", "one of yes, no, unknown", "yes")
    outcome, reversal = choice(fields, "outcome", _OUTCOME, Outcome.UNKNOWN), _reversal(fields)
    return Words(
        outcome,
        reversal,
        facts_of(outcome, reversal),
        choice(fields, "occurred_at_basis", _BASIS, TimeBasis.REPORTED),
        choice(fields, "confirmation", _CONFIRMATION, Confirmation.SUSPECTED),
        choice(fields, "disposition", _DISPOSITION, Disposition.UNKNOWN),
        choice(fields, "withdrawn", _YES_NO, YesNo.NO) is YesNo.YES,
    )


def _names(fields: Fields) -> tuple[Named, ...]:
    if "suspected_drugs" not in fields or (value := stated(fields, "suspected_drugs")) is None:
        return ()
    names = [part for part in value.split(";") if part.strip()] if isinstance(value, str) else value
    if not isinstance(names, list) or len(names) > _MOST_DRUGS or not all(isinstance(name, str) for name in names):
        expected = f"a list of at most {_MOST_DRUGS} names; in CSV separated by semicolons"
        raise Rejected(Fault.INVALID_FIELD, "suspected_drugs", "is not a list of names", expected, "fentanyl; xylazine")
    return tuple(Named(name) for name in names)


_REVERSAL: Final = ("given", "drug", "doses", "dose_amount", "unit", "route", "by", "before_ems", "response")

words_of: Final = repeated(
    (
        *("outcome", "occurred_at_basis", "confirmation", "disposition", "withdrawn"),
        *(f"reversal_{name}" for name in _REVERSAL),
    ),
    stated_words,
)
"""``stated_words`` that remembers."""

victims_of: Final = repeated(("age", "age_band", "sex", "count"), stated_victims)
"""``stated_victims`` that remembers."""

names_of: Final = repeated(("suspected_drugs",), _names)
"""Reads the names of the suspected substances."""
