"""HL7 v2 ADT: what a visit becomes, its times and its order, and what is refused."""

import os
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from spikewatch_testing.hl7_messages import NOW, SOURCE, message, notes, read, reading, refused

from spikewatch.contracts.vocabulary import Disposition, Outcome, PlacePrecision, Sex, SourceType, TimeBasis, TimePrecision
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Source
from spikewatch.ingest.domain.rejection import Fault
from spikewatch.ingest.terminology import classifier


def test_a_visit_becomes_a_report() -> None:
    found = reading(message())
    report = found.report
    assert report.occurred_at == datetime(2026, 5, 1, 18, 3, tzinfo=UTC)
    assert (report.occurred_at_basis, report.occurred_at_precision) == (TimeBasis.ARRIVAL, TimePrecision.SECOND)
    assert (report.location.precision, report.location.zip5, report.location.county_fips) == (PlacePrecision.ZIP, "99001", "99777")
    assert (report.victims.age, report.victims.sex) == (45, Sex.FEMALE)
    assert report.destination == "npi:1234567893"
    assert notes(found) == {("occurred_at", "zone_assumed"), ("location", "home_place")}
    assert not found.is_declared
    assert [(text.role, text.text) for text in found.found.statements] == [("chief_complaint", "heroin overdose")]
    assert found.found.facts == {"emergency_response"}
    assert found.stated_revision == int((datetime(2026, 5, 1, 18, 10, tzinfo=UTC) - datetime(2000, 1, 1, tzinfo=UTC)).total_seconds())


def test_no_number_of_a_person_is_in_the_report() -> None:
    text = (
        reading(
            message(
                "DG1|1||T40.1X1A^Poisoning by heroin^I10|||F",
                pid={3: "MRN1", 4: "078-05-1120", 7: "19840417", 13: "610-555-0199", 18: "ACC7"},
            )
        )
        .report.to_json()
        .decode()
    )
    for planted in (
        "V-1",
        "MRN1",
        "078-05-1120",
        "19840417",
        "1984",
        "610-555-0199",
        "ACC7",
        "Roe",
        "Jane",
        "Cedar",
        "overdose",
        "Poisoning",
    ):
        assert planted not in text


def test_all_messages_of_a_visit_are_one_report_in_the_order_of_their_own_times() -> None:
    first, second, third = (
        reading(message(trigger=trigger, made=made))
        for trigger, made in (("A04", "202605011410"), ("A08", "20260501141001"), ("A03", "20260502"))
    )
    assert first.report.report_key == second.report.report_key == third.report.report_key
    assert first.stated_revision is not None
    assert second.stated_revision == first.stated_revision + 1
    assert third.stated_revision == first.stated_revision - 60  # a day orders nothing: the time of the event, EVN-2, does
    other = reading(message(pv1={19: "V-2^^^^VN"})).report
    assert other.report_key != first.report.report_key
    elsewhere = reading(message(evn="EVN||20260501140900|||||Birch Hospital^1111111112^NPI")).report
    assert elsewhere.report_key != first.report.report_key


@pytest.mark.parametrize(
    ("text", "at", "precision"),
    [
        ("202605", datetime(2026, 5, 1, 4, tzinfo=UTC), TimePrecision.MONTH),
        ("20260501", datetime(2026, 5, 1, 4, tzinfo=UTC), TimePrecision.DATE),
        ("2026050114", datetime(2026, 5, 1, 18, tzinfo=UTC), TimePrecision.HOUR),
        ("202605011403", datetime(2026, 5, 1, 18, 3, tzinfo=UTC), TimePrecision.MINUTE),
        ("20260501140309", datetime(2026, 5, 1, 18, 3, 9, tzinfo=UTC), TimePrecision.SECOND),
        ("20260501140309.1234", datetime(2026, 5, 1, 18, 3, 9, tzinfo=UTC), TimePrecision.SECOND),
        ("20260501140309-0500", datetime(2026, 5, 1, 19, 3, 9, tzinfo=UTC), TimePrecision.SECOND),
        ("202605011403+0530", datetime(2026, 5, 1, 8, 33, tzinfo=UTC), TimePrecision.MINUTE),
        ("20260501-0400^D", datetime(2026, 5, 1, 4, tzinfo=UTC), TimePrecision.DATE),
    ],
)
def test_times_of_every_precision(text: str, at: datetime, precision: TimePrecision) -> None:
    report = reading(message(pv1={44: text})).report
    assert (report.occurred_at, report.occurred_at_precision) == (at, precision)


