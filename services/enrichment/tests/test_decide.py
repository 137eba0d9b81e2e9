"""Decisions are kept, wait for reports, and lead to incidents that are told; the in-memory and the MongoDB store do the same."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from spikewatch.chassis.kafka.message import Event
from spikewatch.chassis.outcome import Drop, Emit
from spikewatch.contracts import topics
from spikewatch.contracts.decision import Decision, DecisionKind, DecisionLevel
from spikewatch.enrichment.decide import DecideMatches, DecisionStore
from spikewatch.enrichment.decision_handlers import decide_handler, decision_message
from spikewatch.enrichment.domain.transition import StoredIncident
from spikewatch.enrichment.service import Publication
from spikewatch.enrichment.testing import InMemoryDecisions

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
A, B, C, D = (UUID(int=number) for number in (1, 2, 3, 4))


def decided(kind: DecisionKind, *reports: UUID, minute: int = 0, undoes: UUID | None = None) -> Decision:
    at = START + timedelta(minutes=minute)
    return Decision.of(kind, DecisionLevel.OVERDOSE, reports, author="reviewer-1", reason="as tested", decided_at=at, undoes=undoes)


JOINED = decided(DecisionKind.TOGETHER, A, B)
LATER = decided(DecisionKind.APART, B, C, minute=1)
UNDONE = decided(DecisionKind.UNDO, D, minute=2, undoes=JOINED.decision_id)


async def test_decisions_are_found_by_their_reports_and_by_what_those_name(decisions: DecisionStore) -> None:
    await decisions.add([JOINED, LATER])
    assert (await decisions.about([A])).all == (LATER, JOINED)
    assert (await decisions.about([D])).all == ()
    assert (await decisions.about([])).all == ()
    assert await decisions.known([JOINED.decision_id, A]) == [JOINED]
    assert await decisions.known([]) == []


async def test_an_undo_is_found_with_what_it_undoes_though_it_names_other_reports(decisions: DecisionStore) -> None:
    await decisions.add([UNDONE, JOINED])
    assert (await decisions.about([A])).standing == ()


async def test_what_is_added_twice_is_there_once(decisions: DecisionStore) -> None:
    await decisions.add([JOINED, UNDONE])
    await decisions.add([JOINED, LATER])
    assert (await decisions.about([A])).all == (UNDONE, LATER, JOINED)


class Rematching:
    """Says what it was asked for, and answers with one incident of the reports that it is given."""

    def __init__(self, *members: UUID) -> None:
        self.members = frozenset(members)
        self.asked: list[frozenset[UUID]] = []

    async def rematch(self, reports: Collection[UUID]) -> list[Publication]:
        self.asked.append(frozenset(reports))
        members = tuple(sorted(self.members))
        one = StoredIncident(members[0], members[0], 1, True, "digest", b"{}", START, START, members, self.members, ())
        return [Publication(one, self.members & frozenset(reports))]


def event(decision: Decision | None) -> Event[Decision]:
    return Event(record=None, attributes=None, body=decision)  # type: ignore[arg-type]  # neither is looked at


async def outcomes(store: DecisionStore, matching: Rematching, *batch: Decision | None) -> list[Any]:
    return list(await decide_handler(DecideMatches(store, matching))([event(one) for one in batch]))


async def test_a_decision_is_kept_before_its_reports_are_matched_and_its_incident_is_told_once() -> None:
    store, matching = InMemoryDecisions(), Rematching(A, B)
    first, nothing, second = await outcomes(store, matching, JOINED, None, LATER)
    assert matching.asked == [{A, B, C}]
    assert set(store.kept) == {JOINED.decision_id, LATER.decision_id}
    assert first == Emit(())
    assert isinstance(nothing, Drop)
    (message,) = second.messages
    assert (message.topic, message.key, message.also_caused_by) == (topics.INCIDENTS, str(A), (0,))


async def test_an_undo_matches_the_reports_of_what_it_undoes_and_repeats_itself() -> None:
    store, matching = InMemoryDecisions(), Rematching(A, B)
    await store.add([JOINED])
    first = await outcomes(store, matching, UNDONE)
    assert matching.asked == [{A, B, D}]
    assert [len(one.messages) for one in first] == [1]
    again = await outcomes(store, matching, UNDONE)
    assert [[message.event_id for message in one.messages] for one in again] == [[first[0].messages[0].event_id]]


def test_the_message_of_a_decision_has_the_id_that_follows_from_it() -> None:
    message = decision_message(JOINED)
    assert message.key == message.subject == str(JOINED.decision_id)
    assert message.event_id == decision_message(decided(DecisionKind.TOGETHER, B, A)).event_id
    assert message.event_id != decision_message(LATER).event_id
