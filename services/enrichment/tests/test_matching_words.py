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