def test_the_hours_of_daylight_saving_are_noted() -> None:
    assert ("occurred_at", "ambiguous_local_time") in notes(reading(message(pv1={44: "202511020130"})))
    assert ("occurred_at", "nonexistent_local_time") in notes(reading(message(pv1={44: "202603080230"})))


@pytest.mark.parametrize("filler", ["19000101", "99991231", "0001", "2026", "190001010000+1400", "00010101+1400"])
def test_a_filler_for_the_arrival_leaves_the_recorded_time(filler: str) -> None:
    found = reading(message(pv1={44: filler}))
    assert found.report.occurred_at == datetime(2026, 5, 1, 18, 9, tzinfo=UTC)
    assert {("occurred_at", "recorded_time_used"), ("occurred_at", "arrival_unusable")} <= notes(found)


def test_without_an_arrival_the_recorded_time_is_taken() -> None:
    found = reading(message(pv1={44: ""}))
    assert found.report.occurred_at == datetime(2026, 5, 1, 18, 9, tzinfo=UTC)
    assert ("occurred_at", "recorded_time_used") in notes(found)


@pytest.mark.parametrize(
    ("body", "fault", "field"),
    [
        (message(pv1={19: ""}), Fault.MISSING_FIELD, "PV1-19.1"),
        (message(pv1={19: '""'}), Fault.MISSING_FIELD, "PV1-19.1"),
        (message().replace("PV1|", "ZV1|"), Fault.MISSING_FIELD, "PV1"),
        (message(pv1={44: "yesterday"}), Fault.INVALID_FIELD, "PV1-44"),
        (message(pv1={44: "2026-05-01"}), Fault.INVALID_FIELD, "PV1-44"),
        (message(pv1={44: "20260230"}), Fault.INVALID_FIELD, "PV1-44"),
        (message(pv1={44: "2026050124"}), Fault.INVALID_FIELD, "PV1-44"),
        (message(pv1={44: "20260501+9900"}), Fault.INVALID_FIELD, "PV1-44"),
        (message(pv1={44: "20270501"}), Fault.FUTURE_TIME, "PV1-44"),
        (message(pv1={44: "19000101"}, evn=""), Fault.OUT_OF_RANGE, "PV1-44"),
        (message(pv1={44: ""}, evn=""), Fault.MISSING_FIELD, "PV1-44"),
        (message(pv1={44: ""}, evn="EVN||20270501"), Fault.FUTURE_TIME, "EVN-2"),
        (message(made="20260601101010"), Fault.FUTURE_TIME, "MSH-7"),
        (message(made="now"), Fault.INVALID_FIELD, "MSH-7"),
        (message(msh={9: "ORU^R01"}), Fault.UNSUPPORTED_FORMAT, "MSH-9.1"),
        (message(msh={9: ""}), Fault.MISSING_FIELD, "MSH-9.1"),
        (message(msh={9: "ADT"}), Fault.MISSING_FIELD, "MSH-9.2"),
        (message(msh={9: "ADT^X"}), Fault.INVALID_FIELD, "MSH-9.2"),
        (message(msh={11: "Q"}), Fault.INVALID_FIELD, "MSH-11"),
        (message(msh={12: "3.0"}), Fault.UNSUPPORTED_FORMAT, "MSH-12"),
        (message(msh={4: ""}, evn=""), Fault.MISSING_FIELD, "MSH-4"),
        (message(msh={18: "KLINGON"}), Fault.WRONG_ENCODING, "MSH-18"),
        (message().replace("MSH|^~\\&|", "MSH|^^~&|"), Fault.MALFORMED, "MSH-2"),
        (message().replace("MSH|^~\\&|", "MSH||"), Fault.MALFORMED, "MSH-2"),
        (message().replace("MSH|^~\\&|", "MSH|^~\\&amp;|"), Fault.MALFORMED, "MSH-2"),
    ],
)
def test_what_is_refused_says_where(body: str, fault: Fault, field: str) -> None:
    rejected = refused(body)
    assert (rejected.fault, rejected.field) == (fault, field)
    assert rejected.problem
    assert rejected.expected
    assert rejected.example


