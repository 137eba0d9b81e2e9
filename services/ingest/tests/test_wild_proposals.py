"""Profiles proposed for tables of medical services, police, coroners and open data; each draft must then run on its own table."""

import csv
import io
from datetime import UTC, datetime
from uuid import UUID

import pytest

from spikewatch.contracts.report import Report
from spikewatch.contracts.vocabulary import Outcome, ReversalGiver, SourceType, TimeBasis, TimePrecision, YesNo
from spikewatch.ingest.domain.feeds.feed import Reading, Source
from spikewatch.ingest.domain.profiles.bases import compiled
from spikewatch.ingest.domain.profiles.column_guess import Seen, guess
from spikewatch.ingest.domain.profiles.proposal import Proposal, propose

SOURCE = Source(
    "cedar", SourceType.EMS, datetime(2026, 6, 1, tzinfo=UTC), UUID(int=1), "x", time_zone="America/New_York", county_fips="99001"
)
LISTED = ("heroin", "fentanyl", "naloxone", "narcan", "cocaine", "opioid")


def names_drug(text: str) -> bool:
    return any(name in text.lower() for name in LISTED)


def proposed(table: str) -> Proposal:
    rows = list(csv.DictReader(io.StringIO(table)))
    return propose("draft", [Seen(name, [row[name] or "" for row in rows]) for name in rows[0]], names_drug)


def reports(table: str) -> list[Report]:
    profile, feed = compiled(proposed(table).text)
    assert profile.name == "draft"
    readings = [feed.read(raw.fields, SOURCE) for raw in feed.records(io.BytesIO(table.encode()), "text/csv", limit=100)]
    return [reading.report for reading in readings if isinstance(reading, Reading)]


def fields_of(table: str) -> dict[str, str]:
    return {one.column: one.field for one in proposed(table).guesses}


CALLS = "Address,{},Datetime,Incident Number\n1 Main St,Aid Response,05/01/2026 02:03 PM,F1\n2 Main St,Overdose,05/01/2026 03:03 PM,F2\n"


@pytest.mark.parametrize(
    "title",
    ["Type", "TypeText", "description", "descript", "calldescription", "Problem", "Call_For_Service", "Nature", "Offense Description"],
)
def test_a_table_of_calls_is_never_declared_to_be_overdoses(title: str) -> None:
    table = CALLS.format(title)
    assert fields_of(table)[title] == "dispatch_title"
    assert "declared: false" in proposed(table).text


def test_a_table_that_says_nothing_of_overdoses_is_not_declared_either() -> None:
    proposal = proposed("Run #,Call Date,Zip\n1,05/01/2026,19401\n2,05/02/2026,19401\n")
    assert "declared: false" in proposal.text
    assert any("no column tells overdoses from other rows" in warning for warning in proposal.warnings)


def test_impressions_of_other_illnesses_take_the_declaration_away() -> None:
    head = "Incident #,PSAP Call Date/Time,Scene Zip,Primary Impression,Medications Given\n"
    mixed = head + "1,5/1/2026 2:03:22 PM,1101,Overdose - Opioid,Naloxone\n2,5/1/2026 2:13:22 PM,1101,Chest pain,\n"
    only = head + "1,5/1/2026 2:03:22 PM,1101,Overdose - Opioid,Naloxone\n2,5/1/2026 2:13:22 PM,1101,Drug poisoning,Naloxone\n"
    assert "declared: false" in proposed(mixed).text
    assert "declared: true" in proposed(only).text


def test_what_was_given_is_no_suspected_substance() -> None:
    table = (
        "Incident #,Call Date,Medications Given,Narcan,Narcan PTA By,Total Narcan Dose (mg),Zip\n"
        "1,5/1/2026,Naloxone,Y,Law Enforcement,4,01101\n2,5/2/2026,Naloxone,N,,,01101\n"
    )
    found = fields_of(table)
    assert "drugs" not in found.values()
    assert "drug_flag" not in found.values()
    assert (found["Narcan PTA By"], found["Total Narcan Dose (mg)"]) == ("reversal_by", "reversal_dose_amount")
    first, second = reports(table)
    assert (first.reversal.given, first.reversal.by) == (YesNo.YES, ReversalGiver.POLICE)
    assert (first.reversal.dose_amount, first.reversal.unit, first.reversal.doses) == (4, "mg", None)
    assert second.source_record_id == "2"


def test_a_truck_is_no_diagnosis() -> None:
    assert guess(Seen("Unit", ["T40", "T41"]), names_drug).field == "unused"
    assert guess(Seen("Resp", ["T40", "M12"]), names_drug).field == "unused"
    assert guess(Seen("DX", ["T40.1X1A"]), names_drug).field == "codes"


def test_a_time_goes_before_a_day_alone() -> None:
    table = (
        "Incident Date,Incident Number,Unit Notified By Dispatch Date Time (eTimes.03),Narcan Given,Last Updated Date\n"
        "05/01/2026,26-1,05/01/2026 14:03:22,Y,05/09/2026 09:00:00\n"
    )
    (report,) = reports(table)
    assert (report.occurred_at, report.occurred_at_basis) == (datetime(2026, 5, 1, 18, 3, 22, tzinfo=UTC), TimeBasis.DISPATCH)
    assert fields_of(table)["Last Updated Date"] == "unused"


