"""Rows as agencies really write them: words of ODMAP, times of databases and spreadsheets, JSON of interfaces, totals, other names."""

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from spikewatch_testing.rows import AT, ROW, SOURCE, one, read, refused

from spikewatch.contracts.report import Report
from spikewatch.contracts.vocabulary import AgeBand, Outcome, TimePrecision, YesNo
from spikewatch.ingest.domain.feeds import odin, odmap, statutory
from spikewatch.ingest.domain.feeds.feed import Reading
from spikewatch.ingest.domain.profiles.bases import compiled
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.wall_clock import read_agency_time, zone_named

PROFILE = """
name: tablet-export
version: 1
base: columns
time_zone: America/New_York
record_id: Incident Number
occurred_at: [{columns: [Call Date, Call Time], formats: [MM/DD/YYYY]}]
place: {point_in: Point, zip: Scene ZIP}
age: Age
"""


def odmap_row(**cells: str) -> Report:
    row = {"date": "5/1/2026", "overdose type": "Non-Fatal", **{name.replace("_", " "): cell for name, cell in cells.items()}}
    reading = odmap.read(row, SOURCE)
    assert isinstance(reading, Reading)
    return reading.report


@pytest.mark.parametrize(
    ("said", "outcome", "given", "doses"),
    [
        ("Naloxone Unknown, Non-Fatal", Outcome.NONFATAL, YesNo.UNKNOWN, None),
        ("Unknown if Naloxone given", Outcome.UNKNOWN, YesNo.UNKNOWN, None),
        ("Fatal - Naloxone: Unknown", Outcome.FATAL, YesNo.UNKNOWN, None),
        ("Fatal, unknown if naloxone was administered", Outcome.FATAL, YesNo.UNKNOWN, None),
        ("Nonfatal naloxone (unknown)", Outcome.NONFATAL, YesNo.UNKNOWN, None),
        ("Naloxone refused", Outcome.UNKNOWN, YesNo.NO, None),
        ("Non-Fatal - Naloxone refused", Outcome.NONFATAL, YesNo.NO, None),
        ("Single Dose Naloxone", Outcome.UNKNOWN, YesNo.YES, 1),
        ("Nonfatal - Single Dose Naloxone", Outcome.NONFATAL, YesNo.YES, 1),
        ("Nonfatal - 2 doses Narcan", Outcome.NONFATAL, YesNo.YES, 2),
        ("Nonfatal - multiple doses naloxone", Outcome.NONFATAL, YesNo.YES, None),
        # What is unknown there is something else.
        ("Unknown - Naloxone", Outcome.UNKNOWN, YesNo.YES, None),
        ("Unknown if fatal, naloxone given", Outcome.UNKNOWN, YesNo.YES, None),
        ("Non-Fatal with naloxone, unknown drug", Outcome.NONFATAL, YesNo.YES, None),
        ("Fatal - No Naloxone", Outcome.FATAL, YesNo.NO, None),
    ],
)
def test_what_an_odmap_type_says_of_naloxone(said: str, outcome: Outcome, given: YesNo, doses: int | None) -> None:
    report = odmap_row(overdose_type=said)
    assert (report.outcome, report.reversal.given, report.reversal.doses) == (outcome, given, doses)


@pytest.mark.parametrize(
    ("cells", "given", "doses"),
    [
        ({"naloxone": "Unknown if given"}, YesNo.UNKNOWN, None),
        ({"naloxone": "Not known if given"}, YesNo.UNKNOWN, None),
        ({"naloxone": "Naloxone: unknown"}, YesNo.UNKNOWN, None),
        ({"naloxone": "Patient refused"}, YesNo.NO, None),
        ({"naloxone": "Given, then refused transport"}, YesNo.YES, None),
        ({"naloxone": "Unknown number of doses given"}, YesNo.YES, None),
        ({"naloxone": "Single Dose Naloxone"}, YesNo.YES, 1),
        ({"doses": "unknown"}, YesNo.UNKNOWN, None),
        ({"doses": "0"}, YesNo.NO, None),
        ({"doses": "2", "overdose_type": "Fatal - Naloxone Unknown"}, YesNo.YES, 2),
    ],
)
def test_what_the_columns_of_naloxone_say(cells: dict[str, str], given: YesNo, doses: int | None) -> None:
    report = odmap_row(**cells)
    assert (report.reversal.given, report.reversal.doses) == (given, doses)


