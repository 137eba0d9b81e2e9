"""What an ADT message says of why the person came: diagnoses, chief complaint, triage note, class and end of the visit."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from spikewatch.contracts.report import Code, QualityNote
from spikewatch.contracts.vocabulary import DrugBasis
from spikewatch.ingest.domain.evidence import Found, Statement
from spikewatch.ingest.domain.feeds.hl7_adt import tables
from spikewatch.ingest.domain.feeds.hl7_adt.er7 import Message, Observations, Segment

__all__ = ["found"]

_EMERGENCY_CARE: Final = "261QE0002X"  # NUCC's code of an emergency department
_TEXT_TYPES: Final = frozenset({"TX", "ST", "FT"})
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.]{1,17}", re.ASCII)
_ICD10_SHAPE: Final = re.compile(r"[A-TV-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?", re.ASCII)
_FIRST_ICD10: Final = "20151001"  # the day US hospitals changed to ICD-10-CM: before it E850.0 is ICD-9
_SYSTEM_ASSUMED: Final = QualityNote(field="diagnosis", code="coding_system_assumed")
_NULL: Final = '""'


def found(message: Message, visit: Segment | None, observations: Observations) -> tuple[Found, tuple[QualityNote, ...]]:
    """Return all that classification looks at, and the doubts about it."""
    codes: dict[Code, None] = {}
    statements: list[Statement] = []
    notes: dict[QualityNote, None] = {}
    for diagnosis in message.segments.get("DG1", ()):
        if diagnosis.raw(21) and diagnosis.code(21).upper() == tables.DELETED:
            continue
        _read_diagnosis(message, diagnosis, codes, statements, notes)
    for observed, observation in observations:
        role = tables.OBSERVED_TEXTS.get(observed)
        if role is not None:
            is_text = observation.raw(2).strip() in _TEXT_TYPES
            for value in observation.repetitions(5):
                _read_value(message, value, role, codes, statements, is_text=is_text)
    reason = message.first("PV2")
    if reason is not None:
        for value in reason.repetitions(3):
            _read_value(message, value, "chief_complaint", codes, statements, is_text=False)
    return Found(tuple(codes), statements=tuple(dict.fromkeys(statements)), facts=_facts(message, visit, observations)), tuple(notes)


def _read_diagnosis(
    message: Message, diagnosis: Segment, codes: dict[Code, None], statements: list[Statement], notes: dict[QualityNote, None]
) -> None:
    has_code = False
    for value in diagnosis.repetitions(3):
        parts = message.components(value)
        for code, system in _triplets(message, parts):
            named = _system(system) if system else _system(diagnosis.code(2))
            if named is None and not system and _ICD10_SHAPE.fullmatch(code) and message.head.code(7)[:8] >= _FIRST_ICD10:
                named = "icd10cm"
                notes[_SYSTEM_ASSUMED] = None
            if named is not None:
                codes[_coded(named, code, "diagnosis")] = None
                has_code = True
    if not has_code:
        # A diagnosis without a code that we know is one only in its words.
        texts = (*_texts(message, diagnosis.raw(3), (2, 5, 9)), *_texts(message, diagnosis.raw(4), (1,)))
        statements.extend(Statement("diagnosis_text", text, DrugBasis.SUSPECTED) for text in texts)


def _read_value(message: Message, value: str, role: str, codes: dict[Code, None], statements: list[Statement], *, is_text: bool) -> None:
    """Read a text of OBX-5 or PV2-3: component 9, 2 or 5 of a coded value, or the whole of a plain one."""
    if not value or value == _NULL:
        return
    if is_text:
        found: Iterator[str] = iter([_plain(message, value.replace(message.separators.component, " "))])
    else:
        for code, system in _triplets(message, message.components(value)):
            if (named := _system(system)) is not None:
                codes[_coded(named, code, role)] = None
        found = _texts(message, value, (9, 2, 5))
    drugs_are = None if role == "narrative" else DrugBasis.SUSPECTED
    statements.extend(Statement(role, text, drugs_are) for text in found if text)


def _triplets(message: Message, parts: list[str]) -> Iterator[tuple[str, str]]:
    """Yield code and coding system of a coded value, then of its alternative."""
    for at in (0, 3):
        if len(parts) > at and parts[at] and _CODE.fullmatch(code := message.code(parts[at])):
            yield code, message.code(parts[at + 2]) if len(parts) > at + 2 else ""


def _texts(message: Message, value: str, numbers: tuple[int, ...]) -> Iterator[str]:
    parts = message.components(value)
    texts = [_plain(message, parts[number - 1]) for number in numbers if len(parts) >= number]
    if not any(texts) and len(parts) <= 2:
        texts = [_plain(message, parts[0])]  # a text where a code should stand
    yield from dict.fromkeys(text for text in texts if text)


def _plain(message: Message, value: str) -> str:
    marks = message.separators
    if marks.subcomponent and marks.subcomponent in value:
        value = value.replace(marks.subcomponent, " ")
    return " ".join(message.text(value).split())


@lru_cache(maxsize=4_096)
def _coded(system: str, code: str, role: str) -> Code:
    return Code(system=system, code=code, role=role)


@lru_cache(maxsize=256)
def _system(name: str) -> str | None:
    return tables.CODING_SYSTEMS.get(name.upper().replace("-", "").replace(" ", "")) if name else None


def _facts(message: Message, visit: Segment | None, observations: Observations) -> frozenset[str]:
    facts: set[str] = set()
    if visit is not None:
        if visit.code(2).upper() == "E":
            facts.add("emergency_response")
        if visit.code(36) in tables.EXPIRED:
            facts.add("dead")
    person = message.first("PID")
    if person is not None and (person.raw(29) or person.raw(30)) and (person.code(30).upper() == "Y" or person.code(29)):
        facts.add("dead")
    if any(code == tables.FACILITY_TYPE and observation.code(5) == _EMERGENCY_CARE for code, observation in observations):
        facts.add("emergency_response")
    return frozenset(facts)
