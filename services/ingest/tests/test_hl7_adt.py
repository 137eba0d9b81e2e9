"""HL7 v2 ADT: the parser, the cut into messages, and what becomes of each field."""

import io
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from spikewatch.contracts.vocabulary import AgeBand, Disposition, Outcome, PlacePrecision, Sex, SourceType, TimeBasis, TimePrecision
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.feeds.hl7_adt import FEED, MEDIA_TYPE
from spikewatch.ingest.domain.feeds.hl7_adt.er7 import parse
from spikewatch.ingest.domain.record import RawRecord
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.terminology import classifier

NOW = datetime(2026, 5, 2, 12, tzinfo=UTC)
SOURCE = Source("cedar-hospital", SourceType.ED, NOW, UUID(int=1), "hl7_adt", time_zone="America/New_York")


def message(
    *extra: str,
    trigger: str = "A04",
    made: str = "20260501141000",
    msh: dict[int, str] | None = None,
    pv1: dict[int, str] | None = None,
    pid: dict[int, str] | None = None,
    evn: str = "EVN||20260501140900|||||Cedar Hospital^1234567893^NPI",
    obx: str = "OBX|3|CWE|8661-1^^LN||^^^^^^^^heroin overdose||||||F",
) -> str:
    """A sound message; fields are changed by their number, and ``extra`` segments stand at its end."""

    def segment(name: str, fields: dict[int, str], length: int) -> str:
        return "|".join([name, *(fields.get(number, "") for number in range(1, length + 1))]).rstrip("|")

    head = {3: "Cedar Hospital^1234567893^NPI", 6: made, 8: f"ADT^{trigger}^ADT_A01", 9: "C1", 10: "P", 11: "2.5.1"}
    head |= {number - 1: value for number, value in (msh or {}).items()}
    lines = [
        "MSH|^~\\&|" + segment("", head, 20)[1:].split("|", 1)[1],
        evn,
        segment("PID", {1: "1", 3: "MRN00123456^^^^MR", 5: "Roe^Jane", 8: "F", 11: "^^^^99001-1234^^^^99777", **(pid or {})}, 30),
        segment("PV1", {1: "1", 2: "E", 19: "V-1^^^^VN", 44: "20260501140300", **(pv1 or {})}, 45),
        "OBX|1|CWE|SS003^^PHINQUESTION||261QE0002X^Emergency Care^NUCC||||||F",
        "OBX|2|NM|21612-7^^LN||45|a^^UCUM|||||F",
        obx,
        *extra,
    ]
    return "\r".join(line for line in lines if line) + "\r"


def cut(body: bytes | str, limit: int = 1_000) -> list[RawRecord]:
    return list(FEED.records(body if isinstance(body, bytes) else body.encode(), MEDIA_TYPE, limit=limit))


def read(body: bytes | str, source: Source = SOURCE) -> Reading | NotAnOverdose:
    [record] = cut(body)
    assert record.rejected is None, record.rejected
    return FEED.read(record.fields, source)


def reading(body: bytes | str, source: Source = SOURCE) -> Reading:
    found = read(body, source)
    assert isinstance(found, Reading)
    return found


def refused(body: bytes | str, source: Source = SOURCE) -> Rejected:
    [record] = cut(body)
    if record.rejected is not None:
        return record.rejected
    with pytest.raises(Rejected) as caught:
        FEED.read(record.fields, source)
    return caught.value


def notes(found: Reading) -> set[tuple[str, str]]:
    return {(note.field, note.code) for note in found.report.quality}


def test_a_visit_becomes_a_report() -> None:
    found = reading(message())
    report = found.report
    assert report.occurred_at == datetime(2026, 5, 1, 18, 3, tzinfo=UTC)
    assert (report.occurred_at_basis, report.occurred_at_precision) == (TimeBasis.ARRIVAL, TimePrecision.SECOND)
    assert (report.location.precision, report.location.zip5, report.location.county_fips) == (PlacePrecision.ZIP, "99001", "99777")
    assert (report.victims.age, report.victims.sex) == (45, Sex.FEMALE)
    assert report.destination == "npi:1234567893"
    assert notes(found) == {("occurred_at", "zone_assumed"), ("location", "home_place")}
    assert not found.is_declared
    assert [(text.role, text.text) for text in found.found.statements] == [("chief_complaint", "heroin overdose")]
    assert found.found.facts == {"emergency_response"}
    assert found.stated_revision == int((datetime(2026, 5, 1, 18, 10, tzinfo=UTC) - datetime(2000, 1, 1, tzinfo=UTC)).total_seconds())


