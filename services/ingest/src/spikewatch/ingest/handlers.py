"""The consumer of the submissions topic: decodes, calls the use case, returns its outcome. No rules here."""

from collections.abc import Sequence

from spikewatch.chassis.kafka.message import Event, Record
from spikewatch.chassis.kafka.subscription import Handler
from spikewatch.chassis.outcome import Outcome
from spikewatch.ingest.domain.seal import HEADER, Kind
from spikewatch.ingest.intake import Arrival
from spikewatch.ingest.service import Normaliser

__all__ = ["arrival_of", "normalise_submissions", "trusts_trace"]


def trusts_trace(record: Record) -> bool:
    """Tell whether the trace may go on: only our own gateway's may, an agency's is linked."""
    return record.header(HEADER) == Kind.GATEWAY.value.encode()


def arrival_of(event: Event[bytes]) -> Arrival:
    """Return what the use case needs of a consumed record."""
    attributes, record = event.attributes, event.record
    return Arrival(
        ce_id=attributes.id,
        ce_source=attributes.source,
        ce_time=attributes.time,
        content_type=attributes.content_type,
        value=event.body or b"",
        headers=record.headers,
        sent_at=record.timestamp,
        trace_id=event.trace_id,
        partition=record.partition,
        offset=record.offset,
    )


def normalise_submissions(normaliser: Normaliser) -> Handler[bytes]:
    """Return the batch handler."""

    async def handle(batch: Sequence[Event[bytes]]) -> Sequence[Outcome]:
        return await normaliser.normalise([arrival_of(event) for event in batch])

    return handle
