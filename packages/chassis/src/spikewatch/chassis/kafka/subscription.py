"""What a service says to the chassis when it wants to consume a topic."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from spikewatch.chassis.kafka.message import Event, Record
from spikewatch.chassis.outcome import Outcome, Reason
from spikewatch.contracts.topics import Topic

__all__ = ["Handler", "Subscription", "Wrapping"]

M = TypeVar("M")
Handler = Callable[[Sequence[Event[M]]], Awaitable[Sequence[Outcome]]]
"""Takes the decoded records of a batch and returns one outcome for each, in the same order."""


class Wrapping(Protocol):
    """Hides what a subscription dead-letters, and finds the original again when a letter is replayed.

    Both methods keep topic, partition and offset, and raise for no content: there is nothing left to catch a failure of theirs.
    """

    def wrap(self, record: Record) -> Record:
        """Return what may wait in the dead-letter topic instead of a consumed record; the record itself if it may."""
        ...

    def unwrap(self, record: Record) -> Record:
        """Return the record that was wrapped, byte for byte; the record itself if it is none of ours."""
        ...


def _always(_: Record) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Subscription(Generic[M]):
    """One topic consumed by one consumer group.

    Args:
        topic: the declared topic; its model decodes the value (a topic of bytes hands the value over as it is).
        group: a consumer group that the topic declares.
        handle: the use case; called with one batch at a time, never concurrently.
        max_records: how many records a batch holds at most.
        max_bytes: how many bytes of values it should hold at most, where a record may be a file of thousands.
        trusts_trace: whether the record's ``traceparent`` may become the parent; else it is only linked.
        circuit_reasons: the reasons of dead letters that count as a fault of ours and may open the circuit. Between our own
            services that is every reason; where agencies write, only what is not their content.
        on_revoked: called with the partitions that another instance takes over, after the running batch has ended.
        on_published: called after all messages of a batch were acknowledged by the broker; where an outbox is settled. It
            may be skipped by a crash, and a passing failure of it is only logged.
        read: reads a value in place of the topic's model, where that can be done with less work; it returns what the model would,
            or what the use case needs of it, and raises ``ValidationError`` where the model would.
        wrapping: hides consumed records that go to the dead letters, whoever refused them, and is asked for the original before a
            record is decoded. None: they wait byte for byte. Parts that a handler rejects with a value of their own only get its key.
    """

    topic: Topic
    group: str
    handle: Handler[M]
    max_records: int = 500
    max_bytes: int = 8 * 1024 * 1024
    trusts_trace: Callable[[Record], bool] = _always
    circuit_reasons: frozenset[Reason] = frozenset(Reason)
    on_revoked: Callable[[frozenset[int]], Awaitable[None]] | None = None
    on_published: Callable[[], Awaitable[None]] | None = None
    read: Callable[[bytes], M] | None = None
    wrapping: Wrapping | None = None
