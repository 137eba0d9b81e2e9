import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.directory import ProfileRecord
from spikewatch.ingest.adapters import gateway as gateway_module
from spikewatch.ingest.adapters.gateway import GatewayLimits, gateway
from spikewatch.ingest.credentials import Credentials
from spikewatch.ingest.domain.api_key import new_key
from spikewatch.ingest.domain.seal import Kind
from spikewatch.ingest.domain.submission_id import SubmissionIds
from spikewatch.ingest.intake import Arrival
from spikewatch.ingest.reception import Reception
from spikewatch.ingest.testing import FakePublisher, InMemoryApiKeys

GOOD = {"record_id": "R1", "occurred_at": "2026-05-01T14:03:00Z", "zip": "19401", "outcome": "fatal", "reversal_given": "no"}
URL = "/v1/submissions"


class Desk:
    """The gateway with everything behind it in memory."""

    def __init__(self, house: Any, now: Any) -> None:
        self.house = house
        self.publisher = FakePublisher()
        self.keys = InMemoryApiKeys()
        self.tokens: dict[str, str] = {}
        entropy = iter(range(1, 1000))
        for agency in ("cedar-ems", "birch-police", "closed-ems", "gone-ems"):
            text, key = new_key(agency, now=now, entropy=lambda count: next(entropy).to_bytes(count))
            self.keys.stored[key.key_id] = key
            self.tokens[agency] = text
        self.reception = Reception(
            credentials=Credentials(self.keys, fresh_for=timedelta(0), stale_for=timedelta(hours=1)),
            agencies=house.agencies,
            profiles=house.agencies,
            seals=house.seals,
            ids=SubmissionIds(bytes(32), lambda count: uuid4().bytes[:count]),
            publisher=self.publisher,
            receipts=house.receipts,
            max_records=50,
            publish_seconds=0.2,
            now=lambda: now,
        )
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(gateway(self.reception, GatewayLimits(body_bytes=2_000, body_seconds=0.2))),
            base_url="http://gateway",
        )

    def headers(self, agency: str = "cedar-ems", **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[agency]}", "Content-Type": "application/json", **more}

    async def post(self, body: Any, agency: str = "cedar-ems", *, params: Any = None, **headers: str) -> httpx.Response:
        return await self.client.post(URL, content=body, headers=self.headers(agency, **headers), params=params)

    async def process(self) -> None:
        arrivals = [
            Arrival(sent.event_id, sent.source, sent.time, sent.content_type, sent.body, sent.headers, sent.time)
            for sent in self.publisher.sent
            if isinstance(sent.body, bytes) and sent.time is not None
        ]
        self.publisher.sent.clear()
        await self.house.normaliser().normalise(arrivals)


@pytest.fixture
async def desk(house: Any, now: Any) -> AsyncIterator[Desk]:
    made = Desk(house, now)
    yield made
    await made.client.aclose()


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    document: dict[str, Any] = response.json()
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert document["status"] == status
    assert {"type", "title", "detail", "errors"} <= set(document)
    assert all(set(error) == {"field", "problem", "expected", "example"} for error in document["errors"])
    return document


async def test_a_submission_is_answered_with_a_receipt_and_travels_sealed(desk: Desk) -> None:
    response = await desk.post(json.dumps(GOOD))
    assert response.status_code == 202
    receipt = response.json()
    assert response.headers["location"] == receipt["status_url"] == f"{URL}/{receipt['submission_id']}"
    assert receipt["record_count"] == 1
    [message] = desk.publisher.sent
    assert (message.topic.name, message.key, message.source) == ("overdose.submissions.v1", "cedar-ems", "/agencies/cedar-ems")
    assert isinstance(message.body, bytes)
    assert b"19401" not in message.body
    opened = desk.house.seals.open(
        Kind.GATEWAY, "cedar-ems", message.body, ce_id=message.event_id, ce_source=message.source, content_type="application/json"
    )
    assert json.loads(opened) == GOOD


@pytest.mark.parametrize(
    ("media", "body", "records"),
    [
        ("application/json", json.dumps([GOOD, GOOD]), 2),
        ("application/json; charset=utf-8", json.dumps(GOOD), 1),
        ("application/x-ndjson", json.dumps(GOOD) + "\n" + json.dumps(GOOD), 2),
        ("application/jsonl", json.dumps(GOOD), 1),
        ("text/csv; charset=UTF-8", ",".join(GOOD) + "\n" + ",".join(GOOD.values()) + "\n", 1),
    ],
)
async def test_every_form_becomes_reports_and_the_agency_sees_each_record(desk: Desk, media: str, body: str, records: int) -> None:
    receipt = (await desk.post(body, **{"Content-Type": media})).json()
    assert receipt["record_count"] == records
    before = (await desk.client.get(receipt["status_url"], headers=desk.headers())).json()
    assert (before["status"], before["records"]) == ("accepted", [])
    await desk.process()
    after = (await desk.client.get(receipt["status_url"], headers=desk.headers())).json()
    assert (after["status"], after["record_count"]) == ("processed", records)
    assert [record["result"] for record in after["records"]] == ["report", *["duplicate"] * (records - 1)]
    assert len({record["report_id"] for record in after["records"]}) == 1
    problem(await desk.client.get(receipt["status_url"], headers=desk.headers("birch-police")), 404)


