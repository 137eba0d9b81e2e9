"""ODIN, ODMAP-style rows and 911 calls under vendors' names."""

import io
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from spikewatch.contracts.report import Report
from spikewatch.contracts.vocabulary import AgeBand, Disposition, Outcome, ReversalGiver, SourceType, TimeBasis, TimePrecision, YesNo
from spikewatch.ingest.domain.feeds import cad_911, odin, odmap, statutory
from spikewatch.ingest.domain.feeds.call_titles import TitleMeaning, TitleRule
from spikewatch.ingest.domain.feeds.feed import Feed, NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.rejection import Fault, Rejected

SOURCE = Source(
    "cedar", SourceType.POLICE, datetime(2026, 6, 1, tzinfo=UTC), UUID(int=1), "x", time_zone="America/New_York", county_fips="99001"
)
LONG = "incident_id,incident_date,incident_time,victim_id,gender_desc,age_range,susp_od_drug_desc,naloxone_administered,administration_id,"
LONG += "dose_count,dose_unit,dose_desc,response_time_desc,survive,third_party_admin_desc,incident_county_fips_code\n"


def read(feed: Feed, body: str, media_type: str = "text/csv") -> list[Reading | NotAnOverdose]:
    return [feed.read(raw.fields, SOURCE) for raw in feed.records(io.BytesIO(body.encode()), media_type, limit=100)]


def reports(feed: Feed, body: str, media_type: str = "text/csv") -> list[Report]:
    return [reading.report for reading in read(feed, body, media_type) if isinstance(reading, Reading)]


def test_the_rows_of_a_victim_are_one_report_wherever_they_stand() -> None:
    body = LONG + "1,05/01/2026,14:03:00,7,Male,15 - 19,HEROIN,Y,50,2,4,MG,1-3,Y,,091\n"
    body += "1,05/01/2026,14:03:00,8,Female,80 - *,FENTANYL,N,,,,,,N,,091\n"
    body += "1,05/01/2026,14:03:00,7,Male,15 - 19,FENTANYL,Y,50,2,4,MG,1-3,Y,,091\n"
    body += "1,05/01/2026,14:03:00,7,Male,15 - 19,FENTANYL,Y,51,1,2,MG,1-3,Y,,091\n"
    first, second = (reading for reading in read(odin.FEED, body) if isinstance(reading, Reading))
    assert [named.name for named in first.found.names] == ["HEROIN", "FENTANYL"]
    assert first.found.facts == {"naloxone_given", "naloxone_improved"}
    reversal = first.report.reversal
    assert (reversal.given, reversal.doses, reversal.dose_amount, reversal.by) == (YesNo.YES, 3, 10.0, ReversalGiver.POLICE)
    assert (first.report.victims.count, first.report.victims.age_band) == (2, AgeBand.A10_19)
    assert (first.report.location.county_fips, first.report.location.lat) == ("42091", None)
    assert (second.report.outcome, second.report.victims.age_band) == (Outcome.FATAL, None)
    assert second.report.reversal.given is YesNo.NO


def test_an_unknown_dose_leaves_the_amount_open_and_a_filler_time_is_a_day() -> None:
    (report,) = reports(odin.FEED, LONG + "1,05/01/2026,00:00:00,7,Male,Unknown,HEROIN,Y,50,2,0,MG,Did not work,U,EMS,091\n")
    assert (report.reversal.doses, report.reversal.dose_amount, report.reversal.by) == (2, None, ReversalGiver.EMS)
    assert (report.reversal.response, report.occurred_at_precision) == ("unchanged", TimePrecision.DATE)


def test_a_folded_row_alone_is_the_same_report_again() -> None:
    body = LONG + "1,05/01/2026,14:03:00,7,Male,15 - 19,HEROIN,N,,,,,,Y,,091\n1,05/01/2026,14:03:00,7,Male,15 - 19,FENTANYL,N,,,,,,Y,,091"
    (raw,) = odin.FEED.records(io.BytesIO(body.encode()), "text/csv", limit=9)
    assert reports(odin.FEED, raw.alone().decode()) == reports(odin.FEED, body)


def sample(request: pytest.FixtureRequest, name: str) -> bytes:
    for place in Path(str(request.config.rootpath)).resolve().parents:
        path = place / "shared/data/incidents" / name
        if path.is_file():
            return path.read_bytes()
    pytest.skip("the public samples are not here")


def test_the_public_police_file_gives_its_known_counts(request: pytest.FixtureRequest) -> None:
    found = reports_of_all(odin.FEED, sample(request, "pa_odin_2018.csv"))
    assert len(found) == len({report.report_key for report in found}) == 5_840
    assert Counter(report.outcome for report in found) == {Outcome.NONFATAL: 4_453, Outcome.FATAL: 974, Outcome.UNKNOWN: 413}
    assert sum(report.reversal.given is YesNo.YES for report in found) == 3_788
    assert sum(report.occurred_at_precision is TimePrecision.DATE for report in found) == 758
    assert sum((report.victims.count or 0) > 1 for report in found) == 195


def reports_of_all(feed: Feed, body: bytes) -> list[Report]:
    readings = [feed.read(raw.fields, SOURCE) for raw in feed.records(body, "text/csv", limit=1_000_000)]
    return [reading.report for reading in readings if isinstance(reading, Reading)]


