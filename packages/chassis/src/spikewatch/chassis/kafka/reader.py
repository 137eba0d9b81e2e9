"""Reads a topic from its start without a consumer group: nothing is committed, nobody is disturbed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from spikewatch.chassis.kafka.broker import to_record
from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.kafka.message import Record
from spikewatch.chassis.outcome import Transient

__all__ = ["committed_offsets", "end_offsets", "follow", "read_all"]

_POLL_MS: Final = 200
_FETCH_BYTES: Final = 12 * 1024 * 1024


@asynccontextmanager
async def _consumer(connection: KafkaConnection, topic: str) -> AsyncIterator[tuple[AIOKafkaConsumer, list[TopicPartition]]]:
    # Without a group every partition is assigned and nothing is ever committed.
    consumer = AIOKafkaConsumer(
        topic,
        **connection.aiokafka(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_FETCH_BYTES,
        isolation_level="read_committed",
    )
    try:
        try:
            await consumer.start()
        except KafkaError as error:
            raise Transient(f"kafka: {type(error).__name__}") from error
        partitions = sorted(consumer.assignment())
        if not partitions:
            raise LookupError(f"topic {topic} does not exist; `spikewatch topics apply` creates what is declared")
        yield consumer, partitions
    finally:
        await consumer.stop()


async def read_all(connection: KafkaConnection, topic: str) -> AsyncIterator[Record]:
    """Yield every record that the topic holds now, partition by partition in order of offset within each.

    Raises:
        LookupError: the topic does not exist.
        Transient: no broker answers.
    """
    async with _consumer(connection, topic) as (consumer, partitions):
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning(*partitions)
        waiting = {partition for partition in partitions if await consumer.position(partition) < ends[partition]}
        while waiting:
            for partition, records in (await consumer.getmany(timeout_ms=_POLL_MS)).items():
                for record in records:
                    if record.offset < ends[partition]:
                        yield to_record(record)
            waiting = {partition for partition in waiting if await consumer.position(partition) < ends[partition]}


async def follow(connection: KafkaConnection, topic: str) -> AsyncIterator[Record | None]:
    """Yield every record from the start on and never end; None marks the moment at which the reader has caught up."""
    async with _consumer(connection, topic) as (consumer, partitions):
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning(*partitions)
        has_caught_up = False
        while True:
            if not has_caught_up and all([await consumer.position(partition) >= ends[partition] for partition in partitions]):
                has_caught_up = True
                yield None
            for records in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
                for record in records:
                    yield to_record(record)


async def end_offsets(connection: KafkaConnection, topic: str) -> dict[int, int]:
    """Return for each partition the offset that the next record will get."""
    async with _consumer(connection, topic) as (consumer, partitions):
        return {partition.partition: offset for partition, offset in (await consumer.end_offsets(partitions)).items()}


async def committed_offsets(connection: KafkaConnection, topic: str, group: str) -> dict[int, int]:
    """Return for each partition what a group has committed; 0 where it has not.

    Raises:
        Transient: the broker has just started and does not know of all partitions yet.
    """
    ends = await end_offsets(connection, topic)
    admin = AIOKafkaAdminClient(**connection.aiokafka())
    await admin.start()
    try:
        committed = await admin.list_consumer_group_offsets(group, partitions=[TopicPartition(topic, partition) for partition in ends])
    finally:
        await admin.close()
    if any(TopicPartition(topic, partition) not in committed for partition in ends):
        raise Transient("kafka: the broker does not tell of every partition yet")
    return {partition: max(0, committed[TopicPartition(topic, partition)].offset) for partition in ends}
