"""Which substances a laboratory found: ObservationToxicologyLabResult, or the display of a result that did not come along."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from spikewatch.contracts.report import Code
from spikewatch.contracts.vocabulary import DrugBasis
from spikewatch.ingest.domain.evidence import Named
from spikewatch.ingest.domain.feeds.fhir.element import Element, codes, words
from spikewatch.ingest.domain.feeds.fhir.graph import CASE_CODES, Belongings

__all__ = ["Toxicology", "toxicology"]

_ABSENT_TEXT: Final = re.compile(
    r"\b(?:not\s+detected|none\s+detected|non[\s-]?detected|undetected|negative|neg|absent|false|no|nd|below|inconclusive|pending|cancelled|not\s+tested)\b"
    r"|^\s*<",
    re.IGNORECASE,
)
_PRESENT_TEXT: Final = re.compile(r"\b(?:detected|positive|pos|present|true|yes|trace|confirmed)\b|^\s*[>~]?\s*\d", re.IGNORECASE)
_ZERO: Final = re.compile(r"^\s*0+(?:\.0+)?(?!\d|\.\d)")
_PRESENT: Final = frozenset({"260373001", "10828004", "52101004", "POS", "DET", "H", "HH", "A", "AA"})  # SNOMED and v3 interpretation
_ABSENT: Final = frozenset({"260415000", "260385009", "2667000", "NEG", "ND", "IND"})
_VOID: Final = frozenset({"entered-in-error", "cancelled", "registered"})
_LONGEST_NAME: Final = 120


@dataclass(frozen=True, slots=True)
class Toxicology:
    """What was detected, and whether the laboratory reported any result at all."""

    names: tuple[Named, ...]
    codes: tuple[Code, ...]
    has_results: bool


def toxicology(record: Belongings) -> Toxicology:
    """Return the substances that were detected; a result whose meaning is unclear is none.

    Raises:
        Rejected: a result is not as FHIR has it.
    """
    names: list[Named] = []
    found: list[Code] = []
    results = 0
    for observation in record.of_kind("Observation"):
        for part in _results(observation):
            results += 1
            if not _is_detected(part):
                continue
            loinc = codes(part.child("code"), "toxicology")
            found += loinc
            first = loinc[0] if loinc else None
            names += [_named(text, first) for text in words(part.child("code"))[:1]]
    for report in record.of_kind("DiagnosticReport"):
        for reference in report.each("result"):
            name, _, value = (reference.text("display") or "").partition(":")
            # What came along was read itself; of the others only the display says anything.
            if name and value and record.follow(reference, report) is None:
                results += 1
                names += [_named(name, None)] if _says_present(value) else []
    return Toxicology(tuple(dict.fromkeys(names)), tuple(dict.fromkeys(found)), results > 0)


def _results(observation: Element) -> Iterator[Element]:
    if observation.text("status") in _VOID or observation.child("dataAbsentReason").is_stated:
        return
    known = codes(observation.child("code"), "toxicology")
    if any(code.code in CASE_CODES for code in known):
        return
    is_laboratory = any(
        coding.text("code") in {"laboratory", "LAB", "TX"} for part in observation.each("category") for coding in part.each("coding")
    )
    if not (is_laboratory or observation.child("specimen").is_stated or observation.child("component").is_stated or known):
        return
    yield observation
    yield from (part for part in observation.each("component") if not part.child("dataAbsentReason").is_stated)


def _is_detected(result: Element) -> bool:
    quantity, concept = result.child("valueQuantity"), result.child("valueCodeableConcept")
    if result.child("valueBoolean").is_stated:
        return result.child("valueBoolean").value is True
    if concept.is_stated:
        stated = {coding.text("code") for coding in concept.each("coding")}
        if stated & (_PRESENT | _ABSENT):
            return not stated & _ABSENT
        return any(_says_present(text) for text in words(concept))
    text = result.text("valueString")
    if text is not None:
        return _says_present(text)
    marks = {coding.text("code") for part in result.each("interpretation") for coding in part.each("coding")}
    if quantity.is_stated:
        value = quantity.number("value")
        return value is not None and value > 0 and quantity.text("comparator") not in {"<", "<="} and not marks & _ABSENT
    return bool(marks & _PRESENT) and not marks & _ABSENT


def _says_present(text: str) -> bool:
    return _ABSENT_TEXT.search(text) is None and _ZERO.search(text) is None and _PRESENT_TEXT.search(text) is not None


def _named(text: str, code: Code | None) -> Named:
    """Name a substance by what stands before LOINC's "[Mass/volume] in Blood"."""
    name = " ".join(text.partition("[")[0].split())[:_LONGEST_NAME]
    return Named(name, DrugBasis.TOXICOLOGY, code.code if code else None, code.system if code else None)
