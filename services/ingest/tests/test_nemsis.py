"""What becomes of the elements of a patient care report."""

import importlib.util
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

from spikewatch.contracts.vocabulary import (
    AgeBand,
    Disposition,
    Outcome,
    PlacePrecision,
    ReversalGiver,
    Sex,
    SourceType,
    TimeBasis,
    TimePrecision,
    YesNo,
)
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.feeds.nemsis import FEED
from spikewatch.ingest.domain.record import RawRecord
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.terminology import classifier

NOW = datetime(2026, 10, 1, tzinfo=UTC)
SOURCE = Source("cedar-ems", SourceType.EMS, NOW, UUID(int=1), "nemsis", county_fips="99001")


def _example() -> ModuleType:
    path = Path(__file__).parents[3] / "examples" / "feeds" / "nemsis" / "generate.py"
    spec = importlib.util.spec_from_file_location("nemsis_example", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXAMPLE = _example()
CLASSIFIER = classifier()
NIL = EXAMPLE.NR


def negated(value: str, pn: str) -> Any:
    return EXAMPLE.Negated(value, pn)


def records(body: str | bytes) -> list[RawRecord]:
    return list(FEED.records(body.encode() if isinstance(body, str) else body, "application/xml", limit=100))


def result(source: Source = SOURCE, **options: Any) -> Reading | NotAnOverdose:
    [record] = records(EXAMPLE.document(EXAMPLE.header(EXAMPLE.report(1, **options))))
    assert record.rejected is None
    return FEED.read(record.fields, source)


def reading(source: Source = SOURCE, **options: Any) -> Reading:
    found = result(source, **options)
    assert isinstance(found, Reading)
    return found


def refused(source: Source = SOURCE, **options: Any) -> Rejected:
    with pytest.raises(Rejected) as caught:
        result(source, **options)
    return caught.value


def notes(found: Reading) -> set[tuple[str, str]]:
    return {(note.field, note.code) for note in found.report.quality}


def codes(found: Reading, role: str) -> list[str]:
    return [code.code for code in found.found.codes if code.role == role]


def test_a_report_states_place_time_person_and_numbers() -> None:
    report = reading().report
    assert report.source_record_id == "26a00000-0000-4000-8000-000000000001"
    assert (report.occurred_at, report.occurred_at_basis) == (datetime(2026, 4, 2, 22, 7, 1, tzinfo=UTC), TimeBasis.PSAP_CALL)
    assert report.occurred_at_precision is TimePrecision.SECOND
    place = report.location
    assert (place.lat, place.lon, place.precision) == (40.131, -75.341, PlacePrecision.POINT)
    assert (place.address, place.intersection, place.city, place.zip5) == ("104 Main St", "Main St & Oak St", "gnis:1197131", "99951")
    assert (place.county_fips, place.tract, place.place_type) == ("99001", "99001210100", "Y92.481")
    assert (report.victims.age, report.victims.sex, report.victims.count) == (21, Sex.MALE, 1)
    assert (report.incident_number, report.cad_number) == ("2026-000001", "C26000001")
    assert (report.outcome, report.disposition, report.destination) == (Outcome.NONFATAL, Disposition.TRANSPORTED, "Cedar General Hospital")
    assert (report.quality, report.suspected) == ((), True)


def test_it_decides_nothing_and_hands_over_what_definitions_read() -> None:
    found = reading(narrative="Took fentanyl.")
    assert not found.is_declared
    assert (found.report.drugs, found.report.case_definition_hits) == ((), ())
    by_role = {code.role: (code.system, code.code) for code in found.found.codes}
    assert by_role["eSituation.11"] == ("icd10cm", "T40.1X1A")
    assert by_role["eMedications.03"] == ("rxnorm", "7242")
    assert by_role["eDispatch.01"] == ("nemsis", "2301053")
    assert by_role["eDispatch.03"] == ("mpds", "23C1")
    assert codes(found, "eHistory.17") == ["3117003", "3117015"]
    assert [(text.role, text.text) for text in found.found.statements] == [
        ("chief_complaint", "Found unresponsive"),
        ("narrative", "Took fentanyl."),
    ]
    assert found.found.facts == {
        "emergency_response",
        "dispatch_overdose",
        "drug_use_indicated",
        "overdose_protocol",
        "naloxone_given",
        "naloxone_improved",
    }


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"eResponse_05": "2205005"}, "non_emergency_response"),
        ({"eArrest_02": "3002005"}, "cardiac_arrest_overdose"),
        ({"eDispatch_01": "2301077"}, "dispatch_may_hide_overdose"),
        ({"eDispatch_01": "2301051", "eDispatch_03": "23D1"}, "dispatch_overdose"),
        ({"eProtocols_01": "9914135"}, "overdose_protocol"),
        ({"eHistory_17": "3117007"}, "drug_use_indicated"),
    ],
)
def test_a_fact_follows_from_its_element(changes: dict[str, Any], fact: str) -> None:
    assert fact in reading(**changes).found.facts


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"eHistory_17": ["3117001", "3117005", "3117017"]}, "drug_use_indicated"),
        ({"eHistory_17": negated("3117007", "8801015")}, "drug_use_indicated"),
        ({"eDispatch_01": NIL, "eDispatch_03": "26C1"}, "dispatch_overdose"),
        ({"eResponse_05": "2205013"}, "emergency_response"),
    ],
)
def test_a_fact_is_not_made_of_something_else(changes: dict[str, Any], fact: str) -> None:
    assert fact not in reading(**changes).found.facts


