"""What the MLLP listener answers, against a broker in memory."""

import asyncio
from typing import Any

import pytest
from spikewatch_testing.mllp import BODY, GOOD, HEAD, Listening, asking
from spikewatch_testing.patience import PATIENCE_S

from spikewatch.ingest.adapters.hl7_desk import Senders


async def test_a_message_is_answered_when_the_broker_has_it(listening: Listening, connect: Any) -> None:
    peer = await connect()
    peer.send(GOOD)
    msh, msa = await peer.answer()
    assert len(listening.publisher.sent) == 1
    assert msa == ["MSA", "AA", "C-17"]
    assert msh[1:7] == ["^~\\&", "SPIKE", "HEALTH DEPT", "EPIC", "Cedar Hospital^1234567893^NPI", "20260502120000+0000"]
    assert msh[8:12] == ["ACK^A04^ACK", "A-1", "P", "2.5.1"]
    sent = listening.publisher.sent[0]
    assert (sent.key, sent.content_type, dict(sent.headers)["spikewatch-format"]) == ("cedar-hospital", "application/hl7-v2", b"hl7_adt")
    assert isinstance(sent.body, bytes)
    assert b"Roe" not in sent.body


async def test_a_broker_that_does_not_confirm_means_ae_and_the_next_try_is_taken(listening: Listening, connect: Any) -> None:
    peer = await connect()
    listening.publisher.is_down = True
    peer.send(GOOD)
    _, msa, err = await peer.answer()
    assert msa == ["MSA", "AE", "C-17"]
    assert err[3] == "207^Application internal error^HL70357"
    assert "again" in err[8]
    listening.publisher.is_down = False
    peer.send(GOOD)
    assert (await peer.answer())[1][1] == "AA"
    assert len(listening.publisher.sent) == 1


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
    listening: Listening, connect: Any, text: str | bytes, code: str, place: str, condition: str
) -> None:
    peer = await connect()
    peer.send(text)
    _, msa, err = await peer.answer()
    assert (msa[1], err[2], err[3].split("^")[0], err[4]) == (code, place, condition, "E")
    assert "expected" in err[8]
    assert not listening.publisher.sent
    for planted in ("Roe", "MRN00123456", "V-1", "heroin", "soon"):
        assert planted not in "|".join(err)
    peer.send(GOOD)
    assert (await peer.answer())[1][1] == "AA"  # the connection stays


async def test_messages_that_become_no_report_are_taken(listening: Listening, connect: Any) -> None:
    peer = await connect()
    peer.send(GOOD.replace("^A04^", "^A31^"), GOOD.replace("|P|2.5.1", "|T|2.5.1"))
    assert [(await peer.answer())[1][1] for _ in range(2)] == ["AA", "AA"]


async def test_the_sender_decides_the_agency(listening: Listening, connect: Any) -> None:
    listening.senders = Senders({"1234567893": "cedar-hospital", "closed clinic": "closed", "lost clinic": "nowhere"}, None)
    peer = await connect()
    cedar = "Cedar Hospital^1234567893^NPI"
    peer.send(GOOD, GOOD.replace(cedar, "Closed Clinic"), GOOD.replace(cedar, "Lost Clinic"), GOOD.replace(cedar, "Other^1^NPI"))
    found = [await peer.answer() for _ in range(4)]
    assert [answer[1][1] for answer in found] == ["AA", "AR", "AR", "AR"]
    assert [answer[2][3].split("^")[0] for answer in found[1:]] == ["207", "204", "204"]
    assert [sent.key for sent in listening.publisher.sent] == ["cedar-hospital"]


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
async def test_enhanced_mode(listening: Listening, connect: Any, accept: str, application: str, good: str | None, bad: str | None) -> None:
    peer = await connect()
    peer.send(asking(accept, application), asking(accept, application).replace("V-1", ""), GOOD.replace("C-17", "LAST"))
    expected = [code for code in (good, bad) if code is not None]
    found = [await peer.answer() for _ in range(len(expected) + 1)]
    assert [answer[1][1] for answer in found] == [*expected, "AA"]
    assert found[-1][1][2] == "LAST"
    assert len(listening.publisher.sent) == 2


async def test_what_wants_no_answer_is_held_until_the_broker_has_it(
    listening: Listening, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spikewatch.ingest.adapters.hl7_desk._RETRY_SECONDS", 0.01)
    peer = await connect()
    listening.publisher.is_down = True
    peer.send(asking("NE", "NE"), GOOD)
    await asyncio.sleep(0.05)
    listening.publisher.is_down = False
    assert (await peer.answer())[1] == ["MSA", "AA", "C-17"]
    assert len(listening.publisher.sent) == 2


async def test_no_ack_in_msh_21_alone_changes_nothing(connect: Any) -> None:
    peer = await connect()
    peer.send(f"{HEAD}|||||||||PH_SS-NoAck^SS Sender^2.16.840.1.114222.4.10.3^ISO\r{BODY}")
    assert (await peer.answer())[1][1] == "AA"


async def test_the_answer_has_the_senders_separators(connect: Any) -> None:
    peer = await connect()
    peer.send(GOOD.replace("V-1", "").translate(str.maketrans("|^~\\&", "#:*?;")))
    async with asyncio.timeout(PATIENCE_S):
        framed = (await peer.reader.readuntil(b"\x1c\r")).decode()
    assert framed.startswith("\x0bMSH#:*?;#SPIKE#")
    assert "ERR##PV1:1:19:1:1#101:Required field missing:HL70357#E#" in framed
