"""The use cases of the people who review matches: see why an incident is one, see what to look at first, and decide."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from spikewatch.contracts.decision import Decision
from spikewatch.contracts.incident import Incident
from spikewatch.enrichment.decide import DecisionStore
from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.incident_explanation import IncidentExplanation, explain_incident
from spikewatch.enrichment.domain.matching.decisions import Decisions
from spikewatch.enrichment.domain.matching.doubts import Doubt, doubts
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.domain.matching.weights import Weights
from spikewatch.enrichment.domain.transition import StoredIncident
from spikewatch.enrichment.ports import KnownReport, ReportState

__all__ = ["Question", "ReviewMatches", "ReviewStore"]

_MOST_REPORTS: Final = 20_000  # looked through for the queue: a second of CPU
_MOST_AROUND: Final = 500  # reports near an incident that are compared with it


class ReviewStore(Protocol):
    """What review reads of the matched reports."""

    async def reports(self, keys: Collection[UUID]) -> list[KnownReport]:
        """Return the known ones of these reports."""
        ...

    async def lying_in(self, blocks: Sequence[int]) -> dict[UUID, ReportState]:
        """Return every report that lies in any of these blocks, and in which state it is kept."""
        ...

    async def reports_since(self, received: datetime, limit: int) -> list[KnownReport]:
        """Return the reports that came since a moment, the newest first; those of floods, which lie in no block, are left out."""
        ...

    async def incident(self, identity: UUID) -> StoredIncident | None:
        """Return an incident by its id, also a retracted one."""
        ...

    async def incident_once_called(self, identity: UUID) -> StoredIncident | None:
        """Return the active incident that an id became a part of."""
        ...

    async def incidents(self, keys: Collection[UUID]) -> list[StoredIncident]:
        """Return every incident, retracted ones included, that is found by any of these reports."""
        ...

    async def floods(self) -> frozenset[str]:
        """Return the spots whose floods are known."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """A doubt, and the incidents that the reports of its two sides are in."""

    doubt: Doubt
    incidents: tuple[UUID, ...]


class ReviewMatches:
    """Answers the people who review, and takes their decisions.

    Args:
        store: what was matched.
        decisions: what was decided.
        weights: those that matching uses.
        publish: tells a decision to the topic and returns when the broker has it: from there it is taken in, here and after a replay.
        now: the clock.
    """

    def __init__(
        self,
        store: ReviewStore,
        decisions: DecisionStore,
        weights: Weights,
        *,
        publish: Callable[[Decision], Awaitable[None]],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._decisions = decisions
        self._weights = weights
        self._publish = publish
        self._now = now

    async def explain(self, identity: UUID) -> IncidentExplanation | None:
        """Return why an incident is one; None when there is none by this id.

        Args:
            identity: of the incident, of one that was merged into it, or a report key of it.
        """
        stored = await self._find(identity)
        if stored is None or stored.body is None:
            return None
        published = Incident.model_validate_json(stored.body)
        members = _standing(await self._store.reports(stored.members))
        probes = sorted({probe for one in members for probe in one.probes})
        lying, decisions = await asyncio.gather(self._reports_in(probes), self._decisions.about(stored.members))
        return await asyncio.to_thread(self._explained, published, members, lying, decisions)

    async def _reports_in(self, blocks: Sequence[int]) -> list[KnownReport]:
        return await self._store.reports(await self._store.lying_in(blocks))

    async def queue(self, period: timedelta, limit: int) -> list[Question]:
        """Return the questions to ask first about the reports that came lately, the most informative first."""
        lately = _standing(await self._store.reports_since(self._now() - period, _MOST_REPORTS))
        # What is of a flood is not matched, so there is nothing about it to doubt: its copies would be all that is asked about.
        floods = await self._store.floods()
        found = await asyncio.to_thread(_outside, lately, floods) if floods else lately
        decisions = await self._decisions.about([one.key for one in found])
        asked = await asyncio.to_thread(self._doubts, found, decisions, limit)
        keys = {key for one in asked for key in (*one.reports, *one.others)}
        home = {member: one.incident_id for one in await self._store.incidents(keys) if one.active for member in one.members}
        return [Question(one, tuple(sorted({home[key] for key in (*one.reports, *one.others) if key in home}))) for one in asked]

    async def decide(self, decision: Decision) -> None:
        """Tell a decision.

        Raises:
            Transient: the broker did not confirm; the same decision may be sent again.
        """
        await self._publish(decision)

    async def decision(self, identity: UUID) -> Decision | None:
        """Return a decision by its id; None when there is none, or it was not taken in yet."""
        return next(iter(await self._decisions.known([identity])), None)

    def _explained(
        self, published: Incident, members: Sequence[Candidate], lying: Sequence[KnownReport], decisions: Decisions
    ) -> IncidentExplanation:
        at = published.occurred_at.timestamp()
        around = sorted(_standing(lying), key=lambda one: (abs(one.record.seconds - at), one.key))[:_MOST_AROUND]
        return explain_incident(published, {one.key: one for one in members}, around, decisions, self._weights)

    def _doubts(self, found: Sequence[Candidate], decisions: Decisions, limit: int) -> list[Doubt]:
        return doubts(match((one.record for one in found), self._weights, decisions=decisions, bounded=True), decisions, limit)

    async def _find(self, identity: UUID) -> StoredIncident | None:
        stored = await self._store.incident(identity)
        if stored is not None and stored.active:
            return stored
        if (survivor := await self._store.incident_once_called(identity)) is not None:
            return survivor
        # One that ended otherwise is found where its founding report is now; a report key is found where the report is.
        report = identity if stored is None else stored.founder
        return next((one for one in await self._store.incidents([report]) if one.active and report in one.members), None)


def _outside(reports: Sequence[Candidate], floods: frozenset[str]) -> list[Candidate]:
    return [one for one in reports if floods.isdisjoint(one.spots)]


def _standing(reports: Sequence[KnownReport]) -> list[Candidate]:
    return [
        Candidate.kept(one.key, one.state, one.compared, one.content)
        for one in reports
        if one.compared is not None and one.content is not None
    ]
