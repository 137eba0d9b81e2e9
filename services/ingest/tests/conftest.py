import asyncio
import os
import ssl
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from spikewatch_testing.mllp import Listening, Peer

from spikewatch.chassis.mongo import Mongo
from spikewatch.contracts.directory import AgencyState
from spikewatch.ingest.domain.seal import HEADER, Kind, RecordKeys, Seals
from spikewatch.ingest.intake import FORMAT_HEADER, Arrival, Intake
from spikewatch.ingest.service import Normaliser
from spikewatch.ingest.terminology import classifier
from spikewatch.ingest.testing import FakeAgencies, InMemoryReceipts, InMemoryRevisions, agency

CLASSIFIER = classifier()
NOW = datetime(2026, 5, 2, 12, tzinfo=UTC)


class House:
    """A normaliser with everything in memory, and the records an agency would send it."""

    def __init__(self) -> None:
        self.seals = Seals(bytes(range(32)), os.urandom)
        self.agencies = FakeAgencies(
            agency("cedar-ems"), agency("birch-police", county_fips=None), agency("closed-ems", state=AgencyState.SUSPENDED)
        )
        self.revisions = InMemoryRevisions()
        self.receipts = InMemoryReceipts()
        self.accept_unsealed = False

    def normaliser(self, max_records: int = 100, **options: Any) -> Normaliser:
        intake = Intake(seals=self.seals, agencies=self.agencies, accept_unsealed=self.accept_unsealed, now=lambda: NOW)
        return Normaliser(
            intake=intake,
            seals=self.seals,
            revisions=self.revisions,
            receipts=self.receipts,
            classifier=CLASSIFIER,
            record_key=RecordKeys(bytes(range(32))).of,
            max_records=max_records,
            **options,
        )

    def arrival(
        self,
        body: bytes,
        *,
        agency_id: str = "cedar-ems",
        kind: Kind | None = Kind.GATEWAY,
        feed: str = "statutory",
        media: str = "application/json",
        ce_id: str | None = None,
        extra: tuple[tuple[str, bytes], ...] = (),
    ) -> Arrival:
        ce_id = ce_id or str(uuid.uuid4())
        source = f"/agencies/{agency_id}"
        headers: tuple[tuple[str, bytes | None], ...] = ((FORMAT_HEADER, feed.encode()), *extra)
        if kind is not None:
            body = self.seals.seal(kind, agency_id, body, ce_id=ce_id, ce_source=source, content_type=media)
            headers = (*headers, (HEADER, kind.value.encode()))
        return Arrival(ce_id, source, NOW, media, body, headers, NOW, "ab" * 16)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
async def mongo() -> AsyncIterator[Mongo]:
    uri = os.environ.get("SPIKEWATCH_MONGODB_URI")
    if not uri:
        pytest.skip("SPIKEWATCH_MONGODB_URI names no MongoDB")
    client = Mongo(uri, f"ingest_test_{uuid.uuid4().hex[:12]}")
    yield client
    await client.drop()
    client.close()


@pytest.fixture
def montgomery() -> bytes:
    """The real feed, where it is present beside the repository; it is never part of it."""
    import gzip

    root = Path(__file__).parents[3]
    path = Path(os.environ.get("SPIKEWATCH_INCIDENTS", str(root.parent / "shared" / "data" / "incidents"))) / "montgomery_pa_911.csv.gz"
    if not path.is_file():
        pytest.skip("the public file montgomery_pa_911.csv.gz is not here; set SPIKEWATCH_INCIDENTS to its folder")
    return gzip.decompress(path.read_bytes())


@pytest.fixture
async def listening() -> AsyncIterator[Listening]:
    made = Listening()
    yield made
    if made.listener is not None:
        await made.listener.stop(1)


@pytest.fixture
async def connect(listening: Listening) -> AsyncIterator[Callable[..., Any]]:
    peers: list[Peer] = []

    async def open_one(tls: ssl.SSLContext | None = None) -> Peer:
        if listening.listener is None:
            await listening.start()
        assert listening.listener is not None
        peer = Peer(
            *await asyncio.open_connection("127.0.0.1", listening.listener.port, ssl=tls, server_hostname="localhost" if tls else None)
        )
        peers.append(peer)
        return peer

    yield open_one
    for peer in peers:
        peer.writer.close()
