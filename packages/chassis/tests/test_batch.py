from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiokafka.errors import CommitFailedError
from spikewatch_testing.patience import PATIENCE_S

from spikewatch.chassis.kafka.batch import BatchConsumer, BatchLimits
from spikewatch.chassis.kafka.dead_letter import read_cause
from spikewatch.chassis.kafka.message import Message, Record
from spikewatch.chassis.kafka.subscription import Subscription
from spikewatch.chassis.outcome import DeadLetter, Drop, Emit, Permanent, Reason, Transient
from spikewatch.contracts import topics

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def message_for(event) -> Message:
    return Message(
        topic=topics.REPORTS,
        key="k",
        body=event.body,
        event_type=topics.EventType.REPORT_NORMALISED,
        event_id=event.attributes.id,
        source="/spikewatch/ingest",
    )


@pytest.fixture
def consume(publisher):
    def make(handle, *, wrapping=None, **limits) -> BatchConsumer:
        values = {
            "max_record_bytes": 1000,
            "retry_seconds": 0.3,
            "circuit_ratio": 0.5,
            "circuit_records": 10,
            "circuit_pause_seconds": 0.01,
        }
        return BatchConsumer(
            Subscription(topics.SUBMISSIONS, "ingest-normalise", handle, wrapping=wrapping),
            publisher=publisher,
            limits=BatchLimits(**(values | limits)),
            service="test 1",
            clock=lambda: NOW,
        )

    return make


async def run(consumer, records, committer) -> None:
    """Run a batch and wait for its commit, which goes on beside the next one."""
    await consumer.run(records, committer)
    await consumer.settle()


async def echo(batch):
    return [Emit((message_for(event),)) for event in batch]


async def test_a_batch_is_committed_per_partition_after_its_messages_are_acknowledged(consume, publisher, committer, make_record):
    records = [make_record(5), make_record(6), make_record(2, partition=1)]
    await run(consume(echo), records, committer)
    assert [item.message.event_id for item in publisher.sent] == ["id-5", "id-6", "id-2"]
    assert committer.committed == {("overdose.submissions.v1", 0): 7, ("overdose.submissions.v1", 1): 3}


async def test_a_transient_failure_repeats_the_batch_and_commits_nothing_before(consume, publisher, committer, make_record):
    attempts = []

    async def handle(batch):
        attempts.append(len(batch))
        assert committer.committed == {}
        if len(attempts) < 3:
            raise Transient("mongodb: away")
        return await echo(batch)

    await run(consume(handle), [make_record(0), make_record(1)], committer)
    assert attempts == [2, 2, 2]
    assert len(publisher.sent) == 2
    assert committer.committed == {("overdose.submissions.v1", 0): 2}


async def test_a_batch_that_cannot_be_finished_is_handed_back_and_nothing_is_dead_lettered(consume, publisher, committer, make_record):
    async def handle(batch):
        raise Transient("mongodb: away")

    await run(consume(handle, retry_seconds=0.1), [make_record(4), make_record(5), make_record(9, partition=3)], committer)
    assert committer.committed == {}
    assert sorted(committer.seeks) == [(0, 4), (3, 9)]
    assert publisher.raws == []


async def test_a_failed_publish_repeats_the_batch(consume, publisher, committer, make_record):
    publisher.failures.append(Transient("kafka: away"))
    await run(consume(echo), [make_record(0)], committer)
    assert len(publisher.sent) == 1
    assert committer.committed == {("overdose.submissions.v1", 0): 1}


async def test_a_poison_record_is_isolated_and_those_around_it_are_processed(consume, publisher, committer, make_record):
    async def handle(batch):
        if any(event.body == b"poison" for event in batch):
            raise ZeroDivisionError("holds the text of a person's record")
        return await echo(batch)

    records = [make_record(0), make_record(1, b"poison"), make_record(2)]
    await run(consume(handle), records, committer)
    assert [item.message.event_id for item in publisher.sent] == ["id-0", "id-2"]
    ((topic, key, value, headers),) = publisher.raws
    assert topic == "overdose.submissions.v1.ingest-normalise.dlq"
    assert (key, value) == (b"key", b"poison")
    cause = read_cause(Record(topic, 0, 0, key, value, tuple(headers), NOW))
    assert (cause.reason, cause.exception, cause.offset) == ("unexpected-error", "ZeroDivisionError", 1)
    assert "person's record" not in str(headers)
    assert committer.committed == {("overdose.submissions.v1", 0): 3}


