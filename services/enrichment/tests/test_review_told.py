"""What reviewers are told beyond an incident's reports: what nearly joined it, where it came from, what holds, what to ask."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from spikewatch.contracts.decision import Decision, DecisionKind, DecisionLevel
from spikewatch.contracts.report import Drug, LocatedReport, Reversal
from spikewatch.contracts.vocabulary import DrugClass, Sex, SourceType, YesNo
from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.adapters.review_desk import review_desk
from spikewatch.enrichment.decide import DecideMatches
from spikewatch.enrichment.domain.incident_explanation import IncidentExplanation
from spikewatch.enrichment.domain.matching.explanation import fit
from spikewatch.enrichment.domain.matching.records import of_located
from spikewatch.enrichment.review import Refused, ReviewMatches
from spikewatch.enrichment.service import MatchReports
from spikewatch.enrichment.testing import InMemoryDecisions, InMemoryMatchStore

Build = Callable[..., LocatedReport]
WEIGHTS = load_weights()
NOW = datetime(2026, 5, 2, 18, tzinfo=UTC)
AT = {"lat": 40.5, "lon": -79.5, "precision": "point", "address": "12 ELM ST APT 4"}
CALL = {"cad_number": "26-000341", "location": AT}
PERSON, SCENE = DecisionLevel.OVERDOSE, DecisionLevel.INCIDENT


class World:
    """The match step and the review over one store, decisions taken in at once."""

    def __init__(self) -> None:
        self.store, self.decisions = InMemoryMatchStore(), InMemoryDecisions()
        self.matching = MatchReports(self.store, WEIGHTS, people=self.decisions)
        self.taking = DecideMatches(self.decisions, self.matching)
        self.review = ReviewMatches(self.store, self.decisions, WEIGHTS, publish=self.publish, now=lambda: NOW)

    async def publish(self, decision: Decision) -> None:
        await self.taking.apply([decision])

    async def told(self, identity: UUID) -> IncidentExplanation:
        found = await self.review.explain(identity)
        assert found is not None
        return found


@pytest.fixture
async def world() -> World:
    return World()


def key(report: LocatedReport) -> UUID:
    return report.report.report_key


def decided(
    kind: DecisionKind, level: DecisionLevel, one: list[LocatedReport], other: list[LocatedReport], minute: int = 0, **more: Any
) -> Decision:
    sides = ([key(report) for report in side] for side in (one, other))
    told = {"author": "reviewer-7", "reason": "as tested"} | more
    return Decision.of(kind, level, *sides, decided_at=NOW - timedelta(hours=1) + timedelta(minutes=minute), **told)


async def test_what_nearly_joined_is_a_whole_overdose_of_another_incident_and_is_named(world: World, located: Build) -> None:
    woman = [
        located("C1", "cedar-911", source_type=SourceType.CAD, **CALL),
        located("E1", "cedar-ems", minutes=7, age=34, sex=Sex.FEMALE, **CALL),
    ]
    # Down the road, by somebody who tells no sex, and by the hospital that does: the first alone fits the woman, as her reports do.
    away = {"location": {**AT, "lat": 40.5045, "address": "OAK AVE"}}
    man = [
        located("P2", "cedar-police", source_type=SourceType.POLICE, minutes=15, **away),
        located("F2", "cedar-fire", source_type=SourceType.FIRE, minutes=12, age=50, sex=Sex.MALE, **away),
    ]
    await world.matching.apply([*woman, *man])
    told = await world.told(key(woman[0]))
    assert {one.report_key for one in told.reports} == set(map(key, woman))
    (overdose,) = told.overdoses
    theirs = await world.told(key(man[0]))
    assert {one.report_key for one in theirs.reports} == set(map(key, man))
    assert overdose.nearest is not None
    assert (overdose.nearest.incident_id, overdose.nearest.overdose) == (theirs.incident_id, 1)
    assert set(overdose.nearest.reports) == set(map(key, man))
    whole = fit([of_located(one) for one in woman], [of_located(one) for one in man], WEIGHTS)[0]
    assert overdose.nearest.bits == pytest.approx(whole, abs=0.01)
    assert overdose.explanation.outside == overdose.nearest.bits < told.join
    alone = max(fit([of_located(one) for one in woman], [of_located(other)], WEIGHTS)[0] for other in man)
    assert alone >= told.join > whole, "a part of it would join; it is no overdose, so it is not told as one that was left out"


async def test_what_lies_too_far_to_be_compared_is_no_near_miss(world: World, located: Build) -> None:
    # Of one call, and far apart: around the ambulance there is somebody whom nobody ever compares with the police's report.
    away = {"lat": 40.56, "lon": -79.5, "precision": "point", "address": "OAK AVE"}
    call = [
        located("E1", "cedar-ems", age=34, sex=Sex.FEMALE, **CALL),
        located("P1", "cedar-police", source_type=SourceType.POLICE, minutes=20, age=55, sex=Sex.MALE, **(CALL | {"location": away})),
    ]
    beside = located("F3", "cedar-fire", source_type=SourceType.FIRE, minutes=12, location={**AT, "lat": 40.503, "address": "ELM ST"})
    await world.matching.apply([*call, beside])
    told = await world.told(key(call[0]))
    by_report = {one.explanation.reports: one.nearest for one in told.overdoses}
    alone = by_report[(key(call[1]),)]
    assert alone is None or key(beside) not in alone.reports
    fits_all_the_same = fit([of_located(call[1])], [of_located(beside)], WEIGHTS)
    assert fits_all_the_same[0] > -100
    assert not fits_all_the_same[1]


async def test_an_incident_says_what_it_was_split_from_and_where_the_rest_is(world: World, located: Build) -> None:
    two = [located("E1", "cedar-ems", age=34, sex=Sex.FEMALE, **CALL), located("E2", "cedar-ems", minutes=2, age=61, sex=Sex.MALE, **CALL)]
    await world.matching.apply(two)
    before = (await world.told(key(two[0]))).incident_id
    await world.review.decide(decided(DecisionKind.APART, SCENE, [two[1]], [two[0]]))
    told = await world.told(key(two[1]))
    assert told.split_from == before
    (line,) = told.decisions
    assert (line.state, line.elsewhere, line.incidents) == ("in force", 1, (before,))


async def test_a_decision_says_when_later_ones_outrank_it(world: World, located: Build) -> None:
    two = [located("E1", "cedar-ems", age=34, **CALL), located("E2", "cedar-ems", minutes=2, age=61, **CALL)]
    await world.matching.apply(two)
    await world.review.decide(decided(DecisionKind.TOGETHER, PERSON, two[:1], two[1:]))
    await world.review.decide(decided(DecisionKind.APART, PERSON, two[:1], two[1:], 5, author="reviewer-9"))
    lines = {one.author: (one.state, one.is_in_force) for one in (await world.told(key(two[0]))).decisions}
    assert lines == {"reviewer-9": ("in force", True), "reviewer-7": ("outranked", False)}


async def test_every_field_says_what_it_is_and_what_others_say(world: World, located: Build) -> None:
    given, drug = Reversal(given=YesNo.YES, doses=2), Drug(term="as Jane wrote it", drug_class=DrugClass.FENTANYL)
    two = [
        located("E1", "cedar-ems", age=34, reversal=given, drugs=(drug,), **CALL),
        located("P1", "cedar-police", source_type=SourceType.POLICE, minutes=5, reversal=Reversal(given=YesNo.NO), **CALL),
    ]
    await world.matching.apply(two)
    told = await world.told(key(two[0]))
    (overdose,) = told.overdoses
    said = {one.field: (one.value, one.contradicting) for one in overdose.origins}
    assert said["reversal"] == ("yes, doses 2", ("no",))
    assert said["drugs"] == ("fentanyl", ())
    assert said["victims.age"] == ("34", ())
    assert [(one.drugs, one.naloxone) for one in told.reports] == [("fentanyl", "yes, doses 2"), (None, "no")]


async def test_what_is_gone_is_told_as_gone(world: World, located: Build) -> None:
    alone = located("E1", "cedar-ems", **CALL)
    await world.matching.apply([alone])
    incident = (await world.told(key(alone))).incident_id
    await world.matching.apply([located("E1", "cedar-ems", revision=2, withdrawn=True, **CALL)])
    assert await world.review.explain(incident) is None
    desk = httpx.AsyncClient(transport=httpx.ASGITransport(review_desk(world.review, None)), base_url="http://desk")
    for identity, says in (
        (incident, "was retracted"),
        (key(alone), "its agency took it back"),
        (UUID(int=5), "There is no such incident"),
    ):
        answer = await desk.get(f"/v1/incidents/{identity}")
        assert answer.status_code == 404
        assert says in answer.json()["detail"]


async def test_what_would_not_hold_or_tells_who_somebody_is_is_not_taken(world: World, located: Build) -> None:
    two = [located("E1", "cedar-ems", age=34, **CALL), located("E2", "cedar-ems", minutes=2, age=61, **CALL)]
    await world.matching.apply(two)
    first = decided(DecisionKind.TOGETHER, PERSON, two[:1], two[1:], 10)
    await world.review.decide(first)
    await world.review.decide(first)  # the same message again is the same decision
    again = decided(DecisionKind.TOGETHER, PERSON, two[:1], two[1:], 20, author="reviewer-9")
    earlier = decided(DecisionKind.APART, PERSON, two[:1], two[1:], 5)
    ahead = decided(DecisionKind.APART, PERSON, two[:1], two[1:], 90)
    telling = decided(DecisionKind.APART, PERSON, two[:1], two[1:], 30, reason="Jane, 412-555-0100")
    desk = httpx.AsyncClient(transport=httpx.ASGITransport(review_desk(world.review, None)), base_url="http://desk")
    for decision, status, says in (
        (again, 409, f"the same was decided already and is in force: {first.decision_id} by reviewer-7"),
        (earlier, 409, "a decision of a later time says otherwise"),
        (ahead, 422, "decided_at: lies ahead of the service's clock"),
        (telling, 422, "reason: holds what looks like a phone number"),
    ):
        answer = await desk.post("/v1/decisions", content=decision.to_json())
        assert answer.status_code == status
        assert says in answer.json()["detail"]
        assert "Jane" not in answer.text
    assert list(world.decisions.kept) == [first.decision_id]
    undo = decided(DecisionKind.UNDO, PERSON, two[:1], two[1:], 30, undoes=first.decision_id)
    await world.review.decide(undo)
    with pytest.raises(Refused, match="undone already"):
        await world.review.decide(decided(DecisionKind.UNDO, PERSON, two[:1], two[1:], 40, undoes=first.decision_id))


async def test_a_question_tells_its_reports_as_the_incident_numbers_them(world: World, located: Build) -> None:
    reports = [
        located("E1", "cedar-ems", minutes=7, age=34, sex=Sex.FEMALE, **CALL),
        located("P2", "cedar-police", source_type=SourceType.POLICE, minutes=50, location=AT),
    ]
    await world.matching.apply(reports)
    for question in await world.review.queue(timedelta(days=7), 10):
        assert {one.line.report_key for one in question.reports} == {*question.doubt.reports, *question.doubt.others}
        for one in question.reports:
            assert one.line.call is None, "letters of two incidents would look equal"
            numbers = {line.report_key: line.number for line in (await world.told(one.incident_id)).reports}
            assert numbers[one.line.report_key] == one.line.number
