"""Cells that say they say nothing, and ages as people write them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest

from spikewatch.contracts.report import Report
from spikewatch.contracts.vocabulary import AgeBand, Outcome
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.feeds.feed import Reading, Source
from spikewatch.ingest.domain.profiles.bases import compiled
from spikewatch.ingest.domain.record import Fields
from spikewatch.ingest.domain.rejection import Rejected
from spikewatch.ingest.domain.repeated import repeated

STATUTORY = {"occurred_at": "2026-05-01T14:03:00-04:00", "zip": "19401", "outcome": "nonfatal", "reversal_given": "yes"}
ODMAP = {"date": "05/01/2026", "time": "2:03 PM", "zip": "19401", "fatal": "no", "naloxone given": "yes", "case number": "26-1"}


def read(feed: str, fields: Fields) -> Report:
    kind = FEEDS[feed]
    source = Source("cedar", kind.default_source, datetime(2026, 11, 1, tzinfo=UTC), UUID(int=1), feed, time_zone="America/New_York")
    reading = kind.read(fields, source)
    assert isinstance(reading, Reading)
    return reading.report


@pytest.mark.parametrize("word", ["-", "--", "N/A", "NULL", "unknown", "UNK", "?", "#N/A", "Not Applicable"])
def test_a_number_or_a_code_that_is_unknown_refuses_no_row(word: str) -> None:
    report = read("statutory", {**STATUTORY, "age": word, "reversal_doses": word, "incident_number": word, "city": word})
    assert (report.victims.age, report.reversal.doses, report.incident_number, report.location.zip5) == (None, None, None, "19401")


def test_unknown_record_ids_do_not_make_two_rows_one_report() -> None:
    first, second = ({**STATUTORY, "record_id": "unknown", "age": age} for age in ("30", "40"))
    assert read("statutory", first).report_key != read("statutory", second).report_key


UNNUMBERED = {name: cell for name, cell in ODMAP.items() if name != "case number"}
PENDING = [{}, {"case number": "PENDING"}, {"case number": "unknown"}, {"overdose id": "N/A"}, {"case number": "26-1", "victims": "2"}]


@pytest.mark.parametrize("number", PENDING)
@pytest.mark.parametrize("other", [{"time": "2:04 PM"}, {"date": "05/02/2026"}, {"zip": "19402"}, {"naloxone given": "no"}, {"sex": "f"}])
def test_rows_without_a_number_of_their_own_are_one_report_only_where_they_say_the_same(
    number: dict[str, str], other: dict[str, str]
) -> None:
    row = {**UNNUMBERED, **number}
    assert read("odmap", row).report_key == read("odmap", dict(row)).report_key
    assert read("odmap", row).report_key != read("odmap", {**row, **other}).report_key


def test_an_id_that_is_a_word_does_not_make_two_overdoses_one_report() -> None:
    first = {**STATUTORY, "record_id": "PENDING"}
    later = {**first, "occurred_at": "2026-05-02T14:03:00-04:00"}
    assert read("statutory", first).report_key == read("statutory", {**first, "age": "40"}).report_key
    assert read("statutory", first).report_key != read("statutory", later).report_key


@pytest.mark.parametrize(
    ("written", "age"), [("34 Y", 34), ("34yo", 34), ("6 months", 0), ("14 mos", 1), ("3 weeks old", 0), ("10 d", 0), ("unknown", None)]
)
def test_ages_as_people_write_them(written: str, age: int | None) -> None:
    assert read("odmap", {**ODMAP, "age": written}).victims.age == age


@pytest.mark.parametrize("suppressed", ["<5", "< 11", "*"])
def test_a_suppressed_number_is_refused_by_a_format_and_noted_by_a_profile(suppressed: str) -> None:
    with pytest.raises(Rejected) as refused:
        read("statutory", {**STATUTORY, "age": suppressed})
    assert (refused.value.field, suppressed in str(refused.value)) == ("age", False)
    _, feed = compiled(
        'name: ages\nversion: 1\nrecord_id: id\noccurred_at: when\nplace: {zip: zip}\nage: {column: age, suppressed: ["<5", "< 11", "*"]}\n'
    )
    source = Source("cedar", feed.default_source, datetime(2026, 11, 1, tzinfo=UTC), UUID(int=1), "columns", time_zone="America/New_York")
    reading = feed.read({"id": "26-1", "when": "2026-05-01", "zip": "19401", "age": suppressed}, source)
    assert isinstance(reading, Reading)
    assert reading.report.victims.age is None
    assert [note.code for note in reading.report.quality if note.field == "victims.age"] in (
        [["suppressed_1_to_4"], ["suppressed_1_to_10"], ["suppressed"]]
    )


def test_what_was_read_before_is_answered_alike() -> None:
    for _ in range(2):
        assert read("statutory", {**STATUTORY, "age": "93"}).victims.age_band is AgeBand.A90_PLUS
        assert read("statutory", {**STATUTORY, "outcome": "FATAL"}).outcome is Outcome.FATAL
        with pytest.raises(Rejected):
            read("statutory", {**STATUTORY, "outcome": "perhaps"})


def test_equal_cells_are_read_once_and_only_texts_are_remembered() -> None:
    asked: list[Sequence[object]] = []

    def name(fields: Fields) -> str:
        asked.append(list(fields.values()))
        return repr(fields.get("a"))

    remembered = repeated(("a", "b"), name)
    assert [remembered({"a": "x", "c": str(turn)}) for turn in range(3)] == ["'x'"] * 3
    assert len(asked) == 1
    # 1 and True are equal, yet say different things: they are never remembered.
    assert [remembered({"a": value}) for value in (1, True, ["x"])] == ["1", "True", "['x']"]
    assert remembered({"a": "y" * 500}) == remembered({"a": "y" * 500})
    assert len(asked) == 1 + 3 + 2
