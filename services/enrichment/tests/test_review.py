"""What reviewers are shown and told, and that what they decide comes to pass."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.decision import Decision, DecisionKind, DecisionLevel
from spikewatch.contracts.report import LocatedReport
from spikewatch.contracts.vocabulary import Outcome, Sex, SourceType
from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.adapters.review_desk import review_desk
from spikewatch.enrichment.decide import DecideMatches
from spikewatch.enrichment.domain import neighbourhood
from spikewatch.enrichment.review import ReviewMatches
from spikewatch.enrichment.service import MatchReports
from spikewatch.enrichment.testing import InMemoryDecisions, InMemoryMatchStore

Build = Callable[..., LocatedReport]
WEIGHTS = load_weights()
NOW = datetime(2026, 5, 2, 18, tzinfo=UTC)
AT = {"lat": 40.5, "lon": -79.5, "precision": "point", "address": "12 ELM ST APT 4"}
SECRETS = ("ELM", "26-000341", "26-000777", "40.5", "79.5")


class World:
    """The match step and the review over one store, decisions taken in at once."""

    def __init__(self) -> None:
        self.store, self.decisions = InMemoryMatchStore(), InMemoryDecisions()
        self.matching = MatchReports(self.store, WEIGHTS, people=self.decisions)
        self.taking = DecideMatches(self.decisions, self.matching)
        self.published: list[Decision] = []
        self.is_away = False
        self.review = ReviewMatches(self.store, self.decisions, WEIGHTS, publish=self.publish, now=lambda: NOW)

    async def publish(self, decision: Decision) -> None:
        if self.is_away:
            raise Transient("kafka: away")
        self.published.append(decision)
        await self.taking.apply([decision])

    def live(self) -> list[tuple[UUID, ...]]:
        return sorted(one.members for one in self.store.kept_incidents.values() if one.active)


@pytest.fixture
def night(located: Build) -> list[LocatedReport]:
    """Dispatch and ambulance tell of a woman of 34; the hospital, later, of a man of 61; police, far away, of nobody known."""
    call = {"cad_number": "26-000341", "location": AT}
    return [
        located("C1", "cedar-911", source_type=SourceType.CAD, sex=Sex.FEMALE, **call),
        located("E1", "cedar-ems", minutes=7, age=34, sex=Sex.FEMALE, outcome=Outcome.NONFATAL, **call),
        located("E2", "cedar-ems", minutes=9, age=61, sex=Sex.MALE, **call),
        located("P1", "cedar-police", source_type=SourceType.POLICE, minutes=300, cad_number="26-000777", location={**AT, "lat": 40.9}),
    ]


@pytest.fixture
async def world(night: list[LocatedReport]) -> World:
    made = World()
    await made.matching.apply(night)
    return made


def key(report: LocatedReport) -> UUID:
    return report.report.report_key


async def incident_of(world: World, report: LocatedReport) -> UUID:
    (found,) = [one for one in await world.store.incidents([key(report)]) if key(report) in one.members]
    return found.incident_id


def decided(kind: DecisionKind, level: DecisionLevel, one: list[LocatedReport], other: list[LocatedReport], **more: Any) -> Decision:
    sides = ([key(report) for report in side] for side in (one, other))
    return Decision.of(kind, level, *sides, author="reviewer-7", reason="as tested", decided_at=NOW, **more)


async def test_an_incident_is_shown_with_its_people_and_why_they_are_two(world: World, night: list[LocatedReport]) -> None:
    told = await world.review.explain(await incident_of(world, night[0]))
    assert told is not None
    assert [(one.number, one.overdose, one.kind, one.age, one.sex, one.call) for one in told.reports] == [
        (1, 1, "cad", None, "female", "A"),
        (2, 1, "ems", "34", "female", "A"),
        (3, 2, "ems", "61", "male", "A"),
    ]
    assert [(one.first, one.second, one.because) for one in told.bonds] == [(1, 2, "same call")]
    first, second = (one.explanation for one in told.overdoses)
    assert first.reports == (key(night[0]), key(night[1]))
    assert {one.field for one in first.edges[0].evidence} >= {"cad", "sex", "time"}
    assert first.edges[0].bits == pytest.approx(sum(one.bits for one in first.edges[0].evidence))
    assert second.edges == ()
    assert first.outside is None, "a veto keeps the other person apart: no near miss"
    assert (told.missing, told.decisions) == (0, ())


async def test_an_incident_is_found_by_a_report_and_by_the_id_of_one_that_was_merged(world: World, night: list[LocatedReport]) -> None:
    far = await incident_of(world, night[3])
    near = await incident_of(world, night[0])
    by_report = await world.review.explain(key(night[1]))
    assert by_report is not None
    assert by_report.incident_id == near
    await world.review.decide(decided(DecisionKind.TOGETHER, DecisionLevel.INCIDENT, [night[0]], [night[3]]))
    merged = await world.review.explain(far)
    assert merged is not None
    assert merged.incident_id == near
    assert far in merged.aliases
    assert ("decided") in {one.because for one in merged.bonds}
    assert await world.review.explain(UUID(int=5)) is None


async def test_a_former_id_is_found_after_the_report_that_founded_it_was_withdrawn(
    world: World, night: list[LocatedReport], located: Build
) -> None:
    near, far = await incident_of(world, night[0]), await incident_of(world, night[3])
    await world.review.decide(decided(DecisionKind.TOGETHER, DecisionLevel.INCIDENT, [night[0]], [night[3]]))
    gone = {"source_type": SourceType.POLICE, "minutes": 300, "cad_number": "26-000777", "location": {**AT, "lat": 40.9}}
    await world.matching.apply([located("P1", "cedar-police", revision=2, withdrawn=True, **gone)])
    told = await world.review.explain(far)
    assert told is not None
    assert told.incident_id == near


async def test_a_decision_comes_to_pass_in_both_directions_and_is_undone(world: World, night: list[LocatedReport]) -> None:
    before = world.live()
    apart = decided(DecisionKind.APART, DecisionLevel.OVERDOSE, [night[1]], [night[0]])
    await world.review.decide(apart)
    told = await world.review.explain(key(night[1]))
    assert told is not None
    home = {one.number: one.overdose for one in told.reports}
    assert home[1] != home[2]
    (line,) = told.decisions
    assert (line.kind, line.reports, line.others, line.elsewhere, line.is_in_force) == (DecisionKind.APART, (2,), (1,), 0, True)
    joined = decided(DecisionKind.TOGETHER, DecisionLevel.OVERDOSE, [night[1]], [night[2]])
    await world.review.decide(joined)
    told = await world.review.explain(key(night[1]))
    assert told is not None
    assert {one.number: one.overdose for one in told.reports} == {1: 1, 2: 2, 3: 2}
    for one in (apart, joined):
        await world.review.decide(
            Decision.of(DecisionKind.UNDO, one.level, one.reports, author="r", reason="too soon", decided_at=NOW, undoes=one.decision_id)
        )
    assert world.live() == before
    told = await world.review.explain(key(night[1]))
    assert told is not None
    assert {one.number: one.overdose for one in told.reports} == {1: 1, 2: 1, 3: 2}
    assert [one.is_in_force for one in told.decisions if one.undoes is None] == [False, False]


async def test_what_people_decided_is_marked_and_no_field_is_said_to_part_it(world: World, night: list[LocatedReport]) -> None:
    # The last of the night is far from the first: no field would bring them together.
    await world.review.decide(decided(DecisionKind.TOGETHER, DecisionLevel.OVERDOSE, [night[0]], [night[3]]))
    told = await world.review.explain(key(night[0]))
    assert told is not None
    (explained,) = [one.explanation for one in told.overdoses if key(night[3]) in one.explanation.reports]
    marked = {frozenset((one.first, one.second)) for one in explained.edges if one.is_decided}
    assert marked == {frozenset((key(night[0]), key(night[3])))}
    assert explained.loosest not in {key(night[0]), key(night[3])}
    by_bits = {frozenset((one.first, one.second)): one.bits for one in explained.edges}
    assert by_bits[frozenset((key(night[0]), key(night[3])))] < 0, "what its fields weigh is told all the same"


async def test_what_people_decided_to_be_apart_is_no_near_miss(world: World, night: list[LocatedReport]) -> None:
    await world.review.decide(decided(DecisionKind.APART, DecisionLevel.OVERDOSE, [night[1]], [night[0]]))
    told = await world.review.explain(key(night[1]))
    assert told is not None
    (explained,) = [one.explanation for one in told.overdoses if one.explanation.reports == (key(night[1]),)]
    assert explained.outside is None or explained.outside < 0


async def test_a_decision_waits_for_its_reports(night: list[LocatedReport]) -> None:
    world = World()
    early = decided(DecisionKind.APART, DecisionLevel.INCIDENT, [night[1]], [night[0]])
    await world.review.decide(early)
    assert world.live() == []
    await world.matching.apply(night)
    assert await incident_of(world, night[0]) != await incident_of(world, night[1])


async def test_a_replay_of_reports_and_decisions_in_any_order_changes_nothing(world: World, night: list[LocatedReport]) -> None:
    said = decided(DecisionKind.TOGETHER, DecisionLevel.INCIDENT, [night[0]], [night[3]])
    await world.review.decide(said)
    bodies = {identity: one.body for identity, one in world.store.kept_incidents.items()}
    again = [one async for one in _each(world.taking.apply([said]), world.matching.apply(night), world.taking.apply([said]))]
    assert {identity: one.body for identity, one in world.store.kept_incidents.items()} == bodies
    assert {one.incident.body for one in again} <= set(bodies.values())


async def _each(*works: Any) -> Any:
    for work in works:
        for one in await work:
            yield one


async def test_the_queue_asks_about_what_came_lately_and_names_the_incidents(
    world: World, night: list[LocatedReport], located: Build
) -> None:
    unsure = located("P2", "cedar-police", source_type=SourceType.POLICE, minutes=50, location=AT)
    await world.matching.apply([unsure])
    asked = await world.review.queue(timedelta(days=7), 10)
    assert key(unsure) in {key for one in asked for key in (*one.doubt.reports, *one.doubt.others)}
    for one in asked:
        assert one.incidents == (await incident_of(world, night[0]),)
    assert await world.review.queue(timedelta(days=7), 1) == asked[:1]
    assert await world.review.queue(timedelta(hours=1), 10) == [], "the reports came a day after the first of May, at noon"


def desk(world: World, token: str | None = None) -> httpx.AsyncClient:
    app = review_desk(world.review, None if token is None else SecretStr(token))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk")


async def test_reports_of_a_flood_are_told_as_such_and_nobody_is_asked_about_them(
    world: World, located: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbourhood, "FLOOD", 30)
    copies = [
        located(f"F{number}", "cedar-fire", source_type=SourceType.FIRE, location=AT, minutes=200 + 4 * number) for number in range(31)
    ]
    await world.matching.apply(copies[:30])

    async def asked() -> set[UUID]:
        found = await world.review.queue(timedelta(days=7), 20)
        return {one for question in found for one in (*question.doubt.reports, *question.doubt.others)}

    assert not (await asked()).isdisjoint(map(key, copies))
    await world.matching.apply(copies[30:])
    flooded = {member for one in world.store.kept_incidents.values() if b"flood_not_matched" in (one.body or b"") for member in one.members}
    assert flooded == set(map(key, copies))
    assert flooded.isdisjoint(await asked())
    told = await world.review.explain(key(copies[0]))
    assert told is not None
    assert [one.is_flooded for one in told.overdoses] == [True]


async def test_the_desk_tells_no_number_no_address_and_no_position(world: World, night: list[LocatedReport]) -> None:
    answer = await desk(world).get(f"/v1/incidents/{await incident_of(world, night[0])}")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    queue = await desk(world).get("/v1/queue?days=7")
    for text in (answer.text, queue.text):
        assert not [secret for secret in (*SECRETS, "C1", "E1", "E2") if f'"{secret}"' in text or (len(secret) > 3 and secret in text)]
    assert json.loads(answer.text)["reports"][0]["call"] == "A"


async def test_the_desk_takes_a_decision_and_refuses_what_is_none(world: World, night: list[LocatedReport]) -> None:
    said = decided(DecisionKind.APART, DecisionLevel.OVERDOSE, [night[0]], [night[1]])
    answer = await desk(world).post("/v1/decisions", content=said.to_json())
    assert answer.status_code == 202
    assert world.published == [said]
    assert Decision.model_validate_json((await desk(world).get(f"/v1/decisions/{said.decision_id}")).content) == said
    wrong = json.loads(said.to_json()) | {"author": "Someone By Name"}
    refused = await desk(world).post("/v1/decisions", content=json.dumps(wrong))
    assert refused.status_code == 422
    assert "author" in refused.json()["detail"]
    assert "Someone" not in refused.text
    assert (await desk(world).post("/v1/decisions", content=b" " * 70_000)).status_code == 413
    world.is_away = True
    assert (await desk(world).post("/v1/decisions", content=said.to_json())).status_code == 503


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/incidents/nonsense", 400),
        (f"/v1/incidents/{UUID(int=5)}", 404),
        (f"/v1/decisions/{UUID(int=5)}", 404),
        ("/v1/queue?limit=0", 400),
        ("/v1/queue?days=many", 400),
    ],
)
async def test_the_desk_says_what_is_wrong_with_a_question(world: World, path: str, status: int) -> None:
    answer = await desk(world).get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_desk_with_a_token_serves_nobody_else(world: World) -> None:
    guarded = desk(world, "a-long-token")
    assert (await guarded.get("/v1/queue")).status_code == 401
    assert (await guarded.get("/v1/queue", headers={"Authorization": "Bearer another"})).status_code == 401
    assert (await guarded.post("/v1/decisions", content=b"{}")).status_code == 401
    assert (await guarded.get("/v1/queue", headers={"Authorization": "Bearer a-long-token"})).status_code == 200


async def test_each_read_is_logged_with_its_account(world: World, night: list[LocatedReport], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    path = f"/v1/incidents/{await incident_of(world, night[0])}"
    await desk(world).get(path, headers={"Spikewatch-Account": "reviewer-7"})
    await desk(world).get(path, headers={"Spikewatch-Account": "Jane Doe, born 1980"})
    told = [(record.account, record.path, record.status) for record in caplog.records if record.msg == "review asked"]  # type: ignore[attr-defined]
    assert told == [("reviewer-7", path, 200), ("unnamed", path, 200)]