def test_no_number_of_a_person_is_in_the_report() -> None:
    text = (
        reading(
            message(
                "DG1|1||T40.1X1A^Poisoning by heroin^I10|||F",
                pid={3: "MRN1", 4: "078-05-1120", 7: "19840417", 13: "610-555-0199", 18: "ACC7"},
            )
        )
        .report.to_json()
        .decode()
    )
    for planted in (
        "V-1",
        "MRN1",
        "078-05-1120",
        "19840417",
        "1984",
        "610-555-0199",
        "ACC7",
        "Roe",
        "Jane",
        "Cedar",
        "overdose",
        "Poisoning",
    ):
        assert planted not in text


def test_all_messages_of_a_visit_are_one_report_in_the_order_of_their_own_times() -> None:
    first, second, third = (
        reading(message(trigger=trigger, made=made))
        for trigger, made in (("A04", "202605011410"), ("A08", "20260501141001"), ("A03", "20260502"))
    )
    assert first.report.report_key == second.report.report_key == third.report.report_key
    assert first.stated_revision is not None
    assert second.stated_revision == first.stated_revision + 1
    assert third.stated_revision == first.stated_revision - 60  # a day orders nothing: the time of the event, EVN-2, does
    other = reading(message(pv1={19: "V-2^^^^VN"})).report
    assert other.report_key != first.report.report_key
    elsewhere = reading(message(evn="EVN||20260501140900|||||Birch Hospital^1111111112^NPI")).report
    assert elsewhere.report_key != first.report.report_key


@pytest.mark.parametrize(
    ("text", "at", "precision"),
    [
        ("202605", datetime(2026, 5, 1, 4, tzinfo=UTC), TimePrecision.MONTH),
        ("20260501", datetime(2026, 5, 1, 4, tzinfo=UTC), TimePrecision.DATE),
        ("2026050114", datetime(2026, 5, 1, 18, tzinfo=UTC), TimePrecision.HOUR),
        ("202605011403", datetime(2026, 5, 1, 18, 3, tzinfo=UTC), TimePrecision.MINUTE),
        ("20260501140309", datetime(2026, 5, 1, 18, 3, 9, tzinfo=UTC), TimePrecision.SECOND),
        ("20260501140309.1234", datetime(2026, 5, 1, 18, 3, 9, tzinfo=UTC), TimePrecision.SECOND),
        ("20260501140309-0500", datetime(2026, 5, 1, 19, 3, 9, tzinfo=UTC), TimePrecision.SECOND),
        ("202605011403+0530", datetime(2026, 5, 1, 8, 33, tzinfo=UTC), TimePrecision.MINUTE),
        ("20260501-0400^D", datetime(2026, 5, 1, 4, tzinfo=UTC), TimePrecision.DATE),
    ],
)
def test_times_of_every_precision(text: str, at: datetime, precision: TimePrecision) -> None:
    report = reading(message(pv1={44: text})).report
    assert (report.occurred_at, report.occurred_at_precision) == (at, precision)


def test_the_hours_of_daylight_saving_are_noted() -> None:
    assert ("occurred_at", "ambiguous_local_time") in notes(reading(message(pv1={44: "202511020130"})))
    assert ("occurred_at", "nonexistent_local_time") in notes(reading(message(pv1={44: "202603080230"})))


@pytest.mark.parametrize("filler", ["19000101", "99991231", "0001", "2026", "190001010000+1400", "00010101+1400"])
def test_a_filler_for_the_arrival_leaves_the_recorded_time(filler: str) -> None:
    found = reading(message(pv1={44: filler}))
    assert found.report.occurred_at == datetime(2026, 5, 1, 18, 9, tzinfo=UTC)
    assert {("occurred_at", "recorded_time_used"), ("occurred_at", "arrival_unusable")} <= notes(found)


