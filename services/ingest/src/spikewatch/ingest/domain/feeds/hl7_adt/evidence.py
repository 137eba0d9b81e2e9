"""What an ADT message says of why the person came: diagnoses, chief complaint, triage note, class and end of the visit."""

import re
from functools import lru_cache
from typing import Final

from spikewatch.contracts.report import Code, QualityNote
from spikewatch.contracts.vocabulary import DrugBasis
from spikewatch.ingest.domain.evidence import Found, Statement
from spikewatch.ingest.domain.feeds.hl7_adt import tables
from spikewatch.ingest.domain.feeds.hl7_adt.er7 import LONGEST_TEXT, Message, Observations, Segment, Values

__all__ = ["found"]

_EMERGENCY_CARE: Final = "261QE0002X"  # NUCC's code of an emergency department
_TEXT_TYPES: Final = frozenset({"TX", "ST", "FT"})
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.]{1,17}", re.ASCII)
_ICD10_SHAPE: Final = re.compile(r"[A-TV-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?", re.ASCII)
_ICD10_WHOLE: Final = re.compile(r"[A-TV-Z]\d[0-9A-Z]\.?[0-9A-Z]{4}", re.ASCII)
_ICD10_NAME: Final = re.compile(r"(?:ICD10|I10C)(?!P)", re.ASCII)  # ICD-10-CM-2026, ICD-10-CM Diagnosis; not the procedures
_WRITTEN_IN_LETTERS: Final = frozenset({"icd10cm", "snomed"})
_FIRST_ICD10: Final = "20151001"  # the day US hospitals changed to ICD-10-CM: before it E850.0 is ICD-9
_SYSTEM_ASSUMED: Final = QualityNote(field="diagnosis", code="coding_system_assumed")
_NULL: Final = '""'
_FACTS: Final = {
    (False, False): frozenset[str](),
    (True, False): frozenset({"emergency_response"}),
    (False, True): frozenset({"dead"}),
    (True, True): frozenset({"emergency_response", "dead"}),
}
_Coding = tuple[str, str, str]
"""Coding system, code and role."""


def found(message: Message, visit: Segment | None, observations: Observations) -> tuple[Found, tuple[QualityNote, ...]]:
    """Return all that classification looks at, and the doubts about it."""
    codes: dict[_Coding, None] = {}
    statements: list[Statement] = []
    is_assumed = False
    for diagnosis in message.segments.get("DG1", ()):
        if diagnosis.code(21).upper() == tables.DELETED:
            continue
        is_assumed |= _read_diagnosis(message, diagnosis, codes, statements)
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
    notes = (_SYSTEM_ASSUMED,) if is_assumed else ()
    said = tuple(dict.fromkeys(statements)) if len(statements) > 1 else tuple(statements)
    return Found(tuple([_coded(*code) for code in codes]), statements=said, facts=_facts(message, visit, observations)), notes


def _read_diagnosis(message: Message, diagnosis: Segment, codes: dict[_Coding, None], statements: list[Statement]) -> bool:
    """Take a diagnosis in, and tell whether the coding system of one of its codes was assumed."""
    has_code = is_assumed = False
    for value in diagnosis.repetitions(3):
        for code, system in _triplets(message.values, message.values.components(value)):
            named = _system(system or diagnosis.code(2))
            if named not in _WRITTEN_IN_LETTERS and _is_icd10(code, named, system) and message.head.code(7)[:8] >= _FIRST_ICD10:
                named, is_assumed = "icd10cm", True
            if named is not None:
                codes[named, code, "diagnosis"] = None
                has_code = True
    if not has_code:
        # A diagnosis without a code that we know is one only in its words.
        texts = (*_texts(message.values, diagnosis.raw(3), (2, 5, 9)), *_texts(message.values, diagnosis.raw(4), (1,)))
        statements.extend(Statement("diagnosis_text", text, DrugBasis.SUSPECTED) for text in texts)
    return is_assumed


def _read_value(message: Message, value: str, role: str, codes: dict[_Coding, None], statements: list[Statement], *, is_text: bool) -> None:
    """Read a text of OBX-5 or PV2-3: component 9, 2 or 5 of a coded value, or the whole of a plain one."""
    if not value or value == _NULL:
        return
    drugs_are = None if role == "narrative" else DrugBasis.SUSPECTED
    if is_text:
        if text := _plain(message.values, value.replace(message.separators.component, " ")):
            statements.append(Statement(role, text, drugs_are))
        return
    for code, system in _triplets(message.values, message.values.components(value)):
        if (named := _system(system)) is not None:
            codes[named, code, role] = None
    statements.extend([Statement(role, text, drugs_are) for text in _texts(message.values, value, (9, 2, 5))])


def _triplets(values: Values, parts: list[str]) -> list[tuple[str, str]]:
    """Return code and coding system of a coded value, then of its alternative."""
    found = []
    count = len(parts)
    if parts[0] and _CODE.fullmatch(code := values.code(parts[0])):
        found.append((code, values.code(parts[2]) if count > 2 else ""))
    if count > 3 and parts[3] and _CODE.fullmatch(code := values.code(parts[3])):
        found.append((code, values.code(parts[5]) if count > 5 else ""))
    return found


def _texts(values: Values, value: str, numbers: tuple[int, ...]) -> tuple[str, ...]:
    parts = values.components(value)
    count = len(parts)
    texts = [text for number in numbers if number <= count and (text := _plain(values, parts[number - 1]))]
    if not texts and count <= 2 and (text := _plain(values, parts[0])):
        return (text,)  # a text where a code should stand
    return tuple(dict.fromkeys(texts)) if len(texts) > 1 else tuple(texts)


def _plain(values: Values, value: str) -> str:
    if not value:
        return ""
    marks = values.separators
    if marks.subcomponent and marks.subcomponent in value:
        value = value.replace(marks.subcomponent, " ")
    if len(value) > LONGEST_TEXT or (marks.escape and marks.escape in value):
        value = values.text(value)
    return " ".join(value.split())


@lru_cache(maxsize=4_096)
def _coded(system: str, code: str, role: str) -> Code:
    return Code(system=system, code=code, role=role)


@lru_cache(maxsize=256)
def _system(name: str) -> str | None:
    if not name:
        return None
    plain = name.upper().replace("-", "").replace(" ", "").removeprefix("URN:OID:")
    return tables.CODING_SYSTEMS.get(plain) or ("icd10cm" if _ICD10_NAME.match(plain) else None)


def _is_icd10(code: str, named: str | None, system: str) -> bool:
    """Tell whether a code is of ICD-10-CM by its looks.

    None of ICD-9 looks so, but those that begin with E or V; many interfaces still name it. Of a system that is not known only a
    code of full length does.
    """
    if _ICD10_SHAPE.fullmatch(code) is None:
        return False
    if named is not None:
        return code[0] not in "EV"
    return not system or _ICD10_WHOLE.fullmatch(code) is not None


def _facts(message: Message, visit: Segment | None, observations: Observations) -> frozenset[str]:
    is_emergency = visit is not None and visit.code(2).upper() == "E"
    if not is_emergency:
        is_emergency = any(code == tables.FACILITY_TYPE and observation.word(5) == _EMERGENCY_CARE for code, observation in observations)
    is_dead = visit is not None and visit.code(36).upper() in tables.EXPIRED
    if not is_dead:
        person = message.first("PID")
        if person is not None and (person.raw(29) or person.raw(30)):
            is_dead = person.code(30).upper() == "Y" or person.code(29) != ""
    return _FACTS[is_emergency, is_dead]
