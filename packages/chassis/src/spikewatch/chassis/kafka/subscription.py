"""What a service says to the chassis when it wants to consume a topic."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from spikewatch.chassis.kafka.message import Event, Record
from spikewatch.chassis.outcome import Outcome
from spikewatch.contracts.topics import Topic

__all__ = ["Handler", "Subscription"]

M = TypeVar("M")
Handler = Callable[[Sequence[Event[M]]], Awaitable[Sequence[Outcome]]]
"""Takes the decoded records of a batch and returns one outcome for each, in the same order."""


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
        trusts_trace: whether the record's ``traceparent`` may become the parent; else it is only linked.
        on_revoked: called with the partitions that another instance takes over, after the running batch has ended.
    """

    topic: Topic
    group: str
    handle: Handler[M]
    max_records: int = 500
    trusts_trace: Callable[[Record], bool] = _always
    on_revoked: Callable[[frozenset[int]], Awaitable[None]] | None = None

    def decoder(self) -> TypeAdapter[Any] | None:
        """Return what validates a value; None for a topic of bytes."""
        model = self.topic.model
        return None if model is None else TypeAdapter(model)
