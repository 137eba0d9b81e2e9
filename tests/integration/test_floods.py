"""Garbage in quantity, and garbage between our own services, on a stack of its own: its topics are unreadable afterwards."""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from spikewatch_testing.exploring import examples
from spikewatch_testing.pipeline import Pipeline, wait_until
from spikewatch_testing.senders import (
    COUNTY,
    Raw,
    enrol,
    good,
    letters_by_place,
    produce,
    reason_of,
    receipt_when_processed,
    sealed,
    seals_of,
)

from spikewatch.chassis.kafka.publisher import partition_of
from spikewatch.chassis.kafka.reader import committed_offsets
from spikewatch.contracts import topics
from spikewatch.contracts.cloudevents import Attributes, write
from spikewatch.contracts.identifiers import report_key

pytestmark = [pytest.mark.integration, pytest.mark.slow(140)]

FLOOD, EACH = examples(20_000), 1_000
GARBAGE = b"garbage"
SENDER = "flood-sender"


def _beside(agency: str, *, same: bool) -> str:
    """Return the name of an agency whose records share a partition with another's, or do not."""
    count = topics.SUBMISSIONS.partitions
    wanted = partition_of(agency.encode(), count)
    names = (f"flood-neighbour-{number}" for number in range(100))
    return next(name for name in names if (partition_of(name.encode(), count) == wanted) is same)


NEIGHBOUR, OTHER = _beside(SENDER, same=True), _beside(SENDER, same=False)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    folder = tmp_path_factory.mktemp("floods")
    pipeline = Pipeline.start(folder, env={"SPIKEWATCH_CIRCUIT_PAUSE_SECONDS": "1"}, own_servers=True)
    enrol(pipeline, folder, SENDER, NEIGHBOUR, OTHER)
    yield pipeline
    pipeline.stop()


def stands(pipeline: Pipeline, agency: str, name: str) -> tuple[int, int]:
    """Return how many overdoses a record is in, and how many contributions to its county name that incident."""
    key = str(report_key(agency, name))
    incidents: dict[bytes, bytes | None] = {}
    for record in pipeline.records(topics.INCIDENTS):
        if record.key is not None and not record.key.startswith(GARBAGE):
            incidents[record.key] = record.value
    holding = [
        incident.decode()
        for incident, value in incidents.items()
        if value is not None
        for part in json.loads(value)["overdoses"]
        if key in {link["report_key"] for link in part["reports"]}
    ]
    county = {record.key for record in pipeline.records(topics.CONTRIBUTIONS) if record.value is not None}
    return len(holding), sum(f"county:{COUNTY}|{incident}".encode() in county for incident in holding)


