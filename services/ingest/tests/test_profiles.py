"""Column-mapped profiles: what a short YAML makes of a table, and what it is told when it is wrong."""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spikewatch_testing.exploring import examples

from spikewatch.contracts.report import Report
from spikewatch.contracts.vocabulary import AgeBand, Outcome, PlacePrecision, SourceType, TimeBasis, TimePrecision, YesNo
from spikewatch.ingest.domain.feeds.feed import Feed, NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.profiles.bases import compiled
from spikewatch.ingest.domain.profiles.checking import MAX_BYTES, ProfileInvalid
from spikewatch.ingest.domain.profiles.headers import is_home, person_of
from spikewatch.ingest.domain.profiles.model import Profile
from spikewatch.ingest.domain.rejection import Fault, Rejected

NOW = datetime(2026, 5, 2, 12, tzinfo=UTC)
BASE = """
name: tablet
version: 3
time_zone: America/New_York
record_id: Run No
occurred_at: {columns: [Date, Time], formats: [MM/DD/YYYY], basis: on_scene}
"""


def feed_of(text: str) -> Feed:
    return compiled(text)[1]


def source(**fields: object) -> Source:
    values = {
        "agency_id": "cedar-ems",
        "source_type": SourceType.EMS,
        "received_at": NOW,
        "submission_id": UUID(int=7),
        "format": "columns",
    }
    return Source(**(values | fields))  # type: ignore[arg-type]


def read(text: str, row: dict[str, object], **known: object) -> Report:
    result = reading(text, row, **known)
    return result.report


def reading(text: str, row: dict[str, object], **known: object) -> Reading:
    result = rows(text, [row], **known)[0]
    assert isinstance(result, Reading), result
    return result


def rows(text: str, table: list[dict[str, object]], **known: object) -> list[Reading | NotAnOverdose | Rejected]:
    feed = feed_of(text)
    found: list[Reading | NotAnOverdose | Rejected] = []
    for record in feed.records(json.dumps(table).encode(), "application/json", limit=1_000):
        assert record.rejected is None
        try:
            found.append(feed.read(record.fields, source(**known)))
        except Rejected as rejected:
            found.append(rejected)
    return found


def problems(text: str) -> list[tuple[int, str]]:
    with pytest.raises(ProfileInvalid) as caught:
        compiled(text)
    assert all(one.problem and one.expected for one in caught.value.problems)
    return [(one.line, one.field) for one in caught.value.problems]


ROW: dict[str, object] = {"Run No": "26-0001", "Date": "05/01/2026", "Time": "14:03"}


def test_a_row_becomes_a_report_that_names_the_profile() -> None:
    report = read(BASE, ROW)
    assert (report.profile, report.submission_format, report.source_record_id) == ("tablet@3", "columns", "26-0001")
    assert report.occurred_at == datetime(2026, 5, 1, 18, 3, tzinfo=UTC)
    assert (report.occurred_at_basis, report.occurred_at_precision) == (TimeBasis.ON_SCENE, TimePrecision.MINUTE)
    assert not report.quality


def test_words_numbers_and_constants_are_mapped_and_what_is_strange_is_noted() -> None:
    text = (
        BASE
        + """
outcome: {constant: nonfatal}
sex: {column: G, values: {1: male, 2: female}}
age: {columns: [Age years, Age], unit_column: Unit, units: {M: months}}
reversal_given: {columns: Narcan, values: {GIVEN: yes}, missing: no}
reversal_dose_amount: {column: Mcg, times: 0.001}
reversal_unit: {constant: mg}
count: {column: Seen, suppressed: ["<6"]}
disposition: {column: D, values: {TX: transported}, otherwise: unknown}
"""
    )
    row = ROW | {"g": 2, " AGE ": "18", "Unit": "M", "Narcan": "given", "Mcg": "4000", "Seen": "<6", "D": "LEFT"}
    report = read(text, row)
    assert (report.outcome, report.victims.sex.value, report.victims.age) == (Outcome.NONFATAL, "female", 1)
    assert (report.reversal.given, report.reversal.dose_amount, report.reversal.unit) == (YesNo.YES, 4.0, "mg")
    assert report.victims.count is None
    assert [(note.field, note.code) for note in report.quality] == [("victims.count", "suppressed_1_to_5")]
    strange = read(text, ROW | {"g": "Q", "Age": "999", "Narcan": "perhaps"})
    doubts = {(note.field, note.code) for note in strange.quality}
    assert doubts == {("sex", "not_recognised"), ("victims.age", "out_of_range"), ("reversal_given", "not_recognised")}
    assert strange.reversal.given is YesNo.UNKNOWN
    assert read(text, ROW).reversal.given is YesNo.NO


