"""Setting every consumer group back to the first record, as an operator does who rebuilds the state."""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition

from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.kafka.reader import end_offsets
from spikewatch.contracts import topics


def rewind_every_group(connection: KafkaConnection) -> None:
    """Commit offset 0 for every group and partition; the services must be stopped."""
    asyncio.run(_rewind(connection))


async def _rewind(connection: KafkaConnection) -> None:
    for topic in topics.ALL:
        for group in topic.consumers:
            partitions = [TopicPartition(topic.name, partition) for partition in await end_offsets(connection, topic.name)]
            consumer = AIOKafkaConsumer(**connection.aiokafka(), group_id=group, enable_auto_commit=False)
            await consumer.start()
            consumer.assign(partitions)
            await consumer.commit(dict.fromkeys(partitions, 0))
            await consumer.stop()