def test_a_symptom_that_a_pertinent_negative_negates_is_not_handed_over() -> None:
    found = reading(eSituation_10=["R06.89", negated("T40.1X1A", "8801031")], eSituation_11=NIL)
    assert codes(found, "eSituation.10") == ["R06.89"]
    assert codes(found, "eSituation.11") == []


# --- time


def without_call(**changes: Any) -> dict[str, Any]:
    return {"eTimes_01": NIL, **changes}


@pytest.mark.parametrize(
    ("changes", "basis", "at"),
    [
        (without_call(), TimeBasis.DISPATCH, "2026-04-02T22:09:01"),
        (without_call(eTimes_03=NIL), TimeBasis.SYMPTOM_ONSET, "2026-04-02T21:55:01"),
        (without_call(eTimes_03=NIL, eSituation_01=NIL), TimeBasis.DISPATCH, "2026-04-02T22:10:01"),
        (without_call(eTimes_03=NIL, eSituation_01=NIL, eTimes_05=NIL), TimeBasis.ON_SCENE, "2026-04-02T22:16:01"),
    ],
)
def test_the_next_best_time_is_taken(changes: dict[str, Any], basis: TimeBasis, at: str) -> None:
    report = reading(**changes).report
    assert report.occurred_at_basis is basis
    assert report.occurred_at.isoformat() == f"{at}+00:00"


def test_an_approximate_onset_is_known_to_the_hour() -> None:
    found = reading(**without_call(eTimes_03=NIL, eSituation_01=negated("2026-04-02T17:30:00-04:00", "8801029")))
    assert found.report.occurred_at_precision is TimePrecision.HOUR
    assert ("occurred_at", "approximate") in notes(found)


@pytest.mark.parametrize(
    "text",
    [
        "2026-04-31T18:00:00-04:00",
        "9999-01-01T00:00:00-04:00",
        "1900-01-01T00:00:00-04:00",
        "2026-11-30T18:00:00-04:00",
        "soon",
        "2026-04-02",
    ],
)
def test_a_time_that_cannot_be_is_passed_over_and_noted(text: str) -> None:
    found = reading(eTimes_01=text)
    assert found.report.occurred_at_basis is TimeBasis.DISPATCH
    assert ("occurred_at", "eTimes.01_unusable") in notes(found)


def test_without_any_usable_time_the_first_fault_is_told_with_an_example() -> None:
    numbers = ("01", "03", "05", "06", "07", "09", "11", "12", "13")
    fault = refused(**{f"eTimes_{number}": "2026-11-30T18:00:00-04:00" for number in numbers}, eSituation_01=NIL)
    assert (fault.fault, fault.field) == (Fault.FUTURE_TIME, "eTimes.01")
    assert fault.example
    missing = refused(**{f"eTimes_{number}": NIL for number in numbers}, eSituation_01=NIL)
    assert (missing.fault, missing.field) == (Fault.MISSING_FIELD, "eTimes.01")


def test_z_is_taken_with_a_note_and_a_missing_offset_needs_a_zone() -> None:
    z = reading(eTimes_01="2026-04-02T22:07:01.5Z")
    assert z.report.occurred_at == datetime(2026, 4, 2, 22, 7, 1, 500_000, tzinfo=UTC)
    assert ("occurred_at", "offset_written_z") in notes(z)
    naive = {f"eTimes_{number}": "2026-04-02T18:07:01" for number in ("01", "03", "05", "06", "07", "09", "11", "13")} | {
        "eSituation_01": NIL
    }
    assert refused(**naive).fault is Fault.NAIVE_TIME
    local = reading(Source("x", SourceType.EMS, NOW, UUID(int=1), "nemsis", time_zone="America/New_York"), **naive)
    assert local.report.occurred_at == datetime(2026, 4, 2, 22, 7, 1, tzinfo=UTC)
    assert ("occurred_at", "zone_assumed") in notes(local)


# --- place


