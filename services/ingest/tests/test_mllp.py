"""The MLLP listener and its answers, against a broker in memory. The clock of every wait is a setting of milliseconds."""

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from spikewatch.contracts.directory import AgencyState
from spikewatch.ingest.adapters.hl7_desk import Hl7Desk, Senders
from spikewatch.ingest.adapters.mllp import MllpLimits, MllpListener, server_tls
from spikewatch.ingest.credentials import Credentials
from spikewatch.ingest.domain.feeds.hl7_adt import FEED
from spikewatch.ingest.domain.seal import Seals
from spikewatch.ingest.domain.submission_id import SubmissionIds
from spikewatch.ingest.mllp_settings import MllpSettings
from spikewatch.ingest.reception import Reception
from spikewatch.ingest.testing import FakeAgencies, FakePublisher, InMemoryApiKeys, InMemoryReceipts, agency

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


class House:
    """A listener with everything behind it in memory."""

    def __init__(self) -> None:
        self.publisher = FakePublisher()
        self.agencies = FakeAgencies(agency("cedar-hospital"), agency("closed", state=AgencyState.SUSPENDED))
        self.senders = Senders({}, "cedar-hospital")
        self.limits = MllpLimits(message_bytes=MOST, connections=8, idle_seconds=20, message_seconds=20)
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
            publish_seconds=2,
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
        async with asyncio.timeout(10):
            framed = await self.reader.readuntil(b"\x1c\r")
        assert framed[:1] == b"\x0b"
        return [segment.split("|") for segment in framed[1:-2].decode().strip("\r").split("\r")]

    async def closed(self) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.read()


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    yield made
    if made.listener is not None:
        await made.listener.stop(1)


@pytest.fixture
async def connect(house: House) -> AsyncIterator[Callable[..., Any]]:
    peers: list[Peer] = []

    async def open_one(tls: ssl.SSLContext | None = None) -> Peer:
        if house.listener is None:
            await house.start()
        assert house.listener is not None
        peer = Peer(*await asyncio.open_connection("127.0.0.1", house.listener.port, ssl=tls, server_hostname="localhost" if tls else None))
        peers.append(peer)
        return peer

    yield open_one
    for peer in peers:
        peer.writer.close()


async def test_a_message_is_answered_when_the_broker_has_it(house: House, connect: Any) -> None:
    peer = await connect()
    peer.send(GOOD)
    msh, msa = await peer.answer()
    assert len(house.publisher.sent) == 1
    assert msa == ["MSA", "AA", "C-17"]
    assert msh[1:7] == ["^~\\&", "SPIKE", "HEALTH DEPT", "EPIC", "Cedar Hospital^1234567893^NPI", "20260502120000+0000"]
    assert msh[8:12] == ["ACK^A04^ACK", "A-1", "P", "2.5.1"]
    sent = house.publisher.sent[0]
    assert (sent.key, sent.content_type, dict(sent.headers)["spikewatch-format"]) == ("cedar-hospital", "application/hl7-v2", b"hl7_adt")
    assert isinstance(sent.body, bytes)
    assert b"Roe" not in sent.body


async def test_a_broker_that_does_not_confirm_means_ae_and_the_next_try_is_taken(house: House, connect: Any) -> None:
    peer = await connect()
    house.publisher.is_down = True
    peer.send(GOOD)
    _, msa, err = await peer.answer()
    assert msa == ["MSA", "AE", "C-17"]
    assert err[3] == "207^Application internal error^HL70357"
    assert "again" in err[8]
    house.publisher.is_down = False
    peer.send(GOOD)
    assert (await peer.answer())[1][1] == "AA"
    assert len(house.publisher.sent) == 1


