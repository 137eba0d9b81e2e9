"""A service whose batches take a while, so that a signal or a rebalance can hit the middle of one.

As a process (``python -m spikewatch_testing.slow_service``) it writes the size of each batch
to the file of ``SPIKEWATCH_TEST_NOTES`` when it begins.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.kafka.message import Event, Message
from spikewatch.chassis.kafka.subscription import Subscription
from spikewatch.chassis.outcome import Emit, Outcome
from spikewatch.chassis.runtime import Runtime, run
from spikewatch.chassis.settings import ChassisSettings
from spikewatch.contracts import topics

TOPIC, NOTES = "SPIKEWATCH_TEST_TOPIC", "SPIKEWATCH_TEST_NOTES"
GROUP = "probe-work"
_BATCH_SECONDS = 1.5


def scratch_topic(name: str, *, partitions: int = 4) -> topics.Topic:
    """Declare a topic of bytes for one test."""
    return topics.SUBMISSIONS.model_copy(update={"name": name, "consumers": (GROUP,), "partitions": partitions})


def work_of(event: Event[bytes], out: topics.Topic) -> Emit:
    """Return the one message that a record leads to."""
    message = Message(
        topic=out,
        key=event.key,
        body=event.body,
        event_type=topics.EventType.SUBMISSION_RECEIVED,
        event_id=event.attributes.id,
        source=event.attributes.source,
    )
    return Emit((message,))


async def create(connection: KafkaConnection, *wanted: topics.Topic) -> None:
    """Create topics with their dead-letter topics."""
    admin = AIOKafkaAdminClient(**connection.aiokafka())
    await admin.start()
    try:
        every = [part for topic in wanted for part in (topic, topic.dead_letter(GROUP))]
        await admin.create_topics(
            [NewTopic(one.name, num_partitions=one.partitions, replication_factor=1, topic_configs=one.configuration) for one in every]
        )
    finally:
        await admin.close()


async def build(runtime: Runtime, _: ChassisSettings) -> None:
    """Wire the service."""
    source = scratch_topic(os.environ[TOPIC])
    out = scratch_topic(source.name + ".out")
    notes = Path(os.environ[NOTES])
    begun: list[int] = []

    async def handle(batch: Sequence[Event[bytes]]) -> Sequence[Outcome]:
        begun.append(len(batch))
        await asyncio.to_thread(notes.write_text, "".join(f"{size}\n" for size in begun), encoding="utf-8")
        await asyncio.sleep(_BATCH_SECONDS)  # the work itself
        return [work_of(event, out) for event in batch]

    runtime.subscribe(Subscription(source, GROUP, handle))


if __name__ == "__main__":
    run("probe", ChassisSettings, build)
