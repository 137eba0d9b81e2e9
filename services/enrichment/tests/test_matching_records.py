"""The compact record: what of a row or a located report is compared, and which revision stands."""

import random
from datetime import UTC, datetime
from uuid import UUID

import pytest

from spikewatch.contracts import identifiers
from spikewatch.contracts.report import Drug, LocatedReport, Location, Position, Report, Reversal, Victims
from spikewatch.contracts.vocabulary import AgeBand, DrugClass, PlacePrecision, Sex, SourceType, TimeBasis, TimePrecision, YesNo
from spikewatch.enrichment.domain.matching import codes
from spikewatch.enrichment.domain.matching.records import Unreadable, newest, of_located, of_report, of_row

ROW = {
    "report_id": "R1",
    "received_at": "2026-05-01T10:00:00Z",
    "agency": "EMS",
    "agency_record_no": "EM1",
    "cad_no": "24-0000 747",
    "event_time": "2026-05-01T09:00:00Z",
    "time_precision": "second",
    "address_text": "1124 LEAVENWORTH ST. APT 3",
    "zip": "94109",
    "lat": "37.79",
    "lon": "-122.41",
    "geo_precision": "address",
    "age": "49",
    "age_approx": "0",
    "sex": "M",
    "outcome": "NONFATAL",
    "naloxone": "1",
    "naloxone_doses": "2",
    "drug": "METH",
    "disposition": "TRANSPORT",
    "hospital": "Mercy  West",
}


def report(**changes: object) -> Report:
    fields = {
        "report_id": identifiers.report_id("mercy-ems", "EM1", 1),
        "report_key": identifiers.report_key("mercy-ems", "EM1"),
        "source_agency_id": "mercy-ems",
        "source_record_id": "EM1",
        "revision": 3,
        "source_type": SourceType.EMS,
        "occurred_at": datetime(2026, 5, 1, 9, tzinfo=UTC),
        "occurred_at_basis": TimeBasis.DISPATCH,
        "occurred_at_precision": TimePrecision.SECOND,
        "received_at": datetime(2026, 5, 1, 10, tzinfo=UTC),
        "location": Location(address="1124 Leavenworth St #204", zip5="94109", county_fips="06075"),
        "victims": Victims(age=49, sex=Sex.MALE),
        "submission_id": UUID(int=1),
        "submission_format": "json",
    }
    return Report.model_validate(fields | changes)


def test_a_row_becomes_numbers_of_the_vocabulary() -> None:
    record = of_row(ROW)
    assert record.kind == codes.KIND_CODE["ems"]
    assert (record.cad, record.house, record.unit, record.zip5) == ("240000747", 1124, "3", "94109")
    assert (codes.SEXES[record.sex], codes.DRUGS[record.drug]) == ("male", "methamphetamine")
    assert (codes.OUTCOMES[record.outcome], codes.DISPOSITIONS[record.disposition]) == ("nonfatal", "transported")
    assert (record.age_low, record.age_high, record.is_age_rough) == (49, 49, False)
    assert (record.naloxone, record.doses, record.hospital) == (1, 2, "MERCYWEST")
    assert record.seconds == datetime(2026, 5, 1, 9, tzinfo=UTC).timestamp()


def test_columns_named_truth_and_unknown_ones_change_nothing() -> None:
    assert of_row(ROW | {"truth_event": "7", "truth_person": "9", "whatever": "x"}) == of_row(ROW)


def test_a_row_with_the_least_states_nothing_else() -> None:
    record = of_row({"agency": "ED", "agency_record_no": "1", "event_time": "2026-05-01T09:00:00Z"})
    assert (record.place_class, record.age_low, record.sex, record.cad, record.house, record.naloxone) == (0, -1, 0, "", -1, -1)


@pytest.mark.parametrize(("field", "value"), [("agency", ""), ("agency", "nan"), ("event_time", ""), ("event_time", "yesterday")])
def test_a_row_that_cannot_be_compared_says_which_field_and_not_what_stood_there(field: str, value: str) -> None:
    with pytest.raises(Unreadable) as caught:
        of_row(ROW | {field: value})
    assert caught.value.field == field
    assert caught.value.example
    assert not value or value not in str(caught.value)


def test_a_row_without_any_number_is_refused() -> None:
    with pytest.raises(Unreadable, match="agency_record_no"):
        of_row(ROW | {"agency_record_no": " ", "report_id": ""})


@pytest.mark.parametrize(
    ("time", "precision", "rough"),
    [
        ("2026-05-01T00:00:00Z", "minute", True),  # a date that a system wrote as midnight
        ("2026-05-01T00:00:00Z", "second", False),
        ("2026-05-01T10:00:00Z", "day", True),
        ("2026-05-01T10:00:00Z", "minute", False),
    ],
)
def test_a_date_in_the_guise_of_a_time_is_taken_for_a_date(time: str, precision: str, *, rough: bool) -> None:
    assert of_row(ROW | {"event_time": time, "time_precision": precision}).is_rough is rough


