"""The words and numbers that people write for sex, outcome, age and for nothing at all."""

import pytest

from spikewatch.enrichment.domain.matching import codes
from spikewatch.enrichment.domain.matching.records import Compared, of_row

ROW = {"agency": "EMS", "agency_record_no": "E1", "event_time": "2026-05-01T09:00:00Z"}


def told(**cells: str) -> Compared:
    return of_row(ROW | cells)


@pytest.mark.parametrize("word", ["UNKNOWN", "Unk", "unk.", "OTHER", "None", "N/A", "Not Applicable", "not transported", "-", "?", "9999"])
def test_a_word_for_no_hospital_is_no_name(word: str) -> None:
    assert told(hospital=word).hospital == ""


@pytest.mark.parametrize("name", ["UNM Hospital", "Nona General", "Other Side Clinic", "Mercy 99"])
def test_a_hospital_whose_name_holds_such_a_word_keeps_it(name: str) -> None:
    assert told(hospital=name).hospital == "".join(name.upper().split())


@pytest.mark.parametrize("text", ["00000", "0", "99999", "00000-0000", "0.0"])
def test_a_zip_code_of_noughts_or_nines_is_none(text: str) -> None:
    assert told(zip=text).zip5 == ""


@pytest.mark.parametrize(
    ("sex", "meant"),
    [
        *((word, "male") for word in ("M", "m.", "Male ", "MALE", "man", "Men", "boy", "1", "1.0")),
        *((word, "female") for word in ("F", "f.", " Female", "FEMALE", "woman", "Girl", "2", "2.0")),
        *((word, "") for word in ("U", "unknown", "", "0", "9", "manual")),
        ("X", "other"),
    ],
)
def test_sex_is_read_in_words(sex: str, meant: str) -> None:
    assert codes.SEXES[told(sex=sex).sex] == meant


@pytest.mark.parametrize(
    ("outcome", "meant"),
    [
        *((word, "fatal") for word in ("FATAL", "Fatal.", "Deceased", "Died", "dead", "Expired", "Fatal overdose", "DOA")),
        *((word, "nonfatal") for word in ("NONFATAL", "Non-fatal", "non_fatal", "Non Fatal", "Survived", "Alive", "Non-fatal overdose")),
        *((word, "") for word in ("UNKNOWN", "unknown.", "", "not known", "deadline")),
        ("improved", "improved"),
    ],
)
def test_an_outcome_is_read_in_words(outcome: str, meant: str) -> None:
    assert codes.OUTCOMES[told(outcome=outcome).outcome] == meant


@pytest.mark.parametrize(
    ("word", "meant"), [("TRANSPORT", "transported"), ("Died on scene", "died_on_scene"), ("DOS", "died_on_scene"), ("Died", "")]
)
def test_a_disposition_may_have_blanks_between_its_words(word: str, meant: str) -> None:
    assert codes.DISPOSITIONS[told(disposition=word).disposition] == meant


@pytest.mark.parametrize(
    "text",
    [
        *("40", "40.0", " 40 ", "40 years", "40 y", "40y", "40yo", "40 y/o", "40 yrs old", "40-year-old", "40 YEARS OLD"),
        *("Age: 40", "40 yo M", "40M", "40 f", "40yoF", "40, male", "40 years 3 months", "40 yrs."),
    ],
)
def test_an_age_in_words_is_its_number(text: str) -> None:
    record = told(age=text)
    assert (record.age_low, record.age_high, record.is_age_rough) == (40, 40, False)


@pytest.mark.parametrize(
    ("text", "years"),
    [("6 months", 0), ("18 mo", 1), ("6-11 months", 0), ("3 weeks old", 0), ("10 days", 0), ("<1", 0), ("1 year 6 months", 1)],
)
def test_an_infant_has_the_years_it_has_lived(text: str, years: int) -> None:
    assert (told(age=text).age_low, told(age=text).age_high) == (years, years)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        *((text, 31, 38) for text in ("30-39", "30 to 39", "30\u201339", "30 - 39 years", "30s", "30's", "30S M", "Age 30-39")),
        *(
            ("early 30s", 31, 33),
            ("mid-30s", 34, 36),
            ("late 30s", 37, 38),
            ("30-32", 30, 32),
            ("25-34", 26, 33),
            ("10-14", 11, 13),
            ("30-31", 30, 31),
        ),
    ],
)
def test_a_band_of_ages_is_held_without_its_ends_so_that_the_next_one_does_not_agree(text: str, low: int, high: int) -> None:
    record = told(age=text, age_approx="0")
    assert (record.age_low, record.age_high, record.is_age_rough) == (low, high, False)
    assert told(age=text, age_approx="1").is_age_rough


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        *((text, 65, 130) for text in ("65+", "65 and over", "65 years or older", ">65", ">=65", "over 65")),
        *(("20s-30s", 20, 39), ("20-30's", 20, 39), ("under 18", 0, 17), ("<=20", 0, 20)),
        *(("about 40", 40, 40), ("~40", 40, 40), ("40ish", 40, 40), ("40?", 40, 40), ("40 (est.)", 40, 40)),
    ],
)
def test_a_wide_range_and_a_guess_are_rough(text: str, low: int, high: int) -> None:
    record = told(age=text, age_approx="0")
    assert (record.age_low, record.age_high, record.is_age_rough) == (low, high, True)


@pytest.mark.parametrize(
    "text", ["18+", ">21", "0-99", "39-30", "6M", "adult", "1/2/1980", "M", "", "unknown", "-5", "131", "65+ " * 20, "nan", "inf"]
)
def test_an_age_that_is_none_or_nearly_everybodys_says_nothing(text: str) -> None:
    record = told(age=text)
    assert (record.age_low, record.age_high, record.is_age_rough) == (-1, -1, False)