@pytest.mark.parametrize(
    ("text", "code", "place", "condition"),
    [
        (GOOD.replace("V-1", ""), "AE", "PV1^1^19^1^1", "101"),
        (GOOD.replace("PV1|", "ZV1|"), "AE", "PV1^1", "100"),
        (GOOD.replace("20260501140300", "soon"), "AE", "PV1^1^44", "102"),
        (GOOD.replace("20260501140300", "20260601"), "AE", "PV1^1^44", "102"),
        (GOOD.replace("ADT^A04^ADT_A01", "ORU^R01"), "AR", "MSH^1^9^1^1", "200"),
        (GOOD.replace("ADT^A04^ADT_A01", "ADT^?"), "AR", "MSH^1^9^1^2", "201"),
        (GOOD.replace("|P|2.5.1", "|Q|2.5.1"), "AR", "MSH^1^11", "202"),
        (GOOD.replace("|P|2.5.1", "|P|3.0"), "AR", "MSH^1^12", "203"),
        ("hello", "AR", "MSH^1", "100"),
        ("", "AR", "", "100"),
        (b"\xff\xfe\x00\x01" * 9, "AR", "", "103"),
        ("MSH", "AR", "MSH^1^2", "100"),
        (GOOD * 2, "AR", "MSH^1", "100"),
        (GOOD * 3, "AR", "MSH^1", "100"),
        ("FHS|^~\\&|\r" + GOOD, "AR", "MSH^1", "100"),
        (GOOD.replace(HEAD, HEAD + "||||||KLINGON"), "AE", "MSH^1^18", "103"),
    ],
)
async def test_what_cannot_be_read_is_told_where_and_nothing_is_published(
    house: House, connect: Any, text: str | bytes, code: str, place: str, condition: str
) -> None:
    peer = await connect()
    peer.send(text)
    _, msa, err = await peer.answer()
    assert (msa[1], err[2], err[3].split("^")[0], err[4]) == (code, place, condition, "E")
    assert "expected" in err[8]
    assert not house.publisher.sent
    for planted in ("Roe", "MRN00123456", "V-1", "heroin", "soon"):
        assert planted not in "|".join(err)
    peer.send(GOOD)
    assert (await peer.answer())[1][1] == "AA"  # the connection stays


async def test_messages_that_become_no_report_are_taken(house: House, connect: Any) -> None:
    peer = await connect()
    peer.send(GOOD.replace("^A04^", "^A31^"), GOOD.replace("|P|2.5.1", "|T|2.5.1"))
    assert [(await peer.answer())[1][1] for _ in range(2)] == ["AA", "AA"]


async def test_the_sender_decides_the_agency(house: House, connect: Any) -> None:
    house.senders = Senders({"1234567893": "cedar-hospital", "closed clinic": "closed", "lost clinic": "nowhere"}, None)
    peer = await connect()
    cedar = "Cedar Hospital^1234567893^NPI"
    peer.send(GOOD, GOOD.replace(cedar, "Closed Clinic"), GOOD.replace(cedar, "Lost Clinic"), GOOD.replace(cedar, "Other^1^NPI"))
    found = [await peer.answer() for _ in range(4)]
    assert [answer[1][1] for answer in found] == ["AA", "AR", "AR", "AR"]
    assert [answer[2][3].split("^")[0] for answer in found[1:]] == ["207", "204", "204"]
    assert [sent.key for sent in house.publisher.sent] == ["cedar-hospital"]


@pytest.mark.parametrize(
    ("accept", "application", "good", "bad"),
    [
        ("", "", "AA", "AE"),
        ("AL", "NE", "CA", "CE"),
        ("AL", "AL", "CA", "CE"),
        ("NE", "AL", "AA", "AE"),
        ("", "AL", "AA", "AE"),
        ("ER", "NE", None, "CE"),
        ("SU", "ER", "CA", "AE"),
        ("NE", "NE", None, None),
        ("NE", "", None, None),
    ],
)
async def test_enhanced_mode(house: House, connect: Any, accept: str, application: str, good: str | None, bad: str | None) -> None:
    peer = await connect()
    peer.send(asking(accept, application), asking(accept, application).replace("V-1", ""), GOOD.replace("C-17", "LAST"))
    expected = [code for code in (good, bad) if code is not None]
    found = [await peer.answer() for _ in range(len(expected) + 1)]
    assert [answer[1][1] for answer in found] == [*expected, "AA"]
    assert found[-1][1][2] == "LAST"
    assert len(house.publisher.sent) == 2


