"""Calls as exports of many dispatch systems and open-data sites have them."""

import io
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from spikewatch.contracts.report import Report
from spikewatch.contracts.vocabulary import PlacePrecision, SourceType, TimeBasis, TimePrecision
from spikewatch.ingest.domain.feeds import cad_911
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.feeds.fields import coordinates
from spikewatch.ingest.domain.rejection import Fault, Rejected

SOURCE = Source(
    "cedar", SourceType.CAD, datetime(2026, 6, 1, tzinfo=UTC), UUID(int=1), "x", time_zone="America/New_York", county_fips="99001"
)
CALLED = datetime(2026, 5, 1, 18, 3, tzinfo=UTC)  # 14:03 in New York
SERIAL = "46143.5854166667"
PLACED = {"call number": "26-0001234", "nature": "OVERDOSE", "call received": "5/1/2026 14:03", "address": "100 MAIN ST"}
BARE = {name: cell for name, cell in PLACED.items() if name != "address"}


def readings(body: str, media_type: str = "text/csv") -> list[Reading | NotAnOverdose]:
    return [cad_911.FEED.read(raw.fields, SOURCE) for raw in cad_911.FEED.records(io.BytesIO(body.encode()), media_type, limit=100)]


def read(fields: dict[str, Any]) -> Report:
    reading = cad_911.FEED.read(fields, SOURCE)
    assert isinstance(reading, Reading)
    return reading.report


def report(head: str, row: str) -> Report:
    (reading,) = readings(f"{head}\n{row}\n")
    assert isinstance(reading, Reading)
    return reading.report


def notes(found: Report) -> set[tuple[str, str]]:
    return {(note.field, note.code) for note in found.quality}


@pytest.mark.parametrize("name", ["Time", "Call Received", "Received DtTm", "Dispatch DtTm", "Date", "Call Date", "timeStamp"])
@pytest.mark.parametrize(
    ("cell", "note"),
    [(SERIAL, "serial_number_read"), ("1777658580", "epoch_read_as_utc"), ("1777658580000", "epoch_read_as_utc"), ("5/1/2026 2:03 PM", "")],
)
def test_serials_and_epochs_are_times_in_whichever_column(name: str, cell: str, note: str) -> None:
    found = report(f"Incident Number,{name},Nature", f"26-0001234,{cell},OVERDOSE")
    assert (found.occurred_at, found.occurred_at_precision is TimePrecision.DATE) == (CALLED, False)
    assert (("occurred_at", note) in notes(found)) is bool(note)


@pytest.mark.parametrize("value", [1777658580000, 1777658580, 1777658580.0, float(SERIAL)])
def test_numbers_of_json_are_times(value: float) -> None:
    (reading,) = readings(json.dumps({"nature": "OVERDOSE", "call_received": value}), "application/json")
    assert isinstance(reading, Reading)
    assert reading.report.occurred_at == CALLED


@pytest.mark.parametrize("value", [True, [], 10**20, float("inf")])
def test_other_values_of_json_are_none(value: object) -> None:
    with pytest.raises(Rejected) as caught:
        read({"nature": "OVERDOSE", "call received": value})
    assert (caught.value.fault, caught.value.field) == (Fault.INVALID_FIELD, "call")


@pytest.mark.parametrize(
    ("day", "clock"),
    [
        ("46143", "14:03"),
        ("5/1/2026", "0.585416666666667"),
        ("5/1/2026", ".5854166667"),
        ("2026-05-01T00:00:00.000", "14:03:00"),
        ("5/1/2026 12:00:00 AM", "1403"),
        ("5/1/2026", "1899-12-30 14:03:00"),
        ("5/1/2026", "1/0/1900 14:03"),
        ("5/1/2026 14:03", "14:03"),
        ("5/1/2026", "140300"),
        ("20260501", "14:03"),
    ],
)
@pytest.mark.parametrize("names", ["Date,Time", "Response Date,Call Time", "Alm Date,Alm Time"])
def test_a_day_and_its_clock(day: str, clock: str, names: str) -> None:
    found = report(f"Inci No,{names},Descript,timeStamp", f"26-0001234,{day},{clock},OVERDOSE,5/1/2026 14:30")
    assert (found.occurred_at, found.occurred_at_basis) == (CALLED, TimeBasis.PSAP_CALL)
    assert "midnight_is_date_only" not in {code for _, code in notes(found)}