def test_garbage_between_our_services_is_set_aside_and_the_pipeline_goes_on(alone: Pipeline) -> None:
    placed: dict[str, list[tuple[tuple[int, int], Raw, str | None]]] = {}
    submissions = [alone.accept(OTHER, [good("INTERNAL-1")])]
    for topic in (topics.REPORTS, topics.LOCATED, topics.INCIDENTS, topics.CONTRIBUTIONS):
        own = write(Attributes(id="1", source="/spikewatch/test", type=topic.event_types[0]))
        kinds: list[tuple[bytes | None, list[tuple[str, bytes | None]], str]] = [
            (b"\x00\xff", [], "not-a-cloud-event"),
            (b"{}", [("ce_id", None)], "not-a-cloud-event"),
            (b"\x00\xff", [*own], "malformed"),
            (b"{}", [*own], "missing-field"),
            (b"[]", [*own], "invalid-field"),
            (b"{}", [*write(Attributes(id="1", source="/x", type="org.example.other"))], "unknown-event-type"),
        ]
        if topic.cleanup != "compact":
            kinds.append((None, [*own], "malformed"))
        # Many keys, so that every partition gets its share.
        stream = [(Raw(GARBAGE + b"-%d" % key, value, headers), reason) for key in range(12) for value, headers, reason in kinds]
        places = produce(alone, topic.name, [raw for raw, _ in stream])
        placed[topic.name] = [(place, raw, reason) for place, (raw, reason) in zip(places, stream, strict=True)]
    submissions.append(alone.accept(OTHER, [good("INTERNAL-2", days=33)]))
    assert all(receipt_when_processed(alone, OTHER, submission)["counts"]["report"] == 1 for submission in submissions)
    alone.settle()
    assert stands(alone, OTHER, "INTERNAL-1") == (1, 1)
    assert stands(alone, OTHER, "INTERNAL-2") == (1, 1)
    for topic in (topics.REPORTS, topics.LOCATED, topics.INCIDENTS, topics.CONTRIBUTIONS):
        for group in topic.consumers:
            # Other tests leave letters of their own here.
            letters = {
                place: letter
                for place, letter in letters_by_place(alone, topic, group).items()
                if (letter.key or b"").startswith(GARBAGE + b"-")
            }
            assert set(letters) == {place for place, _, _ in placed[topic.name]}, f"{topic.name} {group}"
            for place, raw, reason in placed[topic.name]:
                assert raw.is_in(letters[place])
                assert reason_of(letters[place]) == reason, f"{topic.name} {group}: {raw}"
    assert all(service.is_live() for service in alone.stack.services)


def test_tombstones_of_nothing_are_harmless(alone: Pipeline) -> None:
    for topic, kind in (
        (topics.INCIDENTS, topics.EventType.INCIDENT_RETRACTED),
        (topics.CONTRIBUTIONS, topics.EventType.CONTRIBUTION_WITHDRAWN),
    ):
        headers = write(Attributes(id="1", source="/spikewatch/test", type=kind))
        produce(alone, topic.name, [Raw(key, None, headers) for key in (GARBAGE, GARBAGE + b"|x", GARBAGE + b"\xff\xfe")])
    submission = alone.accept(OTHER, [good("TOMBSTONE-1", days=36)])
    assert receipt_when_processed(alone, OTHER, submission)["counts"]["report"] == 1
    alone.settle()
    assert stands(alone, OTHER, "TOMBSTONE-1") == (1, 1)


