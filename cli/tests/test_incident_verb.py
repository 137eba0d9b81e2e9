"""``spikewatch incident`` and the answers of ``match queue`` against the service's own interface, with stores in memory."""

import asyncio
import json
import re
import shlex
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from typing_extensions import override

from spikewatch.cli.main import main
from spikewatch.cli.matching import incident_drawing
from spikewatch.cli.matching import queue as queue_verb
from spikewatch.cli.matching.review_client import ReviewClient
from spikewatch.contracts import identifiers
from spikewatch.contracts.decision import Decision, DecisionKind, DecisionLevel
from spikewatch.contracts.report import LocatedReport, Location, Position, Report, Victims
from spikewatch.contracts.vocabulary import PlacePrecision, Sex, SourceType, TimeBasis, TimePrecision
from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.adapters.review_desk import review_desk
from spikewatch.enrichment.decide import DecideMatches
from spikewatch.enrichment.review import ReviewMatches
from spikewatch.enrichment.service import MatchReports
from spikewatch.enrichment.testing import InMemoryDecisions, InMemoryMatchStore

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
WHO = ["--author", "reviewer-7", "--reason", "as tested"]


def located(agency: str, record: str, kind: SourceType, minutes: float, **stated: Any) -> LocatedReport:
    lat = stated.pop("lat", 40.5)
    victims = Victims(age=stated.pop("age", None), sex=stated.pop("sex", Sex.UNKNOWN))
    report = Report(
        report_id=identifiers.report_id(agency, record, 1),
        report_key=identifiers.report_key(agency, record),
        revision=1,
        received_at=NOON + timedelta(days=1),
        source_agency_id=agency,
        source_record_id=record,
        source_type=kind,
        occurred_at=NOON + timedelta(minutes=minutes),
        occurred_at_basis=TimeBasis.DISPATCH,
        occurred_at_precision=TimePrecision.SECOND,
        location=Location(lat=lat, lon=-79.5, precision=PlacePrecision.POINT, address="12 ELM ST"),
        victims=victims,
        submission_id=UUID(int=1),
        submission_format="json",
        **stated,
    )
    position = Position(lat=lat, lon=-79.5, precision=PlacePrecision.POINT, radius_m=10, method="reported")
    return LocatedReport(report=report, position=position, areas=("county:99001",), place_key="99001")


REPORTS = [
    located("cedar-911", "C1", SourceType.CAD, 0, cad_number="26-000341", sex=Sex.FEMALE),
    located("cedar-ems", "E1", SourceType.EMS, 7, cad_number="26-000341", sex=Sex.FEMALE, age=34),
    located("cedar-ems", "E2", SourceType.EMS, 9, cad_number="26-000341", sex=Sex.MALE, age=61),
    located("cedar-police", "P1", SourceType.POLICE, 300, lat=40.9),
]
KEYS = [one.report.report_key for one in REPORTS]
SCENE, FAR = identifiers.incident_id(KEYS[0]), identifiers.incident_id(KEYS[3])


class OnTheSpot(httpx.BaseTransport):
    """Runs an app where a server would."""

    def __init__(self, app: Any) -> None:
        self._app = app

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def ask() -> httpx.Response:
            answer = await httpx.ASGITransport(self._app).handle_async_request(request)
            return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())

        return asyncio.run(ask())


class World:
    """The service's use cases over stores in memory; decisions are taken in at once."""

    def __init__(self) -> None:
        store, decisions, weights = InMemoryMatchStore(), InMemoryDecisions(), load_weights()
        matching = MatchReports(store, weights, people=decisions)
        self._taking = DecideMatches(decisions, matching)
        asyncio.run(matching.apply(REPORTS))
        self._passed = timedelta(days=2)
        self.desk = review_desk(ReviewMatches(store, decisions, weights, publish=self._publish, now=self.now), None)

    def now(self) -> datetime:
        """A second later each time."""
        self._passed += timedelta(seconds=1)
        return NOON + self._passed

    async def _publish(self, decision: Decision) -> None:
        await self._taking.apply([decision])

    def client(self, *_: object, **__: object) -> ReviewClient:
        return ReviewClient(lambda: httpx.Client(transport=OnTheSpot(self.desk), base_url="http://desk"))


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr("spikewatch.cli.incident.review_client", made.client)
    monkeypatch.setattr("spikewatch.cli.incident.system_clock", made.now)
    monkeypatch.setattr(queue_verb, "review_client", made.client)
    return made


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def shown(capsys: pytest.CaptureFixture[str], identity: UUID = SCENE) -> dict[str, Any]:
    return dict(json.loads(told(capsys, "incident", "show", "--json", str(identity))))


