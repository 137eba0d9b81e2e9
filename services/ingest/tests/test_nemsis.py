"""What a patient care report states: codes, time, place, identity; and what is never kept."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from spikewatch_testing.nemsis_reports import EXAMPLE, NIL, NOW, SOURCE, codes, negated, notes, reading, records, refused

from spikewatch.contracts.vocabulary import Disposition, Outcome, PlacePrecision, Sex, SourceType, TimeBasis, TimePrecision
from spikewatch.ingest.domain.feeds.feed import Source
from spikewatch.ingest.domain.feeds.nemsis import FEED
from spikewatch.ingest.domain.rejection import Fault


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
