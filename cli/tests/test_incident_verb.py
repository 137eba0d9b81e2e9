"""``spikewatch incident`` against the service's own interface, with stores in memory."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from typing_extensions import override

from spikewatch.cli.main import main
from spikewatch.cli.matching import queue as queue_verb
from spikewatch.cli.matching.review_client import ReviewClient
from spikewatch.contracts import identifiers
from spikewatch.contracts.decision import Decision
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
        self.desk = review_desk(ReviewMatches(store, decisions, weights, publish=self._publish, now=lambda: NOON + timedelta(days=2)), None)

    async def _publish(self, decision: Decision) -> None:
        await self._taking.apply([decision])

    def client(self, *_: object, **__: object) -> ReviewClient:
        return ReviewClient(lambda: httpx.Client(transport=OnTheSpot(self.desk), base_url="http://desk"))


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr("spikewatch.cli.incident.review_client", made.client)
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
    assert "its fields are from the reports: occurred_at 1, victims.age 2, victims.sex 2" in drawn


def test_a_field_that_sources_contradict_says_who_does(capsys: pytest.CaptureFixture[str]) -> None:
    decide(capsys, "merge", f"{SCENE}/1", f"{SCENE}/2")
    (overdose,) = shown(capsys)["overdoses"]
    assert {"field": "victims.sex", "report": 2, "differing": [3]} in overdose["origins"]
    assert overdose["conflicts"] == ["victims.age", "victims.sex"]
    assert "victims.sex 2 (contradicted by 3)" in told(capsys, "incident", "show", str(SCENE))


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
        (["merge", str(SCENE), str(SCENE), *WHO], "the same reports"),
        (["merge", str(SCENE), "ELM STREET", *WHO], "name an INCIDENT"),
        (["undo", str(UUID(int=9)), *WHO], "no such decision"),
        (["split", f"{SCENE}:2", "--author", "Jane Doe", "--reason", "as tested"], "author: is no account id; expected"),
        (["split", f"{SCENE}:2", "--author", "reviewer-7", "--reason", "x"], "reason: is too short or too long; expected 3 to 512"),
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
