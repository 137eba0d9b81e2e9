"""The use cases of the people who review matches: see why an incident is one, see what to look at first, and decide."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from spikewatch.contracts.decision import Decision
from spikewatch.contracts.incident import Incident
from spikewatch.enrichment.decide import DecisionStore
from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.decision_faults import beside, reason_fault
from spikewatch.enrichment.domain.incident_explanation import Around, IncidentExplanation, explain_incident
from spikewatch.enrichment.domain.matching.decisions import Decisions
from spikewatch.enrichment.domain.matching.doubts import Doubt, doubts
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.domain.matching.weights import Weights
from spikewatch.enrichment.domain.report_lines import NumberedReports, ReportLine
from spikewatch.enrichment.domain.transition import StoredIncident
from spikewatch.enrichment.ports import KnownReport, ReportState

__all__ = ["AskedReport", "Question", "Refused", "ReviewMatches", "ReviewStore"]

_MOST_REPORTS: Final = 20_000  # looked through for the queue: a second of CPU
_MOST_AROUND: Final = 500  # reports near an incident that are compared with it
_CLOCKS_APART: Final = timedelta(minutes=5)


class Refused(Exception):  # noqa: N818  # of a person's decision, not of the program
    """A decision that is not taken; the text is one sentence without its full stop and holds nothing of what was sent.

    ``is_wrong``: something in it is; else it contradicts or repeats what was decided.
    """

    def __init__(self, why: str, *, is_wrong: bool = False) -> None:
        super().__init__(why)
        self.is_wrong = is_wrong


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
class AskedReport:
    """A report that is asked about, as ``incident show`` of its incident numbers and tells it; without the letter of its call."""

    incident_id: UUID
    line: ReportLine


@dataclass(frozen=True, slots=True)
class Question:
    """A doubt, the incidents that the reports of its two sides are in, and those reports as far as they are in one, in order of time."""

    doubt: Doubt
    incidents: tuple[UUID, ...]
    reports: tuple[AskedReport, ...] = ()


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
        named = {key for one in decisions.all for key in (*one.reports, *one.others)}
        around, homes = await asyncio.gather(self._around(published, lying), self._homes(named - set(stored.members)))
        known = {one.key: one for one in members}
        return await asyncio.to_thread(explain_incident, published, known, around, decisions, self._weights, homes)

    async def why_absent(self, identity: UUID) -> str:
        """Return for an id that ``explain`` knows nothing by what became of it, as one sentence without its full stop."""
        stored = await self._store.incident(identity)
        if stored is not None:
            return "That incident was retracted: the agencies took its reports back, and nothing is left of it"
        if await self._store.reports([identity]):
            return "That report is in no incident: its agency took it back"
        return "There is no such incident, none that it was merged into, and no report by that key"

    async def _homes(self, reports: Collection[UUID]) -> dict[UUID, UUID]:
        """Return in which incident each of some reports is now."""
        if not reports:
            return {}
        return {member: one.incident_id for one in await self._store.incidents(reports) if one.active for member in one.members}

    async def _reports_in(self, blocks: Sequence[int]) -> list[KnownReport]:
        return await self._store.reports(await self._store.lying_in(blocks))

    async def _around(self, published: Incident, lying: Sequence[KnownReport]) -> list[Around]:
        """Return the overdoses of other incidents that hold any of the reports nearest in time."""
        at = published.occurred_at.timestamp()
        found = await asyncio.to_thread(lambda: sorted(_standing(lying), key=lambda one: (abs(one.record.seconds - at), one.key)))
        near = {one.key: one for one in found[:_MOST_AROUND]}
        stored = [one for one in await self._store.incidents(near) if one.incident_id != published.incident_id and one.body is not None]
        others = [
            Incident.model_validate_json(one.body) for one in stored if one.body is not None and not near.keys().isdisjoint(one.members)
        ]
        # Of floods nothing is matched, so it is no near miss.
        parts = [
            (one.incident_id, number, [reference.report_key for reference in part.reports])
            for one in others
            for number, part in enumerate(one.overdoses, 1)
            if not any(note.code == "flood_not_matched" for note in part.quality)
        ]
        parts = [part for part in parts if not near.keys().isdisjoint(part[2])]
        absent = {key for _, _, keys in parts for key in keys} - near.keys()
        known = near | {one.key: one for one in _standing(await self._store.reports(absent))}
        return [Around(identity, number, tuple(known[key] for key in keys if key in known)) for identity, number, keys in parts]

    async def queue(self, period: timedelta, limit: int) -> list[Question]:
        """Return the questions to ask first about the reports that came lately, the most informative first."""
        lately = _standing(await self._store.reports_since(self._now() - period, _MOST_REPORTS))
        # What is of a flood is not matched, so there is nothing about it to doubt: its copies would be all that is asked about.
        floods = await self._store.floods()
        found = await asyncio.to_thread(_outside, lately, floods) if floods else lately
        decisions = await self._decisions.about([one.key for one in found])
        asked = await asyncio.to_thread(self._doubts, found, decisions, limit)
        keys = {key for one in asked for key in (*one.reports, *one.others)}
        told = await self._told([one for one in await self._store.incidents(keys) if not keys.isdisjoint(one.members)])
        return [_question(one, told) for one in asked]

    async def _told(self, incidents: Sequence[StoredIncident]) -> dict[UUID, AskedReport]:
        """Return every report of some incidents as it is numbered there."""
        known = {one.key: one for one in _standing(await self._store.reports({key for one in incidents for key in one.members}))}
        return {
            line.report_key: AskedReport(one.incident_id, replace(line, call=None))
            for one in incidents
            if one.body is not None
            for line in NumberedReports(Incident.model_validate_json(one.body), known).lines
        }

    async def decide(self, decision: Decision) -> None:
        """Tell a decision.

        Raises:
            Refused: it says nothing new, would not hold, or tells who a person is.
            Transient: the broker did not confirm; the same decision may be sent again.
        """
        if (fault := reason_fault(decision.reason)) is not None:
            raise Refused(fault, is_wrong=True)
        if decision.decided_at > self._now() + _CLOCKS_APART:
            raise Refused(
                "decided_at: lies ahead of the service's clock, and would outrank what is decided meanwhile; "
                f"expected a time up to now, for example {self._now():%Y-%m-%dT%H:%M:%SZ}: set the clock of the machine that decides",
                is_wrong=True,
            )
        known = await self._decisions.known([one for one in (decision.decision_id, decision.undoes) if one is not None])
        if decision not in known:
            bearing = await self._decisions.about({key for one in (decision, *known) for key in (*one.reports, *one.others)})
            if (why := beside(decision, bearing)) is not None:
                raise Refused(why)
        await self._publish(decision)

    async def decision(self, identity: UUID) -> Decision | None:
        """Return a decision by its id; None when there is none, or it was not taken in yet."""
        return next(iter(await self._decisions.known([identity])), None)

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


def _question(doubt: Doubt, told: Mapping[UUID, AskedReport]) -> Question:
    reports = [told[key] for key in (*doubt.reports, *doubt.others) if key in told]
    reports.sort(key=lambda one: (one.line.occurred_at, one.line.report_key))
    return Question(doubt, tuple(sorted({one.incident_id for one in reports})), tuple(reports))


def _outside(reports: Sequence[Candidate], floods: frozenset[str]) -> list[Candidate]:
    return [one for one in reports if floods.isdisjoint(one.spots)]


def _standing(reports: Sequence[KnownReport]) -> list[Candidate]:
    return [
        Candidate.kept(one.key, one.state, one.compared, one.content)
        for one in reports
        if one.compared is not None and one.content is not None
    ]
