from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from spikewatch.contracts.report import Report
from spikewatch.contracts.vocabulary import AgeBand, DrugClass, Outcome, PlacePrecision, Sex, SourceType, TimeBasis, YesNo
from spikewatch.ingest.domain.classification import interpret
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.terminology import classifier

CLASSIFIER = classifier()
SOURCE = Source(
    "cedar-ems",
    SourceType.EMS,
    datetime(2026, 5, 2, tzinfo=UTC),
    UUID(int=1),
    "statutory",
    time_zone="America/New_York",
    county_fips="99001",
)
STATUTORY: dict[str, Any] = {
    "record_id": "PCR-1",
    "occurred_at": "2026-05-01T14:03:00-04:00",
    "zip": "19401",
    "outcome": "nonfatal",
    "reversal_given": "yes",
}
CALL: dict[str, Any] = {
    "lat": "40.12",
    "lng": "-75.34",
    "desc": "MAIN ST & DEAD END;  EAST SPRINGFIELD; Station 1; 2016-03-13 @ 21:18:47;",
    "zip": "19401",
    "title": "EMS: OVERDOSE",
    "timestamp": "2016-03-13 21:22:00",
    "twp": "EAST SPRINGFIELD",
    "addr": "MAIN ST & DEAD END",
    "e": "1",
}


def statutory(**changed: Any) -> Report:
    reading = interpret(FEEDS["statutory"], {**STATUTORY, **changed}, SOURCE, CLASSIFIER)
    assert isinstance(reading, Reading)
    return reading.report


def call(source: Source = SOURCE, **changed: Any) -> Report:
    reading = interpret(FEEDS["cad_911"], {**CALL, **changed}, source, CLASSIFIER)
    assert isinstance(reading, Reading)
    return reading.report


def codes(report: Report) -> set[tuple[str, str]]:
    return {(note.field, note.code) for note in report.quality}


def test_the_minimum_becomes_a_report() -> None:
    report = statutory()
    assert report.occurred_at.isoformat() == "2026-05-01T18:03:00+00:00"
    assert (report.outcome, report.reversal.given, report.location.zip5) == (Outcome.NONFATAL, YesNo.YES, "19401")
    assert (report.location.precision, report.location.county_fips) == (PlacePrecision.ZIP, "99001")
    assert codes(report) == {("location.county_fips", "agency_county_assumed")}


def test_json_and_csv_of_one_record_say_the_same() -> None:
    fields = {"lat": 40.1, "lon": -75.3, "age": 34, "sex": "F", "suspected_drugs": ["fentanyl", "Xylazine"], "reversal_doses": 2}
    texts = {"lat": "40.1", "lon": "-75.3", "age": "34", "sex": "F", "suspected_drugs": "fentanyl; Xylazine", "reversal_doses": "2"}
    assert statutory(**fields) == statutory(**texts)
    report = statutory(**fields)
    assert [drug.drug_class for drug in report.drugs] == [DrugClass.FENTANYL, DrugClass.OTHER]
    assert (report.victims.sex, report.location.precision) == (Sex.FEMALE, PlacePrecision.POINT)


def test_json_may_group_place_reversal_and_person() -> None:
    plain = {name: value for name, value in STATUTORY.items() if name not in {"zip", "reversal_given"}}
    grouped = {**plain, "location": {"zip": "19401"}, "reversal": {"given": "yes"}, "victims": {"age": 95}}
    reading = interpret(FEEDS["statutory"], grouped, SOURCE, CLASSIFIER)
    assert isinstance(reading, Reading)
    assert reading.report == statutory(age=95)
    assert (reading.report.victims.age, reading.report.victims.age_band) == (None, AgeBand.A90_PLUS)


def test_without_a_record_id_the_content_identifies_the_report() -> None:
    assert statutory(record_id=None).report_key == statutory(record_id="", ignored="x").report_key
    assert statutory(record_id=None).report_key != statutory(record_id=None, age=30).report_key