async def test_outcomes_become_messages_dead_letters_or_nothing(consume, publisher, committer, make_record):
    async def handle(batch):
        part = DeadLetter(Reason.INVALID_FIELD, field="age", value=b"row 7", headers=(("ce_id", b"part"),))
        return [Emit((message_for(batch[0]),), rejected=(part,)), Drop("duplicate"), DeadLetter(Reason.NAIVE_TIME, field="occurred_at")]

    await run(consume(handle), [make_record(0), make_record(1), make_record(2, b"whole")], committer)
    assert len(publisher.sent) == 1
    assert [(value, dict(headers)["dlq-reason"]) for _, _, value, headers in publisher.raws] == [
        (b"row 7", b"invalid-field"),
        (b"whole", b"naive-time"),
    ]
    assert dict(publisher.raws[0][3])["ce_id"] == b"part"
    assert dict(publisher.raws[1][3])["ce_id"] == b"id-2"


async def test_a_message_too_large_for_its_topic_dead_letters_its_cause_alone(consume, publisher, committer, make_record):
    too_large = Permanent(Reason.TOO_LARGE, problem="too large", expected="smaller")
    publisher.failures.extend([too_large, too_large])
    await run(consume(echo), [make_record(0), make_record(1)], committer)
    assert [item.message.event_id for item in publisher.sent] == ["id-1"]
    assert [dict(headers)["dlq-reason"] for _, _, _, headers in publisher.raws] == [b"too-large"]


async def test_what_is_no_cloud_event_never_reaches_the_handler(consume, publisher, committer, make_record):
    seen = []

    async def handle(batch):
        seen.extend(event.attributes.id for event in batch)
        return [Drop("seen") for _ in batch]

    hostile = [("ce_id", b"\xff\xfe"), ("ce_specversion", b"1.0"), ("x", None), ("reply_to", b"overdose.alerts.v1")]
    records = [make_record(0, headers=hostile), make_record(1), make_record(2, b"x" * 1001), make_record(3, None)]
    await run(consume(handle), records, committer)
    assert seen == ["id-1"]
    assert [dict(headers)["dlq-reason"] for *_, headers in publisher.raws] == [b"not-a-cloud-event", b"too-large", b"malformed"]
    assert publisher.raws[0][3][:4] == hostile


async def test_the_dead_letter_is_repeated_when_it_could_not_be_written(consume, publisher, committer, make_record):
    publisher.raw_failures.append(Transient("kafka: away"))
    await run(consume(echo), [make_record(0, b"{}", headers=[])], committer)
    assert len(publisher.raws) == 1
    assert committer.committed == {("overdose.submissions.v1", 0): 1}


async def test_a_flood_of_dead_letters_opens_the_circuit_and_stops(consume, publisher, committer, make_record):
    consumer = consume(echo)
    await run(consumer, [make_record(offset, headers=[]) for offset in range(9)], committer)
    assert len(publisher.raws) == 9
    await run(consumer, [make_record(offset, headers=[]) for offset in range(9, 12)], committer)
    assert consumer.circuit_is_open
    assert len(publisher.raws) == 9
    assert committer.committed == {("overdose.submissions.v1", 0): 9}
    assert committer.seeks == [(0, 9)]
    await run(consumer, [make_record(12)], committer)
    assert not consumer.circuit_is_open
    assert committer.committed == {("overdose.submissions.v1", 0): 13}


async def test_a_commit_that_the_group_refuses_does_not_stop_the_consumer(consume, publisher, committer, make_record):
    committer.failures.append(CommitFailedError())
    consumer = consume(echo)
    await run(consumer, [make_record(0)], committer)
    await run(consumer, [make_record(0)], committer)
    assert [item.message.event_id for item in publisher.sent] == ["id-0", "id-0"]
    assert committer.committed == {("overdose.submissions.v1", 0): 1}


async def test_one_trace_runs_through_a_batch_of_foreign_records(consume, publisher, committer, make_record, spans):
    origins = [f"00-{number:032x}-{number:016x}-01".encode() for number in (1, 2)]
    await run(consume(echo), [make_record(offset, extra=[("traceparent", origin)]) for offset, origin in enumerate(origins)], committer)
    process = [span for span in spans.get_finished_spans() if span.name == "process overdose.submissions.v1"]
    assert [(span.context.trace_id, span.parent.span_id) for span in process] == [(1, 1), (2, 2)]
    assert [item.causes[0] for item in publisher.sent] == [span.context for span in process]
    (batch,) = [span for span in spans.get_finished_spans() if span.name.startswith("process batch")]
    assert {link.context.span_id for link in batch.links} == {span.context.span_id for span in process}
    assert batch.attributes["messaging.batch.message_count"] == 2