def test_five_digits_beside_a_day_are_a_clock() -> None:
    assert report("Date,Time,Nature", "5/1/2026,40000,OVERDOSE").occurred_at == datetime(2026, 5, 1, 8, tzinfo=UTC)


def test_the_midnight_of_a_date_gives_way_to_a_time() -> None:
    head = "Call Number,Call Date,Received DtTm,Dispatch DtTm,Call Type"
    day = "2026-05-01T00:00:00.000"
    received = report(head, f"261230001,{day},2026-05-01T14:03:00.000,2026-05-01T14:05:00.000,OVERDOSE")
    assert (received.occurred_at, received.occurred_at_basis) == (CALLED, TimeBasis.PSAP_CALL)
    dispatched = report(head, f"261230001,{day},,2026-05-01T14:03:00.000,OVERDOSE")
    assert (dispatched.occurred_at, dispatched.occurred_at_basis) == (CALLED, TimeBasis.DISPATCH)
    for later in ("", "PENDING", "1900-01-01 00:00:00"):
        alone = report(head, f"261230001,{day},,{later},OVERDOSE")
        assert (alone.occurred_at, alone.occurred_at_precision) == (datetime(2026, 5, 1, 4, tzinfo=UTC), TimePrecision.DATE)
        assert ("occurred_at", "midnight_is_date_only") in notes(alone)


@pytest.mark.parametrize(("clock", "note"), [("unknown", False), ("UNK", False), ("25:99", True), ("x", True)])
def test_a_clock_that_says_nothing_leaves_the_day(clock: str, note: bool) -> None:  # noqa: FBT001
    found = report("Date,Time,Nature,timeStamp", f"5/1/2026,{clock},OVERDOSE,5/9/2026 10:00")
    assert (found.occurred_at, found.occurred_at_precision) == (datetime(2026, 5, 1, 4, tzinfo=UTC), TimePrecision.DATE)
    assert (("occurred_at", "time_of_day_unreadable") in notes(found)) is note


def test_a_clock_without_its_date_is_told_so() -> None:
    with pytest.raises(Rejected) as caught:
        report("Incident Number,Time,Nature", "26-0001234,14:03,OVERDOSE")
    assert (caught.value.field, caught.value.problem) == ("clock", "holds no date, and no other column does")


def test_a_column_in_utc_is_read_so_and_gives_way_to_a_local_one() -> None:
    found = report("Event Number,Event Created (UTC),Event Type", "26-0001234,2026-05-01 18:03:00,OVERDOSE")
    assert found.occurred_at == CALLED
    assert not {note for note in notes(found) if note[0] == "occurred_at"}
    both = report("Event Created (UTC),Call Received,Event Type", "2026-05-01 18:09:00,2026-05-01 14:03:00,OVERDOSE")
    assert both.occurred_at == CALLED


@pytest.mark.parametrize(
    "title",
    [
        *("Description", "Descript", "TypeText", "Incident_Type_Desc", "Call Description", "Call for Service", "Call for Service Type"),
        *("Nature Desc", "Nature Description", "call_type_final_desc", "typ_eng", "Final Call Type", "Call Type"),
    ],
)
@pytest.mark.parametrize(
    "time",
    [
        *("CREATE_TIME_INCIDENT", "TimeCreate", "Original Time Queued", "CAD Event Original Time Queued", "Response_Date", "Called At"),
        *("Call Timestamp", "Alarm DateTime", "received_datetime", "entry_datetime", "Incident DateTime"),
    ],
)
def test_names_of_titles_and_times(title: str, time: str) -> None:
    found = report(f"{title},{time}", "OVERDOSE,2026-05-01T14:03:00.000")
    assert (found.occurred_at, found.occurred_at_basis) == (CALLED, TimeBasis.PSAP_CALL)


