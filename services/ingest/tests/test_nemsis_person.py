"""The person of a patient care report: age, outcome, disposition, reversal drug."""

from typing import Any

import pytest
from spikewatch_testing.nemsis_reports import EXAMPLE, NIL, codes, negated, notes, reading, result

from spikewatch.contracts.vocabulary import AgeBand, Disposition, Outcome, ReversalGiver, YesNo
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Reading

# --- the person


@pytest.mark.parametrize(
    ("age", "units", "expected"),
    [
        ("45", "2516009", (45, None)),
        ("89", "2516009", (89, None)),
        ("103", "2516009", (None, AgeBand.A90_PLUS)),
        ("30", "2516007", (2, None)),
        ("7", "2516001", (0, None)),
        ("7", NIL, (None, None)),
        ("450", "2516009", (None, None)),
        (NIL, "2516009", (None, None)),
    ],
)
def test_ages_in_their_units(age: Any, units: Any, expected: tuple[int | None, AgeBand | None]) -> None:
    person = reading(ePatient_15=age, ePatient_16=units).report.victims
    assert (person.age, person.age_band) == expected


def test_an_approximate_age_is_a_band() -> None:
    found = reading(ePatient_15=negated("45", "8801029"))
    assert (found.report.victims.age, found.report.victims.age_band) == (None, AgeBand.A40_49)
    assert ("victims.age", "approximate") in notes(found)


def test_several_patients_at_the_scene_are_no_count() -> None:
    assert reading(eScene_06="2707001").report.victims.count is None


# --- outcome and disposition


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"eScene_08": "2708009"}, Outcome.FATAL),
        ({"eSituation_13": "2813007"}, Outcome.FATAL),
        ({"eArrest_18": "3018001"}, Outcome.FATAL),
        ({"eArrest_18": "3018003"}, Outcome.FATAL),
        ({"eDisposition_19": "4219007"}, Outcome.FATAL),
        ({"eDisposition_19": "4219009"}, Outcome.FATAL),
        ({"eDisposition_21": "4221009"}, Outcome.FATAL),
        ({"eOutcome_01": "20"}, Outcome.FATAL),
        ({"eOutcome_02": "20"}, Outcome.FATAL),
        # the official definition of death counts these too; nobody is dead yet
        ({"eArrest_01": "3001003", "eArrest_12": "3012001", "eArrest_18": "3018005"}, Outcome.UNKNOWN),
        ({"eArrest_01": "3001003", "eArrest_17": "9901067", "eDisposition_19": NIL}, Outcome.UNKNOWN),
        ({"eArrest_18": "3018007"}, Outcome.NONFATAL),
        ({"eDisposition_19": NIL, "eDisposition_30": NIL}, Outcome.UNKNOWN),
        ({"eDisposition_19": NIL, "eDisposition_30": "4230009"}, Outcome.NONFATAL),
    ],
)
def test_only_a_stated_death_is_fatal(changes: dict[str, Any], outcome: Outcome) -> None:
    found = reading(**changes)
    assert found.report.outcome is outcome
    assert ("dead" in found.found.facts) == (outcome is Outcome.FATAL)


@pytest.mark.parametrize(
    ("changes", "disposition"),
    [
        ({"eDisposition_21": "4221019"}, Disposition.ARREST),
        ({"eDisposition_21": "4221039"}, Disposition.TREATMENT),
        ({"eDisposition_30": "4230009"}, Disposition.REFUSED),
        ({"eDisposition_30": "4230013"}, Disposition.RELEASED),
        ({"eDisposition_30": "4230013", "eDisposition_28": "4228007"}, Disposition.REFUSED),
        ({"eDisposition_30": NIL, "eDisposition_28": NIL}, Disposition.UNKNOWN),
        ({"eDisposition_30": "4230013", "eArrest_18": "3018003"}, Disposition.DIED_ON_SCENE),
    ],
)
def test_what_became_of_the_person(changes: dict[str, Any], disposition: Disposition) -> None:
    assert reading(**changes).report.disposition is disposition


def test_a_destination_that_is_not_called_like_a_facility_is_not_kept() -> None:
    assert reading(eDisposition_01="Mary Example").report.destination is None
    assert reading(eDisposition_01="Recovery House", eDisposition_21="4221001").report.destination is None