def test_a_flood_of_bad_records_of_one_agency_delays_no_other(alone: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    seals = seals_of(alone)
    bad = good("FLOOD", outcome=...)
    stream: list[Raw] = []
    for number in range(FLOOD):
        raw = sealed(seals, SENDER, bad, ce_id=f"flood-{number}")
        # A third is what its own key opens and no report can come of; the others fall before that.
        if number % 3 == 1:
            raw = Raw(raw.key, raw.value, [header for header in raw.headers if header[0] != "ce_type"])
        elif number % 3 == 2:
            raw = Raw(raw.key, (raw.value or b"")[:-1], raw.headers)
        stream.append(raw)
        if number % EACH == EACH - 1:
            stream += [sealed(seals, agency, good(f"{agency}-{number}")) for agency in (NEIGHBOUR, OTHER)]
    began = time.monotonic()
    places = produce(alone, topics.SUBMISSIONS.name, stream)
    produced = time.monotonic() - began
    alone.settle()
    settled = time.monotonic() - began

    letters = letters_by_place(alone, topics.SUBMISSIONS, "ingest-normalise")
    flood = {place: raw for place, raw in zip(places, stream, strict=True) if raw.key == SENDER.encode()}
    assert len(flood) == FLOOD
    assert letters.keys() == flood.keys(), f"{len(flood.keys() - letters.keys())} of {FLOOD} bad records left no dead letter"
    assert all(raw.is_in(letters[place]) for place, raw in flood.items())
    third = FLOOD / 3
    assert Counter(map(reason_of, letters.values())) == {
        "missing-field": pytest.approx(third, abs=1),
        "not-a-cloud-event": pytest.approx(third, abs=1),
        "unproven-origin": pytest.approx(third, abs=1),
    }
    sent = {
        (record.header("ce_id") or b"").decode(): record for record in alone.records(topics.SUBMISSIONS) if record.key != SENDER.encode()
    }
    waits: dict[str, list[timedelta]] = {NEIGHBOUR: [], OTHER: []}
    names: set[str] = set()
    for record in alone.records(topics.REPORTS):
        if (record.key or b"").startswith(GARBAGE):
            continue
        body = json.loads(record.value or b"")
        if body["source_agency_id"] in waits and body["submission_id"] in sent and body["source_record_id"] not in names:
            names.add(body["source_record_id"])
            waits[body["source_agency_id"]].append(record.timestamp - sent[body["submission_id"]].timestamp)
    wanted = {f"{agency}-{number}" for agency in waits for number in range(EACH - 1, FLOOD, EACH)}
    assert wanted <= names, f"{len(wanted - names)} good records became no report"
    with capsys.disabled():
        slowest = {agency: max(times).total_seconds() for agency, times in waits.items()}
        sys.stdout.write(
            f"\n{FLOOD} bad records written in {produced:.1f} s, all dead-lettered after {settled:.1f} s; good ones waited at most"
            f" {slowest[NEIGHBOUR]:.1f} s on the same partition, {slowest[OTHER]:.1f} s on another\n"
        )
    assert all(service.is_ready() for service in alone.stack.services)
    # The circuit is for faults of ours: what one agency writes must not stop the others.
    assert not openings(alone, "ingest")


def openings(pipeline: Pipeline, service: str) -> int:
    """Return how often a service said that its circuit is open."""
    return sum(
        log.read_text(encoding="utf-8").count("circuit open") for log in Path(pipeline.stack.folder, "services").glob(f"{service}-*.log")
    )


def test_a_flood_between_our_services_opens_the_circuit_and_loses_nothing(alone: Pipeline) -> None:
    group, flood = "enrichment-locate", 4_000
    before = len(letters_by_place(alone, topics.REPORTS, group))

    def committed() -> dict[int, int]:
        return asyncio.run(committed_offsets(alone.connection, topics.REPORTS.name, group))

    own = write(Attributes(id="1", source="/spikewatch/test", type=topics.REPORTS.event_types[0]))
    stream = [Raw(GARBAGE, b'{"number": %d}' % number, own) for number in range(flood)]
    places = produce(alone, topics.REPORTS.name, stream)
    wait_until(lambda: openings(alone, "enrichment") > 0, "the circuit opens")
    # What was let through before it opened is committed beside the next batch: after one more pause that is over.
    first = openings(alone, "enrichment")
    wait_until(lambda: openings(alone, "enrichment") > first, "it is tried again after the pause")
    stopped, letters, seen = committed(), letters_by_place(alone, topics.REPORTS, group), openings(alone, "enrichment")
    assert len(letters) - before < flood
    submission = alone.accept(SENDER, [good("WAITS-1", days=39)])
    assert receipt_when_processed(alone, SENDER, submission)["counts"]["report"] == 1
    wait_until(lambda: openings(alone, "enrichment") >= seen + 2, "it is tried again after the pause, and again")
    partition = places[0][0]
    assert committed()[partition] == stopped[partition] <= places[-1][1], "an open circuit let records pass"
    assert letters_by_place(alone, topics.REPORTS, group).keys() == letters.keys()
    (service,) = alone.stack.instances_of("enrichment")
    assert service.is_live()

    # The operator has looked, and lets what is there go to the dead letters.
    service._env["SPIKEWATCH_CIRCUIT_RATIO"] = "1"
    service.restart()
    alone.settle()
    letters = letters_by_place(alone, topics.REPORTS, group)
    assert set(places) <= set(letters)
    assert all(raw.is_in(letters[place]) for place, raw in zip(places, stream, strict=True))
    assert len(letters) == before + flood
    assert stands(alone, SENDER, "WAITS-1") == (1, 1)