@pytest.mark.parametrize(
    ("head", "row", "place"),
    [
        ("Latitude_X,Longitude_X,Address_X", "39.1,-84.5,1XX MAIN ST", (39.1, -84.5, "1XX MAIN ST", None, None)),
        ("Blurred Latitude,Blurred Longitude", "47.6,-122.3", (47.6, -122.3, None, None, None)),
        ("Lat (DD),Long (DD),Block Address", "40.1,-75.3,100 BLK ELM", (40.1, -75.3, "100 BLK ELM", None, None)),
        ("Zipcode of Incident,Hundred Block Location", "94103,100 BLOCK OF 6TH ST", (None, None, "100 BLOCK OF 6TH ST", None, "94103")),
        ("Nearest Intersection,Loc Address", "ELM ST & 3RD AVE,MAIN ST", (None, None, "MAIN ST", "ELM ST & 3RD AVE", None)),
    ],
)
def test_names_of_places(head: str, row: str, place: tuple[object, ...]) -> None:
    found = report(f"Nature,Call Received,{head}", f"OVERDOSE,5/1/2026 14:03,{row}").location
    assert (found.lat, found.lon, found.address, found.intersection, found.zip5) == place


@pytest.mark.parametrize("name", ["CAD Event Number", "Inci No", "INCI_NO", "Run No", "Run #", "CFS No"])
def test_names_of_numbers(name: str) -> None:
    assert report(f"{name},Nature,Call Received", "26-0001234,OVERDOSE,5/1/2026 14:03").cad_number == "26-0001234"


@pytest.mark.parametrize(
    ("cells", "is_one"),
    [
        ({"final call type": "SICK PERSON", "initial call type": "OVERDOSE", "call type": "OVERDOSE"}, False),
        ({"final call type": "OVERDOSE", "initial call type": "SICK PERSON", "call type": "911"}, True),
        ({"call type final desc": "SICK PERSON", "description": "OVERDOSE"}, False),
        ({"call type": "MEDICAL", "description": "OVERDOSE"}, True),
        ({"type": "OVERDOSE", "description": "MALE, UNRESPONSIVE"}, True),
        ({"type": "OVERDOSE FOLLOW UP", "description": "OVERDOSE OF LAST WEEK"}, False),
        ({"type": "MEDICAL", "description": "NOT AN OVERDOSE"}, False),
        ({"type": "21", "typetext": "OVERDOSE"}, True),
        ({"call type": "", "description": "OVERDOSE"}, True),
    ],
)
def test_the_final_type_counts_and_a_plain_one_may_be_explained(cells: dict[str, str], is_one: bool) -> None:  # noqa: FBT001
    reading = cad_911.FEED.read({**cells, "call received": "5/1/2026 14:03"}, SOURCE)
    assert isinstance(reading, Reading) is is_one


@pytest.mark.parametrize("description", [5, ["x"], "\ud800", "OVERDOSE \ud800"])
def test_a_description_that_is_no_text_takes_nothing_from_the_type(description: object) -> None:
    found = read({"call type": "OVERDOSE", "description": description, "call received": "5/1/2026 14:03"})
    assert found.occurred_at == CALLED
    reading = cad_911.FEED.read({"call type": "MEDICAL", "description": description, "call received": "5/1/2026 14:03"}, SOURCE)
    assert isinstance(reading, Reading) is (isinstance(description, str) and "OVERDOSE" in description)
    if isinstance(reading, Reading):
        assert [statement.text.encode() for statement in reading.found.statements] == [b"OVERDOSE "]


@pytest.mark.parametrize("name", ["Call Received", "Time", "Call Date"])
@pytest.mark.parametrize("cell", ["20260501140300", "202605011403", "20260501 1403"])
def test_times_without_anything_between(name: str, cell: str) -> None:
    assert report(f"{name},Nature", f"{cell},OVERDOSE").occurred_at == CALLED


def test_a_description_is_no_time() -> None:
    with pytest.raises(Rejected) as caught:
        readings("Description,Type\nOVERDOSE,EMS\n")
    assert (caught.value.fault, caught.value.field) == (Fault.MISSING_FIELD, "timestamp")


