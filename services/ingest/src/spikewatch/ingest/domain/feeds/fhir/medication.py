"""Whether and how a reversal drug was given, from MedicationAdministration."""

from typing import Final

from spikewatch.contracts.report import Reversal
from spikewatch.contracts.vocabulary import ReversalGiver, YesNo
from spikewatch.ingest.domain.feeds.fhir.element import Element, codes, words
from spikewatch.ingest.domain.feeds.fhir.graph import Belongings

__all__ = ["reversal"]

# RxNorm: the codes of the official NEMSIS definition; SNOMED CT: the substance, as the IHE Pharmacy examples code it. The many codes
# of single products are told by their display.
_NALOXONE: Final = frozenset({"7242", "203192", "197117"})
_SNOMED_NALOXONE: Final = frozenset({"372890007"})
_NOT_GIVEN: Final = frozenset({"not-done", "stopped-before-start"})
_NEVER_WAS: Final = frozenset({"entered-in-error", "unknown", "on-hold"})
# SNOMED CT routes, by the value set "route-codes" of FHIR R4; one that is not here says nothing.
_ROUTES: Final = {
    "46713006": "intranasal",
    "78421000": "intramuscular",
    "47625008": "intravenous",
    "34206005": "other",
    "417255000": "intraosseous",
}
_UNITS: Final = {"mg": "mg", "ug": "mcg", "mcg": "mcg", "ml": "ml"}
_MOST_DOSES: Final = 99


def reversal(record: Belongings) -> Reversal:
    """Return the reversal drug as the hospital gave it; ``given`` is no only where an entry says so.

    Raises:
        Rejected: an administration of one is not as FHIR has it.
    """
    amounts: dict[str, float] = {}
    doses, drug, route, refused = 0, None, None, False
    for administration in record.of_kind("MedicationAdministration"):
        name = _reversal_drug(administration, record)
        status = administration.text("status")
        if name is None or status in _NEVER_WAS:
            continue
        if status in _NOT_GIVEN:
            refused = True
            continue
        doses, drug = doses + 1, drug or name
        dosage = administration.child("dosage")
        found = [code.code for code in codes(dosage.child("route"), "route")] if dosage.is_stated else []
        route = route or next((_ROUTES[code] for code in found if code in _ROUTES), None)
        dose = dosage.child("dose") if dosage.is_stated else dosage
        amount = dose.number("value") if dose.is_stated else None
        unit = _UNITS.get((dose.text("code") or dose.text("unit") or "").lower()) if dose.is_stated else None
        if amount is not None and unit is not None and 0 <= amount <= 10_000:
            amounts[unit] = amounts.get(unit, 0.0) + amount
    if not doses:
        return Reversal(given=YesNo.NO if refused else YesNo.UNKNOWN)
    single = next(iter(amounts.items())) if len(amounts) == 1 else (None, None)  # sums of several units cannot be added
    return Reversal(
        given=YesNo.YES,
        drug=drug,
        doses=min(doses, _MOST_DOSES),
        dose_amount=single[1],
        unit=single[0],
        route=route,
        by=ReversalGiver.HOSPITAL,
    )


def _reversal_drug(administration: Element, record: Belongings) -> str | None:
    concept = administration.child("medicationCodeableConcept")
    if not concept.is_stated:
        medication = record.follow(administration.child("medicationReference"), administration)
        concept = medication.child("code") if medication is not None else concept
    found = {(code.system, code.code) for code in codes(concept, "medication")}
    said = " ".join(words(concept)).lower()
    if "buprenorphine" in said or "pentazocine" in said:
        return None  # naloxone as part of a treatment's tablet reverses nothing
    if any((system == "rxnorm" and code in _NALOXONE) or (system == "snomed" and code in _SNOMED_NALOXONE) for system, code in found):
        return "naloxone"
    if "naloxone" in said or "narcan" in said:
        return "naloxone"
    return "nalmefene" if "nalmefene" in said else None