async def test_a_trace_from_outside_is_linked_and_not_adopted(publisher, committer, make_record, spans):
    consumer = BatchConsumer(
        Subscription(topics.SUBMISSIONS, "ingest-normalise", echo, trusts_trace=lambda _: False),
        publisher=publisher,
        limits=BatchLimits(1000, 1, 0.5, 10, 1),
        service="test 1",
        clock=lambda: NOW,
    )
    await run(consumer, [make_record(0, extra=[("traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01")])], committer)
    (process,) = [span for span in spans.get_finished_spans() if span.name == "process overdose.submissions.v1"]
    assert process.parent is None
    assert process.context.trace_id != int("a" * 32, 16)
    assert process.links[0].context.trace_id == int("a" * 32, 16)


async def test_settling_ends_the_retries_of_the_running_batch(consume, committer, make_record):
    import asyncio

    async def handle(batch):
        raise Transient("mongodb: away")

    consumer = consume(handle, retry_seconds=60)
    running = asyncio.create_task(consumer.run([make_record(3)], committer))
    await asyncio.sleep(0)
    await asyncio.wait_for(consumer.settle(), PATIENCE_S)
    await running
    assert committer.seeks == [(0, 3)]
    assert not consumer.is_busy


async def test_a_closed_consumer_takes_no_further_batch(consume, publisher, committer, make_record):
    consumer = consume(echo)
    await run(consumer, [make_record(0)], committer)
    await consumer.close()
    await run(consumer, [make_record(1)], committer)
    assert [item.message.event_id for item in publisher.sent] == ["id-0"]
    assert committer.committed == {("overdose.submissions.v1", 0): 1}
    assert committer.seeks == []


class Reversed:
    """Hides a record by turning its value round; it marks what it wrapped."""

    def wrap(self, record: Record) -> Record:
        if record.header("wrapped"):
            return record
        return replace(record, key=None, value=(record.value or b"")[::-1], headers=(("wrapped", b"1"), *record.headers[:5]))

    def unwrap(self, record: Record) -> Record:
        return replace(record, value=(record.value or b"")[::-1], headers=record.headers[1:]) if record.header("wrapped") else record


async def test_whoever_refuses_a_record_it_waits_wrapped(consume, publisher, committer, make_record):
    async def handle(batch):
        if any(event.body == b"poison" for event in batch):
            raise ZeroDivisionError
        part = DeadLetter(Reason.INVALID_FIELD, value=b"row 7", headers=(("ce_id", b"part"),))
        return [DeadLetter(Reason.MALFORMED) if event.body == b"refused" else Emit(rejected=(part,)) for event in batch]

    private = ("x-private", b"a name")
    records = [
        make_record(0, b"poison", extra=[private]),
        make_record(1, b"refused", extra=[private]),
        make_record(2, b"no event", headers=[private]),
        make_record(3, b"large" * 201, extra=[private]),
        make_record(4, b"type", event_type="org.example.other", extra=[private]),
        make_record(5, b"parts", extra=[private]),
    ]
    await run(consume(handle, wrapping=Reversed()), records, committer)
    values = {int(dict(headers)["dlq-offset"]): value for _, _, value, headers in publisher.raws}
    assert values == {0: b"nosiop", 1: b"desufer", 2: b"tneve on", 3: b"egral" * 201, 4: b"epyt", 5: b"row 7"}
    assert all(key is None for _, key, _, _ in publisher.raws), "the key is the sender's word too"
    wrapped = [headers for *_, headers in publisher.raws if dict(headers)["dlq-offset"] not in {b"2", b"5"}]
    assert all(private not in headers and headers[0] == ("wrapped", b"1") for headers in wrapped)


async def test_a_wrapped_record_that_is_replayed_is_handled_as_the_original(consume, publisher, committer, make_record):
    seen: list[tuple[bytes, bytes | None]] = []

    async def handle(batch):
        seen.extend((event.body, event.record.header("wrapped")) for event in batch)
        return [Drop("seen") if event.body == b"mended" else DeadLetter(Reason.MALFORMED) for event in batch]

    mended, still_bad = (Reversed().wrap(make_record(offset, value)) for offset, value in ((0, b"mended"), (1, b"bad")))
    await run(consume(handle, wrapping=Reversed()), [mended, still_bad], committer)
    assert seen == [(b"mended", None), (b"bad", None)]
    ((_, _, value, headers),) = publisher.raws
    assert (value, headers[: len(still_bad.headers)]) == (b"dab", list(still_bad.headers)), "wrapped once, however often it comes"