@pytest.mark.parametrize(("day", "clock"), [("5/1/2026", "1403"), ("5/1/2026", "14:03"), ("46143", "0.585417"), ("20260501", "2:03 PM")])
def test_days_and_clocks_in_two_cells(day: str, clock: str) -> None:
    (report,) = reports(f"Report Number,Offense Date From,Offense Time,Outcome,Doses\n26-1,{day},{clock},Survived,2\n")
    assert report.occurred_at.replace(second=0) == datetime(2026, 5, 1, 18, 3, tzinfo=UTC)
    assert (report.outcome, report.reversal.doses) == (Outcome.NONFATAL, 2)


def test_the_day_before_the_month_only_where_no_other_order_fits() -> None:
    day_first = proposed("Ref,Date,Narcan\nA1,13/05/2026,Y\nA2,04/05/2026,N\n").text
    both = proposed("Ref,Date,Narcan\nA1,04/05/2026,Y\nA2,04/13/2026,Y\nA3,13/04/2026,N\n").text
    assert 'formats: ["DD/MM/YYYY"]' in day_first
    assert 'formats: ["MM/DD/YYYY"]' in both


def test_milliseconds_of_a_map_server() -> None:
    (report,) = reports("OBJECTID,incidentDate,narcanGiven,latitude,longitude\n1,1777658602000,Y,42.1,-72.5\n")
    assert report.occurred_at == datetime(2026, 5, 1, 18, 3, 22, tzinfo=UTC)


def test_yes_of_survived_is_no_yes_of_fatal() -> None:
    survived, fatal = (reports(f"Case,Date,{name}\nC1,5/1/2026,Y\nC2,5/1/2026,N\n") for name in ("Survived?", "Fatal (Y/N)"))
    assert [report.outcome for report in survived] == [Outcome.NONFATAL, Outcome.FATAL]
    assert [report.outcome for report in fatal] == [Outcome.FATAL, Outcome.NONFATAL]


def test_the_place_of_the_injury_goes_before_that_of_the_death_and_no_hospital_is_one() -> None:
    head = "CaseNum,DeathDate,Mode,CauseA,DeathCity,EventCity,Destination Address,Caller Location\n"
    table = head + (
        "26-1,5/1/2026 14:03,Accident,Acute fentanyl intoxication,OAKVILLE,SPRINGFIELD,9 Clinic Rd,1 Main St\n"
        "26-2,5/1/2026 15:03,Accident,Acute heroin intoxication,OAKVILLE,,9 Clinic Rd,1 Main St\n"
    )
    text = proposed(table).text
    assert "Destination" not in text
    assert "Caller" not in text
    assert "manner_suicide" in text  # the next file may have one
    _, feed = compiled(text)
    rows = [feed.read(raw.fields, SOURCE).report for raw in feed.records(io.BytesIO(table.encode()), "text/csv", limit=9)]
    assert [row and row.location.city for row in rows] == ["SPRINGFIELD", "OAKVILLE"]


def test_midnight_of_half_a_column_is_a_day() -> None:
    table = "Case #,Date of death,Cause of death\n17-1,1/1/17 6:14,Fentanyl toxicity\n17-2,1/2/17 0:00,Fentanyl toxicity\n"
    _, feed = compiled(proposed(table).text)
    rows = [feed.read(raw.fields, SOURCE).report for raw in feed.records(io.BytesIO(table.encode()), "text/csv", limit=9)]
    assert [row and row.occurred_at_precision for row in rows] == [TimePrecision.MINUTE, TimePrecision.DATE]


def test_a_number_of_the_case_goes_before_the_number_of_the_row() -> None:
    assert (
        'record_id: "CaseNumber"'
        in proposed("OBJECTID,CaseNumber,DeathDate,CAUSE\n1,26-1,5/1/2026,Fentanyl\n2,26-2,5/1/2026,Heroin\n").text
    )


def test_what_a_call_was_at_first_is_not_read() -> None:
    text = proposed("CAD Event Number,Time Queued,Initial Call Type,Final Call Type\n1,5/1/2026 14:03,OVERDOSE,ASSIST\n").text
    assert "Initial Call Type" not in text
    assert "Final Call Type" in text


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Time_PhonePickUp", "occurred_at"),
        ("Caller Phone", "personal"),
        ("Home Address", "home"),
        ("RES_ZIP", "home"),
        ("Pt. DOB", "personal"),
    ],
)
def test_people_stay_out(header: str, field: str) -> None:
    assert guess(Seen(header, ["05/01/2026 14:03"]), names_drug).field == field


def test_bands_of_ages_that_lie_in_ours() -> None:
    table = "Run #,Date,Narcan Given,Age Group\n1,5/1/2026,Y,25-29\n2,5/1/2026,Y,20-24\n3,5/1/2026,Y,25-34\n"
    assert [report.victims.age_band for report in reports(table)] == ["20-29", "20-29", None]


def test_an_id_made_of_what_there_is_holds_no_person() -> None:
    text = proposed("Patient Name,Home Zip,Remark 1,Narcan\nx,19401,a,Y\ny,19401,a,Y\n").text
    assert 'record_id: {columns: ["Remark 1", "Narcan"], hash: true}' in text