def test_an_age_over_89_is_pooled() -> None:
    report = read(BASE + "age: Age\n", ROW | {"Age": "93 years"})
    assert (report.victims.age, report.victims.age_band) == (None, AgeBand.A90_PLUS)
    assert read(BASE + "age: Age\n", ROW | {"Age": "7 months"}).victims.age == 0


@pytest.mark.parametrize(
    ("row", "moment", "precision", "notes"),
    [
        ({"Time": ""}, datetime(2026, 5, 1, 4, tzinfo=UTC), TimePrecision.DATE, []),
        ({"Time": "(morning)"}, datetime(2026, 5, 1, 4, tzinfo=UTC), TimePrecision.DATE, ["time_of_day_unreadable"]),
        ({"Time": "2:03 PM"}, datetime(2026, 5, 1, 18, 3, tzinfo=UTC), TimePrecision.MINUTE, []),
        ({"Time": "0905"}, datetime(2026, 5, 1, 13, 5, tzinfo=UTC), TimePrecision.MINUTE, []),
        (
            {"Date": "11/02/2025", "Time": "01:30:00"},
            datetime(2025, 11, 2, 5, 30, tzinfo=UTC),
            TimePrecision.SECOND,
            ["ambiguous_local_time"],
        ),
    ],
)
def test_date_and_time_in_two_columns(row: dict[str, object], moment: datetime, precision: TimePrecision, notes: list[str]) -> None:
    report = read(BASE, ROW | row)
    assert (report.occurred_at, report.occurred_at_precision) == (moment, precision)
    assert [note.code for note in report.quality] == notes


def test_the_first_usable_time_is_taken_and_a_strange_first_one_is_noted() -> None:
    text = """
name: deaths
version: 1
time_zone: America/Chicago
record_id: Case
occurred_at:
  - {column: Incident, formats: ["YYYY/MM/DD HH:mm:ssZ"], midnight: date, basis: injury, within_days_before_next: 366}
  - {column: Death, formats: ["YYYY/MM/DD HH:mm:ssZ"], midnight: date, basis: death}
"""
    death = "2018/07/02 15:00:00+00"
    cases = {
        "2018/07/02 11:00:00+00": (TimeBasis.INJURY, TimePrecision.SECOND, ()),
        "2018/07/01 05:00:00+00": (TimeBasis.INJURY, TimePrecision.DATE, ("midnight_is_date_only",)),  # midnight in summer
        "2018/01/10 06:00:00+00": (TimeBasis.INJURY, TimePrecision.DATE, ("midnight_is_date_only",)),  # and in winter
        "2018/01/10 05:00:00+00": (TimeBasis.INJURY, TimePrecision.SECOND, ()),
        "9999/12/31 06:00:00+00": (TimeBasis.DEATH, TimePrecision.SECOND, ("preferred_time_unusable",)),
        "2009/01/01 06:00:00+00": (TimeBasis.DEATH, TimePrecision.SECOND, ("preferred_time_implausible",)),
        "2018/07/03 15:00:00+00": (TimeBasis.DEATH, TimePrecision.SECOND, ("preferred_time_implausible",)),
        "": (TimeBasis.DEATH, TimePrecision.SECOND, ("preferred_time_missing",)),
    }
    for incident, expected in cases.items():
        report = read(text, {"Case": "ME18-1", "Incident": incident, "Death": death})
        assert (report.occurred_at_basis, report.occurred_at_precision, tuple(note.code for note in report.quality)) == expected, incident
    [refused] = rows(text, [{"Case": "ME18-1", "Incident": "9999/12/31 06:00:00+00", "Death": ""}])
    assert isinstance(refused, Rejected)
    assert refused.example


@pytest.mark.parametrize(
    ("row", "fault", "field"),
    [
        ({"Run No": ""}, Fault.MISSING_FIELD, "Run No"),
        ({"Run No": "078-05-1120"}, Fault.INVALID_FIELD, "Run No"),
        ({"Date": ""}, Fault.MISSING_FIELD, "Date, Time"),
        ({"Date": "13/45/2026"}, Fault.INVALID_FIELD, "Date"),
        ({"Date": "05/03/2026"}, Fault.FUTURE_TIME, "Date"),
        ({"Date": "01/01/1900"}, Fault.OUT_OF_RANGE, "Date"),
    ],
)
def test_a_row_without_id_or_time_is_refused_by_the_column_s_name(row: dict[str, object], fault: Fault, field: str) -> None:
    [refused] = rows(BASE, [ROW | row])
    assert isinstance(refused, Rejected)
    assert (refused.fault, refused.field) == (fault, field)
    assert refused.expected


