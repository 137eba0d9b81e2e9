import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spikewatch_testing.exploring import examples

from spikewatch.cli.county.agencies import AGENCIES
from spikewatch.cli.county.directory import directory_records
from spikewatch.cli.county.forms import CAD_COLUMNS
from spikewatch.cli.county.geography import NEIGHBOURHOODS, feature_collection
from spikewatch.cli.county.load import LoadProfile, load_directory, load_lines
from spikewatch.cli.county.overdoses import Spike, Story, overdoses
from spikewatch.cli.county.records import Kind, sent_records
from spikewatch.cli.county.truth import truth
from spikewatch.contracts.directory import DirectoryRecord

UNTIL = datetime(2026, 5, 1, 15, tzinfo=UTC)
STORY = Story(seed=7, until=UNTIL)


def told(story: Story) -> list[str]:
    return [record.line for record in sent_records(story, overdoses(story))]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    assert told(STORY) == told(Story(seed=7, until=UNTIL))
    assert told(STORY) != told(Story(seed=8, until=UNTIL))


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.5, 5.0]), st.sampled_from([None, Spike(3, timedelta(hours=1)), Spike()]))
@settings(max_examples=examples(12))
def test_every_record_is_sent_within_the_span_and_after_what_it_states(seed: int, rate: float, spike: Spike | None) -> None:
    story = Story(
        seed=seed, until=UNTIL, length=timedelta(days=5), rate=rate, spike=spike, malformed=0.3, late=0.3, resend=0.3, correct=0.3
    )
    sent = sent_records(story, overdoses(story))
    assert all(record.stated_at < record.sent_at <= UNTIL for record in sent)
    assert [record.sent_at for record in sent] == sorted(record.sent_at for record in sent)


def test_the_spike_is_exactly_as_large_as_asked_and_in_one_neighbourhood() -> None:
    happened = overdoses(STORY)
    spike = [overdose for overdose in happened if overdose.in_spike]
    window = STORY.spike_window
    assert window is not None
    assert len(spike) == 14
    assert len({overdose.place for overdose in spike}) == 1
    assert all(window[0] <= overdose.occurred_at <= window[1] for overdose in spike)
    assert window[1] - window[0] == timedelta(hours=5)


def test_a_county_without_a_spike_has_none() -> None:
    story = Story(seed=7, until=UNTIL, spike=None)
    happened = overdoses(story)
    assert not any(overdose.in_spike for overdose in happened)
    assert truth(story, happened, sent_records(story, happened))["spike"] is None


def test_the_usual_rate_is_the_one_asked_for() -> None:
    story = Story(seed=3, until=UNTIL, length=timedelta(days=1000), rate=5, spike=None)
    calls = {overdose.incident for overdose in overdoses(story)}
    assert 0.95 < len(calls) / 5000 < 1.05  # five standard deviations of a Poisson count of 5,000 are 7 %; this seed is fixed


def test_resends_are_the_same_bytes_and_corrections_the_same_record_with_other_content() -> None:
    story = Story(seed=7, until=UNTIL, resend=0.5, correct=0.5, other_calls=0)
    sent = sent_records(story, overdoses(story))
    first = {(record.agency.agency_id, record.overdose): record.line for record in sent if record.kind is Kind.FIRST}
    resent = [record for record in sent if record.kind is Kind.RESEND]
    corrected = [record for record in sent if record.kind is Kind.CORRECTION]
    assert resent
    assert corrected
    # One whose first sending fell behind the end of the span is not there at all.
    assert all(record.line == first[record.agency.agency_id, record.overdose] for record in resent)
    for record in corrected:
        before, after = json.loads(first[record.agency.agency_id, record.overdose]), json.loads(record.line)
        assert before["record_id"] == after["record_id"]
        assert (before["revision"], after["revision"]) == (1, 2)
        assert before["reversal_doses"] != after["reversal_doses"]


