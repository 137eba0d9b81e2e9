"""HL7 v2 ADT: the person, the end of the visit, the diagnoses and the texts of a message."""

from uuid import UUID

import pytest
from spikewatch_testing.hl7_messages import NOW, message, notes, read, reading

from spikewatch.contracts.vocabulary import AgeBand, Disposition, Outcome, PlacePrecision, Sex, SourceType
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Source


@pytest.mark.parametrize(
    ("observed", "age", "band"),
    [
        ("45|a^^UCUM", 45, None),
        ("45|", 45, None),
        ("17.9|a", 17, None),
        ("24|mo^^UCUM", 2, None),
        ("11|mo", 0, None),
        ("400|d^^UCUM", 1, None),
        ("3|wk", 0, None),
        ("5|h", 0, None),
        ("90|a", None, AgeBand.A90_PLUS),
        ("1080|mo", None, AgeBand.A90_PLUS),
        ("45|UNK^unknown^NULLFL", None, None),
        ("999|a", None, None),
        ("old|a", None, None),
    ],
)
def test_ages_in_every_unit(observed: str, age: int | None, band: AgeBand | None) -> None:
    body = message(pid={7: ""}).replace("45|a^^UCUM", observed)
    assert (reading(body).report.victims.age, reading(body).report.victims.age_band) == (age, band)


@pytest.mark.parametrize(
    ("born", "age"), [("19840502", 41), ("19840501", 42), ("198405010203", 42), ("1984", None), ("19849999", 41), ("20270101", None)]
)
def test_the_birth_date_serves_only_where_no_age_was_observed(born: str, age: int | None) -> None:
    assert reading(message(pid={7: born})).report.victims.age == 45
    assert reading(message(pid={7: born}).replace("21612-7", "8310-5")).report.victims.age == age


@pytest.mark.parametrize(
    ("code", "sex"), [("M", Sex.MALE), ("O", Sex.OTHER), ("A", Sex.OTHER), ("U", Sex.UNKNOWN), ("f^Female", Sex.FEMALE)]
)
def test_sexes(code: str, sex: Sex) -> None:
    assert reading(message(pid={8: code})).report.victims.sex is sex


def test_a_sex_that_no_table_has_is_noted() -> None:
    assert ("victims.sex", "not_recognised") in notes(reading(message(pid={8: "Q"})))


@pytest.mark.parametrize(
    ("code", "disposition", "outcome"),
    [
        ("01", Disposition.RELEASED, Outcome.NONFATAL),
        ("1", Disposition.RELEASED, Outcome.NONFATAL),
        ("07", Disposition.REFUSED, Outcome.NONFATAL),
        ("21", Disposition.ARREST, Outcome.NONFATAL),
        ("65", Disposition.TREATMENT, Outcome.NONFATAL),
        ("09", Disposition.TREATMENT, Outcome.UNKNOWN),
        ("20", Disposition.UNKNOWN, Outcome.FATAL),
        ("41", Disposition.UNKNOWN, Outcome.FATAL),
        ("42^Expired", Disposition.UNKNOWN, Outcome.FATAL),
        ("30", Disposition.UNKNOWN, Outcome.UNKNOWN),
        ("", Disposition.UNKNOWN, Outcome.UNKNOWN),
    ],
)
def test_dispositions(code: str, disposition: Disposition, outcome: Outcome) -> None:
    found = reading(message(pv1={36: code}))
    assert (found.report.disposition, found.report.outcome) == (disposition, outcome)
    assert ("dead" in found.found.facts) == (outcome is Outcome.FATAL)


def test_a_disposition_of_the_houses_own_is_noted_and_a_death_is_also_told_by_the_person() -> None:
    assert ("disposition", "not_recognised") in notes(reading(message(pv1={36: "QQ"})))
    assert reading(message(pid={30: "Y"})).report.outcome is Outcome.FATAL
    assert reading(message(pid={29: "20260501"})).report.outcome is Outcome.FATAL


def test_diagnoses_keep_their_coding_system() -> None:
    found = reading(
        message(
            "DG1|1||T40.1X1A^Poisoning by heroin^I10|||F",
            "DG1|2||0074^Cryptosporidiosis^I9CDX|||A",
            "DG1|3||295174006^Heroin overdose^SCT^T401X1A^^I10C|||W",
            "DG1|4||F11.20^Opioid dependence^2.16.840.1.113883.6.90",
            "DG1|5|I10|R40.20^Coma",
        )
    ).found
    assert {(code.system, code.code, code.role) for code in found.codes} == {
        ("icd10cm", "T40.1X1A", "diagnosis"),
        ("icd9cm", "0074", "diagnosis"),
        ("snomed", "295174006", "diagnosis"),
        ("icd10cm", "T401X1A", "diagnosis"),
        ("icd10cm", "F11.20", "diagnosis"),
        ("icd10cm", "R40.20", "diagnosis"),
    }


