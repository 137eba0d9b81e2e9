"""The relay: nothing is lost by a crash at any point, order is kept, a repetition has the same id."""

import asyncio
from collections.abc import Sequence

import pytest
from typing_extensions import override

from spikewatch.chassis.clock import Clock
from spikewatch.chassis.outcome import Transient
from spikewatch.contracts import topics
from spikewatch.contracts.topics import EventType
from spikewatch.directory.adapters.kafka_change_publisher import message_of
from spikewatch.directory.adapters.mongo_record_store import MongoRecordStore
from spikewatch.directory.domain.names import Kind
from spikewatch.directory.ports import Change
from spikewatch.directory.relay import Relay
from spikewatch.directory.service import Directory
from spikewatch.directory.testing import FakePublisher, InMemoryRecordStore

Store = InMemoryRecordStore | MongoRecordStore


class Crash(BaseException):
    """The process dies here."""


class CrashingPublisher(FakePublisher):
    """Publishes, and dies before it can tell."""

    @override
    async def publish(self, changes: Sequence[Change]) -> None:
        await super().publish(changes)
        raise Crash


async def create_change_delete(store: Store, clock: Clock) -> None:
    directory = Directory(store, clock=clock, wake=lambda: None)
    await directory.create(Kind.PROVIDER, resource_id="p", draft={"display_name": "first"})
    await directory.update(Kind.PROVIDER, name="providers/p", etag="", draft={"display_name": "second"}, mask=())
    await directory.delete(Kind.PROVIDER, name="providers/p")


async def test_changes_are_published_in_order_and_once(store: Store, clock: Clock) -> None:
    await create_change_delete(store, clock)
    publisher = FakePublisher()
    relay = Relay(store, publisher, clock=clock, holder="one")
    assert await relay.publish_waiting() == 3
    assert await relay.publish_waiting() == 0
    messages = [message_of(change) for change in publisher.published]
    assert [message.event_type for message in messages] == [
        EventType.DIRECTORY_CHANGED,
        EventType.DIRECTORY_CHANGED,
        EventType.DIRECTORY_DELETED,
    ]
    assert {message.key for message in messages} == {"providers/p"}
    assert len({message.event_id for message in messages}) == 3
    assert messages[2].body is None
    body = messages[1].body
    assert body is not None
    assert not isinstance(body, bytes)
    assert topics.DIRECTORY.model is not None
    assert topics.DIRECTORY.model.model_validate_json(body.to_json()).model_dump()["display_name"] == "second"


async def test_a_crash_after_publishing_repeats_the_same_events(store: Store, clock: Clock) -> None:
    await create_change_delete(store, clock)
    before, after = CrashingPublisher(), FakePublisher()
    with pytest.raises(Crash):
        await Relay(store, before, clock=clock, holder="one").publish_waiting()
    # The same instance starts again, and need not wait for its own hold to end.
    assert await Relay(store, after, clock=clock, holder="one").publish_waiting() == 3
    assert [message_of(change).event_id for change in after.published] == [message_of(change).event_id for change in before.published]


async def test_another_instance_waits_for_the_hold_of_a_crashed_one(store: Store, clock: Clock) -> None:
    await create_change_delete(store, clock)
    with pytest.raises(Crash):
        await Relay(store, CrashingPublisher(), clock=clock, holder="one").publish_waiting()
    other = Relay(store, FakePublisher(), clock=clock, holder="two")
    assert await other.publish_waiting() == 0
    for _ in range(20):  # seconds of the clock, which goes on with each look
        clock()
    assert await other.publish_waiting() == 3


async def test_nothing_is_lost_while_the_broker_is_away(store: Store, clock: Clock) -> None:
    await create_change_delete(store, clock)
    publisher = FakePublisher()
    publisher.is_away = True
    relay = Relay(store, publisher, clock=clock, holder="one")
    with pytest.raises(Transient):
        await relay.publish_waiting()
    publisher.is_away = False
    assert await relay.publish_waiting() == 3


async def test_overlapping_relays_end_with_the_present_state(store: Store, clock: Clock) -> None:
    """The slow one publishes an old state last; it notices, and the topic still ends with the truth."""
    directory = Directory(store, clock=clock, wake=lambda: None)
    await directory.create(Kind.PROVIDER, resource_id="p", draft={"display_name": "first"})
    topic = FakePublisher()

    class Slow(FakePublisher):
        """Is overtaken by another relay while it sends its first batch."""

        calls = 0

        @override
        async def publish(self, changes: Sequence[Change]) -> None:
            self.calls += 1
            if self.calls == 1:
                await directory.update(Kind.PROVIDER, name="providers/p", etag="", draft={"display_name": "second"}, mask=())
                await store.release("slow")
                await Relay(store, topic, clock=clock, holder="other").publish_waiting()
            await topic.publish(changes)

    await Relay(store, Slow(), clock=clock, holder="slow").publish_waiting()
    assert [change.version for change in topic.published] == [1, 2, 1, 2]
    assert await store.waiting(10) == []


async def test_a_write_wakes_the_relay(memory: InMemoryRecordStore, clock: Clock) -> None:
    publisher = FakePublisher()
    relay = Relay(memory, publisher, clock=clock, holder="one")
    directory = Directory(memory, clock=clock, wake=relay.wake)
    turn = asyncio.create_task(relay.turn())
    await directory.create(Kind.PROVIDER, resource_id="p", draft={"display_name": "first"})
    began = asyncio.get_running_loop().time()
    await turn
    assert asyncio.get_running_loop().time() - began < 0.9  # idle turns take a whole second
    assert [change.version for change in publisher.published] == [1]
