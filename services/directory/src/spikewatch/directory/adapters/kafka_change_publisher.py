"""Changes as events on ``directory.records.v1``."""

from collections.abc import Sequence
from typing import Final, Protocol

from spikewatch.chassis.kafka.message import Message
from spikewatch.chassis.kafka.publisher import Outgoing
from spikewatch.chassis.telemetry.messaging import extract
from spikewatch.contracts import topics
from spikewatch.contracts.directory import DirectoryRecord
from spikewatch.contracts.topics import EventType
from spikewatch.directory.ports import Change

__all__ = ["KafkaChangePublisher", "message_of"]

_SOURCE: Final = "/services/directory"


class _Sender(Protocol):
    async def send_caused(self, outgoing: Sequence[Outgoing]) -> None: ...


def message_of(change: Change) -> Message:
    """Return the event of a change; its id follows from name and version, so that a repetition is recognised."""
    return Message.of(
        topics.DIRECTORY,
        None if change.record is None else DirectoryRecord(change.record),
        key=change.name,
        event_type=EventType.DIRECTORY_DELETED if change.record is None else EventType.DIRECTORY_CHANGED,
        subject=change.name,
        version=change.version,
        source=_SOURCE,
        time=change.changed_at,
    )


class KafkaChangePublisher:
    """A ``ChangePublisher``. Each event belongs to the trace of the call that made the change."""

    def __init__(self, sender: _Sender) -> None:
        self._sender = sender

    async def publish(self, changes: Sequence[Change]) -> None:
        """Publish in this order and return when all are acknowledged."""
        outgoing = []
        for change in changes:
            cause = extract(change.traceparent.encode()) if change.traceparent else None
            outgoing.append(Outgoing(message_of(change), () if cause is None else (cause,)))
        await self._sender.send_caused(outgoing)
