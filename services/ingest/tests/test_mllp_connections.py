"""Connections of the MLLP listener: in pieces, too large, slow, too many, at the end. Every wait is a setting of milliseconds."""

import asyncio
import contextlib
from typing import Any

import pytest
from spikewatch_testing.mllp import GOOD, MOST, Listening
from spikewatch_testing.patience import PATIENCE_S

from spikewatch.ingest.adapters.mllp import MllpLimits


async def test_several_messages_in_pieces_and_noise_between(listening: Listening, connect: Any) -> None:
    peer = await connect()
    stream = b"\r\n noise" + b"".join(b"\x0b" + GOOD.replace("C-17", f"C-{n}").encode() + b"\x1c\r\r\n" for n in range(5))
    for at in range(0, len(stream), 97):
        peer.writer.write(stream[at : at + 97])
        await peer.writer.drain()
        await asyncio.sleep(0)
    assert [(await peer.answer())[1][2] for _ in range(5)] == [f"C-{n}" for n in range(5)]
    assert len(listening.publisher.sent) == 5


async def test_a_message_begun_anew_replaces_the_one_that_broke_off(listening: Listening, connect: Any) -> None:
    peer = await connect()
    peer.writer.write(b"\x0bMSH|^~\\&|EPIC|half")
    peer.send(GOOD)
    assert (await peer.answer())[1] == ["MSA", "AA", "C-17"]
    assert len(listening.publisher.sent) == 1


async def test_an_oversize_message_is_refused_and_the_next_is_taken(listening: Listening, connect: Any) -> None:
    peer = await connect()
    peer.send(GOOD + "ZZZ|" + "x" * MOST * 3, GOOD.replace("C-17", "C-18"))
    _, msa, err = await peer.answer()
    assert (msa[1:], err[3].split("^")[0]) == (["AR", "C-17"], "207")
    assert str(MOST) in err[8]
    assert (await peer.answer())[1] == ["MSA", "AA", "C-18"]
    assert len(listening.publisher.sent) == 1


async def test_a_message_without_end_is_cut_off(listening: Listening, connect: Any) -> None:
    peer = await connect()
    peer.writer.write(b"\x0b" + GOOD.encode() + b"x" * MOST * 10)
    assert (await peer.answer())[1][1] == "AR"
    assert await peer.closed() == b""
    assert not listening.publisher.sent


async def test_a_slow_sender_and_an_idle_one_are_closed(listening: Listening, connect: Any) -> None:
    listening.limits = MllpLimits(message_bytes=MOST, connections=8, idle_seconds=0.1, message_seconds=0.2)
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
    assert not listening.publisher.sent


async def test_a_sender_that_goes_away_in_mid_message_leaves_nothing(listening: Listening, connect: Any) -> None:
    peer = await connect()
    peer.writer.write(b"\x0b" + GOOD.encode())
    peer.writer.write_eof()
    assert await peer.closed() == b""
    assert not listening.publisher.sent


async def test_one_connection_too_many_is_closed_and_others_go_on(listening: Listening, connect: Any) -> None:
    listening.limits = MllpLimits(message_bytes=MOST, connections=1, idle_seconds=PATIENCE_S, message_seconds=PATIENCE_S)
    first = await connect()
    first.send(GOOD)
    assert (await first.answer())[1][1] == "AA"
    second = await connect()
    assert await second.closed() == b""
    first.send(GOOD)
    assert (await first.answer())[1][1] == "AA"


async def test_stopping_answers_the_message_in_hand_and_closes_idle_connections(listening: Listening, connect: Any) -> None:
    holding, idle = await connect(), await connect()
    reached, release = asyncio.Event(), asyncio.Event()
    send = listening.publisher.send

    async def slow(messages: Any) -> None:
        reached.set()
        await release.wait()
        await send(messages)

    listening.publisher.send = slow  # type: ignore[method-assign]
    holding.send(GOOD)
    await reached.wait()
    assert listening.listener is not None
    stopping = asyncio.create_task(listening.listener.stop(5))
    assert await idle.closed() == b""
    release.set()
    assert (await holding.answer())[1][1] == "AA"
    await stopping
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", listening.listener.port)