def test_a_code_without_system_is_taken_by_its_shape_and_noted() -> None:
    found = reading(message("DG1|1||T40.2X1A", obx=""))
    assert [(code.system, code.code) for code in found.found.codes] == [("icd10cm", "T40.2X1A")]
    assert ("diagnosis", "coding_system_assumed") in notes(found)


def test_a_diagnosis_in_words_is_a_text() -> None:
    for segment in ("DG1|1||^Heroin overdose", "DG1|1||Heroin overdose", "DG1|1|||Heroin overdose", "DG1|1||9999^Heroin overdose^L"):
        found = reading(message(segment, obx="")).found
        assert [(text.role, text.text) for text in found.statements] == [("diagnosis_text", "Heroin overdose")]


@pytest.mark.parametrize(
    ("obx", "role", "text"),
    [
        ("OBX|3|CWE|8661-1^^LN||^^^^^^^^found down", "chief_complaint", "found down"),
        ("OBX|3|CWE|8661-1^^LN||^found down", "chief_complaint", "found down"),
        ("OBX|3|CE|8661-1||R40^found down^I10^^found  down", "chief_complaint", "found down"),
        ("OBX|3|TX|8661-1^^LN||found down", "chief_complaint", "found down"),
        ("OBX|3|ST|8661-1^^LN||found^down", "chief_complaint", "found down"),
        ("OBX|3|FT|8661-1^^LN||found\\.br\\down", "chief_complaint", "found down"),
        ("OBX|3|CWE|8661-1^^LN||found down", "chief_complaint", "found down"),
        ("OBX|3|TX|54094-8^Triage note^LN||found down", "narrative", "found down"),
        ("OBX|3|TX|44833-2^^LN||found down", "diagnosis_text", "found down"),
        ("PV2|||^found down", "chief_complaint", "found down"),
        ("PV2|||found down", "chief_complaint", "found down"),
        ("OBX|3|TX|8661-1^^LN||found\ndown", "chief_complaint", "found down"),
        ("OBX|3|TX|8661-1^^LN||\\H\\found\\N\\ \\X646f776e\\", "chief_complaint", "found down"),
    ],
)
def test_texts_are_found_where_senders_put_them(obx: str, role: str, text: str) -> None:
    found = reading(message(obx=obx)).found
    assert [(one.role, one.text) for one in found.statements] == [(role, text)]


def test_repeated_texts_are_each_read() -> None:
    found = reading(message(obx="OBX|3|TX|8661-1^^LN||found down~not breathing")).found
    assert [one.text for one in found.statements] == ["found down", "not breathing"]


def test_what_the_sender_takes_back_is_not_read() -> None:
    deleted = "DG1|2||T40.1X1A^Heroin^I10|||W|||||||||||||||D"
    assert [code.code for code in reading(message("DG1|1||R07.9^Pain^I10|||W|||||||||||||||A", deleted)).found.codes] == ["R07.9"]
    for status in ("D", "W", "X", "N"):
        gone = message(obx=f"OBX|3|TX|8661-1^^LN||heroin overdose||||||{status}")
        assert read(gone) == NotAnOverdose()
    assert reading(message(obx="OBX|3|TX|8661-1^^LN||heroin overdose||||||C")).found.statements


def test_a_house_code_mapped_to_loinc_is_read_by_its_alternative() -> None:
    found = reading(message(obx="OBX|3|TX|CC^Chief complaint^L^8661-1^^LN||found down||||||F")).found
    assert [(one.role, one.text) for one in found.statements] == [("chief_complaint", "found down")]


def test_the_home_is_never_the_agencys_county_and_a_filler_is_no_zip() -> None:
    here = Source("cedar-hospital", SourceType.ED, NOW, UUID(int=1), "hl7_adt", time_zone="America/New_York", county_fips="99001")
    assert reading(message(pid={11: "^^^^99002"}), here).report.location.county_fips is None
    found = reading(message(pid={11: "^^^^99999^^^^WALWORTH"}), here)
    assert (found.report.location.precision, found.report.location.county_fips) == (PlacePrecision.COUNTY, "99001")
    assert ("location.county_fips", "agency_county_assumed") in notes(found)
    second = reading(message(pid={11: "1 MAIN ST^^X^^~^^^^99003^^^^99777"}), here).report.location
    assert (second.zip5, second.county_fips, second.address, second.city) == ("99003", "99777", None, None)