@pytest.mark.parametrize("gps", ["91.0,-75.0", "40.1", "0,0", "0.000000,0.000000", "north"])
def test_coordinates_that_cannot_be_are_left_out_and_noted(gps: str) -> None:
    found = reading(eScene_11=gps)
    assert (found.report.location.lat, found.report.location.precision) == (None, PlacePrecision.ZIP)
    assert ("location.lat", "not_usable") in notes(found)


@pytest.mark.parametrize(("text", "zip5"), [("06810-1234", "06810"), ("06810-12345", "06810"), ("00000", None), ("K1A 0B1", None)])
def test_zip_codes(text: str, zip5: str | None) -> None:
    assert reading(eScene_19=text).report.location.zip5 == zip5


def test_the_county_comes_from_the_scene_the_tract_or_the_agency() -> None:
    assert reading(eScene_21="003").report.location.county_fips == "99003"
    assert ("location.county_fips", "other_state") in notes(reading(eScene_21="42091"))
    assert reading(eScene_21=NIL).report.location.county_fips == "99001"
    assumed = reading(eScene_21=NIL, eScene_23=NIL)
    assert assumed.report.location.county_fips == "99001"
    assert ("location.county_fips", "agency_county_assumed") in notes(assumed)
    nowhere = dict.fromkeys(("eScene_11", "eScene_17", "eScene_19", "eScene_21", "eScene_23"), NIL)
    assert reading(Source("x", SourceType.EMS, NOW, UUID(int=1), "nemsis"), **nowhere).report.location.precision is PlacePrecision.NONE


def test_directions_in_free_words_are_not_kept() -> None:
    assert reading(eScene_20="Behind Mary Example's house").report.location.intersection is None
    crossing = reading(eScene_15="Main St & Oak St").report.location
    assert (crossing.address, crossing.intersection) == (None, "Main St & Oak St")


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


# --- identity and privacy


def test_without_a_uuid_the_agency_and_its_number_are_the_identity() -> None:
    found = reading(uuid="no uuid")
    assert found.report.source_record_id == "99-0417/PCR-000001"
    assert ("source_record_id", "uuid_missing") in notes(found)
    hashed = reading(uuid="", eRecord_01="MRN 00123456").report.source_record_id
    assert hashed.startswith("hmac-")
    assert refused(uuid="", eRecord_01=NIL).field == "PatientCareReport/@UUID"


def test_a_number_that_may_be_a_name_is_not_kept() -> None:
    found = reading(eResponse_03="Mary Example", eDispatch_06="078-05-1120")
    assert (found.report.incident_number, found.report.cad_number) == (None, None)
    assert {("incident_number", "not_usable"), ("cad_number", "not_usable")} <= notes(found)


def test_nothing_of_the_person_is_left() -> None:
    found = reading(narrative="Mary Invented1, 610-555-0199, took heroin.")
    written = found.report.to_json().decode()
    for planted in ("Invented1", "Home Lane", "078051120", "1984-04-17", "555-0199", "99959", "99003", "Apt 2"):
        assert planted not in written
    assert not any("Invented1" in code.code for code in found.found.codes)


def test_a_record_alone_reads_as_it_did_in_its_file() -> None:
    body = EXAMPLE.files()["good.xml"]
    for record in records(body):
        [again] = records(record.alone())
        assert again.rejected is None
        assert FEED.read(again.fields, SOURCE) == FEED.read(record.fields, SOURCE)


def test_each_header_lends_its_agency_to_its_reports() -> None:
    first = EXAMPLE.header(EXAMPLE.report(1, uuid=""), agency="99-0001")
    second = EXAMPLE.header(EXAMPLE.report(2, uuid=""), agency="99-0002")
    ids = [FEED.read(record.fields, SOURCE).report.source_record_id for record in records(EXAMPLE.document(first, second))]  # type: ignore[union-attr]
    assert ids == ["99-0001/PCR-000001", "99-0002/PCR-000002"]


# --- case definitions


def hits(**options: Any) -> set[str]:
    found = CLASSIFIER.classify(reading(**options), SOURCE)
    return {hit.partition("@")[0] for hit in found.report.case_definition_hits} if isinstance(found, Reading) else set()


OPIOID = {"opioid", "nemsis-opioid-anchored", "nemsis-opioid-official"}
NOT_NAMED = {"eSituation_11": NIL, "eProtocols_01": NIL, "eHistory_17": NIL, "eDispatch_01": "2301051", "eDispatch_03": "26A1"}


def test_an_opioid_impression_meets_the_opioid_definitions() -> None:
    assert hits(medications=[]) >= OPIOID | {"heroin", "any-drug", "suspected-overdose"}


@pytest.mark.parametrize("code", ["T40.2X5A", "T40.411D", "T40.3X6A"])
def test_adverse_effects_meet_the_official_definition_only_as_published(code: str) -> None:
    met = hits(medications=[], eSituation_11=code)
    assert "nemsis-opioid-official" in met
    assert "nemsis-opioid-anchored" not in met