def test_each_refusal_is_its_own_and_keeps_no_other_row() -> None:
    first, second = rows(BASE, [ROW | {"Date": ""}] * 2)
    assert isinstance(first, Rejected)
    assert first is not second


def test_the_first_place_that_says_anything_is_taken() -> None:
    text = (
        BASE
        + """
place:
  - point_in: InjuryGeo
    city: Injury City
    county_fips: {column: County, values: {HARTFORD: "09003"}}
    precision: city
    when: {column: State, is: ["", CT]}
  - {lat: Lat, lon: Lon, address: Street, zip: ZIP, placeholders: [[41.5, -72.7]], note: second_place_used}
"""
    )
    town = read(text, ROW | {"InjuryGeo": "ALDERTON, CT\n(41.71, -72.61)", "Injury City": "ALDERTON", "County": "Hartford"})
    assert (town.location.lat, town.location.precision, town.location.county_fips) == (41.71, PlacePrecision.CITY, "09003")
    middle = read(text, ROW | {"InjuryGeo": "CT\n(41.57, -72.73)", "Injury City": "ALDERTON"})
    assert (middle.location.lat, middle.location.precision, middle.quality[0].code) == (None, PlacePrecision.CITY, "placeholder_point")
    other = read(
        text, ROW | {"State": "NY", "Injury City": "FAROFF", "Lat": "41.5", "Lon": "-72.7", "Street": "MAIN ST & 2ND AVE", "ZIP": "6101"}
    )
    assert (other.location.city, other.location.lat, other.location.zip5) == (None, None, "06101")
    assert other.location.intersection == "MAIN ST & 2ND AVE"
    assert {note.code for note in other.quality} >= {
        "second_place_used",
        "placeholder_point",
        "leading_zero_restored",
        "preferred_place_missing",
    }


def test_what_classification_reads_is_gathered() -> None:
    text = (
        BASE
        + """
declared: false
drugs: {columns: [Drug 1, Drug 2], basis: toxicology, split: [";", "/"], ignore: [none found]}
drug_flags: {columns: {Heroin: heroin, Other Opioid: opioid}, text: name, facts: [drug_related_flag]}
texts: {columns: [Cause A, Cause B], role: cause_of_death, drugs_are: toxicology}
codes: {column: Dx, system: icd10cm, split: "|"}
facts: {column: Manner, values: {Accidents: manner_accident}}
outcome: {constant: fatal}
"""
    )
    row = ROW | {
        "Drug 1": "Fentanyl; xylazine/none found",
        "Heroin": "Y POPS",
        "Other Opioid": "mitragynine",
        "Cause A": "toxicity",
        "Dx": "T40.1X1A|bad code!",
        "Manner": "ACCIDENTS ",
    }
    result = reading(text, row)
    assert not result.is_declared
    assert [named.name for named in result.found.names] == ["Fentanyl", "xylazine", "heroin", "mitragynine", "opioid"]
    assert [statement.text for statement in result.found.statements] == ["toxicity"]
    assert [code.code for code in result.found.codes] == ["T40.1X1A"]
    assert result.found.facts == {"drug_related_flag", "manner_accident", "dead"}
    assert "toxicity" not in result.report.to_json().decode()
    quiet = reading(text, ROW | {"Heroin": "N", "Other Opioid": "0"})
    assert not quiet.found.names


def test_rows_that_are_not_asked_for_are_left_out() -> None:
    found = rows(
        BASE + "rows: [{column: Type, is: [OD]}, {column: State, is_not: [NJ]}]\n",
        [ROW | {"Type": "od"}, ROW | {"Type": "FALL"}, ROW | {"Type": "OD", "State": "nj"}],
    )
    assert [type(one) for one in found] == [Reading, NotAnOverdose, NotAnOverdose]


def test_a_hashed_id_stays_when_case_and_blanks_change_and_tells_rows_apart() -> None:
    text = BASE.replace("record_id: Run No", "record_id: {columns: [Date, Street], hash: true}")
    one, two, other = rows(text, [ROW | {"Street": "1 Main  St"}, ROW | {"Street": "1 MAIN ST "}, ROW | {"Street": "2 Main St"}])
    ids = [result.report.source_record_id for result in (one, two, other) if isinstance(result, Reading)]
    assert ids[0] == ids[1] != ids[2]