async def test_a_rejected_record_is_explained_without_its_value(desk: Desk) -> None:
    receipt = (await desk.post(json.dumps({**GOOD, "outcome": "Jane Roe"}))).json()
    await desk.process()
    [record] = (await desk.client.get(receipt["status_url"], headers=desk.headers())).json()["records"]
    assert (record["result"], record["reason"], record["field"]) == ("rejected", "invalid-field", "outcome")
    assert record["topic"] == "overdose.submissions.v1.ingest-normalise.dlq"
    assert "Jane" not in json.dumps(record)


async def test_the_same_idempotency_key_gives_the_same_submission(desk: Desk) -> None:
    first, second, other = [(await desk.post(json.dumps(GOOD), **{"Idempotency-Key": key})).json() for key in ("k", "k", "l")]
    assert first["submission_id"] == second["submission_id"] != other["submission_id"]
    await desk.process()
    outcome = (await desk.client.get(first["status_url"], headers=desk.headers())).json()
    assert [record["result"] for record in outcome["records"]] == ["report"]


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer nonsense", "Basic eDp5", "Bearer swk_000000000000_" + "A" * 43])
async def test_without_a_known_key_the_answer_is_401(desk: Desk, authorization: str) -> None:
    response = await desk.client.post(URL, content=b"{}", headers={"Authorization": authorization})
    assert problem(response, 401)["errors"][0]["field"] == "Authorization"
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_revoked_key_and_an_agency_that_is_gone_are_401_and_a_suspended_one_is_403(desk: Desk, now: Any) -> None:
    problem(await desk.post(b"{}", "gone-ems"), 401)
    problem(await desk.post(b"{}", "closed-ems"), 403)
    await desk.keys.revoke(replace(next(iter(desk.keys.stored.values())), revoked_at=now))
    problem(await desk.post(json.dumps(GOOD)), 401)
    assert not desk.publisher.sent


@pytest.mark.parametrize(
    ("body", "headers", "params", "status", "field"),
    [
        (b'{"a":', {}, {}, 400, "body"),
        (b"", {}, {}, 400, "body"),
        (b"\xff\xfe{}", {}, {}, 400, "body"),
        (b"[]", {}, {}, 400, "body"),
        (b"a,b\n1,2\n", {"Content-Type": "text/csv"}, {}, 400, "occurred_at"),
        (b"{}", {}, {"format": "telegram"}, 400, "format"),
        (b"{}", {"Idempotency-Key": "x" * 256}, {}, 400, "Idempotency-Key"),
        (b"{}", {"Content-Type": "text/html"}, {}, 415, "content-type"),
        (b"{}", {"Content-Type": ""}, {}, 415, "content-type"),
        (b"{}", {"Content-Type": "text/csv; charset=latin-1"}, {}, 415, "content-type"),
        (b"{}", {"Content-Encoding": "gzip"}, {}, 415, "content-encoding"),
        (b" " * 2_001, {}, {}, 413, "body"),
        (json.dumps([{}] * 51).encode(), {}, {}, 413, "body"),
    ],
)
async def test_a_request_that_cannot_be_taken_gets_a_problem_and_nothing_travels(
    desk: Desk, body: bytes, headers: dict[str, str], params: dict[str, str], status: int, field: str
) -> None:
    assert problem(await desk.post(body, params=params, **headers), status)["errors"][0]["field"] == field
    assert not desk.publisher.sent


async def test_a_body_without_a_length_is_cut_off_at_the_limit(desk: Desk) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 500

    problem(await desk.post(endless()), 413)
    assert taken * 500 < 2_000 * 10


async def test_a_body_that_never_ends_is_408(desk: Desk) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    problem(await desk.post(slow()), 408)


async def test_nothing_is_accepted_while_the_broker_is_away(desk: Desk) -> None:
    desk.publisher.is_down = True
    response = await desk.post(json.dumps(GOOD))
    assert "nothing was accepted" in problem(response, 503)["detail"]
    assert response.headers["retry-after"] == "5"