async def test_what_wants_no_answer_is_held_until_the_broker_has_it(house: House, connect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spikewatch.ingest.adapters.hl7_desk._RETRY_SECONDS", 0.01)
    peer = await connect()
    house.publisher.is_down = True
    peer.send(asking("NE", "NE"), GOOD)
    await asyncio.sleep(0.05)
    house.publisher.is_down = False
    assert (await peer.answer())[1] == ["MSA", "AA", "C-17"]
    assert len(house.publisher.sent) == 2


async def test_no_ack_in_msh_21_alone_changes_nothing(connect: Any) -> None:
    peer = await connect()
    peer.send(f"{HEAD}|||||||||PH_SS-NoAck^SS Sender^2.16.840.1.114222.4.10.3^ISO\r{BODY}")
    assert (await peer.answer())[1][1] == "AA"


async def test_the_answer_has_the_senders_separators(connect: Any) -> None:
    peer = await connect()
    peer.send(GOOD.replace("V-1", "").translate(str.maketrans("|^~\\&", "#:*?;")))
    async with asyncio.timeout(10):
        framed = (await peer.reader.readuntil(b"\x1c\r")).decode()
    assert framed.startswith("\x0bMSH#:*?;#SPIKE#")
    assert "ERR##PV1:1:19:1:1#101:Required field missing:HL70357#E#" in framed


async def test_several_messages_in_pieces_and_noise_between(house: House, connect: Any) -> None:
    peer = await connect()
    stream = b"\r\n noise" + b"".join(b"\x0b" + GOOD.replace("C-17", f"C-{n}").encode() + b"\x1c\r\r\n" for n in range(5))
    for at in range(0, len(stream), 97):
        peer.writer.write(stream[at : at + 97])
        await peer.writer.drain()
        await asyncio.sleep(0)
    assert [(await peer.answer())[1][2] for _ in range(5)] == [f"C-{n}" for n in range(5)]
    assert len(house.publisher.sent) == 5


async def test_a_message_begun_anew_replaces_the_one_that_broke_off(house: House, connect: Any) -> None:
    peer = await connect()
    peer.writer.write(b"\x0bMSH|^~\\&|EPIC|half")
    peer.send(GOOD)
    assert (await peer.answer())[1] == ["MSA", "AA", "C-17"]
    assert len(house.publisher.sent) == 1


async def test_an_oversize_message_is_refused_and_the_next_is_taken(house: House, connect: Any) -> None:
    peer = await connect()
    peer.send(GOOD + "ZZZ|" + "x" * MOST * 3, GOOD.replace("C-17", "C-18"))
    _, msa, err = await peer.answer()
    assert (msa[1:], err[3].split("^")[0]) == (["AR", "C-17"], "207")
    assert str(MOST) in err[8]
    assert (await peer.answer())[1] == ["MSA", "AA", "C-18"]
    assert len(house.publisher.sent) == 1


async def test_a_message_without_end_is_cut_off(house: House, connect: Any) -> None:
    peer = await connect()
    peer.writer.write(b"\x0b" + GOOD.encode() + b"x" * MOST * 10)
    assert (await peer.answer())[1][1] == "AR"
    assert await peer.closed() == b""
    assert not house.publisher.sent


async def test_a_slow_sender_and_an_idle_one_are_closed(house: House, connect: Any) -> None:
    house.limits = MllpLimits(message_bytes=MOST, connections=8, idle_seconds=0.1, message_seconds=0.2)
    idle, slow = await connect(), await connect()
    slow.writer.write(b"\x0bMSH")

    async def drip() -> None:
        while not slow.writer.is_closing():
            slow.writer.write(b"|")
            await asyncio.sleep(0.02)

    dripping = asyncio.create_task(drip())
    assert await idle.closed() == b""
    with contextlib.suppress(ConnectionError):  # closed while it was still writing
        assert await slow.closed() == b""
    dripping.cancel()
    assert not house.publisher.sent


async def test_a_sender_that_goes_away_in_mid_message_leaves_nothing(house: House, connect: Any) -> None:
    peer = await connect()
    peer.writer.write(b"\x0b" + GOOD.encode())
    peer.writer.write_eof()
    assert await peer.closed() == b""
    assert not house.publisher.sent


async def test_one_connection_too_many_is_closed_and_others_go_on(house: House, connect: Any) -> None:
    house.limits = MllpLimits(message_bytes=MOST, connections=1, idle_seconds=20, message_seconds=20)
    first = await connect()
    first.send(GOOD)
    assert (await first.answer())[1][1] == "AA"
    second = await connect()
    assert await second.closed() == b""
    first.send(GOOD)
    assert (await first.answer())[1][1] == "AA"


async def test_stopping_answers_the_message_in_hand_and_closes_idle_connections(house: House, connect: Any) -> None:
    holding, idle = await connect(), await connect()
    reached, release = asyncio.Event(), asyncio.Event()
    send = house.publisher.send

    async def slow(messages: Any) -> None:
        reached.set()
        await release.wait()
        await send(messages)

    house.publisher.send = slow  # type: ignore[method-assign]
    holding.send(GOOD)
    await reached.wait()
    assert house.listener is not None
    stopping = asyncio.create_task(house.listener.stop(5))
    assert await idle.closed() == b""
    release.set()
    assert (await holding.answer())[1][1] == "AA"
    await stopping
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", house.listener.port)


def certificate(folder: Path, name: str, issuer: tuple[Any, Any] | None = None) -> tuple[Any, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer[0] if issuer else key
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[1].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (folder / f"{name}.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return key, made


async def test_tls_with_client_certificates(house: House, connect: Any, tmp_path: Path) -> None:
    authority = certificate(tmp_path, "authority")
    certificate(tmp_path, "server", authority)
    certificate(tmp_path, "client", authority)
    path = {name: str(tmp_path / name) for name in ("authority.pem", "server.pem", "server.key", "client.pem", "client.key")}
    await house.start(server_tls(path["server.pem"], path["server.key"], path["authority.pem"]))
    context = ssl.create_default_context(cafile=path["authority.pem"])

    async def without_certificate() -> None:
        stranger = await connect(context)
        stranger.send(GOOD)
        await stranger.answer()

    with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
        await without_certificate()
    context.load_cert_chain(path["client.pem"], path["client.key"])
    known = await connect(context)
    known.send(GOOD)
    assert (await known.answer())[1][1] == "AA"


BASE: dict[str, Any] = {"kafka_bootstrap": "127.0.0.1:9092", "mongodb_uri": "mongodb://127.0.0.1"}


def test_the_listener_is_off_by_default_and_senders_are_folded() -> None:
    assert MllpSettings(**BASE).ingest_mllp_port is None
    settings = MllpSettings(**BASE, ingest_mllp_senders={" Cedar Hospital ": "cedar-hospital"}, ingest_mllp_port=2575)
    assert settings.ingest_mllp_senders == {"cedar hospital": "cedar-hospital"}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"ingest_mllp_port": 2575}, "nobody may send"),
        ({"ingest_mllp_agency": "Cedar Hospital"}, "no agency id"),
        ({"ingest_mllp_senders": {"a": "Cedar"}}, "no agency id"),
        ({"ingest_mllp_senders": {" ": "cedar"}}, "empty facility"),
        ({"ingest_mllp_senders": {"A": "cedar", "a": "birch"}}, "twice"),
        ({"ingest_mllp_host": "0.0.0.0", "ingest_mllp_agency": "a", "ingest_mllp_port": 1}, "not loopback"),  # noqa: S104  # the point
        ({"ingest_mllp_tls_cert_file": "a.pem"}, "belongs together"),
        ({"ingest_mllp_tls_client_ca_file": "a.pem"}, "certificate file too"),
    ],
)
def test_settings_that_do_not_fit_are_told(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        MllpSettings(**{**BASE, **changed})