def test_a_time_without_offset_needs_the_zone() -> None:
    zoneless = Source("cedar-hospital", SourceType.ED, NOW, UUID(int=1), "hl7_adt")
    rejected = refused(message(), zoneless)
    assert (rejected.fault, rejected.field) == (Fault.NAIVE_TIME, "PV1-44")
    assert reading(message(pv1={44: "20260501140300-0400"}), zoneless).report.occurred_at == datetime(2026, 5, 1, 18, 3, tzinfo=UTC)


def test_what_says_nothing_of_why_the_person_came_changes_nothing() -> None:
    assert read(message(obx="")) == NotAnOverdose()
    assert read(message(obx='OBX|3|CWE|8661-1^^LN||""')) == NotAnOverdose()
    assert read(message(trigger="A08", obx="", pv1={19: ""})) == NotAnOverdose()


def test_other_triggers_and_tests_are_no_overdoses() -> None:
    for trigger in ("A02", "A05", "A31", "A40"):
        assert read(message(trigger=trigger)) == NotAnOverdose()
    for mode in ("T", "D"):
        assert read(message(msh={11: mode})) == NotAnOverdose()


def test_a_cancelled_visit_takes_its_report_back() -> None:
    before = reading(message())
    taken_back = read(message(trigger="A11", made="20260501150000", obx=""))
    assert isinstance(taken_back, NotAnOverdose)
    assert taken_back.report is not None
    assert taken_back.report.report_key == before.report.report_key
    assert (taken_back.stated_revision or 0) > (before.stated_revision or 0)
    assert read(message(trigger="A11", pv1={19: ""}, obx="")) == NotAnOverdose()


@pytest.fixture
def official() -> bytes:
    """The public sample message, where it is present beside the repository; it is never part of it."""
    root = Path(__file__).parents[3]
    path = Path(os.environ.get("SPIKEWATCH_HL7", str(root.parent / "shared" / "data" / "hl7"))) / "NIST-SS-003.32_ADT_A03.hl7"
    if not path.is_file():
        pytest.skip("the public sample NIST-SS-003.32_ADT_A03.hl7 is not here; set SPIKEWATCH_HL7 to its folder")
    return path.read_bytes()


def test_the_official_sample(official: bytes) -> None:
    found = reading(official, Source("x", SourceType.ED, NOW, UUID(int=1), "hl7_adt", time_zone="America/Chicago"))
    report = found.report
    assert (report.occurred_at, report.occurred_at_precision) == (datetime(2012, 4, 2, 2, 30, tzinfo=UTC), TimePrecision.MINUTE)
    assert (report.location.zip5, report.location.county_fips) == ("53217", "55089")
    assert (report.victims.age, report.victims.sex) == (45, Sex.FEMALE)
    assert (report.disposition, report.outcome) == (Disposition.TREATMENT, Outcome.UNKNOWN)
    assert [(code.system, code.code) for code in found.found.codes] == [("icd9cm", "0074"), ("icd9cm", "27651"), ("icd9cm", "78791")]
    assert [text.text for text in found.found.statements] == ["Diarrhea, stomach pain, dehydration"]
    assert isinstance(classifier().classify(found, SOURCE), NotAnOverdose)