def test_without_an_arrival_the_recorded_time_is_taken() -> None:
    found = reading(message(pv1={44: ""}))
    assert found.report.occurred_at == datetime(2026, 5, 1, 18, 9, tzinfo=UTC)
    assert ("occurred_at", "recorded_time_used") in notes(found)


@pytest.mark.parametrize(
    ("body", "fault", "field"),
    [
        (message(pv1={19: ""}), Fault.MISSING_FIELD, "PV1-19.1"),
        (message(pv1={19: '""'}), Fault.MISSING_FIELD, "PV1-19.1"),
        (message().replace("PV1|", "ZV1|"), Fault.MISSING_FIELD, "PV1"),
        (message(pv1={44: "yesterday"}), Fault.INVALID_FIELD, "PV1-44"),
        (message(pv1={44: "2026-05-01"}), Fault.INVALID_FIELD, "PV1-44"),
        (message(pv1={44: "20260230"}), Fault.INVALID_FIELD, "PV1-44"),
        (message(pv1={44: "2026050124"}), Fault.INVALID_FIELD, "PV1-44"),
        (message(pv1={44: "20260501+9900"}), Fault.INVALID_FIELD, "PV1-44"),
        (message(pv1={44: "20270501"}), Fault.FUTURE_TIME, "PV1-44"),
        (message(pv1={44: "19000101"}, evn=""), Fault.OUT_OF_RANGE, "PV1-44"),
        (message(pv1={44: ""}, evn=""), Fault.MISSING_FIELD, "PV1-44"),
        (message(pv1={44: ""}, evn="EVN||20270501"), Fault.FUTURE_TIME, "EVN-2"),
        (message(made="20260601101010"), Fault.FUTURE_TIME, "MSH-7"),
        (message(made="now"), Fault.INVALID_FIELD, "MSH-7"),
        (message(msh={9: "ORU^R01"}), Fault.UNSUPPORTED_FORMAT, "MSH-9.1"),
        (message(msh={9: ""}), Fault.MISSING_FIELD, "MSH-9.1"),
        (message(msh={9: "ADT"}), Fault.MISSING_FIELD, "MSH-9.2"),
        (message(msh={9: "ADT^X"}), Fault.INVALID_FIELD, "MSH-9.2"),
        (message(msh={11: "Q"}), Fault.INVALID_FIELD, "MSH-11"),
        (message(msh={12: "3.0"}), Fault.UNSUPPORTED_FORMAT, "MSH-12"),
        (message(msh={4: ""}, evn=""), Fault.MISSING_FIELD, "MSH-4"),
        (message(msh={18: "KLINGON"}), Fault.WRONG_ENCODING, "MSH-18"),
        (message().replace("MSH|^~\\&|", "MSH|^^~&|"), Fault.MALFORMED, "MSH-2"),
        (message().replace("MSH|^~\\&|", "MSH||"), Fault.MALFORMED, "MSH-2"),
        (message().replace("MSH|^~\\&|", "MSH|^~\\&amp;|"), Fault.MALFORMED, "MSH-2"),
    ],
)
def test_what_is_refused_says_where(body: str, fault: Fault, field: str) -> None:
    rejected = refused(body)
    assert (rejected.fault, rejected.field) == (fault, field)
    assert rejected.problem
    assert rejected.expected
    assert rejected.example


def test_a_time_without_offset_needs_the_zone() -> None:
    zoneless = Source("cedar-hospital", SourceType.ED, NOW, UUID(int=1), "hl7_adt")
    rejected = refused(message(), zoneless)
    assert (rejected.fault, rejected.field) == (Fault.NAIVE_TIME, "PV1-44")
    assert reading(message(pv1={44: "20260501140300-0400"}), zoneless).report.occurred_at == datetime(2026, 5, 1, 18, 3, tzinfo=UTC)


def test_what_says_nothing_of_why_the_person_came_changes_nothing() -> None:
    assert read(message(obx="")) == NotAnOverdose()
    assert read(message(obx='OBX|3|CWE|8661-1^^LN||""')) == NotAnOverdose()
    assert read(message(trigger="A08", obx="", pv1={19: ""})) == NotAnOverdose()


def test_other_triggers_and_tests_are_no_overdoses() -> None:
    for trigger in ("A02", "A05", "A31", "A40"):
        assert read(message(trigger=trigger)) == NotAnOverdose()
    for mode in ("T", "D"):
        assert read(message(msh={11: mode})) == NotAnOverdose()


