"""What a record hands to the case definitions: codes with their elements, the complaint, the narrative, and facts."""

import re
from functools import lru_cache
from typing import Final

from spikewatch.contracts.report import Code
from spikewatch.contracts.vocabulary import DrugBasis, Outcome
from spikewatch.ingest.domain.evidence import Found, Statement
from spikewatch.ingest.domain.feeds.nemsis.elements import Pcr, affirmed

__all__ = ["found"]

_DIAGNOSES: Final = ("eSituation.09", "eSituation.10", "eSituation.11", "eSituation.12", "eInjury.01", "eOutcome.10", "eOutcome.13")
_CODED: Final = (
    "eDispatch.01",
    "eResponse.05",
    "eScene.08",
    "eSituation.13",
    "eArrest.02",
    "eArrest.03",
    "eArrest.12",
    "eArrest.16",
    "eArrest.17",
    "eArrest.18",
    "eHistory.17",
    "eProtocols.01",
    "eDisposition.12",
    "eDisposition.19",
    "eDisposition.21",
)
_DIAGNOSIS: Final = re.compile(r"[A-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?", re.ASCII | re.IGNORECASE)
_NUMBER: Final = re.compile(r"\d{2,9}", re.ASCII)
_MEDICATION: Final = re.compile(r"\d{2,18}", re.ASCII)
_DETERMINANT: Final = re.compile(r"\d{1,2}-?[A-ZΩ]-?\d{0,2}[A-Z]{0,2}", re.IGNORECASE)
_OVERDOSE_PROTOCOL: Final = re.compile(r"23-?[A-ZΩ]", re.IGNORECASE)  # MPDS protocol 23, overdose and poisoning
_SNOMED: Final = "9924005"
_FACTS: Final = (
    ("emergency_response", "eResponse.05", ("2205001", "2205003", "2205009")),
    ("non_emergency_response", "eResponse.05", ("2205005", "2205007", "2205015", "2205017", "2205019")),
    ("dispatch_overdose", "eDispatch.01", ("2301053",)),
    # cardiac arrest, unconscious, unknown problem, altered mental status
    ("dispatch_may_hide_overdose", "eDispatch.01", ("2301019", "2301077", "2301079", "2301085")),
    ("cardiac_arrest_overdose", "eArrest.02", ("3002005",)),
    ("drug_use_indicated", "eHistory.17", ("3117003", "3117007", "3117009", "3117013", "3117015")),
    ("overdose_protocol", "eProtocols.01", ("9914135", "9914219", "9914225")),
)


def found(pcr: Pcr, ended: Outcome, facts: set[str]) -> Found:
    """Return everything that classification may look at; what a pertinent negative negates is not handed over."""
    facts = facts | {fact for fact, name, codes in _FACTS if pcr.has(name, *codes)}
    if ended is Outcome.FATAL:
        facts.add("dead")
    determinant = pcr.text("eDispatch.03")
    if determinant and _OVERDOSE_PROTOCOL.match(determinant):
        facts.add("dispatch_overdose")
    statements = [
        Statement(role, value.text, basis)
        for name, role, basis in (
            ("eSituation.04", "chief_complaint", DrugBasis.SUSPECTED),
            ("eNarrative.01", "narrative", None),  # it also names what the crew gave, and what was denied
        )
        for value in pcr.stated(name)
    ]
    return Found(codes=tuple(dict.fromkeys(_codes(pcr, determinant))), statements=tuple(statements), facts=frozenset(facts))


def _codes(pcr: Pcr, determinant: str | None) -> list[Code]:
    codes = [_coded("icd10cm", value.text, name) for name in _DIAGNOSES for value in pcr.stated(name) if _DIAGNOSIS.fullmatch(value.text)]
    codes += [_coded("nemsis", value.text, name) for name in _CODED for value in pcr.stated(name) if _NUMBER.fullmatch(value.text)]
    for group in pcr.medications:
        system = "snomed" if any(value.text == _SNOMED for value in group.get("CodeType", ())) else "rxnorm"
        codes += [
            _coded(system, value.text, "eMedications.03")
            for value in affirmed(group, "eMedications.03")
            if _MEDICATION.fullmatch(value.text)
        ]
    if determinant and _DETERMINANT.fullmatch(determinant):
        codes.append(_coded("mpds", determinant, "eDispatch.03"))
    return codes


@lru_cache(maxsize=4_096)
def _coded(system: str, code: str, role: str) -> Code:
    return Code(system=system, code=code, role=role)
