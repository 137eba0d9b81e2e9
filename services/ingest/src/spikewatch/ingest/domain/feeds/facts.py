"""What structured fields say in the words that case definitions ask for."""

from functools import lru_cache
from typing import Final

from spikewatch.contracts.report import QualityNote, Reversal
from spikewatch.contracts.vocabulary import Outcome, YesNo
from spikewatch.ingest.domain.csv_rows import ENCODING_ASSUMED
from spikewatch.ingest.domain.record import Fields

__all__ = ["encoding_notes", "facts_of", "time_doubts"]

_ENCODING: Final = (QualityNote(field="record", code=ENCODING_ASSUMED),)
_RESPONSES: Final = {"improved": "naloxone_improved", "unchanged": "naloxone_unchanged", "worse": "naloxone_unchanged"}


def encoding_notes(fields: Fields) -> tuple[QualityNote, ...]:
    """Return the doubt about a row that was read as Windows-1252."""
    return _ENCODING if ENCODING_ASSUMED in fields else ()


@lru_cache(maxsize=256)
def time_doubts(codes: tuple[str, ...]) -> tuple[QualityNote, ...]:
    """Return the doubts about the time of the overdose."""
    return tuple(QualityNote(field="occurred_at", code=code) for code in codes)


def facts_of(outcome: Outcome, reversal: Reversal) -> frozenset[str]:
    """Return the facts about the outcome and the reversal drug; what is unknown gives none."""
    facts = {"dead"} if outcome is Outcome.FATAL else set[str]()
    if reversal.given is YesNo.YES:
        facts.add("naloxone_given")
        if reversal.response in _RESPONSES:
            facts.add(_RESPONSES[reversal.response])
        if reversal.before_ems is YesNo.YES:
            facts.add("naloxone_before_ems")
    return frozenset(facts)
