"""Fan-out: each incident becomes one contribution in every area it lies in."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from spikewatch.alerts.domain.fanned import Fanned, contributions_of, fanned, retracted
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.ports import FannedStore, Overtaken
from spikewatch.chassis.kafka.message import Event, Message
from spikewatch.chassis.outcome import DeadLetter, Drop, Emit, Outcome, Reason
from spikewatch.contracts import topics
from spikewatch.contracts.contribution import contribution_key
from spikewatch.contracts.incident import Incident
from spikewatch.contracts.topics import EventType

__all__ = ["FanOut"]

_SOURCE: Final = "/services/alerts"


class FanOut:
    """Turns a batch of incidents into contributions, and into tombstones where an incident moved away.

    The state is written before anything is published; the same incident again gives the same messages again.
    """

    def __init__(self, store: FannedStore, vicinities: Mapping[str, tuple[str, ...]] | None = None) -> None:
        """``vicinities`` are areas made of others, by each area that is a part of them."""
        self._store = store
        self._vicinities = vicinities or {}

    def exchange(self, rulebook: Rulebook) -> None:
        """Count in the vicinities of other rules from the next incident on."""
        self._vicinities = rulebook.vicinities

    async def __call__(self, batch: Sequence[Event[Incident]]) -> list[Outcome]:
        """Process a batch in order.

        Raises:
            Transient: the store does not answer, or another writer was first.
        """
        new = {event.body.incident_id for event in batch if event.body is not None and event.body.version == 1}
        try:
            return await self._fanned(batch, new)
        except Overtaken:
            if not new:
                raise
            return await self._fanned(batch, set())  # they come again, as after a crash

    async def _fanned(self, batch: Sequence[Event[Incident]], new: set[UUID]) -> list[Outcome]:
        """Process a batch; those that are new are not asked for, and writing them fails if they are held."""
        named = [_incident_of(event) for event in batch]
        before = await self._store.load({incident for incident in named if incident is not None and incident not in new})
        state = dict(before)
        outcomes: list[Outcome] = []
        for event, incident in zip(batch, named, strict=True):
            if incident is None:
                outcomes.append(_no_incident())
                continue
            position = (event.record.partition, event.record.offset)
            known = state.get(incident)
            after = retracted(incident, known, position) if event.body is None else fanned(event.body, known, position, self._vicinities)
            if after is None:
                outcomes.append(Drop("older than what is known"))
                continue
            state[incident] = after
            outcomes.append(Emit(tuple(_messages(event, after))))
        await self._store.save([(before.get(incident), after) for incident, after in state.items() if before.get(incident) != after])
        return outcomes


def _incident_of(event: Event[Incident]) -> UUID | None:
    if event.body is not None:
        return event.body.incident_id
    try:
        return UUID(event.key)
    except ValueError:
        return None


def _no_incident() -> DeadLetter:
    return DeadLetter(
        Reason.MALFORMED, field="key", problem="is no incident id", expected="a UUID", example="0b7f7a1e-58f5-5a4f-8c1c-8b6f5a0f9d11"
    )


def _messages(event: Event[Incident], state: Fanned) -> list[Message]:
    messages = []
    incident = str(state.incident)
    for area, contribution in contributions_of(event.body, state.areas) if event.body is not None else ():
        key = contribution_key(area, incident)
        messages.append(
            Message.of(
                topics.CONTRIBUTIONS,
                contribution,
                key=key,
                event_type=EventType.CONTRIBUTION_CHANGED,
                subject=key,
                version=state.version,
                source=_SOURCE,
                time=event.attributes.time,
                partition_by=area,
            )
        )
    for area in state.left:
        key = contribution_key(area, incident)
        messages.append(
            Message.of(
                topics.CONTRIBUTIONS,
                None,
                key=key,
                event_type=EventType.CONTRIBUTION_WITHDRAWN,
                subject=key,
                version=state.version if state.gone_at is None else f"{state.version} retracted",
                source=_SOURCE,
                time=event.attributes.time,
                partition_by=area,
            )
        )
    return messages