@pytest.mark.parametrize(
    ("written", "zip5", "restored"),
    [
        *(("1101", "01101", True), ("1101.0", "01101", True), ("1101-1234", "01101", True), (1101, "01101", True), (1101.0, "01101", True)),
        *(("19401", "19401", False), ("19401.0", "19401", False), ("194011234", "19401", False), (19401, "19401", False)),
    ],
)
def test_zip_codes_that_lost_their_zero(written: object, zip5: str, restored: bool) -> None:  # noqa: FBT001
    found = read({**BARE, "zip": written})
    assert (found.location.zip5, found.location.precision) == (zip5, PlacePrecision.ZIP)
    assert (("location.zip5", "leading_zero_restored") in notes(found)) is restored


@pytest.mark.parametrize(("lat", "lng"), [("42100000", "-75300000"), (42100000, -75300000), ("42100000.0", "-75300000.0")])
def test_millionths_of_degrees(lat: object, lng: object) -> None:
    found = read({**BARE, "lat": lat, "lng": lng})
    assert (found.location.lat, found.location.lon) == (42.1, -75.3)
    assert ("location.lat", "millionths_of_degree") in notes(found)


WRONG = [
    ({"lat": "91.5", "lng": "-75.3"}, "location.lat", "out_of_range"),
    ({"lat": "2700000", "lng": "1200000"}, "location.lat", "out_of_range"),  # feet of a state's plane
    ({"lat": "42100000", "lng": "75300000"}, "location.lat", "out_of_range"),
    ({"lat": "north", "lng": "-75.3"}, "location.lat", "not_recognised"),
    ({"lat": "40.1", "lng": ""}, "location.lat", "not_recognised"),
    ({"lat": "40,1209", "lng": "-75,3399"}, "location.lat", "not_recognised"),
    ({"zip": "1940I"}, "location.zip5", "not_recognised"),
    ({"zip": "123-45-6789"}, "location.zip5", "not_recognised"),
    ({"zip": True}, "location.zip5", "not_recognised"),
    ({"cross streets": "X" * 600}, "location.intersection", "not_recognised"),
]


@pytest.mark.parametrize(("cells", "field", "code"), WRONG)
def test_what_cannot_be_read_of_a_place_is_left_out_where_there_is_another(cells: dict[str, object], field: str, code: str) -> None:
    found = read({**PLACED, **cells})
    assert (found.location.lat, found.location.zip5, found.location.address) == (None, None, "100 MAIN ST")
    assert (field, code) in notes(found)


@pytest.mark.parametrize(("cells", "field", "code"), WRONG)
def test_the_only_place_of_a_row_is_refused_and_waits(cells: dict[str, object], field: str, code: str) -> None:
    with pytest.raises(Rejected) as caught:
        read({**BARE, **cells})
    assert caught.value.example
    assert (caught.value.fault is Fault.OUT_OF_RANGE) is (code == "out_of_range"), field


def test_an_address_that_cannot_be_read_leaves_the_point() -> None:
    found = read({**BARE, "address": "X" * 600, "lat": "40.1", "lng": "-75.3"})
    assert (found.location.lat, found.location.address) == (40.1, None)
    assert ("location.address", "not_recognised") in notes(found)


@pytest.mark.parametrize(
    ("written", "city", "place"),
    [
        ("W GAY ST & N HIGH ST ; TWP: WEST CHESTER", None, ("W GAY ST & N HIGH ST", None, "WEST CHESTER")),
        ("W GAY ST & N HIGH ST; TWP: WEST CHESTER", "Downingtown", ("W GAY ST & N HIGH ST", None, "Downingtown")),
        ("100 MAIN ST ;TWP:", None, (None, "100 MAIN ST", None)),
        ("100 MAIN ST; REAR", None, (None, "100 MAIN ST; REAR", None)),
    ],
)
def test_a_township_behind_a_street(written: str, city: str | None, place: tuple[str | None, ...]) -> None:
    found = read({**BARE, "address": written, "twp": city}).location
    assert (found.intersection, found.address, found.city) == place


def test_a_decimal_comma_is_told() -> None:
    with pytest.raises(Rejected) as caught:
        coordinates({"lat": "40,1209", "lng": "-75,3399"}, "lat", "lng")
    assert (caught.value.field, caught.value.expected) == ("lat", "a number from -90 to 90, written with a decimal point")
    assert "1209" not in str(caught.value).replace("40.1209", "")