def test_a_type_that_nobody_knows_is_refused() -> None:
    with pytest.raises(Rejected) as caught:
        odmap_row(overdose_type="Smith naloxone")
    assert (caught.value.fault, caught.value.field) == (Fault.INVALID_FIELD, "outcome")


@pytest.mark.parametrize(
    ("day", "clock"),
    [
        ("05/01/2026 14:03:22 -04:00", None),
        ("05/01/2026 14:03:22 EDT", None),
        ("05/01/2026 2:03:22 PM EDT", None),
        ("2026-05-01 14:03:22 EDT", None),
        ("2026/05/01 18:03:22+00", None),
        ("2026 May 01 02:03:22 PM", None),
        ("01-MAY-26 02.03.22.000000 PM", None),
        ("May 1, 2026 2:03:22 PM", None),
        ("May  1 2026  2:03:22PM", None),
        ("20260501140322", None),
        ("1777658602", None),
        ("1777658602000", None),
        ("46143.585671296", None),
        ("46143", "0.585671296"),
        ("46143.0", "14:03:22"),
        ("5/1/2026", "0.585671296"),
        ("20260501", "14:03:22"),
        ("May 1, 2026", "2:03:22 PM"),
    ],
)
def test_times_of_databases_and_spreadsheets(day: str, clock: str | None) -> None:
    found = read_agency_time(day, clock, zone_named("America/New_York"), "when")
    assert found.at == AT
    assert found.precision in {TimePrecision.SECOND, TimePrecision.MINUTE}


@pytest.mark.parametrize(
    ("day", "clock", "precision"),
    [("May 1, 2026", None, "date"), ("46143", None, "date"), ("20260501", None, "date"), ("20260501", "1403", "minute")],
)
def test_how_exactly_they_are_stated(day: str, clock: str | None, precision: str) -> None:
    found = read_agency_time(day, clock, zone_named("America/New_York"), "when")
    assert (found.precision.value, found.notes) == (precision, ("zone_assumed",))


@pytest.mark.parametrize(
    ("day", "clock"),
    [("2026", None), ("2026-05", None), ("2026051", None), ("1777658602", "14:03"), ("46143", "25:00"), ("46143.5", "9:00")],
)
def test_what_is_no_time_still(day: str, clock: str | None) -> None:
    with pytest.raises(Rejected) as caught:
        read_agency_time(day, clock, zone_named("America/New_York"), "when")
    assert caught.value.problem == "is not a time"


@pytest.mark.parametrize("when", [1777658602, 1777658602000, 1777658602000.0, 46143.585671296])
def test_a_time_may_be_a_number_of_json(when: float) -> None:
    of_odmap = one(odmap.FEED, json.dumps({"date time": when, "fatal": "no", "naloxone": "yes"}), "application/json")
    of_odin = {"incident_id": 18, "victim_id": 28, "incident_date": when, "survive": "Y", "naloxone_administered": "Y"}
    assert {report.occurred_at for report in (of_odmap, one(odin.FEED, json.dumps(of_odin), "application/json"))} == {AT}
    # The statutory minimum is ours: it asks for a text that says what it is.
    assert refused(statutory.FEED, json.dumps({**ROW, "occurred_at": when}), "application/json").problem == "is not a text"


@pytest.mark.parametrize("when", [True, [1], {"$date": 1}])
def test_another_value_of_json_is_no_time(when: object) -> None:
    found = refused(odmap.FEED, json.dumps({"date time": when, "fatal": "no", "naloxone": "yes"}), "application/json")
    assert (found.fault, found.field) == (Fault.INVALID_FIELD, "date and time")


@pytest.mark.parametrize(
    ("age", "band"), [("90+", AgeBand.A90_PLUS), ("90 or older", AgeBand.A90_PLUS), (">89", AgeBand.A90_PLUS), ("95 +", AgeBand.A90_PLUS)]
)
def test_an_open_age_is_pooled(age: str, band: AgeBand) -> None:
    for report in (one(statutory.FEED, json.dumps({**ROW, "age": age}), "application/json"), odmap_row(naloxone="yes", age=age)):
        assert (report.victims.age, report.victims.age_band) == (None, band)


@pytest.mark.parametrize("age", ["65+", "9+", "190+", ">65"])
def test_an_open_age_below_is_refused(age: str) -> None:
    assert refused(statutory.FEED, json.dumps({**ROW, "age": age}), "application/json").field == "age"