@pytest.mark.parametrize("unit", ["4227003", "4227005", "4227007", "4227009", "4227011"])
def test_without_a_patient_it_is_no_overdose_and_takes_back_an_earlier_one(unit: str) -> None:
    found = result(eDisposition_27=unit, eSituation_11=NIL)
    assert isinstance(found, NotAnOverdose)
    assert found.report is not None
    assert isinstance(result(eDisposition_27=unit), Reading)


# --- reversal


def given(*groups: Any, **changes: Any) -> Reading:
    return reading(medications=list(groups), **changes)


def test_doses_and_amounts_add_up() -> None:
    found = given(EXAMPLE.medication(response="9916003", dose="2"), EXAMPLE.medication(dose="0.4", route="9927023"))
    reversal = found.report.reversal
    assert (reversal.given, reversal.drug, reversal.doses, reversal.dose_amount, reversal.unit) == (YesNo.YES, "naloxone", 2, 2.4, "mg")
    assert (reversal.response, reversal.route, reversal.before_ems) == ("improved", None, YesNo.NO)
    assert ("reversal.route", "several") in notes(found)
    assert {"naloxone_improved", "naloxone_repeated_unchanged"} <= found.found.facts


def test_different_units_are_not_added() -> None:
    found = given(EXAMPLE.medication(), EXAMPLE.medication(dose="2", unit="3706025"))
    assert (found.report.reversal.dose_amount, found.report.reversal.unit, found.report.reversal.doses) == (None, None, 2)
    assert ("reversal.dose_amount", "mixed_units") in notes(found)


def test_a_dose_before_arrival_by_the_police() -> None:
    found = given(EXAMPLE.medication(), EXAMPLE.medication(before=EXAMPLE.YES, by="9905047", dose=NIL, unit=NIL))
    reversal = found.report.reversal
    assert (reversal.before_ems, reversal.by, reversal.dose_amount) == (YesNo.YES, ReversalGiver.POLICE, 4.0)
    assert {("reversal.by", "several"), ("reversal.dose_amount", "some_doses_without")} <= notes(found)
    assert "naloxone_before_ems" in found.found.facts


@pytest.mark.parametrize(
    ("role", "by"),
    [
        ("9905051", ReversalGiver.FIRE),
        ("9905045", ReversalGiver.LAYPERSON),
        ("9905049", ReversalGiver.LAYPERSON),
        ("9905021", ReversalGiver.LAYPERSON),
        ("9905043", ReversalGiver.SELF),
        ("9905007", ReversalGiver.EMS),
        (NIL, ReversalGiver.UNKNOWN),
    ],
)
def test_who_gave_it(role: Any, by: ReversalGiver) -> None:
    assert given(EXAMPLE.medication(by=role)).report.reversal.by is by


@pytest.mark.parametrize(("pn", "answer"), [("8801019", YesNo.NO), ("8801001", YesNo.NO), ("8801009", YesNo.UNKNOWN)])
def test_what_a_pertinent_negative_negates_was_not_given(pn: str, answer: YesNo) -> None:
    found = given(EXAMPLE.medication(negated("7242", pn)))
    assert (found.report.reversal.given, found.report.reversal.doses) == (answer, None)
    assert codes(found, "eMedications.03") == []
    assert "naloxone_negated_improved" in found.found.facts
    assert not {"naloxone_given", "naloxone_improved"} & found.found.facts


def test_not_applicable_not_recorded_and_another_drug_are_different() -> None:
    nothing = {"response": NIL, "dose": NIL, "unit": NIL, "route": NIL, "before": NIL, "by": NIL}
    assert given(EXAMPLE.medication(EXAMPLE.NA, **nothing)).report.reversal.given is YesNo.NO
    assert given(EXAMPLE.medication(NIL, **nothing)).report.reversal.given is YesNo.UNKNOWN
    other = given(EXAMPLE.medication("7806"))
    assert (other.report.reversal.given, codes(other, "eMedications.03")) == (YesNo.UNKNOWN, ["7806"])


def test_no_response_at_all_is_a_fact() -> None:
    facts = given(EXAMPLE.medication(response="9916003"), EXAMPLE.medication(response="9916005")).found.facts
    assert "naloxone_unchanged" in facts
    assert "naloxone_unchanged" not in given(EXAMPLE.medication(response="9916003"), EXAMPLE.medication(response=NIL)).found.facts