def test_the_truth_adds_up_and_counts_only_what_somebody_told_of() -> None:
    happened = overdoses(STORY)
    sent = sent_records(STORY, happened)
    found = truth(STORY, happened, sent)
    assert sum(found["records"].values()) == sum(found["records_by_agency"].values()) == len(sent)
    assert found["overdoses"] == len(found["each"]) <= len(happened)
    assert all(row["seen_by"] for row in found["each"])
    assert sum(len(row["seen_by"]) for row in found["each"]) == found["records"]["first"]
    assert found["spike"]["overdoses"] == sum(row["in_spike"] for row in found["each"])


def test_every_agency_of_the_county_sends_something() -> None:
    assert Counter(record.agency.agency_id for record in sent_records(STORY, overdoses(STORY))).keys() == {a.agency_id for a in AGENCIES}


def test_no_record_names_a_person() -> None:
    fields = {name for line in told(Story(seed=7, until=UNTIL, malformed=0)) if line.startswith("{") for name in json.loads(line)}
    assert fields == {
        *("record_id", "revision", "occurred_at", "occurred_at_basis", "zip", "city", "county_fips", "outcome", "reversal_given"),
        *("reversal_doses", "age", "sex", "suspected_drugs", "lat", "lon", "address", "cad_number", "count"),
    }


def test_a_story_needs_an_end_with_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Story(seed=1, until=datetime(2026, 5, 1))  # noqa: DTZ001  # the mistake under test


def test_the_map_lies_in_the_open_ocean_and_its_neighbourhoods_fill_the_county() -> None:
    features = {feature["id"]: feature for feature in feature_collection()["features"]}
    corners = [corner for feature in features.values() for corner in feature["geometry"]["coordinates"][0]]
    # The nearest land to this box, Bermuda and the Azores, is more than 1,300 km away.
    assert all(-45.0 <= lon <= -44.7 and 30.0 <= lat <= 30.3 for lon, lat in corners)
    assert {place.area for place in NEIGHBOURHOODS} <= features.keys()
    assert {"state:99", "county:99001", "zip:99951"} <= features.keys()
    assert len(NEIGHBOURHOODS) == 36


def test_directory_records_are_of_the_contract_and_reach_nobody() -> None:
    records = directory_records()
    stamp = {"etag": "1", "version": 1, "update_time": UNTIL.isoformat()}
    read = [DirectoryRecord.model_validate(record | stamp).root for record in records]
    assert len({record.name for record in read}) == len(read)
    for record in records:
        assert record.get("phone", "+1-555-01").startswith("+1-555-01")
        assert record.get("email", "example.org").endswith("example.org")


def test_the_load_stream_has_the_asked_number_of_distinct_valid_records() -> None:
    blocks = list(load_lines(LoadProfile(seed=1, reports=25_001, until=UNTIL)))
    records = [json.loads(line) | {"agency": agency} for agency, lines in blocks for line in lines]
    assert len({record["record_id"] for record in records}) == 25_001
    assert max(record["occurred_at"] for record in records) <= "2026-05-01T15:00:00Z"
    assert {record["agency"] for record in records} <= {row["agency_id"] for row in load_directory(UNTIL)}
    assert len({record["county_fips"] for record in records}) == 48


def test_in_the_load_stream_every_third_report_repeats_an_overdose_of_another_agency() -> None:
    blocks = list(load_lines(LoadProfile(seed=1, reports=9_999, until=UNTIL)))
    (one, first), (other, second) = blocks
    assert one != other
    places = {(record["lat"], record["lon"], record["occurred_at"], record["age"]) for record in map(json.loads, first)}
    repeats = [(record["lat"], record["lon"], record["occurred_at"], record["age"]) for record in map(json.loads, second)]
    assert len(repeats) == 3_333
    assert set(repeats) <= places


def test_cad_rows_have_the_columns_of_the_layout() -> None:
    rows = [line for line in told(Story(seed=7, until=UNTIL, malformed=0)) if not line.startswith("{")]
    assert rows
    assert all(line.count(",") == len(CAD_COLUMNS) - 1 for line in rows)