async def test_a_broker_that_does_not_answer_is_503(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(desk.publisher, "send", never)
    problem(await desk.post(json.dumps(GOOD)), 503)


async def test_known_agencies_go_on_while_the_database_is_away(desk: Desk) -> None:
    await desk.post(json.dumps(GOOD))
    desk.keys.is_down = True
    assert (await desk.post(json.dumps(GOOD))).status_code == 202
    problem(await desk.post(json.dumps(GOOD), "birch-police"), 503)


async def test_an_unexpected_failure_is_500_and_tells_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("Jane Roe")

    monkeypatch.setattr(desk.reception, "feed", fail)
    response = await desk.post(json.dumps(GOOD))
    problem(response, 500)
    assert "Jane" not in response.text + caplog.text


async def test_what_was_never_issued_is_404_and_a_wrong_method_405(desk: Desk) -> None:
    for name in (str(uuid4()), "nonsense", "0" * 32):
        problem(await desk.client.get(f"{URL}/{name}", headers=desk.headers()), 404)
    problem(await desk.client.get("/v2", headers=desk.headers()), 404)
    problem(await desk.client.get(URL, headers=desk.headers()), 405)


async def test_a_lost_database_makes_a_look_up_503(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise Transient("no database")

    monkeypatch.setattr(desk.house.receipts, "find", fail)
    problem(await desk.client.get(f"{URL}/{uuid4()}", headers=desk.headers()), 503)


async def test_the_description_holds_for_what_is_answered(desk: Desk) -> None:
    document = (await desk.client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")

    def check(name: str, answer: httpx.Response) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.validate(answer.json(), schema, jsonschema.Draft202012Validator)

    sent = await desk.post(json.dumps([GOOD, {}, GOOD]))
    check("Accepted", sent)
    check("Receipt", await desk.client.get(sent.json()["status_url"], headers=desk.headers()))
    await desk.process()
    check("Receipt", await desk.client.get(sent.json()["status_url"], headers=desk.headers()))
    check("Problem", await desk.post(b"{"))
    record = document["components"]["schemas"]["StatutoryRecord"]
    from spikewatch.ingest.domain.feeds import FEEDS
    from spikewatch.ingest.domain.feeds.statutory import FIELDS

    assert set(record["properties"]) == set(FIELDS)
    assert set(record["required"]) | {"lat"} == {"occurred_at", "outcome", "reversal_given", "lat"}
    formats = document["paths"][URL]["post"]["parameters"][0]["schema"]["enum"]
    assert formats == list(FEEDS)


async def test_the_agencys_trace_is_linked_and_not_adopted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(gateway_module, "_tracer", provider.get_tracer("test"))
    theirs = "0af7651916cd43dd8448eb211c80319c"
    response = await desk.post(json.dumps(GOOD), traceparent=f"00-{theirs}-b7ad6b7169203331-01")
    [span] = exporter.get_finished_spans()
    assert span.context is not None
    assert span.parent is None
    assert span.name == "POST /v1/submissions"
    assert [f"{link.context.trace_id:032x}" for link in span.links] == [theirs]
    assert response.json()["trace_id"] == f"{span.context.trace_id:032x}" != theirs
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 202


PROFILE = "name: tablet\nversion: 3\nrecord_id: Run No\noccurred_at: {column: Date, formats: MM/DD/YYYY, basis: on_scene}\n"


def profile(content: str = PROFILE) -> ProfileRecord:
    return ProfileRecord(
        name="agencies/cedar-ems/profiles/tablet-v3",
        display_name="Tablet",
        etag=str(len(content)),
        version=1,
        update_time=datetime(2026, 1, 1, tzinfo=UTC),
        parent="agencies/cedar-ems",
        profile="tablet",
        profile_version=3,
        content=content,
    )


@pytest.mark.parametrize(("params", "headers"), [({"profile": "tablet"}, {}), ({}, {"Spikewatch-Profile": "tablet@3"})])
async def test_a_submission_names_a_profile_and_the_version_travels_with_it(
    desk: Desk, house: Any, params: dict[str, str], headers: dict[str, str]
) -> None:
    house.agencies.profiles.append(profile())
    table = {"Content-Type": "text/csv", **headers}
    response = await desk.post(b"Run No,Date\n26-0001,04/01/2026\n", params=params, **table)
    assert response.status_code == 202
    assert (response.json()["format"], response.json()["profile"]) == ("columns", "tablet@3")
    [message] = desk.publisher.sent
    assert dict(message.headers)["spikewatch-profile"] == b"tablet@3"


@pytest.mark.parametrize(
    ("content", "params", "media", "status", "field"),
    [
        (PROFILE, {"profile": "other"}, "text/csv", 400, "profile"),
        ("name: tablet\n", {"profile": "tablet"}, "text/csv", 400, "profile"),
        (PROFILE, {"profile": "tablet", "format": "cad_911"}, "text/csv", 400, "format"),
        (PROFILE, {"profile": "tablet"}, "application/xml", 415, "content-type"),
        (PROFILE, {"profile": "tablet"}, "text/csv", 400, "run no"),
    ],
)
async def test_a_profile_that_does_not_fit_gets_a_problem(
    desk: Desk, house: Any, content: str, params: dict[str, str], media: str, status: int, field: str
) -> None:
    house.agencies.profiles.append(profile(content))
    response = await desk.post(b"colour,Date\nred,04/01/2026\n", params=params, **{"Content-Type": media})
    assert problem(response, status)["errors"][0]["field"] == field
    assert not desk.publisher.sent