def test_a_naive_time_is_read_in_the_agencys_zone_and_noted() -> None:
    report = statutory(occurred_at="2026-05-01T14:03:00")
    assert report.occurred_at == statutory().occurred_at
    assert ("occurred_at", "zone_assumed") in codes(report)


def test_an_unlisted_substance_becomes_other_and_is_noted() -> None:
    report = statutory(suspected_drugs=["Jane Doe"])
    assert [drug.term for drug in report.drugs] == ["other"]
    assert ("drugs", "not_recognised") in codes(report)


def test_identifiers_inside_an_address_are_taken_out() -> None:
    report = statutory(address="12 Main St, call 610-555-0199, DOB 04/17/1984")
    assert report.location.address == "12 Main St, call [removed], [removed]"
    assert ("location.address", "identifier_removed") in codes(report)


@pytest.mark.parametrize(
    ("changed", "fault", "field"),
    [
        ({"occurred_at": None}, Fault.MISSING_FIELD, "occurred_at"),
        ({"occurred_at": 5}, Fault.INVALID_FIELD, "occurred_at"),
        ({"occurred_at": "2026-06-01T00:00:00Z"}, Fault.FUTURE_TIME, "occurred_at"),
        ({"outcome": ""}, Fault.MISSING_FIELD, "outcome"),
        ({"outcome": "perhaps"}, Fault.INVALID_FIELD, "outcome"),
        ({"outcome": ["fatal"]}, Fault.INVALID_FIELD, "outcome"),
        ({"reversal_given": None}, Fault.MISSING_FIELD, "reversal_given"),
        ({"zip": None}, Fault.MISSING_FIELD, "location"),
        ({"zip": "1940"}, Fault.INVALID_FIELD, "zip"),
        ({"lat": 123.4, "lon": 0}, Fault.OUT_OF_RANGE, "lat"),
        ({"lat": 12.4, "lon": -181}, Fault.OUT_OF_RANGE, "lon"),
        ({"lat": 12.4}, Fault.MISSING_FIELD, "lon"),
        ({"lat": True, "lon": 1}, Fault.INVALID_FIELD, "lat"),
        ({"lat": float("nan"), "lon": 1}, Fault.OUT_OF_RANGE, "lat"),
        ({"reversal_doses": "many"}, Fault.INVALID_FIELD, "reversal_doses"),
        ({"reversal_doses": 1.5}, Fault.INVALID_FIELD, "reversal_doses"),
        ({"age": 400}, Fault.OUT_OF_RANGE, "age"),
        ({"record_id": "Jane Doe"}, Fault.INVALID_FIELD, "record_id"),
        ({"record_id": "078-05-1120"}, Fault.INVALID_FIELD, "record_id"),
        ({"city": "610-555-0199"}, Fault.INVALID_FIELD, "city"),
        ({"address": 12}, Fault.INVALID_FIELD, "address"),
        ({"address": "x" * 600}, Fault.INVALID_FIELD, "address"),
        ({"address": "\ud800"}, Fault.INVALID_FIELD, "address"),
        ({"suspected_drugs": [1]}, Fault.INVALID_FIELD, "suspected_drugs"),
        ({"suspected_drugs": {"a": 1}}, Fault.INVALID_FIELD, "suspected_drugs"),
        ({"revision": 0}, Fault.OUT_OF_RANGE, "revision"),
        ({"county_fips": "42"}, Fault.INVALID_FIELD, "county_fips"),
    ],
)
def test_a_bad_field_is_refused_with_what_was_expected(changed: dict[str, Any], fault: Fault, field: str) -> None:
    with pytest.raises(Rejected) as caught:
        statutory(**changed)
    rejected = caught.value
    assert (rejected.fault, rejected.field) == (fault, field)
    assert rejected.problem
    assert rejected.expected
    assert rejected.example


