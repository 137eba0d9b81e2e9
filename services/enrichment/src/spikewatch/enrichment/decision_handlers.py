"""From records of decisions to the use case and back to messages; no rules here."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from spikewatch.chassis.kafka.message import Event, Message
from spikewatch.chassis.kafka.subscription import Handler
from spikewatch.chassis.outcome import Drop, Emit, Outcome
from spikewatch.contracts import topics
from spikewatch.contracts.decision import Decision
from spikewatch.contracts.topics import EventType
from spikewatch.enrichment.decide import DecideMatches
from spikewatch.enrichment.handlers import incident_message

__all__ = ["decide_handler", "decision_message"]

_SOURCE: Final = "/services/enrichment"
_NOTHING: Final = Drop("tombstone")


def decide_handler(use_case: DecideMatches) -> Handler[Decision]:
    """Return the handler of ``overdose.decisions.v1``.

    An incident that several decisions of the batch touched is sent once, with the outcome of the last of them.
    """

    async def handle(batch: Sequence[Event[Decision]]) -> Sequence[Outcome]:
        positions: dict[UUID, list[int]] = defaultdict(list)
        decided = [(index, event.body) for index, event in enumerate(batch) if event.body is not None]
        for index, decision in decided:
            for key in (*decision.reports, *decision.others):
                positions[key].append(index)
        messages: dict[int, list[Message]] = defaultdict(list)
        for publication in await use_case.apply([decision for _, decision in decided]):
            # What an undo takes back may name other reports than the undo; such an incident goes with the last decision.
            found = {index for key in publication.causes for index in positions.get(key, ())} or {decided[-1][0]}
            *others, last = sorted(found)
            messages[last].append(incident_message(publication, tuple(others)))
        return [_NOTHING if event.body is None else Emit(tuple(messages.get(index, ()))) for index, event in enumerate(batch)]

    return handle


def decision_message(decision: Decision) -> Message:
    """Return the message of ``overdose.decisions.v1`` that tells a decision."""
    return Message.of(
        topics.DECISIONS,
        decision,
        key=str(decision.decision_id),
        event_type=EventType.MATCH_DECIDED,
        subject=decision.decision_id,
        version=1,
        source=_SOURCE,
        time=decision.decided_at,
    )
