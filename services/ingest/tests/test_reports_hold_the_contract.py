"""Readers make reports without the contract's check, for speed: here it checks all they make, and finds nothing to refuse or change."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spikewatch_testing.fuzzing.campaign import one_input
from spikewatch_testing.fuzzing.hostile import HOSTILE, with_hostile_values
from spikewatch_testing.fuzzing.planted import VALUES
from spikewatch_testing.fuzzing.seeds import ROOT, seeds, source_of

from spikewatch.contracts.report import Report
from spikewatch.ingest.domain.classification import Classifier, interpret
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.feeds.feed import Feed, Source
from spikewatch.ingest.domain.profiles.bases import compiled
from spikewatch.ingest.domain.rejection import Rejected
from spikewatch.ingest.terminology import FILE_KEY, classifier

MUTATIONS = 250
HOSTILE_INPUTS = 400
PROFILE = (ROOT / "examples/profiles/tablet-export.yaml").read_text(encoding="utf-8")
HEADER = (
    "Incident Number,Incident Date,Incident Time,Latitude,Longitude,Scene Address,City,Zip,Patient Status,Gender,Age,Narcan Given,"
    "Narcan Doses,Drug"
)
ROW = [
    "26-4711",
    "03/15/2026",
    "13:05:00",
    "40.12",
    "-75.33",
    "12 MAIN ST",
    "CEDAR",
    "19401",
    "Alive",
    "M",
    "33",
    "Y",
    "2",
    "Heroin;Xylazine",
]
CELLS = [
    *("", "-", "unknown", "0", "-1", "999", "1e9", "90", "Dead", "13/45/2026", "24:00", "8:61 PM", "1430", "0.5", "02:30:00", "01:30"),
    *("03/08/2026", "11/02/2025", "MAIN ST & OAK AVE", "x" * 600, "1" * 130, "1940", "19401-1234", "\N{LATIN SMALL LETTER E WITH ACUTE}"),
    *VALUES,
]


@pytest.fixture(scope="module")
def definitions() -> Classifier:
    return classifier(FILE_KEY)


def reports(feed: Feed, source: Source, media_type: str, body: bytes, definitions: Classifier) -> Iterator[Report]:
    try:
        for record in feed.records(body, media_type, limit=10_000):
            if record.rejected is not None or record.is_skipped:
                continue
            try:
                reading = interpret(feed, record.fields, source, definitions)
            except Rejected:
                continue
            if reading.report is not None:
                yield reading.report
    except Rejected:
        return


def holds(report: Report) -> bool:
    """Tell whether the contract takes the report as it is: every value of the right type, within its bounds, and written the same."""
    checked = Report.model_validate(report.model_dump(), strict=True)
    wire = report.to_json()
    return checked == report and checked.to_json() == wire and Report.model_validate_json(wire) == report


@pytest.mark.parametrize("name", FEEDS)
def test_the_contract_takes_all_that_a_feed_makes(name: str, definitions: Classifier) -> None:
    feed = FEEDS[name]
    source = source_of(feed)
    inputs = [(seed.media_type, seed.body) for seed in seeds(name, with_samples=False)]
    inputs += [one_input(name, 4, number)[:2] for number in range(MUTATIONS)]
    made = 0
    for number, (media_type, body) in enumerate(inputs):
        of = (
            source
            if number % 2
            else replace(source, time_zone="America/New_York", county_fips="99001", trace_id="0af7651916cd43dd8448eb211c80319c")
        )
        for report in reports(feed, of, media_type, body, definitions):
            made += 1
            assert holds(report)
    assert made > 30, "some of the inputs are sound"


@pytest.mark.parametrize("name", ["hl7_adt", "nemsis", "fhir", "cad_911"])
def test_the_contract_takes_what_hostile_values_become(name: str, definitions: Classifier) -> None:
    feed = FEEDS[name]
    known = source_of(feed)
    unknown = replace(known, time_zone=None, county_fips=None)
    random = Random(11)
    made = 0
    for number in range(HOSTILE_INPUTS):
        media_type, body = with_hostile_values(name, random)
        for report in reports(feed, known if number % 4 else unknown, media_type, body, definitions):
            made += 1
            assert holds(report)
    assert made > 50, "many of the values are not needed, or usable"


@given(
    values=st.lists(st.text(max_size=140) | st.sampled_from(HOSTILE) | st.integers() | st.floats() | st.booleans(), min_size=9, max_size=9)
)
def test_the_contract_takes_what_any_values_of_a_call_become(values: list[object]) -> None:
    names = ("lat", "lng", "addr", "cross", "twp", "zip", "call number", "age", "disposition")
    fields = {"title": "EMS: OVERDOSE", "timestamp": "2015-12-10 17:40:00", **dict(zip(names, values, strict=True))}
    feed = FEEDS["cad_911"]
    try:
        reading = feed.read(fields, source_of(feed))
    except Rejected:
        return
    assert reading.report is None or holds(reading.report)


def test_the_contract_takes_all_that_a_profile_makes(definitions: Classifier) -> None:
    feed = compiled(PROFILE)[1]
    source = replace(source_of(FEEDS["statutory"]), time_zone="America/New_York")
    random = Random(4)
    made = 0
    for _ in range(MUTATIONS):
        rows = [list(ROW) for _ in range(8)]
        for row in rows:
            row[random.randrange(len(row))] = random.choice(CELLS).replace(",", " ").replace('"', " ").replace("\n", " ")
        body = "\n".join([HEADER, *(",".join(row) for row in rows)]).encode()
        for report in reports(feed, source, "text/csv", body, definitions):
            made += 1
            assert holds(report)
    assert made > MUTATIONS


@given(
    values=st.lists(st.text(max_size=140) | st.sampled_from(CELLS) | st.integers() | st.floats() | st.booleans(), min_size=8, max_size=8)
)
def test_the_contract_takes_what_any_values_of_a_record_become(values: list[object]) -> None:
    names = ("record_id", "zip", "city", "address", "age", "lat", "lon", "suspected_drugs")
    fields = {
        "occurred_at": "2026-05-01T14:03:00-04:00",
        "outcome": "nonfatal",
        "reversal_given": "yes",
        **dict(zip(names, values, strict=True)),
    }
    feed = FEEDS["statutory"]
    try:
        reading = feed.read(fields, source_of(feed))
    except Rejected:
        return
    assert reading.report is not None
    assert holds(reading.report)


def test_a_source_that_the_contract_does_not_take_makes_no_report() -> None:
    feed = FEEDS["statutory"]
    fields = {"occurred_at": "2026-05-01T14:03:00-04:00", "outcome": "nonfatal", "reversal_given": "yes", "zip": "19401"}
    with pytest.raises(ValueError, match="source_agency_id"):
        feed.read(fields, replace(source_of(feed), agency_id="No Agency"))