def test_a_call_takes_its_time_from_the_description() -> None:
    report = call()
    assert report.occurred_at.isoformat() == "2016-03-14T01:18:47+00:00"
    assert report.occurred_at_basis is TimeBasis.PSAP_CALL
    assert (report.location.intersection, report.location.address, report.location.city) == ("MAIN ST & DEAD END", None, "EAST SPRINGFIELD")
    assert report.location.precision is PlacePrecision.INTERSECTION


def test_a_call_without_a_time_in_its_description_takes_the_posting_time_and_says_so() -> None:
    report = call(desc="MAIN ST;  SPRINGFIELD; -- @ ::;", addr="MAIN ST")
    assert report.occurred_at.isoformat() == "2016-03-14T01:22:00+00:00"
    assert report.occurred_at_basis is TimeBasis.REPORTED
    assert ("occurred_at", "posting_time_used") in codes(report)
    assert (report.location.address, report.location.precision) == ("MAIN ST", PlacePrecision.BLOCK)


@pytest.mark.parametrize("title", ["EMS: UNCONSCIOUS SUBJECT", "EMS: POISONING", "Traffic: VEHICLE ACCIDENT -"])
def test_another_title_is_no_overdose_whatever_else_is_wrong(title: str) -> None:
    assert isinstance(FEEDS["cad_911"].read({**CALL, "title": title, "lat": "north"}, SOURCE), NotAnOverdose)


@pytest.mark.parametrize(
    ("changed", "fault", "field"),
    [
        ({"title": ""}, Fault.MISSING_FIELD, "title"),
        ({"desc": "x", "timestamp": ""}, Fault.MISSING_FIELD, "timestamp"),
        ({"desc": "x", "timestamp": "soon"}, Fault.INVALID_FIELD, "timestamp"),
        ({"desc": "; 2016-02-31 @ 10:00:00;"}, Fault.INVALID_FIELD, "desc"),
        ({"desc": "; 2036-02-01 @ 10:00:00;"}, Fault.FUTURE_TIME, "desc"),
        ({"lat": "99.5", "zip": "", "addr": "", "twp": ""}, Fault.OUT_OF_RANGE, "lat"),  # and no other place
        ({"lat": "north", "zip": "", "addr": "", "twp": ""}, Fault.INVALID_FIELD, "lat"),
        ({"desc": "\ud800"}, Fault.INVALID_FIELD, "desc"),
    ],
)
def test_a_bad_call_is_refused(changed: dict[str, Any], fault: Fault, field: str) -> None:
    with pytest.raises(Rejected) as caught:
        call(**changed)
    assert (caught.value.fault, caught.value.field) == (fault, field)


def test_a_call_of_an_agency_without_a_zone_is_refused() -> None:
    nowhere = Source("cedar-ems", SourceType.CAD, SOURCE.received_at, UUID(int=1), "cad_911")
    with pytest.raises(Rejected) as caught:
        call(nowhere)
    assert caught.value.fault is Fault.NAIVE_TIME


def test_the_real_feed_gives_its_known_overdose_calls(montgomery: bytes) -> None:
    feed = FEEDS["cad_911"]
    cut = list(feed.records(montgomery, "text/csv", limit=1_000_000))
    assert len(cut) == 99_492
    readings = [feed.read(raw.fields, SOURCE) for raw in cut]
    reports = [reading.report for reading in readings if isinstance(reading, Reading)]
    # All 1,191 differ in description, posting time and title; one pair differs in the posting time alone, which is the
    # matcher's to recognise: by the feed's identity rule there is no duplicate.
    assert (len(reports), len({report.report_key for report in reports})) == (1_191, 1_191)
    assert sum(report.location.intersection is not None for report in reports) == 1_108
    assert sum(report.location.zip5 is None for report in reports) == 86
    day = datetime(2016, 5, 22, 16, 2, 59, tzinfo=UTC)
    assert sum(0 <= (day - report.occurred_at).total_seconds() < 86_400 for report in reports) == 16