def test_unk_is_unknown() -> None:
    report = one(statutory.FEED, json.dumps({**ROW, "reversal_given": "UNK", "outcome": "unk", "sex": "unk"}), "application/json")
    assert (report.reversal.given, report.outcome) == (YesNo.UNKNOWN, Outcome.UNKNOWN)


@pytest.mark.parametrize(
    ("body", "media"),
    [
        ('{"occurredAt":"5/1/2026 14:03","Outcome":"nonfatal","reversalGiven":"yes","recordId":"A1","zip":"19401"}', "application/json"),
        ("Occurred At,OUTCOME,reversalGiven,Record-ID,Zip\n5/1/2026 2:03 PM,nonfatal,yes,A1,19401\n", "text/csv"),
        ("occurredAt=5/1/2026+14:03&outcome=nonfatal&reversalGiven=yes&recordId=A1&zip=19401", "application/x-www-form-urlencoded"),
    ],
)
def test_names_in_another_case_and_american_dates(body: str, media: str) -> None:
    report = one(statutory.FEED, body, media)
    assert (report.occurred_at, report.source_record_id) == (datetime(2026, 5, 1, 18, 3, tzinfo=UTC), "A1")
    assert report.reversal.given is YesNo.YES


def test_members_of_a_group_may_be_in_another_case() -> None:
    grouped = {
        "occurredAt": ROW["occurred_at"],
        "outcome": "fatal",
        "Reversal": {"given": "yes", "doseAmount": 4},
        "victims": {"ageBand": "30-39"},
    }
    report = one(statutory.FEED, json.dumps({**grouped, "location": {"countyFips": "42091"}}), "application/json")
    assert (report.reversal.dose_amount, report.victims.age_band, report.location.county_fips) == (4, AgeBand.A30_39, "42091")


def test_a_name_that_two_members_could_mean_is_none() -> None:
    twice: Mapping[str, str] = {**ROW, "recordId": "A1", "Record-Id": "A2"}
    assert one(statutory.FEED, json.dumps(twice), "application/json").source_record_id.startswith("hmac-")
    exact = {**ROW, "recordId": "A1", "record_id": "A2"}
    assert one(statutory.FEED, json.dumps(exact), "application/json").source_record_id == "A2"


ODIN = "incident_id,incident_date,incident_time,victim_id,survive,naloxone_administered\n"


@pytest.mark.parametrize("ids", [("18", "28"), ("18.0", "28.0"), ("18", "28.0")])
def test_ids_of_odin_from_a_spreadsheet_are_the_same(ids: tuple[str, str]) -> None:
    report = one(odin.FEED, f"{ODIN}{ids[0]},05/01/2026,14:03,{ids[1]},Y,Y\n")
    assert (report.source_record_id, report.incident_number) == ("18/28", "18")
    row = {
        "incident_id": float(ids[0]),
        "victim_id": float(ids[1]),
        "incident_date": "05/01/2026",
        "survive": "Y",
        "naloxone_administered": "Y",
    }
    assert one(odin.FEED, json.dumps(row), "application/json").source_record_id == "18/28"


def test_rows_of_one_person_are_one_however_the_ids_are_written() -> None:
    body = f"{ODIN}18,05/01/2026,14:03,28,Y,Y\n18.0,05/01/2026,14:03,28.0,Y,Y\nA1.0,05/01/2026,14:03,28,Y,Y\n"
    assert [report.source_record_id for report in read(odin.FEED, body, "text/csv") if isinstance(report, Report)] == ["18/28", "A1.0/28"]


@pytest.mark.parametrize("number", ["4711", "4711.0"])
def test_so_are_those_of_other_tables(number: str) -> None:
    of_odmap = one(odmap.FEED, f"date,fatal,naloxone,case number\n5/1/2026,no,yes,{number}\n")
    of_statute = one(statutory.FEED, json.dumps({**ROW, "record_id": number, "cad_number": "V1.0"}), "application/json")
    assert (of_odmap.source_record_id, of_odmap.incident_number) == ("4711", "4711")
    assert (of_statute.source_record_id, of_statute.cad_number) == ("4711", "V1.0")


def tablet(header: str, row: str) -> str:
    return f"{header}\n{row}\n"


