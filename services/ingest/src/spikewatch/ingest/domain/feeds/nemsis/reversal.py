"""Folds the medication groups of a record into one statement about reversal drugs, and into facts."""

import math
import re
from typing import Final

from spikewatch.contracts.report import QualityNote, Reversal
from spikewatch.contracts.vocabulary import ReversalGiver, YesNo
from spikewatch.ingest.domain.feeds.nemsis.elements import APPROXIMATE, NOT_APPLICABLE, Pcr, Values, affirmed

__all__ = ["NALOXONE", "reversal"]

NALOXONE: Final = frozenset({"7242", "203192", "197117"})
"""RxNorm codes of naloxone, those of the official definition."""

_RXNORM: Final = frozenset({"", "9924003"})
_ALREADY_TAKEN: Final = "8801009"  # not given now because somebody gave it before
_YES: Final = "9923003"
_NO: Final = "9923001"
_IMPROVED: Final = "9916001"
_RESPONSES: Final = {_IMPROVED: "improved", "9916003": "unchanged", "9916005": "worse"}  # best first
_ROUTES: Final = {
    "9927015": "intramuscular",
    "9927017": "intranasal",
    "9927021": "intraosseous",
    "9927023": "intravenous",
    "9927063": "auto-injector",
}
_UNITS: Final = {"3706001": "g", "3706015": "mcg", "3706021": "mg", "3706025": "ml"}
_GIVERS: Final = {
    "9905047": ReversalGiver.POLICE,
    "9905051": ReversalGiver.FIRE,
    "9905045": ReversalGiver.LAYPERSON,
    "9905049": ReversalGiver.LAYPERSON,
    "9905021": ReversalGiver.LAYPERSON,
    "9905043": ReversalGiver.SELF,
}
_ROLE: Final = re.compile(r"99050\d\d", re.ASCII)  # the others are roles of EMS and clinical staff
_AMOUNT: Final = re.compile(r"\d{1,6}(?:\.\d{1,6})?", re.ASCII)
_MOST_DOSES: Final = 99


def reversal(pcr: Pcr) -> tuple[Reversal, set[str], list[QualityNote]]:
    """Return what is said about naloxone, the facts that case definitions ask for, and the doubts.

    A dose is a group whose code no pertinent negative negates. Amounts of different units are never added up.
    """
    given: list[Values] = []
    negated: list[Values] = []
    facts: set[str] = set()
    for group in pcr.medications:
        drug = group.get("eMedications.03", [])
        if any(value.text in NALOXONE for value in drug) and group["CodeType"][0].text in _RXNORM:
            (negated if any(value.pn not in {None, APPROXIMATE} for value in drug) else given).append(group)
    if any(_first(group, "07") == _IMPROVED for group in negated):
        facts.add("naloxone_negated_improved")
    if not given:
        return Reversal(given=_not_given(pcr, negated)), facts, []
    doubts: list[QualityNote] = []
    amount, unit = _amount(given, doubts)
    responses = [_first(group, "07") for group in given]
    before = [_first(group, "02") for group in given]
    facts |= _facts(responses, before)
    return (
        Reversal(
            given=YesNo.YES,
            drug="naloxone",
            doses=len(given) if len(given) <= _MOST_DOSES else None,
            dose_amount=amount,
            unit=unit,
            route=_route(given, doubts),
            by=_giver(given, doubts),
            before_ems=_before(before),
            response=next((word for code, word in _RESPONSES.items() if code in responses), None),
        ),
        facts,
        doubts,
    )


def _not_given(pcr: Pcr, negated: list[Values]) -> YesNo:
    if negated:
        taken = any(value.pn == _ALREADY_TAKEN for group in negated for value in group["eMedications.03"])
        return YesNo.UNKNOWN if taken else YesNo.NO
    codes = [value for group in pcr.medications for value in group.get("eMedications.03", [])]
    # "Not applicable" in every group says that no drug was given; a drug that is not naloxone says nothing about an earlier dose.
    return YesNo.NO if codes and all(not value.text and value.nv == NOT_APPLICABLE for value in codes) else YesNo.UNKNOWN


def _facts(responses: list[str | None], before: list[str | None]) -> set[str]:
    facts = {"naloxone_given"}
    stated = [response for response in responses if response in _RESPONSES]
    failed = sum(1 for response in stated if response != _IMPROVED)
    if _IMPROVED in stated:
        facts.add("naloxone_improved")
    elif stated and len(stated) == len(responses):
        facts.add("naloxone_unchanged")
    if failed and len(responses) > 1:
        facts.add("naloxone_repeated_unchanged")
    if _YES in before:
        facts.add("naloxone_before_ems")
    return facts


def _amount(given: list[Values], doubts: list[QualityNote]) -> tuple[float | None, str | None]:
    sums: dict[str, float] = {}
    is_partial = False
    for group in given:
        text, unit = _first(group, "05") or "", _UNITS.get(_first(group, "06") or "")
        if unit and _AMOUNT.fullmatch(text):
            sums[unit] = sums.get(unit, 0.0) + float(text)
        else:
            is_partial = True
    if not sums:
        return None, None
    if len(sums) > 1:
        doubts.append(QualityNote(field="reversal.dose_amount", code="mixed_units"))
        return None, None
    if is_partial:
        doubts.append(QualityNote(field="reversal.dose_amount", code="some_doses_without"))
    unit, total = next(iter(sums.items()))
    return math.floor(total * 1e6 + 0.5) / 1e6, unit


def _route(given: list[Values], doubts: list[QualityNote]) -> str | None:
    routes = {_ROUTES.get(code, "other") for group in given if (code := _first(group, "04"))}
    if len(routes) > 1:
        doubts.append(QualityNote(field="reversal.route", code="several"))
    return next(iter(routes)) if len(routes) == 1 else None


def _giver(given: list[Values], doubts: list[QualityNote]) -> ReversalGiver:
    """Return who gave the first dose before arrival, else the first dose; several givers are noted."""
    ordered = sorted(given, key=lambda group: _first(group, "02") != _YES)
    givers = [_GIVERS.get(role, ReversalGiver.EMS) for group in ordered if _ROLE.fullmatch(role := _first(group, "10") or "")]
    if len(set(givers)) > 1:
        doubts.append(QualityNote(field="reversal.by", code="several"))
    return givers[0] if givers else ReversalGiver.UNKNOWN


def _before(before: list[str | None]) -> YesNo:
    if _YES in before:
        return YesNo.YES
    return YesNo.NO if all(answer == _NO for answer in before) else YesNo.UNKNOWN


def _first(group: Values, number: str) -> str | None:
    return next((value.text for value in affirmed(group, f"eMedications.{number}")), None)
