"""Settings, the agency table and the handler: the thin parts around the use cases."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from spikewatch.chassis.kafka.message import Event, Record
from spikewatch.contracts.cloudevents import Attributes
from spikewatch.contracts.directory import AgencyRecord, DirectoryRecord
from spikewatch.ingest.adapters.agency_table import AgencyTable
from spikewatch.ingest.handlers import arrival_of, trusts_trace
from spikewatch.ingest.settings import IngestSettings
from spikewatch.ingest.testing import agency

GIVEN: dict[str, Any] = {
    "kafka_bootstrap": "127.0.0.1:9092",
    "mongodb_uri": "mongodb://127.0.0.1",
    "ingest_seal_key": base64.b64encode(bytes(32)).decode(),
}


def record(headers: tuple[tuple[str, bytes | None], ...] = (), key: bytes = b"k", value: bytes | None = b"v") -> Record:
    return Record("t", 0, 0, key, value, headers, datetime(2026, 5, 1, tzinfo=UTC))


def directory(found: AgencyRecord | None) -> Event[DirectoryRecord]:
    key = b"agencies/cedar-ems"
    return Event(record(key=key), Attributes("1", "/directory", "t"), None if found is None else DirectoryRecord(found))


def test_settings_are_good_with_the_mandatory_ones_and_hide_the_secret() -> None:
    hashes = base64.b64encode(bytes(range(32))).decode()
    settings = IngestSettings(**GIVEN, ingest_hash_key=hashes)
    assert settings.max_record_bytes > settings.ingest_max_body_bytes
    for secret in (GIVEN["ingest_seal_key"], hashes):
        assert secret not in repr(settings)
        assert secret not in settings.model_dump_json()
    assert IngestSettings(**GIVEN).ingest_hash_key is None


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"ingest_seal_key": "AAAA"}, "32 bytes"),
        ({"ingest_hash_key": "AAAA"}, "32 bytes"),
        ({"ingest_tls_cert_file": "a.pem"}, "belongs together"),
        ({"ingest_host": "0.0.0.0"}, "not loopback"),  # noqa: S104  # the point of the test
        ({"ingest_max_body_bytes": 1_200_000}, "max_record_bytes"),
    ],
)
def test_settings_that_do_not_fit_are_told(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told) as caught:
        IngestSettings(**{**GIVEN, **changed})
    assert "AAAAAAAA" not in str(caught.value.errors(include_input=False, include_context=False, include_url=False))


async def test_an_agency_is_known_from_its_record_to_its_tombstone() -> None:
    table = AgencyTable(patience_seconds=0)
    assert table.get("cedar-ems") is None
    table.on_record(directory(agency("cedar-ems")))
    assert table.get("cedar-ems") == agency("cedar-ems") == await table.appeared("cedar-ems")
    table.on_record(directory(None))
    assert table.get("cedar-ems") is None


async def test_a_late_agency_is_waited_for() -> None:
    import asyncio

    table = AgencyTable(patience_seconds=5)
    waiting = asyncio.create_task(table.appeared("cedar-ems"))
    await asyncio.sleep(0)
    table.on_record(directory(agency("cedar-ems")))
    assert await waiting == agency("cedar-ems")


async def test_an_agency_that_never_comes_is_waited_for_only_once() -> None:
    table = AgencyTable(patience_seconds=0.01)
    assert await table.appeared("nobody") is None
    table._patience_seconds = 1e9  # a second wait would outlast the test
    assert await table.appeared("nobody") is None


def test_only_the_gateways_trace_is_trusted() -> None:
    assert trusts_trace(record((("spikewatch-seal", b"g1"),)))
    assert not trusts_trace(record((("spikewatch-seal", b"a1"),)))
    assert not trusts_trace(record((("spikewatch-seal", None),)))
    assert not trusts_trace(record())


def test_a_record_with_strange_headers_still_arrives() -> None:
    event: Event[bytes] = Event(
        record((("spikewatch-format", b"\xff"), ("spikewatch-seal", None), ("x", None))), Attributes("1", "/x", "t"), None
    )
    arrival = arrival_of(event)
    assert (arrival.value, arrival.header("spikewatch-format"), arrival.seal_kind, arrival.claimed_agency) == (b"", None, None, "-")
