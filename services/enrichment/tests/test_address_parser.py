"""What the parser makes of the ways in which dispatchers, police, coroners and permit offices write places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewatch.enrichment.domain.geocoding.parsed import Kind
from spikewatch.enrichment.domain.geocoding.parser import parse


@pytest.mark.parametrize(
    ("text", "number", "street"),
    [
        ("1200 VAN NESS AVE, 3RD FLOOR", 1200, "VAN NESS AVE"),
        ("757 MARKET ST 5/FL", 757, "MARKET ST"),
        ("181 3RD ST 2/F", 181, "3RD ST"),
        ("1000 Van Ness Ave #2", 1000, "VAN NESS AVE"),
        ("170 O'Farrell St. Lower Level", 170, "OFARRELL ST"),
        ("12-14 ELM ST", 12, "ELM ST"),
        ("12 1/2 ELM ST", 12, "ELM ST"),
        ("12½ ELM ST", 12, "ELM ST"),
        ("201D TURK ST", 201, "TURK ST"),
        ("112, OAK RD", 112, "OAK RD"),
        ("112OAK RD", 112, "OAK RD"),
        ("N6W23001 BLUEMOUND RD", 23001, "BLUEMOUND RD"),
        ("in a home at 12 Elm Street, Apt 3", 12, "ELM STREET"),
        ("REAR OF 12 ELM ST", 12, "ELM ST"),
        ("HOTEL ROOM AT 12 ELM ST", 12, "ELM ST"),
        ("FRONT YARD OF 12 ELM ST", 12, "ELM ST"),
        ("APT 3, 12 ELM ST", 12, "ELM ST"),
        ("100 FRONT ST", 100, "FRONT ST"),
        ("100 N FRONT ST REAR", 100, "N FRONT ST"),
        ("\x0012 ELM\tST\r\n", 12, "ELM ST"),
    ],
)
def test_house_numbers_are_told_from_units_and_words_around_them(text: str, number: int, street: str) -> None:
    parsed = parse(text)
    assert (parsed.kind, parsed.number, " ".join(parsed.streets[0])) == (Kind.HOUSE, number, street)


@pytest.mark.parametrize(
    "text",
    [
        "1500 Block of LYON ST",
        "1500 BLK LYON ST",
        "LYON ST 1500 BLOCK",
        "15XX LYON ST",
        "1500-1599 LYON ST",
        "15 HUNDRED BLOCK LYON ST",
        "1500BLK LYON ST",
    ],
)
def test_hundred_blocks(text: str) -> None:
    parsed = parse(text)
    assert (parsed.kind, parsed.number, parsed.streets[0]) == (Kind.BLOCK, 1500, ["LYON", "ST"])


@pytest.mark.parametrize(
    "text",
    [
        "MARKET ST / 5TH ST",
        "MARKET ST/5TH ST",
        "MARKET ST & 5TH ST",
        "MARKET ST @ 5TH ST",
        "MARKET ST AND 5TH ST",
        "MARKET ST AT 5TH ST",
        "MARKET ST X 5TH ST",
        "CORNER OF MARKET ST AND 5TH ST",
        "CALL BOX: MARKET ST/5TH ST",
        "NEAR THE INTERSECTION OF MARKET ST & 5TH ST",
        "NW CORNER MARKET ST AT 5TH ST (N/W)",
    ],
)
def test_crossings(text: str) -> None:
    parsed = parse(text)
    assert (parsed.kind, parsed.streets) == (Kind.CROSSING, (["MARKET", "ST"], ["5TH", "ST"]))


@pytest.mark.parametrize("text", ["TURK AND TAYLOR STS", "TURK & TAYLOR STREETS", "TURK: TAYLOR INTERSECTION"])
def test_a_type_said_once_for_both_streets_is_left_out(text: str) -> None:
    assert parse(text).streets == (["TURK"], ["TAYLOR"])


def test_the_unit_block_is_the_first() -> None:
    parsed = parse("UNIT BLOCK OF 6TH STREET")
    assert (parsed.kind, parsed.number, parsed.streets) == (Kind.BLOCK, 0, (["6TH", "STREET"],))


def test_three_streets_of_a_crossing() -> None:
    assert len(parse("MARKET ST/3RD ST/KEARNY ST").streets) == 3


@pytest.mark.parametrize(
    "text",
    [
        "MARKET ST: 5TH ST to 6TH ST",
        "MARKET ST BETWEEN 5TH ST AND 6TH ST",
        "MARKET ST FROM 5TH ST TO 6TH ST",
        "BTWN 5TH ST & 6TH ST ON MARKET ST",
        "MARKET ST: 5TH ST to 6TH ST (50 - 99)",
        "MARKET ST: 5TH ST \\ MINT ST to 6TH ST",
    ],
)
def test_stretches_between_two_streets(text: str) -> None:
    parsed = parse(text)
    assert (parsed.kind, parsed.streets) == (Kind.BETWEEN, (["MARKET", "ST"], ["5TH", "ST"], ["6TH", "ST"]))


@pytest.mark.parametrize(
    ("text", "lat", "lon"),
    [
        ("37.7749, -122.4194", 37.7749, -122.4194),
        ("(37.7749 -122.4194)", 37.7749, -122.4194),
        ("N37.7749 W122.4194", 37.7749, -122.4194),
        ("37.7749N, 122.4194W", 37.7749, -122.4194),
        ("lat: 37.7749 lon: -122.4194", 37.7749, -122.4194),
        ("37°46'29.64\"N 122°25'9.84\"W", 37.7749, -122.4194),
    ],
)
def test_coordinates(text: str, lat: float, lon: float) -> None:
    parsed = parse(text)
    assert parsed.kind is Kind.COORDINATES
    assert (parsed.lat, parsed.lon) == pytest.approx((lat, lon))


@pytest.mark.parametrize("text", ["95.5, 200.1", "0.00, 0.00", "1.5, 2.5"])
def test_numbers_that_are_no_place_on_earth_are_no_coordinates(text: str) -> None:
    assert parse(text).kind is not Kind.COORDINATES


@pytest.mark.parametrize(("text", "mile"), [("I-75 NB MM 54.2", "MM 54.2"), ("MM 54 I-75", "MM 54"), ("I-75 AT EXIT 53B", "EXIT 53B")])
def test_mileposts_and_exits(text: str, mile: str) -> None:
    parsed = parse(text)
    assert (parsed.kind, parsed.mile) == (Kind.MILE, mile)


def test_a_street_called_by_miles_is_no_milepost() -> None:
    assert parse("20001 W 8 MILE RD").kind is Kind.HOUSE
    assert parse("SIXTEEN MILE RD").kind is Kind.NAME


@pytest.mark.parametrize(
    "text", [None, "", "   ", "unknown", "N/A", "UNK", "\x00\x01\x02", "北京市朝阳区", "Assessors Block 3794/Lot002A", "homeless"]
)
def test_what_names_no_place_is_nothing(text: str | None) -> None:
    assert parse(text).kind is Kind.NOTHING


def test_zip_and_state_are_taken_from_the_end() -> None:
    parsed = parse("12 ELM ST, DAYTON, OH 45402-1234")
    assert (parsed.zip5, parsed.state, parsed.tail) == ("45402", "OH", ("DAYTON",))


@given(st.text(max_size=400))
def test_any_text_is_parsed_without_failing(text: str) -> None:
    parsed = parse(text)
    assert all(words and all(words) for words in parsed.streets)
    assert 0 <= parsed.number <= 999_999


@given(st.integers(1, 99_999), st.sampled_from(["", " ", "  ", "\t"]), st.booleans())
def test_case_and_blanks_do_not_matter(number: int, blank: str, lower: bool) -> None:  # noqa: FBT001  # drawn by hypothesis
    text = f"{blank}{number} Elm{blank or ' '}Street{blank}"
    told = parse(text.lower() if lower else text)
    assert (told.number, told.streets) == (number, (["ELM", "STREET"],))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("000 BLOCK OF LYON ST", 0), ("0 BLOCK LYON ST", 0), ("UNIT BLOCK OF LYON ST", 0), ("FIRST BLOCK OF LYON ST", 0), ("XX LYON ST", 0),
        ("1XX BLOCK LYON ST", 100), ("13XX LYON ST", 1300), ("13** Lyon St", 1300), ("13-- LYON ST", 1300), ("13xx block of Lyon St", 1300),
        ("1300XX LYON ST", 1300), ("135X LYON ST", 1300), ("1300 LYON ST BLOCK", 1300), ("BLOCK OF 1300 LYON ST", 1300),
        ("ONE HUNDRED BLOCK OF LYON ST", 100), ("52-00 BLOCK LYON ST", 5200), ("1300-1399 BLK LYON ST", 1300),
    ],
)  # fmt: skip
def test_numbers_that_police_files_hide(text: str, number: int) -> None:
    parsed = parse(text)
    assert (parsed.kind, parsed.number, parsed.streets[0]) == (Kind.BLOCK, number, ["LYON", "ST"])


@pytest.mark.parametrize(
    "text",
    [
        "OAK RD \\ 2ND AVE", "OAK RD | 2ND AVE", "OAK RD NEAR 2ND AVE", "INTERSECTION OF OAK RD AND 2ND AVE", "CORNER OF OAK RD & 2ND AVE",
        "OAK RD AT THE CORNER OF 2ND AVE", "OAK RD AND CORNER OF 2ND AVE", "OAK RD JUST SOUTH OF 2ND AVE",
        "OAK RD INTERSECTION WITH 2ND AVE",
    ],
)  # fmt: skip
def test_words_and_marks_of_crossings(text: str) -> None:
    parsed = parse(text)
    assert (parsed.kind, parsed.streets) == (Kind.CROSSING, (["OAK", "RD"], ["2ND", "AVE"]))


@pytest.mark.parametrize("text", ["OAK RD B/T 1ST AVE AND 2ND AVE", "OAK RD B/W 1ST AVE & 2ND AVE", "OAK RD BETWEEN 1ST AVE / 2ND AVE"])
def test_short_forms_of_between(text: str) -> None:
    parsed = parse(text)
    assert (parsed.kind, parsed.streets) == (Kind.BETWEEN, (["OAK", "RD"], ["1ST", "AVE"], ["2ND", "AVE"]))
