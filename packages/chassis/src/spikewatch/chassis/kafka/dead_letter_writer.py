"""Writes what became of a batch's records that cannot be processed to the dead-letter topic of their consumer group."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry import trace

from spikewatch.chassis.clock import Clock
from spikewatch.chassis.kafka.dead_letter import DeadLetterRecord, headers_for
from spikewatch.chassis.kafka.message import Record
from spikewatch.chassis.kafka.publisher import Publisher
from spikewatch.chassis.kafka.subscription import Subscription
from spikewatch.chassis.outcome import DeadLetter, Drop, Emit, Outcome

__all__ = ["DeadLetterWriter", "Judged"]


@dataclass(slots=True)
class Judged:
    """A record with what became of it so far.

    Attributes:
        record: as it was consumed.
        span: of its processing.
        outcome: None until it is known.
        exception: type of what its handler failed with, empty when it did not fail.
    """

    record: Record
    span: trace.Span
    outcome: Outcome | None = None
    exception: str = ""


class DeadLetterWriter:
    """The way of one subscription's records to its dead-letter topic.

    Args:
        subscription: whose records they are; its wrapping hides them.
        publisher: writes them.
        service: name and version of the service.
        clock: tells when a record was given up.
    """

    def __init__(self, subscription: Subscription[Any], *, publisher: Publisher, service: str, clock: Clock) -> None:
        self._publisher = publisher
        self._wrapping = subscription.wrapping
        self._topic = subscription.topic.dead_letter(subscription.group).name
        self._group = subscription.group
        self._service = service
        self._clock = clock

    async def write(self, judged: Sequence[Judged]) -> list[str]:
        """Write the dead letters of a batch, wait for their acknowledgement and return the reason of each.

        Raises:
            Transient: the broker did not acknowledge; all may be written again, with the same ids.
            Permanent: a dead letter is larger than its topic takes.
        """
        letters = [letter for item in judged for letter in self._letters_of(item)]
        if not letters:
            return []
        waiting = [await self._publisher.raw(letter.topic, letter.key, letter.value, letter.headers) for letter in letters]
        await self._publisher.raw_acknowledged(waiting)
        return [letter.reason for letter in letters]

    def _letters_of(self, item: Judged) -> list[DeadLetterRecord]:
        match item.outcome:
            case DeadLetter():
                parts: Sequence[tuple[int, DeadLetter]] = ((0, item.outcome),)
            case Emit(rejected=rejected):
                parts = tuple(enumerate(rejected, start=1))
            case Drop() | None:
                parts = ()
        record = item.record if self._wrapping is None or not parts else self._wrapping.wrap(item.record)
        return [
            DeadLetterRecord(
                topic=self._topic,
                key=record.key,
                value=record.value if letter.headers is None else letter.value,
                headers=headers_for(
                    record,
                    letter,
                    index=index,
                    group=self._group,
                    service=self._service,
                    at=self._clock(),
                    exception=item.exception,
                ),
                reason=letter.reason.value,
            )
            for index, letter in parts
        ]
