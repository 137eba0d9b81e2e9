"""The chassis against a bare aiokafka loop doing the same work: consume, validate, publish, commit.

    python benchmarks/chassis.py [--records 50000] [--rounds 3]

Both run on the same broker in the same run, in turn; the ratio is what counts. The bare loop keeps nothing of the chassis's promises:
no dead letters, no isolation, no spans, no order of commit beyond its own batch. Spans are made and thrown away: encoding and
sending them is measured by pipeline.py.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from spikewatch.chassis.clock import system_clock
from spikewatch.chassis.collector import spare_collector
from spikewatch.chassis.kafka import topics_admin
from spikewatch.chassis.kafka.batch import BatchConsumer, BatchLimits
from spikewatch.chassis.kafka.broker import make_broker, subscribe
from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.kafka.message import Message
from spikewatch.chassis.kafka.publisher import Publisher
from spikewatch.chassis.kafka.subscription import Subscription
from spikewatch.chassis.outcome import Emit
from spikewatch.chassis.telemetry.late_span import record_late_spans
from spikewatch.cli.stack.testing import servers
from spikewatch.contracts import cloudevents, identifiers, topics
from spikewatch.contracts.report import LocatedReport, Location, Report
from spikewatch.contracts.vocabulary import SourceType, TimeBasis, TimePrecision


@dataclass(frozen=True, slots=True)
class Pace:
    """Records a second of wall time, and of this process's CPU time, which other work on the machine hardly disturbs."""

    wall: float
    cpu: float


class Discard(SpanExporter):
    """Takes spans and throws them away: what is measured is what tracing costs the service."""

    def export(self, spans):
        """Take them."""
        return SpanExportResult.SUCCESS


def report(number: int) -> Report:
    """Make one report of a county that does not exist."""
    moment = datetime(2026, 5, 1, 12, number % 60, tzinfo=UTC)
    return Report(
        report_id=identifiers.report_id("cedar-ems", str(number), 1),
        report_key=identifiers.report_key("cedar-ems", str(number)),
        source_agency_id="cedar-ems",
        source_record_id=str(number),
        revision=1,
        source_type=SourceType.EMS,
        occurred_at=moment,
        occurred_at_basis=TimeBasis.DISPATCH,
        occurred_at_precision=TimePrecision.SECOND,
        received_at=moment,
        location=Location(lat=1.0, lon=2.0, zip5="99901", county_fips="99001"),
        submission_id=uuid.UUID(int=number),
        submission_format="statutory",
    )


def located(body: Report) -> LocatedReport:
    """Do the work of both loops: one model in, one model out."""
    return LocatedReport(report=body, place_key="99001", areas=("county:99001",))


async def fill(connection: KafkaConnection, records: int) -> None:
    """Publish the input once; every round reads it again."""
    publisher = Publisher(connection)
    await publisher.start()
    for first in range(0, records, 5_000):
        bodies = [report(number) for number in range(first, min(records, first + 5_000))]
        await publisher.send(
            [
                Message.of(
                    topics.REPORTS,
                    body,
                    key=str(body.report_key),
                    event_type=topics.EventType.REPORT_NORMALISED,
                    subject=body.report_id,
                    version=1,
                    source="/spikewatch/ingest",
                )
                for body in bodies
            ]
        )
    await publisher.stop()


async def bare(connection: KafkaConnection, records: int, batch: int) -> Pace:
    """Return the pace of a plain loop."""
    consumer = AIOKafkaConsumer(
        topics.REPORTS.name,
        **connection.aiokafka(),
        group_id=f"bare-{uuid.uuid4()}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    producer = AIOKafkaProducer(
        **connection.aiokafka(), enable_idempotence=True, acks="all", compression_type="lz4", max_batch_size=1_048_576
    )
    await producer.start()
    await consumer.start()
    done, started, cpu = 0, 0.0, 0.0
    while done < records:
        taken = await consumer.getmany(timeout_ms=500, max_records=batch)
        started, cpu = started or time.perf_counter(), cpu or time.process_time()
        waiting = []
        for rows in taken.values():
            for row in rows:
                _, value = cloudevents.read(row.headers, row.value)
                body = Report.model_validate_json(value or b"")
                headers = cloudevents.write(
                    cloudevents.Attributes(
                        id=str(identifiers.event_id(topics.EventType.REPORT_LOCATED, body.report_id, 1)),
                        source="/bench",
                        type=topics.EventType.REPORT_LOCATED,
                        subject=str(body.report_id),
                    )
                )
                waiting.append(await producer.send(topics.LOCATED.name, located(body).to_json(), b"99001", headers=headers))
                done += 1
        await asyncio.gather(*waiting)
        await consumer.commit()
    pace = Pace(records / (time.perf_counter() - started), records / (time.process_time() - cpu))
    await consumer.stop()
    await producer.stop()
    return pace