@pytest.mark.parametrize("point", ["42.1, -72.5", "42.1,-72.5", " 42.1 ; -72.5", "(42.1, -72.5)"])
def test_a_point_needs_no_brackets(point: str) -> None:
    feed = compiled(PROFILE)[1]
    report = one(feed, tablet("Incident Number,Call Date,Call Time,Point", f'26-1,05/01/2026,14:03,"{point}"'))
    assert (report.location.lat, report.location.lon) == (42.1, -72.5)


@pytest.mark.parametrize("point", ["Main St 42.1, -72.5", "42.1, -72.5, 3", "142.1, -72.5"])
def test_a_text_with_numbers_is_no_point(point: str) -> None:
    feed = compiled(PROFILE)[1]
    assert one(feed, tablet("Incident Number,Call Date,Call Time,Point", f'26-1,05/01/2026,14:03,"{point}"')).location.lat is None


@pytest.mark.parametrize(
    "header",
    [
        "Incident_Number,CallDate,call-time,Scene ZIP,AGE",
        "INCIDENT NUMBER,Call Date,Call Time,SceneZip,Age",
        "incident.number,Call Date,Call_Time,SCENE_ZIP,Age",
    ],
)
def test_columns_of_a_profile_are_found_by_letters_and_digits(header: str) -> None:
    report = one(compiled(PROFILE)[1], tablet(header, "26-1,05/01/2026,14:03,19401,34"))
    assert (report.source_record_id, report.location.zip5, report.victims.age) == ("26-1", "19401", 34)
    members = dict(zip(header.split(","), ("26-1", "05/01/2026", "14:03", "19401", "34"), strict=True))
    assert one(compiled(PROFILE)[1], json.dumps(members), "application/json") == report


def test_the_exact_column_goes_before_one_of_the_same_letters() -> None:
    feed = compiled(PROFILE)[1]
    assert one(feed, tablet("Incident_Number,Call Date,Incident Number", "26-2,05/01/2026,26-1")).source_record_id == "26-1"
    with pytest.raises(Rejected) as caught:
        read(feed, tablet("Incident_Number,Call Date,Incident-Number", "26-2,05/01/2026,26-1"), "text/csv")
    assert (caught.value.fault, caught.value.field) == (Fault.MISSING_FIELD, "incident number")


def test_each_sheet_and_each_code_page_keeps_its_own_names() -> None:
    feed = compiled(PROFILE)[1]
    body = "Incident_Number;Call Date;Scene_ZIP\n26-1;05/01/2026;19401\n26-2;05/01/2026;\u00c9t\u00e9\n".encode("cp1252")
    assert [report.source_record_id for report in read(feed, body, "text/csv") if isinstance(report, Report)] == ["26-1", "26-2"]


@pytest.mark.parametrize("total", ["Total", "Totals:", "GRAND TOTAL", "Sub-total", "Total overdoses", "Total: 57"])
def test_a_row_of_totals_is_refused_as_one(total: str) -> None:
    rows = (
        refused(odmap.FEED, f"date,fatal,naloxone,age\n{total},,,57\n"),
        refused(statutory.FEED, f"occurred_at,outcome,reversal_given,count\n{total},,,57\n"),
        refused(statutory.FEED, f"record_id,occurred_at,outcome,reversal_given,count\n{total},,,,57\n"),
        refused(odin.FEED, f"{ODIN}{total},,,57,,\n"),
        refused(compiled(PROFILE)[1], tablet("Incident Number,Call Date,Call Time,Age", f"{total},,,57")),
        refused(
            compiled(PROFILE.replace("Incident Number", "{column: Age, hash: true}"))[1], tablet("Call Date,Scene ZIP,Age", f",{total},57")
        ),
    )
    for found in rows:
        assert "it looks like a row of totals, which may be left out" in found.problem
        assert found.expected
        assert found.example
        assert total not in str(found)


def test_a_row_with_a_place_called_so_is_no_row_of_totals() -> None:
    found = refused(odmap.FEED, "date,fatal,naloxone,address\nsoon,no,yes,Total Wine 12\n")
    assert found.problem == "is not a time"


def test_endless_numbers_of_json_are_no_cells() -> None:
    feed = compiled(PROFILE)[1]
    body = '{"Incident Number": "26-1", "Call Date": "05/01/2026", "Age": 1e999}'
    assert one(feed, io.BytesIO(body.encode()).read(), "application/json").victims.age is None
