import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from spikewatch.chassis.kafka.message import Record
from spikewatch.chassis.kafka.publisher import Outgoing
from spikewatch.chassis.telemetry.late_span import record_late_spans
from spikewatch.contracts import cloudevents, topics

_exporter = InMemorySpanExporter()


@pytest.fixture(scope="session", autouse=True)
def _tracing() -> None:
    provider = TracerProvider()
    processor = SimpleSpanProcessor(_exporter)
    provider.add_span_processor(processor)
    record_late_spans(processor, provider.resource)
    trace.set_tracer_provider(provider)


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    _exporter.clear()
    yield _exporter
    _exporter.clear()


@dataclass
class FakePublisher:
    """Keeps what is published; fails as told."""

    sent: list[Outgoing] = field(default_factory=list)
    raws: list[tuple[str, bytes | None, bytes | None, list[tuple[str, bytes | None]]]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    raw_failures: list[Exception] = field(default_factory=list)

    async def send_caused(self, outgoing: Sequence[Outgoing]) -> None:
        if outgoing and self.failures:
            raise self.failures.pop(0)
        self.sent.extend(outgoing)

    async def raw(self, topic, key, value, headers, *, partition_by=None) -> Awaitable[object]:
        if self.raw_failures:
            raise self.raw_failures.pop(0)
        self.raws.append((topic, key, value, list(headers)))
        done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def raw_acknowledged(self, acknowledgements) -> None:
        await asyncio.gather(*acknowledgements)


@dataclass
class FakeCommitter:
    """Remembers commits and seeks."""

    committed: dict[tuple[str, int], int] = field(default_factory=dict)
    seeks: list[tuple[int, int]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    async def commit(self, offsets) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.committed |= {(partition.topic, partition.partition): offset for partition, offset in offsets.items()}

    def seek(self, partition, offset) -> None:
        self.seeks.append((partition.partition, offset))


@pytest.fixture
def publisher() -> FakePublisher:
    return FakePublisher()


@pytest.fixture
def committer() -> FakeCommitter:
    return FakeCommitter()


@pytest.fixture
def make_record():
    def make(
        offset: int = 0,
        value: bytes | None = b"{}",
        *,
        topic: topics.Topic = topics.SUBMISSIONS,
        partition: int = 0,
        headers: Sequence[tuple[str, bytes | None]] | None = None,
        extra: Sequence[tuple[str, bytes | None]] = (),
        event_type: str | None = None,
    ) -> Record:
        attributes = cloudevents.Attributes(id=f"id-{offset}", source="/agencies/cedar-ems", type=event_type or topic.event_types[0])
        chosen = cloudevents.write(attributes) if headers is None else headers
        return Record(topic.name, partition, offset, b"key", value, (*chosen, *extra), datetime(2026, 5, 1, tzinfo=UTC))

    return make