@pytest.mark.parametrize(
    ("text", "house", "unit", "street"),
    [
        ("1100 BLK LEAVENWORTH ST", -1, "", "LEAVENWORTH:11"),
        ("1000-BLK JUNIPERO SERRA", -1, "", "JUNIPERO:10"),
        ("200 Block of OLIVE", -1, "", "OLIVE:2"),
        ("LARKIN ST / OAK AVE", -1, "", ""),
        ("4114 24TH #204", 4114, "204", "24TH:41"),
        ("33 CERES RM 12", 33, "12", "CERES:0"),
        ("12 w. Main St", 12, "", "MAIN:0"),
        ("1500 EL CAMINO REAL", 1500, "", "EL CAMINO REAL:15"),
        ("1500 El Monte Ave Apt 3", 1500, "3", "EL MONTE:15"),
        ("1500 St. James Pl", 1500, "", "ST JAMES:15"),
        ("1500 SAINT JAMES", 1500, "", "ST JAMES:15"),
        ("577 AVENUE D", 577, "", "AVE D:5"),
        ("100 BLK SOUTH VAN NESS AVE", -1, "", "VAN NESS:1"),
        ("100 NORTH ST", 100, "", "NORTH:1"),  # a street called North
        ("100 STATE ST", 100, "", "STATE:1"),
        ("100 STATE ROUTE 9", 100, "", "SR 9:1"),
        ("100 COUNTY RD 12", 100, "", "CR 12:1"),
        ("100 US HIGHWAY 50", 100, "", "US 50:1"),
        ("", -1, "", ""),
    ],
)
def test_house_number_unit_and_street_are_read_from_the_address(text: str, house: int, unit: str, street: str) -> None:
    record = of_row(ROW | {"address_text": text})
    assert (record.house, record.unit, record.street) == (house, unit, street)


@pytest.mark.parametrize("number", ["", "0", "NA", "000000", "-", "n/a"])
def test_a_filler_is_no_number_of_a_call(number: str) -> None:
    assert of_row(ROW | {"cad_no": number}).cad == ""


def test_a_located_report_says_the_same_as_its_row() -> None:
    position = Position(lat=37.79, lon=-122.41, precision=PlacePrecision.BLOCK, radius_m=60, method="geocoded")
    drugs = (Drug(term="opioid", drug_class=DrugClass.OPIOID), Drug(term="fentanyl", drug_class=DrugClass.FENTANYL))
    made = report(drugs=drugs, reversal=Reversal(given=YesNo.NO, doses=0), destination="mercy west", cad_number="24-0000747")
    record = of_located(LocatedReport(report=made, position=position, place_key="06075", geodata_version=4))
    assert (record.region, record.place_class, record.unit, record.house) == ("06075", codes.PLACE_CLASS_OF["block"], "204", 1124)
    assert codes.DRUGS[record.drug] == "fentanyl"  # the substance says more than its family
    assert (record.naloxone, record.doses, record.hospital, record.cad) == (0, 0, "MERCYWEST", "240000747")
    assert record.revision > of_located(LocatedReport(report=made, place_key="06075", geodata_version=3)).revision


def test_a_band_of_ages_is_a_rough_age() -> None:
    record = of_report(report(victims=Victims(age_band=AgeBand.A40_49)))
    assert (record.age_low, record.age_high, record.is_age_rough) == (40, 49, True)
    assert of_report(report(victims=Victims(age_band=AgeBand.A90_PLUS))).age_low == 90


def test_a_report_that_nobody_placed_counts_with_its_own_position() -> None:
    assert of_report(report()).place_class == 0
    placed = of_report(report(location=Location(lat=1.0, lon=2.0, precision=PlacePrecision.ZIP)))
    assert (placed.lat, placed.lon, placed.place_class) == (1.0, 2.0, codes.PLACE_CLASS_OF["zip"])


def test_the_newest_revision_stands_in_whatever_order_they_come() -> None:
    first = of_row(ROW)
    second = of_row(ROW | {"received_at": "2026-05-02T10:00:00Z", "report_id": "R2", "age": "50"})
    other = of_row(ROW | {"agency_record_no": "EM2", "event_time": "2026-04-01T09:00:00Z"})
    gone = of_report(report(withdrawn=True))
    everything = [first, second, other, gone, of_report(report(revision=1)), first]
    for seed in range(20):
        random.Random(seed).shuffle(everything)
        assert newest(everything) == [other, second]


def test_of_two_that_claim_to_be_one_revision_and_differ_the_same_stands_in_any_order() -> None:
    # A file that does not say when a row came, in which a correction has no later number.
    rows = [
        {name: text for name, text in ROW.items() if name not in {"received_at", "report_id"}} | {"age": age} for age in ("49", "51", "50")
    ]
    one, two, three = map(of_row, rows)
    for order in ([one, two, three], [two, three, one], [three, two, one]):
        assert newest(order) == [two]


@pytest.mark.parametrize(
    ("time", "precision", "is_rough"),
    [
        ("2026-05-01", "", True),
        ("2026-05-01T00:00:00-05:00", "minute", True),  # midnight where it was written, 5 o'clock in UTC
        ("2026-05-01T19:00:00-05:00", "minute", False),  # midnight in UTC only
        ("2026-05-01T00:00:00Z", "minute", True),
        ("2026-05-01T00:00:00-05:00", "second", False),
        ("2026-05-01T09:30:00-05:00", "day", True),
    ],
)
def test_a_date_is_told_by_the_clock_of_whoever_wrote_it(time: str, precision: str, *, is_rough: bool) -> None:
    assert of_row(ROW | {"event_time": time, "time_precision": precision}).is_rough is is_rough


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_time_at_the_end_of_the_calendar_is_a_time(time: str) -> None:
    assert len(newest([of_row(ROW | {"event_time": time})])) == 1