def test_a_cancelled_visit_takes_its_report_back() -> None:
    before = reading(message())
    taken_back = read(message(trigger="A11", made="20260501150000", obx=""))
    assert isinstance(taken_back, NotAnOverdose)
    assert taken_back.report is not None
    assert taken_back.report.report_key == before.report.report_key
    assert (taken_back.stated_revision or 0) > (before.stated_revision or 0)
    assert read(message(trigger="A11", pv1={19: ""}, obx="")) == NotAnOverdose()


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
    assert ("disposition", "not_recognised") in notes(reading(message(pv1={36: "HOME"})))
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


def test_separators_are_the_messages_own() -> None:
    table = str.maketrans("|^~\\&", "#:*?;")
    assert reading(message().translate(table)).report == reading(message()).report


def test_escapes() -> None:
    found = parse("MSH|^~\\&|\r", "utf-8")
    for text, resolved in (
        ("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", "a|b^c&d~e\\f"),
        ("\\X41C3A9\\", "Aé"),
        ("\\X4\\\\XZZ\\\\X00\\x", "   x"),
        ("\\.sp 3\\x\\Zabc\\y", " x y"),
        ("open \\ended", "open  ended"),
    ):
        assert found.text(text) == resolved


@pytest.mark.parametrize(
    ("declared", "codec"), [("8859/1", "latin-1"), ("UNICODE UTF-8", "utf-8"), ("8859/15", "iso8859_15"), ("", "utf-8")]
)
def test_the_declared_encoding_counts(declared: str, codec: str) -> None:
    body = message(msh={18: declared}, obx="OBX|3|TX|8661-1||café").encode(codec)
    assert [one.text for one in reading(body).found.statements] == ["café"]
    [record] = cut(body)
    assert record.alone() == body.strip()


def test_an_undeclared_western_encoding_is_noted_and_a_wrong_declaration_refused() -> None:
    body = message(obx="OBX|3|TX|8661-1||café").encode("latin-1")
    found = reading(body)
    assert [one.text for one in found.found.statements] == ["café"]
    assert ("MSH-18", "encoding_assumed") in notes(found)
    assert cut(body)[0].alone() == body.strip()
    wrong = message(msh={18: "UNICODE UTF-8"}, obx="OBX|3|TX|8661-1||café").encode("latin-1")
    assert refused(wrong).fault is Fault.WRONG_ENCODING
    assert cut(wrong)[0].alone() == wrong.strip()


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r\n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\x0b", b"\r\n\r\n", b"  "])
def test_line_ends_and_what_may_stand_before(end: str, start: bytes) -> None:
    body = start + message().replace("\r", end).encode() * 2
    found = cut(body)
    assert [record.rejected for record in found] == [None, None]
    assert [FEED.read(record.fields, SOURCE) for record in found] == [reading(message())] * 2


def test_messages_framed_for_mllp_in_a_file() -> None:
    framed = b"".join(b"\x0b" + message().encode() + b"\x1c\r" for _ in range(3))
    assert [record.rejected for record in cut(framed)] == [None] * 3


def batch(count: int, bts: str = "BTS|2", fts: str = "FTS|1") -> str:
    return "FHS|^~\\&|A\rBHS|^~\\&|A\r" + message() * count + f"{bts}\r{fts}\r"


def test_a_batch_file_is_its_messages() -> None:
    assert [record.rejected for record in cut(batch(2))] == [None, None]
    assert [record.rejected for record in cut(batch(2, "BTS", "FTS"))] == [None, None]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (batch(2, "BTS|3"), "BTS-1"),
        (batch(2, "BTS|x"), "BTS-1"),
        (batch(2, fts="FTS|2"), "FTS-1"),
        (batch(2, bts=""), "FTS"),
        (batch(2).replace("FTS|1\r", ""), "FTS"),
        (batch(2).replace("BTS|2\rFTS|1\r", ""), "BTS"),
        (batch(2).replace("BTS|2\r", "BHS|^~\\&|\r"), "BHS"),
        (message() * 2 + "BTS|2\r", "BTS"),
    ],
)
def test_a_batch_that_counts_otherwise_or_breaks_off_is_told_and_its_messages_stand(body: str, field: str) -> None:
    found = cut(body)
    assert [record.rejected for record in found[:2]] == [None, None]
    told = [record.rejected.field for record in found[2:] if record.rejected is not None]
    assert told[0] == field
    assert [record.index for record in found] == list(range(len(found)))