def test_every_problem_is_told_at_once_with_its_line() -> None:
    text = (
        "name: Bad Name\nversion: 0\nsex: {column: a, colour: red}\nplace:\n  - {lat: x}\noccurred_at:\n  - column: Date\n    format: x\n"
    )
    assert problems(text) == [(1, "name"), (2, "version"), (3, "sex.colour"), (5, "place[1]"), (8, "occurred_at[1].format")]
    text = (
        BASE.replace("record_id: Run No", "record_id: MRN").replace("MM/DD/YYYY", "QQ")
        + "sex: {column: a, values: {M: man}}\nplace: {zip: Decedent ZIP}\n"
    )
    assert problems(text) == [(5, "record_id.columns"), (6, "occurred_at[1].formats"), (7, "sex.values.M"), (8, "place[1].zip")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
        "just text",
        "name: [",
        "name: a\n\tb: c",
        "a: &x [1]\nb: *x",
        "a: !!python/object:os.system x",
        "name: a\nname: b",
        "a: 1\n---\nb: 2",
        "x: " + "[" * 100 + "]" * 100,
        "name: " + "x" * MAX_BYTES,
        "? [a]\n: b",
        "name: \x07",
        "{a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: 1}}}}}}}}}}}}}",
    ],
)
def test_what_is_no_profile_is_refused_with_a_line(text: str) -> None:
    assert all(line >= 1 for line, _ in problems(text))


def test_yes_and_no_stay_words() -> None:
    assert read(BASE + "reversal_given: {column: N, values: {no: no, yes: yes, NO: no}}\n", ROW | {"N": "NO"}).reversal.given is YesNo.NO


def test_a_profile_on_another_feed_marks_its_reports_and_takes_its_options() -> None:
    text = 'name: titles\nversion: 2\nbase: cad_911\ntime_zone: America/New_York\noptions: {overdose_titles: ["EMS: STRANGE*"]}\n'
    feed = feed_of(text)
    body = (
        b"lat,lng,desc,zip,title,timeStamp,twp,addr,e\n"
        b"40.1,-75.3,MAIN ST & OAK ST;  CEDAR; Station 1; 2026-03-13 @ 21:18:47;,19401,"
        b"EMS: STRANGE CALL,2026-03-13 21:22:00,CEDAR,MAIN ST & OAK ST,1\n"
    )
    [record] = feed.records(body, "text/csv", limit=10)
    result = feed.read(record.fields, source(format="cad_911"))
    assert isinstance(result, Reading)
    assert result.report.profile == "titles@2"
    assert problems(text.replace("overdose_titles", "colours")) == [(5, "options.colours")]
    assert problems(text.replace("cad_911", "telegram")) == [(3, "base")]
    assert problems(text + "sex: G\n") == [(6, "sex")]


@pytest.mark.parametrize(
    "header",
    [
        "Patient Name",
        "DOB",
        "birth_date",
        "PatientSSN",
        "MRN",
        "Medical Record Number",
        "Home Phone",
        "LastName",
        "email",
        "Driver License No",
    ],
)
def test_headers_of_personal_columns_are_known(header: str) -> None:
    assert person_of(header)


@pytest.mark.parametrize(
    "header",
    ["Incident Number", "County Name", "Street Name", "Drug Name", "Patient Age", "Unit Name", "Incident Date", "Case Number", "Latitude"],
)
def test_headers_of_other_columns_are_not_taken_for_personal(header: str) -> None:
    assert person_of(header) is None
    assert not is_home(header)


def test_headers_of_homes_are_known() -> None:
    assert all(map(is_home, ("Residence City", "decedent_zip", "RESIDENCE_ZIP", "Home Address", "ResidenceCityGeo", "Patient Home County")))
    assert not any(map(is_home, ("Incident ZIP", "Injury City", "DeathCityGeo")))


def test_the_example_of_the_page_is_one_and_stays_short() -> None:
    page = (Path(__file__).parents[3] / "docs" / "formats" / "profiles.md").read_text(encoding="utf-8")
    example = page.partition("```yaml\n")[2].partition("```")[0]
    assert compiled(example)[0].mark == "tablet-export@1"


def test_the_schema_of_editors_is_one() -> None:
    schema = Profile.model_json_schema()
    assert {"name", "version", "occurred_at"} <= set(schema["properties"])


@settings(max_examples=examples(50))
@given(st.text(max_size=300))
def test_no_text_makes_the_check_of_a_profile_fail(text: str) -> None:
    with pytest.raises(ProfileInvalid) as caught:  # so short and without a needed field: never one that can be used
        compiled(text)
    assert all(one.line >= 1 and one.problem and one.expected for one in caught.value.problems)