def test_naloxone_with_improvement_meets_them_without_any_code() -> None:
    assert hits(**NOT_NAMED) >= OPIOID
    by_police = EXAMPLE.medication(before=EXAMPLE.YES, by="9905047")
    assert hits(medications=[by_police], **NOT_NAMED) >= OPIOID


def test_negated_naloxone_meets_the_official_one_only_as_published() -> None:
    met = hits(medications=[EXAMPLE.medication(negated("7242", "8801019"))], **NOT_NAMED)
    assert not met & {"opioid", "nemsis-opioid-anchored"}


def test_a_chest_pain_is_no_overdose() -> None:
    assert hits(medications=[], **NOT_NAMED | {"eSituation_11": "I21.9", "eSituation_04": "Chest pain"}) == set()


# --- the public samples


@pytest.fixture
def nemsis_folder() -> Path:
    """The public samples, where they are present beside the repository; they are never part of it."""
    root = Path(__file__).parents[3]
    path = Path(os.environ.get("SPIKEWATCH_NEMSIS", str(root.parent / "shared" / "data" / "nemsis")))
    if not path.is_dir():
        pytest.skip("the public NEMSIS samples are not here; set SPIKEWATCH_NEMSIS to their folder")
    return path


@pytest.fixture
def sample(nemsis_folder: Path) -> Callable[[str], bytes]:
    return lambda name: (nemsis_folder / "samples" / name).read_bytes()


def _all(body: bytes) -> Iterator[Reading | NotAnOverdose]:
    for record in records(body):
        assert record.rejected is None
        yield FEED.read(record.fields, SOURCE)


def test_every_public_sample_is_read(nemsis_folder: Path) -> None:
    counts = {path.name: len(list(_all(path.read_bytes()))) for path in sorted((nemsis_folder / "samples").glob("*.xml"))}
    assert len(counts) == 10
    assert set(counts.values()) == {1}


def test_five_of_the_ten_public_samples_become_reports(nemsis_folder: Path) -> None:
    found = [one for path in sorted((nemsis_folder / "samples").glob("*.xml")) for one in _all(path.read_bytes())]
    classified = [CLASSIFIER.classify(one, SOURCE) for one in found if isinstance(one, Reading)]
    assert sum(isinstance(one, Reading) for one in classified) == 5


@pytest.mark.parametrize("name", ["full_2025-EMS-1-Overdose_v351.xml", "national_2025-EMS-1-Overdose_v351.xml"])
def test_the_official_overdose_sample(sample: Callable[[str], bytes], name: str) -> None:
    [found] = _all(sample(name))
    assert isinstance(found, Reading)
    report = found.report
    assert report.occurred_at == datetime(2024, 10, 8, 0, 20, tzinfo=UTC)
    assert (report.victims.age, report.victims.sex, report.outcome) == (45, Sex.FEMALE, Outcome.NONFATAL)
    assert (report.disposition, report.location.county_fips) == (Disposition.TREATMENT, "09001")
    assert (codes(found, "eSituation.11"), codes(found, "eSituation.12"), codes(found, "eDispatch.01")) == (
        ["F19"],
        ["F10.92"],
        ["2301097"],
    )
    assert codes(found, "eDisposition.21") == ["4221039"]
    assert found.found.facts == {"emergency_response", "drug_use_indicated", "overdose_protocol"}
    assert "Howell" not in report.to_json().decode()
    classified = CLASSIFIER.classify(found, SOURCE)
    assert isinstance(classified, Reading)
    met = {hit.partition("@")[0] for hit in classified.report.case_definition_hits}
    assert met & {"any-drug", "suspected-overdose"} == {"any-drug", "suspected-overdose"}
    assert not met & {"opioid", "heroin", "fentanyl", "nemsis-opioid-official", "nemsis-opioid-anchored", "cste-like-ems-opioid"}


def test_the_sample_of_pertinent_negatives(sample: Callable[[str], bytes]) -> None:
    [found] = _all(sample("EMSDataset-PNs-1.xml"))
    assert isinstance(found, Reading)
    assert (codes(found, "eSituation.10"), codes(found, "eMedications.03")) == ([], [])


def test_the_sample_of_nil_values(sample: Callable[[str], bytes]) -> None:
    [found] = _all(sample("EMSDataset-Nils-1.xml"))
    assert isinstance(found, Reading)
    assert found.report.occurred_at_basis is TimeBasis.DISPATCH
    assert (found.report.outcome, found.report.disposition) == (Outcome.UNKNOWN, Disposition.UNKNOWN)
    assert {code.role for code in found.found.codes} == {"eDispatch.01", "eResponse.05"}
