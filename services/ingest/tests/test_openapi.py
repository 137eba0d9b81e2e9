"""The gateway keeps what its OpenAPI document promises, for requests that schemathesis makes of that document."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from spikewatch_testing.exploring import examples

from spikewatch.ingest.adapters.gateway import GatewayLimits, gateway
from spikewatch.ingest.credentials import Credentials
from spikewatch.ingest.domain.api_key import new_key
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.submission_id import SubmissionIds
from spikewatch.ingest.reception import SAME_MEDIA_TYPE, Reception
from spikewatch.ingest.testing import FakePublisher, InMemoryApiKeys

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]
QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large, HealthCheck.large_base_example]
REQUESTS = examples(30)  # of each operation and kind


class Front:
    """The gateway with everything behind it in memory, and the requests it got."""

    def __init__(self, house: Any, now: Any) -> None:
        keys = InMemoryApiKeys()
        self.token, key = new_key("cedar-ems", now=now, entropy=lambda count: bytes(range(count)))
        keys.stored[key.key_id] = key
        self.publisher = FakePublisher()
        reception = Reception(
            credentials=Credentials(keys, fresh_for=timedelta(hours=1), stale_for=timedelta(hours=1)),
            agencies=house.agencies,
            seals=house.seals,
            ids=SubmissionIds(bytes(32), lambda count: uuid4().bytes[:count]),
            publisher=self.publisher,
            receipts=house.receipts,
            max_records=50,
            publish_seconds=5,
            now=lambda: now,
        )
        self.app = gateway(reception, GatewayLimits(body_bytes=100_000, body_seconds=5))
        self.schema = schemathesis.openapi.from_asgi("/openapi.json", self.app)


@pytest.fixture
def front(house: Any, now: Any) -> Front:
    return Front(house, now)


@pytest.fixture(autouse=True)
def every_media_type_can_be_written() -> None:
    """Tell schemathesis how a body of a format that is no JSON goes on the wire: as it is."""
    known = {"application/json", "text/plain", "text/csv"}
    for media_type in {media for feed in FEEDS.values() for media in feed.splits} - known:
        schemathesis.serializer(media_type)(lambda _context, value: value if isinstance(value, bytes | str) else json.dumps(value).encode())


def described(front: Front) -> dict[str, Any]:
    document: dict[str, Any] = front.schema.raw_schema
    return document


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [
        ("POST", "/v1/submissions", GenerationMode.POSITIVE),
        ("POST", "/v1/submissions", GenerationMode.NEGATIVE),
        ("GET", "/v1/submissions/{submission_id}", GenerationMode.POSITIVE),
        ("GET", "/v1/submissions/{submission_id}", GenerationMode.NEGATIVE),
        ("GET", "/openapi.json", GenerationMode.POSITIVE),
    ],
)
@pytest.mark.parametrize("is_known", [True, False], ids=["with a key", "without a key"])
def test_requests_of_the_document_get_answers_of_the_document(
    front: Front, mode: GenerationMode, method: str, path: str, *, is_known: bool
) -> None:
    operation = front.schema[path][method]
    statuses: set[int] = set()

    @settings(max_examples=REQUESTS, deadline=None, database=None, derandomize=True, phases=[Phase.generate], suppress_health_check=QUIET)
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: schemathesis.Case) -> None:
        headers = {"Authorization": f"Bearer {front.token}"} if is_known else {"Authorization": "Bearer nobody"}
        response = case.call(headers=headers)
        statuses.add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    run()
    # Otherwise than described is also a request whose key is spoilt.
    expected = {200} if path == "/openapi.json" else {401} if not is_known else {202, 400, 401, 404, 413, 415}
    assert statuses <= expected
    assert statuses
    if is_known and method == "POST" and mode is GenerationMode.POSITIVE:
        assert 202 in statuses, "what is described is taken"
        assert front.publisher.sent


def test_the_document_names_every_format_and_every_media_type_it_comes_in(front: Front) -> None:
    submit = described(front)["paths"]["/v1/submissions"]["post"]
    formats = next(parameter for parameter in submit["parameters"] if parameter["name"] == "format")["schema"]["enum"]
    assert formats == list(FEEDS)
    taken = {media_type for feed in FEEDS.values() for media_type in feed.splits}
    aliases = {alias for alias, media_type in SAME_MEDIA_TYPE.items() if media_type in taken}
    assert set(submit["requestBody"]["content"]) == taken | aliases
    for name, feed in FEEDS.items():
        for media_type in feed.splits:
            assert name in submit["requestBody"]["content"][media_type]["schema"]["description"]


async def test_every_format_is_taken_in_every_media_type_that_the_document_names(front: Front) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(front.app), base_url="http://gateway") as client:
        for name, feed in FEEDS.items():
            for media_type in feed.splits:
                headers = {"Authorization": f"Bearer {front.token}", "Content-Type": media_type}
                answer = await client.post("/v1/submissions", params={"format": name}, headers=headers, content=b"")
                assert answer.status_code == 400, "the body is empty, but its kind is taken"
                other = await client.post(
                    "/v1/submissions", params={"format": name}, headers=headers | {"Content-Type": "image/png"}, content=b"1"
                )
                assert other.status_code == 415