@pytest.mark.parametrize(
    "body", [b"", b"\r\n", b"\x0b\x1c\r", b"hello", b"PK\x03\x04", b"BSH|^~\\&|", b'{"a": 1}', message().encode("utf-16")]
)
def test_what_holds_no_message_is_refused_whole(body: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        cut(body)
    assert caught.value.fault in {Fault.MALFORMED, Fault.WRONG_ENCODING}
    assert caught.value.example


def test_what_stands_before_the_first_message_is_refused_alone() -> None:
    first, second = cut("exported 2026-05-01\r" + message())
    assert first.rejected is not None
    assert second.rejected is None
    assert (second.index, second.line) == (1, 2)


def test_every_record_has_its_own_place_whatever_stands_around() -> None:
    found = cut("noise\rBTS|1\r" + message() + "FTS|1\rBTS|2\r")
    assert [record.index for record in found] == [0, 1, 2, 3, 4]
    assert [record.rejected is None for record in found] == [False, False, True, False, False]


def test_too_many_messages() -> None:
    with pytest.raises(Rejected) as caught:
        cut(message() * 3, limit=2)
    assert caught.value.fault is Fault.TOO_LARGE


class Trickle(io.RawIOBase):
    """A stream that gives a few bytes at a time."""

    def __init__(self, body: bytes, step: int) -> None:
        self._body, self._step, self._at = body, step, 0

    def read(self, size: int = -1) -> bytes:
        part = self._body[self._at : self._at + self._step]
        self._at += len(part)
        return part


@pytest.mark.parametrize("step", [1, 3, 7, 64])
def test_a_stream_is_cut_the_same_whatever_its_pieces(step: int) -> None:
    body = b"\xef\xbb\xbf" + batch(3, "BTS|3").encode()
    stream: Any = Trickle(body, step)
    assert list(FEED.records(stream, MEDIA_TYPE, limit=10)) == cut(body)


def test_a_message_larger_than_any_is_refused_alone() -> None:
    huge = message(obx="OBX|3|TX|8661-1||" + "x" * 1_600_000)
    found = cut(message() + huge + message())
    assert [record.rejected.fault if record.rejected else None for record in found] == [None, Fault.TOO_LARGE, None]
    assert [record.index for record in found] == [0, 1, 2]


def test_too_many_segments() -> None:
    assert refused(message(*["ZZZ|1"] * 5_001)).fault is Fault.TOO_LARGE


@pytest.fixture
def official() -> bytes:
    """The public sample message, where it is present beside the repository; it is never part of it."""
    root = Path(__file__).parents[3]
    path = Path(os.environ.get("SPIKEWATCH_HL7", str(root.parent / "shared" / "data" / "hl7"))) / "NIST-SS-003.32_ADT_A03.hl7"
    if not path.is_file():
        pytest.skip("the public sample NIST-SS-003.32_ADT_A03.hl7 is not here; set SPIKEWATCH_HL7 to its folder")
    return path.read_bytes()


def test_the_official_sample(official: bytes) -> None:
    found = reading(official, Source("x", SourceType.ED, NOW, UUID(int=1), "hl7_adt", time_zone="America/Chicago"))
    report = found.report
    assert (report.occurred_at, report.occurred_at_precision) == (datetime(2012, 4, 2, 2, 30, tzinfo=UTC), TimePrecision.MINUTE)
    assert (report.location.zip5, report.location.county_fips) == ("53217", "55089")
    assert (report.victims.age, report.victims.sex) == (45, Sex.FEMALE)
    assert (report.disposition, report.outcome) == (Disposition.TREATMENT, Outcome.UNKNOWN)
    assert [(code.system, code.code) for code in found.found.codes] == [("icd9cm", "0074"), ("icd9cm", "27651"), ("icd9cm", "78791")]
    assert [text.text for text in found.found.statements] == ["Diarrhea, stomach pain, dehydration"]
    assert isinstance(classifier().classify(found, SOURCE), NotAnOverdose)