@pytest.mark.parametrize(
    ("title", "is_one"),
    [
        ("OVERDOSE", True),
        ("23D1 Overdose - not alert", True),
        ("EMS: OD", True),
        ("Heroin OD", True),
        ("23-C-02V", True),
        ("OVERDOSE/POISONING (INGESTION)", True),
        ("UNCONSCIOUS SUBJECT", False),
        ("POISONING", False),
        ("ROAD HAZARD", False),
        ("OD OFFICER ASSIST", False),
        ("123D1 MAIN", False),
    ],
)
def test_titles_say_an_overdose_or_do_not(title: str, is_one: bool) -> None:  # noqa: FBT001
    (reading,) = read(cad_911.FEED, f"Nature,Call Received\n{title},5/1/2026 14:03\n")
    assert isinstance(reading, Reading) is is_one


def test_declared_rules_decide_before_what_is_built_in() -> None:
    rules = [
        TitleRule("*UNCONSCIOUS*", TitleMeaning.WATCH),
        TitleRule("EMS: POISONING", TitleMeaning.SUSPECTED),
        TitleRule("OD*", TitleMeaning.OTHER),
    ]
    body = "title,timestamp\nEMS: unconscious subject,2026-05-01 14:03:00\nEms: Poisoning,2026-05-01 14:03:00\nOD,2026-05-01 14:03:00\n"
    watch, suspected, other = read(cad_911.with_titles(rules), body)
    assert isinstance(watch, Reading)
    assert watch.found.facts == {"dispatch_may_hide_overdose"}
    assert isinstance(suspected, Reading)
    assert suspected.found.facts == {"dispatch_overdose"}
    assert isinstance(other, NotAnOverdose)


def test_vendor_columns_units_of_one_call_and_a_changed_type() -> None:
    body = "Call Number,Unit,Call Date,Call Time,Final Call Type,Address,Latitude,Longitude,Disposition\n"
    body += "26-0001234,M1,5/1/2026,2:03 PM,OVERDOSE,100 MAIN ST,0,0,TRANSPORTED\n"
    body += "26-0001234,E7,5/1/2026,2:03 PM,OVERDOSE,100 MAIN ST,0,0,TRANSPORTED\n"
    body += (
        "26-0001234,M1,5/1/2026,2:03 PM,SICK PERSON,100 MAIN ST,0,0,TRANSPORTED\n42,M1,5/1/2026,2:03 PM,OVERDOSE,ELM / 3RD,40.1,-75.3,\n"
    )
    first, second, taken_back, short = read(cad_911.FEED, body)
    assert isinstance(first, Reading)
    assert first == second
    assert (first.report.occurred_at.isoformat(), first.report.occurred_at_basis) == ("2026-05-01T18:03:00+00:00", TimeBasis.PSAP_CALL)
    assert (first.report.disposition, first.report.location.lat) == (Disposition.TRANSPORTED, None)
    assert isinstance(taken_back, NotAnOverdose)
    assert taken_back.report is not None
    assert taken_back.report.report_key == first.report.report_key
    assert isinstance(short, Reading)
    assert (short.report.source_record_id, short.report.location.intersection) == ("42@2026-05-01", "ELM / 3RD")


def test_odmap_rows_are_read_by_what_their_columns_mean() -> None:
    head = "Overdose Date,Overdose Time,Zip Code,Fatal / Non-Fatal,Naloxone Administered,Number of Doses,Administered By,Age"
    head += ",Primary Suspected Drug"
    body = (
        head + "\n5/1/2026,2:03 PM,1940,Non-Fatal,Yes,2,Police Department,30-39,Heroin\n5/1/2026,,19401,Fatal - No Naloxone,,,,unknown,\n"
    )
    first, second = reports(odmap.FEED, body)
    assert (first.outcome, first.reversal.given, first.reversal.doses, first.reversal.by) == (
        Outcome.NONFATAL,
        YesNo.YES,
        2,
        ReversalGiver.POLICE,
    )
    assert (first.location.zip5, first.victims.age_band, first.occurred_at_precision) == ("01940", AgeBand.A30_39, TimePrecision.MINUTE)
    assert (second.outcome, second.reversal.given, second.occurred_at_precision) == (Outcome.FATAL, YesNo.NO, TimePrecision.DATE)
    record = {"date": "2026-05-01", "time": "14:03", "fatal": False, "narcan": "Y", "zip": "19401"}
    (third,) = reports(odmap.FEED, json.dumps(record), "application/json")
    assert (third.outcome, third.reversal.given) == (Outcome.NONFATAL, YesNo.YES)


@pytest.mark.parametrize(
    ("day", "fault"), [("31/12/2025", Fault.INVALID_FIELD), ("5/1/2036", Fault.FUTURE_TIME), ("1/1/1900", Fault.OUT_OF_RANGE)]
)
def test_impossible_dates_are_refused_with_an_example(day: str, fault: Fault) -> None:
    with pytest.raises(Rejected) as caught:
        reports(odmap.FEED, f"date,fatal,naloxone\n{day},no,yes\n")
    assert caught.value.fault is fault
    assert caught.value.example


def test_a_form_is_one_report() -> None:
    body = "occurred_at=2026-05-01T14%3A03%3A00-04%3A00&zip=19401&outcome=nonfatal&reversal_given=yes"
    body += "&suspected_drugs=heroin&suspected_drugs=fentanyl"
    (reading,) = read(statutory.FEED, body, "application/x-www-form-urlencoded")
    assert isinstance(reading, Reading)
    assert [named.name for named in reading.found.names] == ["heroin", "fentanyl"]
    with pytest.raises(Rejected):
        read(statutory.FEED, "nothing", "application/x-www-form-urlencoded")