def people(document: dict[str, Any]) -> dict[int, int]:
    return {one["number"]: one["overdose"] for one in document["reports"]}


def decide(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    return told(capsys, "incident", *arguments, *WHO).strip()


def test_an_incident_is_drawn_without_what_names_a_person_or_a_place(capsys: pytest.CaptureFixture[str]) -> None:
    drawn = told(capsys, "incident", "show", str(SCENE))
    assert str(SCENE) in drawn
    for part in ("cedar-911", "female", "overdose 1", "overdose 2", "strongest", "least tied", "same call", "an equal letter"):
        assert part in drawn
    for secret in ("26-000341", "ELM", "40.5", "79.5"):
        assert secret not in drawn


def test_json_holds_the_same_and_the_evidence_of_every_pair(capsys: pytest.CaptureFixture[str]) -> None:
    document = shown(capsys)
    assert people(document) == {1: 1, 2: 1, 3: 2}
    (edge,) = document["overdoses"][0]["explanation"]["edges"]
    assert sum(one["bits"] for one in edge["evidence"]) == pytest.approx(edge["bits"])


def test_it_says_by_which_weights_and_from_which_report_each_field_is(capsys: pytest.CaptureFixture[str]) -> None:
    weights = load_weights()
    document = shown(capsys)
    assert document["weights"] == weights.label
    origins = {one["field"]: one["report"] for one in document["overdoses"][0]["origins"]}
    assert origins == {"occurred_at": 1, "victims.age": 2, "victims.sex": 2}  # dispatch's time, what the crew saw
    assert [one["field"] for one in document["origins"]] == ["position"]
    drawn = told(capsys, "incident", "show", str(SCENE))
    assert f"weighed by the weights {weights.label}" in drawn
    assert "Where each field is from" in drawn
    assert "its place is that of report 2 ems, by point" in drawn


def test_a_field_that_sources_contradict_says_who_does(capsys: pytest.CaptureFixture[str]) -> None:
    decide(capsys, "merge", f"{SCENE}/1", f"{SCENE}/2")
    (overdose,) = shown(capsys)["overdoses"]
    assert {"field": "victims.sex", "report": 2, "differing": [3], "value": "female", "contradicting": ["male"]} in overdose["origins"]
    assert overdose["conflicts"] == ["victims.age", "victims.sex"]
    drawn = told(capsys, "incident", "show", str(SCENE))
    assert "3 ems (male)" in drawn
    assert "sources differ on age, sex" in drawn


def test_a_report_of_a_flood_is_shown_as_one_that_was_not_matched(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("spikewatch.enrichment.domain.neighbourhood.FLOOD", 1)
    monkeypatch.setattr("spikewatch.cli.incident.review_client", World().client)
    assert "one of a flood of its agency's reports" in told(capsys, "incident", "show", str(KEYS[1]))
    assert [one["is_flooded"] for one in shown(capsys, KEYS[1])["overdoses"]] == [True]
    assert [one["is_flooded"] for one in shown(capsys, FAR)["overdoses"]] == [False]


def test_a_report_is_split_from_its_overdose_and_the_undo_puts_it_back(capsys: pytest.CaptureFixture[str]) -> None:
    identity = decide(capsys, "split", f"{SCENE}:2")
    home = people(shown(capsys))
    assert home[1] != home[2]
    assert identity in told(capsys, "incident", "show", str(SCENE))
    assert "as tested" in told(capsys, "incident", "show", str(SCENE))
    decide(capsys, "undo", identity)
    assert people(shown(capsys)) == {1: 1, 2: 1, 3: 2}
    assert "undone" in told(capsys, "incident", "show", str(SCENE))


def test_an_overdose_is_split_from_its_incident(capsys: pytest.CaptureFixture[str]) -> None:
    decide(capsys, "split", f"{SCENE}/2")
    assert people(shown(capsys)) == {1: 1, 2: 1}
    assert shown(capsys, KEYS[2])["incident_id"] != str(SCENE)


def test_incidents_are_merged_and_the_former_id_still_finds_them(capsys: pytest.CaptureFixture[str]) -> None:
    decide(capsys, "merge", str(SCENE), str(FAR))
    document = shown(capsys, FAR)
    assert document["incident_id"] == str(SCENE)
    assert people(document) == {1: 1, 2: 1, 3: 2, 4: 3}
    assert {one["because"] for one in document["bonds"]} >= {"decided"}


def test_overdoses_are_merged_into_one_person(capsys: pytest.CaptureFixture[str]) -> None:
    decide(capsys, "merge", f"{SCENE}/1", f"{SCENE}/2")
    assert people(shown(capsys)) == {1: 1, 2: 1, 3: 1}


def test_a_level_may_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    decide(capsys, "merge", "--level", "overdose", str(SCENE), str(KEYS[3]))
    assert set(people(shown(capsys)).values()) == {1}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["show", "nonsense"], "no id"),
        (["show", str(UUID(int=9))], "no such incident"),
        (["split", f"{SCENE}/7", *WHO], "no overdose 7"),
        (["split", f"{SCENE}:9", *WHO], "no report 9"),
        (["split", f"{SCENE}:3", *WHO], "nothing of the overdose would be left"),
        (["split", f"{SCENE}:1", f"{FAR}:1", *WHO], "several incidents"),
        (["merge", str(SCENE), str(SCENE), *WHO], "one incident already"),
        (["merge", f"{SCENE}:1", f"{SCENE}:1", *WHO], "the same reports"),
        (["split", f"{SCENE}:1", "--from", f"{SCENE}/1", *WHO], "a report is named before and after --from"),
        (
            ["split", f"{SCENE}:2", "--author", "reviewer-7", "--reason", "call 412-555-0100"],
            "reason: holds what looks like a phone number",
        ),
        (["merge", str(SCENE), "ELM STREET", *WHO], "name an INCIDENT"),
        (["undo", str(UUID(int=9)), *WHO], "no such decision"),
        (["split", f"{SCENE}:2", "--author", "Jane Doe", "--reason", "as tested"], "author: is no account id; expected"),
        (["split", f"{SCENE}:2", "--author", "reviewer-7", "--reason", "x"], "reason: is too short; expected 3 to 512"),
    ],
)
def test_what_cannot_be_decided_is_one_sentence(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["incident", *arguments]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert "Jane" not in error
    assert "pattern" not in error
    assert "Traceback" not in error


def test_an_undo_is_not_undone(capsys: pytest.CaptureFixture[str]) -> None:
    undo = decide(capsys, "undo", decide(capsys, "split", f"{SCENE}:2"))
    assert main(["incident", "undo", undo, *WHO]) == 2
    assert "decide anew" in capsys.readouterr().err


def test_the_queue_of_the_service_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert "in doubt" in told(capsys, "match", "queue") or "What to look at first" in told(capsys, "match", "queue")
    assert isinstance(json.loads(told(capsys, "match", "queue", "--json")), list)


def test_a_service_that_does_not_answer_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.undo()
    assert main(["incident", "show", str(SCENE), "--url", "http://127.0.0.1:9"]) == 2
    assert "does not answer" in capsys.readouterr().err


@pytest.fixture
def doubtful(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """One more report at the scene, of the police and an hour later: it is anybody's guess whose it is."""
    late = located("cedar-police", "P2", SourceType.POLICE, 55)
    monkeypatch.setitem(globals(), "REPORTS", [located("cedar-911", "C9", SourceType.CAD, 0), late])
    made = World()
    monkeypatch.setattr("spikewatch.cli.incident.review_client", made.client)
    monkeypatch.setattr("spikewatch.cli.incident.system_clock", made.now)
    monkeypatch.setattr("spikewatch.cli.matching.queue.review_client", made.client)
    return [late.report.report_key]


@pytest.mark.parametrize("answer", ["one person", "two people"])
def test_an_answer_of_the_queue_runs_as_it_is_printed_and_settles_the_question(
    answer: str, doubtful: list[UUID], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = told(capsys, "match", "queue", "--url", "http://desk")
    assert "1. One person or two?" in asked
    assert "police cedar-police" in asked
    command = next(line for line in asked.splitlines() if line.strip().startswith(f"{answer}: "))
    verb = shlex.split(command.partition(": ")[2])
    assert verb[0] == "spikewatch"
    assert verb[3:5] == ["--url", "http://desk"], "of the same service"
    told(capsys, *verb[1:], *WHO)
    document = shown(capsys, doubtful[0])
    alone = next(one for one in document["overdoses"] if str(doubtful[0]) in one["explanation"]["reports"])["explanation"]["reports"]
    assert (len(alone) == 1) is (answer == "two people")
    assert str(doubtful[0]) not in json.dumps(json.loads(told(capsys, "match", "queue", "--json")))


def test_two_overdoses_are_kept_two_people_and_two_incidents_two(capsys: pytest.CaptureFixture[str]) -> None:
    decide(capsys, "split", f"{SCENE}/1", "--from", f"{SCENE}/2")
    document = shown(capsys)
    assert people(document) == {1: 1, 2: 1, 3: 2}, "as they were, and the scene is still one incident"
    (decision,) = document["decisions"]
    assert (decision["kind"], decision["level"], decision["reports"], decision["others"]) == ("apart", "overdose", [1, 2], [3])
    decide(capsys, "split", str(SCENE), "--from", str(FAR))
    assert shown(capsys)["decisions"][0]["level"] == "incident"


def test_a_decision_is_told_in_words_so_that_a_slip_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["incident", "split", f"{SCENE}:2", *WHO]) == 0
    assert "decided: 2 ems | 1 cad are two people's; " in capsys.readouterr().err
    assert main(["incident", "merge", str(SCENE), str(FAR), *WHO]) == 0
    assert f"{str(FAR)[:8]}:1 police are one incident; " in capsys.readouterr().err


def test_the_same_again_is_told_with_who_decided_it(capsys: pytest.CaptureFixture[str]) -> None:
    first = decide(capsys, "merge", f"{SCENE}:1", f"{SCENE}:2")
    assert main(["incident", "merge", f"{SCENE}:2", f"{SCENE}:1", "--author", "reviewer-9", "--reason", "they are one"]) == 2
    error = capsys.readouterr().err
    assert f"the same was decided already and is in force: {first} by reviewer-7" in error
    decide(capsys, "undo", first)
    assert main(["incident", "undo", first, *WHO]) == 2
    assert "undone already" in capsys.readouterr().err


def test_a_decision_about_two_full_sides_is_undone(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    sides = [[UUID(int=number) for number in range(start, start + 200)] for start in (1, 201)]
    large = Decision.of(DecisionKind.TOGETHER, DecisionLevel.INCIDENT, *sides, author="r", reason="a party", decided_at=NOON)
    world.client().decide(large)
    decide(capsys, "undo", str(large.decision_id))


def test_what_was_outranked_is_shown_so_and_nothing_steers_the_terminal(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    decide(capsys, "split", f"{SCENE}:2")
    decide(capsys, "merge", f"{SCENE}:1", f"{SCENE}:2")
    assert [one["state"] for one in shown(capsys)["decisions"]] == ["in force", "outranked"]
    # One that came over the topic, past the desk that refuses it.
    steering = Decision.of(
        DecisionKind.APART, DecisionLevel.INCIDENT, [KEYS[0]], [KEYS[3]], author="r", reason="a\x1b[2Jb\nc", decided_at=NOON
    )  # fmt: skip
    asyncio.run(world._publish(steering))
    drawn = told(capsys, "incident", "show", str(SCENE))
    assert "\x1b" not in drawn
    assert "a [2Jb c" in drawn


def test_the_id_that_was_asked_for_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert "the id asked for is that of its report 2" in told(capsys, "incident", "show", str(KEYS[1]))
    decide(capsys, "merge", str(SCENE), str(FAR))
    assert f"the incident asked for, {FAR}, is a part of it now" in told(capsys, "incident", "show", str(FAR))
    decide(capsys, "split", f"{SCENE}/2")
    assert f"split from {SCENE}" in told(capsys, "incident", "show", str(KEYS[2]))


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_narrow_terminal_gets_lines_that_fit(columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("spikewatch.cli.matching.drawing.width", lambda: columns)
    monkeypatch.setattr(incident_drawing, "width", lambda: columns)
    drawn = told(capsys, "incident", "show", str(SCENE))
    assert "  2  overdose 1, 2026-05-01 12:07:00, ems cedar-ems, call A\n     age 34; female; outcome" in drawn
    for line in drawn.splitlines():
        if line.startswith(("┏", "┃", "│")):
            assert len(line) <= columns, "a table of as many pairs as fit"
    assert "26-000341" not in drawn


def test_examples_of_help_are_verbs_that_parse(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in (["incident"], *(["incident", action] for action in ("show", "merge", "split", "undo"))):
        with pytest.raises(SystemExit):
            main([*verb, "--help"])
        example = re.search(r"Example: (spikewatch .*)", " ".join(capsys.readouterr().out.split()))
        assert example is not None
        words = shlex.split(example[1])[1:]
        assert main([*words, "--url", "http://127.0.0.1:9"]) in {0, 2}
        assert "see spikewatch --help" not in capsys.readouterr().err