async def chassis(connection: KafkaConnection, records: int, batch: int) -> Pace:
    """Return the pace of the chassis."""
    done, started, cpu, finished = 0, 0.0, 0.0, asyncio.Event()

    async def handle(events):
        nonlocal done, started, cpu
        started, cpu = started or time.perf_counter(), cpu or time.process_time()
        outcomes = []
        for event in events:
            body = located(event.body)
            outcomes.append(
                Emit(
                    (
                        Message.of(
                            topics.LOCATED,
                            body,
                            key=body.place_key,
                            event_type=topics.EventType.REPORT_LOCATED,
                            subject=body.report.report_id,
                            version=1,
                            source="/spikewatch/enrichment",
                        ),
                    )
                )
            )
        done += len(outcomes)
        return outcomes

    async def on_published() -> None:
        if done >= records:
            finished.set()

    group = f"enrichment-locate-{uuid.uuid4()}"
    topic = topics.REPORTS.model_copy(update={"consumers": (group,)})
    publisher = Publisher(connection)
    await publisher.start()
    broker = make_broker(connection, drain_seconds=5)
    consumer = BatchConsumer(
        Subscription(topic, group, handle, on_published=on_published),
        publisher=publisher,
        limits=BatchLimits(1_048_576, 60, 0.5, 1000, 30),
        service="bench",
        clock=system_clock,
    )
    subscribe(broker, consumer, max_records=batch)
    await broker.start()
    await finished.wait()
    pace = Pace(records / (time.perf_counter() - started), records / (time.process_time() - cpu))
    await broker.stop()
    await publisher.stop()
    return pace


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--default-collector", action="store_true", help="leave Python's garbage collector as it is, in both loops")
    parser.add_argument("--no-spans", action="store_true", help="leave the tracer off, to see what tracing costs")
    arguments = parser.parse_args()
    if not arguments.no_spans:
        provider, processor = TracerProvider(), BatchSpanProcessor(Discard(), max_queue_size=32_768, max_export_batch_size=2_048)
        provider.add_span_processor(processor)
        trace.set_tracer_provider(provider)
        record_late_spans(processor, provider.resource)
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as found:
        print(f"servers: {found.description}; {arguments.records} reports, batches of {arguments.batch}")
        connection = KafkaConnection((found.bootstrap,), "bench")
        await topics_admin.apply(connection)
        await fill(connection, arguments.records)
        if not arguments.default_collector:
            spare_collector()  # as the runtime does at the start of a service; here for both loops
        ratios = []
        for number in range(1, arguments.rounds + 1):
            plain = await bare(connection, arguments.records, arguments.batch)
            ours = await chassis(connection, arguments.records, arguments.batch)
            ratios.append((ours.wall / plain.wall, ours.cpu / plain.cpu))
            print(
                f"round {number}: bare aiokafka {plain.wall:,.0f}/s ({plain.cpu:,.0f} a CPU s), "
                f"chassis {ours.wall:,.0f}/s ({ours.cpu:,.0f} a CPU s), ratio {ratios[-1][0]:.2f} ({ratios[-1][1]:.2f} by CPU)"
            )
        wall, cpu = (statistics.median(column) for column in zip(*ratios, strict=True))
        print(f"median ratio {wall:.2f}, by CPU time {cpu:.2f} (bar: 0.8)")


if __name__ == "__main__":
    asyncio.run(main())
