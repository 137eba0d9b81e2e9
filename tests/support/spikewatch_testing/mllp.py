"""A hospital that sends HL7 messages over MLLP, and a listener with everything behind it in memory."""

import asyncio
import os
import ssl
from datetime import UTC, datetime, timedelta

from spikewatch.contracts.directory import AgencyState
from spikewatch.ingest.adapters.hl7_desk import Hl7Desk, Senders
from spikewatch.ingest.adapters.mllp import MllpLimits, MllpListener
from spikewatch.ingest.credentials import Credentials
from spikewatch.ingest.domain.feeds.hl7_adt import FEED
from spikewatch.ingest.domain.seal import Seals
from spikewatch.ingest.domain.submission_id import SubmissionIds
from spikewatch.ingest.reception import Reception
from spikewatch.ingest.testing import FakeAgencies, FakePublisher, InMemoryApiKeys, InMemoryReceipts, agency
from spikewatch_testing.patience import PATIENCE_S

__all__ = ["BODY", "GOOD", "HEAD", "MOST", "NOW", "Listening", "Peer", "asking"]

NOW = datetime(2026, 5, 2, 12, tzinfo=UTC)
MOST = 20_000
HEAD = "MSH|^~\\&|EPIC|Cedar Hospital^1234567893^NPI|SPIKE|HEALTH DEPT|20260501141000||ADT^A04^ADT_A01|C-17|P|2.5.1"
BODY = (
    "EVN||20260501140900\r"
    "PID|1||MRN00123456||Roe^Jane|||F\r"
    "PV1|1|E|||||||||||||||||V-1^^^^VN|||||||||||||||||||||||||20260501140300\r"
    "OBX|1|CWE|8661-1^^LN||^^^^^^^^heroin overdose||||||F\r"
)
GOOD = f"{HEAD}\r{BODY}"


def asking(accept: str, application: str) -> str:
    return f"{HEAD}|||{accept}|{application}\r{BODY}"


class Listening:
    """A listener with everything behind it in memory."""

    def __init__(self) -> None:
        self.publisher = FakePublisher()
        self.agencies = FakeAgencies(agency("cedar-hospital"), agency("closed", state=AgencyState.SUSPENDED))
        self.senders = Senders({}, "cedar-hospital")
        self.limits = MllpLimits(message_bytes=MOST, connections=8, idle_seconds=PATIENCE_S, message_seconds=PATIENCE_S)
        self.listener: MllpListener | None = None

    async def start(self, tls: ssl.SSLContext | None = None) -> MllpListener:
        reception = Reception(
            credentials=Credentials(InMemoryApiKeys(), fresh_for=timedelta(0), stale_for=timedelta(0)),
            agencies=self.agencies,
            seals=Seals(bytes(range(32)), os.urandom),
            ids=SubmissionIds(bytes(range(32)), os.urandom),
            publisher=self.publisher,
            receipts=InMemoryReceipts(),
            max_records=100,
            publish_seconds=PATIENCE_S,
            now=lambda: NOW,
        )
        desk = Hl7Desk(reception, self.agencies, self.senders, feed=FEED, max_bytes=MOST, now=lambda: NOW, control_id=lambda: "A-1")
        self.listener = MllpListener(desk.take, self.limits, host="127.0.0.1", port=0, tls=tls)
        await self.listener.start()
        return self.listener


class Peer:
    """The hospital's side of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, *texts: str | bytes) -> None:
        for text in texts:
            self.writer.write(b"\x0b" + (text if isinstance(text, bytes) else text.encode()) + b"\x1c\r")

    async def answer(self) -> list[list[str]]:
        async with asyncio.timeout(PATIENCE_S):
            framed = await self.reader.readuntil(b"\x1c\r")
        assert framed[:1] == b"\x0b"
        return [segment.split("|") for segment in framed[1:-2].decode().strip("\r").split("\r")]

    async def closed(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.read()
