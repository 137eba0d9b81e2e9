"""The cells of a table as people and statistics programs write them: one meaning in whatever way it is written."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from spikewatch.contracts.report import Report
from spikewatch.contracts.vocabulary import PlacePrecision
from spikewatch.enrichment.domain.matching import address, codes
from spikewatch.enrichment.domain.matching.cells import moment_of
from spikewatch.enrichment.domain.matching.records import Compared, Unreadable, newest, of_report, of_row
from spikewatch.enrichment.domain.matching.slashed import Order, order_of, turned

ROW = {
    "report_id": "R1",
    "received_at": "2026-05-01T10:00:00Z",
    "agency": "EMS",
    "agency_record_no": "EM1",
    "cad_no": "26001234",
    "event_time": "2026-05-01T09:00:00Z",
    "time_precision": "second",
    "address_text": "1124 LEAVENWORTH ST",
    "zip": "94109",
    "lat": "37.79",
    "lon": "-122.41",
    "geo_precision": "address",
    "age": "49",
    "age_approx": "1",
    "sex": "M",
    "race": "W",
    "outcome": "NONFATAL",
    "naloxone": "1",
    "naloxone_doses": "2",
    "drug": "METH",
    "disposition": "TRANSPORT",
    "hospital": "MERCY",
}


def test_a_table_that_pandas_read_and_wrote_says_the_same() -> None:
    numbers = {name: f"{ROW[name]}.0" for name in ("cad_no", "zip", "age", "age_approx", "naloxone", "naloxone_doses")}
    times = {name: ROW[name].replace("T", " ").replace("Z", "+00:00") for name in ("event_time", "received_at")}
    assert of_row(ROW | numbers | times) == of_row(ROW)


@pytest.mark.parametrize("blank", ["nan", "NaN", "None", "null", "<NA>", "NaT", " "])
def test_a_word_for_nothing_says_nothing(blank: str) -> None:
    needed = {"report_id", "agency", "agency_record_no", "event_time"}
    least = {name: text for name, text in ROW.items() if name in needed}
    assert of_row(least | dict.fromkeys(ROW.keys() - needed, blank)) == of_row(least)
    assert of_row(ROW | {"agency_record_no": blank}).key == of_row(ROW | {"agency_record_no": "R1"}).key


@pytest.mark.parametrize("agency", ["EMS", "CAD"])
@pytest.mark.parametrize(
    ("text", "is_rough"),
    [("1", True), ("1.0", True), ("True", True), ("YES", True), ("y", True), ("0", False), ("0.0", False), ("False", False)],
)
def test_an_age_is_rough_where_its_row_says_so(agency: str, text: str, *, is_rough: bool) -> None:
    assert of_row(ROW | {"agency": agency, "age_approx": text}).is_age_rough is is_rough


@pytest.mark.parametrize(
    ("agency", "is_rough"), [("CAD", True), ("SFPD", True), ("FIRE", True), ("EMS", False), ("ED", False), ("ME", False)]
)
def test_an_age_of_which_nothing_is_said_is_as_it_is_usual_for_the_agency(agency: str, *, is_rough: bool) -> None:
    row = ROW | {"agency": agency}
    assert of_row(row | {"age_approx": ""}).is_age_rough is is_rough
    del row["age_approx"]
    assert of_row(row).is_age_rough is is_rough


@pytest.mark.parametrize(
    ("text", "given"),
    [("1", 1), ("True", 1), ("Yes", 1), ("1.0", 1), ("0", 0), ("FALSE", 0), ("no", 0), ("", -1), ("maybe", -1), ("2", -1)],
)
def test_whether_naloxone_was_given_is_read_in_any_spelling(text: str, given: int) -> None:
    assert of_row(ROW | {"naloxone": text}).naloxone == given


@pytest.mark.parametrize(
    ("text", "zip5"), [("94109-1234", "94109"), ("94109.0", "94109"), ("2134", "02134"), ("2134.0", "02134"), ("", "")]
)
def test_a_zip_code_survives_a_column_of_numbers(text: str, zip5: str) -> None:
    assert of_row(ROW | {"zip": text}).zip5 == zip5


def test_hospitals_are_one_whatever_separates_their_words() -> None:
    names = ("St. Mary's", "ST MARYS", "st-mary's ", "St.Marys")
    assert len({of_row(ROW | {"hospital": name}).hospital for name in names}) == 1
    assert of_row(ROW | {"hospital": "St. Luke's"}).hospital != of_row(ROW | {"hospital": names[0]}).hospital


def place_class(**changes: str) -> str:
    return codes.PLACE_CLASSES[of_row(ROW | changes).place_class]


@pytest.mark.parametrize(
    ("agency", "written", "known"),
    [
        ("EMS", "1124 LEAVENWORTH ST", "point"),
        ("POLICE", "1100 BLK LEAVENWORTH ST", "near"),
        ("CAD", "PINE ST / LEAVENWORTH ST", "near"),
        ("FIRE", "", "near"),
        ("ED", "", "area"),  # the middle of a ZIP code
        ("ED", "1124 LEAVENWORTH ST", "point"),
    ],
)
def test_a_place_of_which_no_precision_is_told_counts_as_its_address_tells(agency: str, written: str, known: str) -> None:
    assert place_class(agency=agency, address_text=written, geo_precision="") == known
    row = ROW | {"agency": agency, "address_text": written}
    del row["geo_precision"]
    assert codes.PLACE_CLASSES[of_row(row).place_class] == known


@pytest.mark.parametrize(
    ("word", "known"),
    [("Rooftop", "point"), ("ZIP Code", "area"), ("zipcode", "area"), ("approximate", "street"), ("centroid", "street"), ("none", "none")],
)
def test_a_word_that_nobody_listed_is_no_doorstep(word: str, known: str) -> None:
    assert place_class(geo_precision=word) == known


@pytest.mark.parametrize(("lat", "lon"), [("0", "0"), ("0.0", "-0.0"), ("", "-122.4"), ("nan", "nan"), ("91", "0")])
def test_no_place_is_told_by_noughts_or_words(lat: str, lon: str) -> None:
    record = of_row(ROW | {"lat": lat, "lon": lon})
    assert (record.lat, record.lon, record.place_class) == (0.0, 0.0, 0)


def test_a_report_at_the_origin_of_the_map_has_no_place(report: Callable[..., Report]) -> None:
    assert of_report(report(location={"lat": 0.0, "lon": 0.0, "precision": PlacePrecision.POINT})).place_class == 0
    assert of_report(report(location={"lat": 0.0, "lon": -79.5, "precision": PlacePrecision.POINT})).place_class > 0


def told(**changes: str) -> Compared:
    return of_row(ROW | changes)


def test_a_time_of_arrival_that_is_none_says_nothing() -> None:
    for word in ("NaT", "never", ""):
        assert told(received_at=word) == told(received_at="")
    assert newest([told(received_at="never", age="30"), told()]) == [told()]


def test_blanks_around_a_time_are_none_of_it() -> None:
    assert told(event_time=" 2026-05-01T09:00:00Z  ", received_at="2026-05-01T10:00:00Z ") == told()


@pytest.mark.parametrize(
    "text",
    [
        *("1777626000", "1777626000000", " 2026-05-01T09:00:00Z", "20260501T090000Z", "2026-05-01 04:00:00-05:00"),
        *(
            "2026-05-01 9:00",
            "2026-5-1 9:00",
            "2026-05-01 9:00 AM",
            "2026-05-01 09:00:00 am",
            "2026-05-01 09:00:00 UTC",
            "5/1/2026 9:00 GMT",
        ),
    ],
)
def test_a_time_is_read_as_statistics_programs_write_it(text: str) -> None:
    assert told(event_time=text).seconds == told().seconds


@pytest.mark.parametrize(
    "text",
    [
        "17111122121",
        "17121223334455",
        "13/13/2026 9:00",
        "5/1/2026 13:00 AM",
        "2/30/2026",
        "5/1",
        "2026",
        "26-05-01",
        "2026-05-01 13:00 AM",
        "2026-13-01 9:00",
        "2026-05-01 9",
        "UTC",
        "T",
        "²0260501",
    ],
)
def test_a_number_that_is_no_time_is_not_read_as_one(text: str) -> None:
    with pytest.raises(Unreadable, match="event_time is no time"):
        told(event_time=text)


@pytest.mark.parametrize("text", ["1" + " " * 1_000_000 + "!", "1 MAIN ST #" + " " * 1_000_000 + "!", "1 MAIN ST" + " #" * 500_000])
def test_an_address_of_a_million_letters_is_read_at_once(text: str) -> None:
    began = time.process_time()
    address.stated(text)
    assert time.process_time() - began < 1.0  # by the square of the letters it would be hours


def test_many_blanks_change_no_address() -> None:
    assert address.stated("1124   W" + " " * 200 + "MAIN ST   APT 3") == address.stated("1124 W MAIN ST APT 3") == (1124, "3", "MAIN:11")


@pytest.mark.parametrize(
    ("agency", "kind"),
    [
        *(("CAD", "cad"), ("county-911", "cad"), ("9-1-1", "cad"), ("Communications Center", "cad"), ("Fire Dispatch", "cad")),
        *(("Cedar EMS", "ems"), ("EMS2", "ems"), ("NYCEMS", "ems"), ("Emergency Medical Services", "ems"), ("Paramedic", "ems")),
        *(("Mercy Hospital EMS", "ems"), ("fire_dept", "fire"), ("sffd", "fire"), ("Bangor Fire, ME", "fire")),
        *(("Sheriff", "police"), ("Sheriff's Office", "police"), ("SFPD", "police"), ("Law Enforcement", "police")),
        *(("University Hospital Police", "police"), ("mercy-ed", "ed"), ("Emergency Department", "ed"), ("Mercy ER", "ed")),
        *(("Mercy Medical Center", "ed"), ("ME", "me"), ("coroner-7", "me"), ("County Medical Examiner", "me"), ("Sheriff-Coroner", "me")),
        *(("OCME", "me"), ("MEO", "me"), ("metro", "other"), ("education", "other"), ("lab", "other"), ("Systems", "other")),
        *(("medical", "other"), ("El Paso", "other")),
    ],
)
def test_the_kind_of_agency_is_told_by_its_name(agency: str, kind: str) -> None:
    assert codes.KINDS[codes.kind_of(agency)] == kind


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("5/1/2026 9:00", "2026-05-01T09:00:00+00:00"),
        ("05/01/26 21:00", "2026-05-01T21:00:00+00:00"),
        ("5/1/2026 9:00 AM", "2026-05-01T09:00:00+00:00"),
        ("5/1/2026 9:00:07 p.m.", "2026-05-01T21:00:07+00:00"),
        ("5/1/2026, 12:05 AM", "2026-05-01T00:05:00+00:00"),
        ("5/1/2026 12:05pm", "2026-05-01T12:05:00+00:00"),
        (" 12/31/2025 ", "2025-12-31T00:00:00+00:00"),
        ("31/12/2025 23:59", "2025-12-31T23:59:00+00:00"),
        ("2026/5/1 09:00", "2026-05-01T09:00:00+00:00"),
    ],
)
def test_times_with_slashes_are_read_month_first_unless_that_is_no_month(text: str, meant: str) -> None:
    assert moment_of(text, "event_time") == datetime.fromisoformat(meant)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("5/1/2026 9:00", Order.EITHER),
        ("5/13/2026", Order.MONTH_FIRST),
        ("13/5/26 1:00 PM", Order.DAY_FIRST),
        ("5/5/2026", Order.NEITHER),
        ("13/13/2026", Order.NEITHER),
        ("2026/5/1", Order.NEITHER),
        ("2026-05-01T09:00:00Z", Order.NEITHER),
    ],
)
def test_a_text_tells_its_order_or_not(text: str, order: Order) -> None:
    assert order_of(text) is order
    if order is Order.EITHER:
        read = moment_of(text, "event_time")
        assert datetime.fromtimestamp(turned(read.timestamp()), UTC) == read.replace(month=read.day, day=read.month)
        assert turned(turned(read.timestamp())) == read.timestamp()
