"""Creates the declared topics and tells where the cluster differs from the declaration."""

from dataclasses import dataclass
from typing import Any, Literal

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.topics import Topic, every_topic

__all__ = ["TopicChange", "apply", "plan"]


@dataclass(frozen=True, slots=True)
class TopicChange:
    """What was or would be done with one topic.

    Attributes:
        action: ``create``; ``alter`` (more partitions or other settings); ``ok``; ``differs`` (fewer partitions cannot be had).
    """

    topic: str
    action: Literal["create", "alter", "ok", "differs"]
    detail: str = ""


async def plan(connection: KafkaConnection) -> list[TopicChange]:
    """Return what `apply` would do, without doing it.

    Raises:
        Transient: no broker answers, or it refuses.
    """
    return await _reconcile(connection, replication_factor=1, is_dry=True)


async def apply(connection: KafkaConnection, *, replication_factor: int = 1) -> list[TopicChange]:
    """Create missing topics, add partitions, set settings that differ; safe to repeat.

    Raises:
        Transient: no broker answers, or it refuses.
    """
    return await _reconcile(connection, replication_factor=replication_factor, is_dry=False)


async def _reconcile(connection: KafkaConnection, *, replication_factor: int, is_dry: bool) -> list[TopicChange]:
    admin = AIOKafkaAdminClient(**connection.aiokafka())
    try:
        await admin.start()
        existing = set(await admin.list_topics())
        declared = every_topic()
        partitions = (
            {
                entry["topic"]: len(entry["partitions"])
                for entry in await admin.describe_topics([t.name for t in declared if t.name in existing])
            }
            if existing
            else {}
        )
        settings = await _settings(admin, [topic.name for topic in declared if topic.name in existing])
        changes = []
        missing = [topic for topic in declared if topic.name not in existing]
        for topic in declared:
            if topic.name in existing:
                changes.append(await _alter(admin, topic, partitions[topic.name], settings[topic.name], is_dry=is_dry))
            else:
                changes.append(TopicChange(topic.name, "create", f"{topic.partitions} partitions, {topic.cleanup}"))
        if missing and not is_dry:
            await _create(admin, missing, replication_factor)
    except (KafkaError, OSError) as error:
        # The client's own errors end here: what asks must not know which client this is.
        raise Transient(f"{type(error).__name__}: {error}") from error
    finally:
        await admin.close()
    return changes


async def _create(admin: AIOKafkaAdminClient, topics: list[Topic], replication_factor: int) -> None:
    wanted = [
        NewTopic(topic.name, num_partitions=topic.partitions, replication_factor=replication_factor, topic_configs=topic.configuration)
        for topic in topics
    ]
    response = await admin.create_topics(wanted, timeout_ms=30_000)
    for name, code, *rest in response.topic_errors:
        if code not in {0, TopicAlreadyExistsError.errno}:
            raise KafkaError(f"topic {name} was not created: {rest[0] if rest else code}")


async def _settings(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {name: {} for name in names}
    if not names:
        return found
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    for response in await admin.describe_configs(resources):
        for _, _, _, name, entries in response.resources:
            found[name] = {entry[0]: entry[1] for entry in entries}
    return found


async def _alter(admin: AIOKafkaAdminClient, topic: Topic, partitions: int, settings: dict[str, str], *, is_dry: bool) -> TopicChange:
    wanted = topic.configuration
    differing = {name: value for name, value in wanted.items() if settings.get(name) != value}
    details = [f"{name}: {settings.get(name)} to {value}" for name, value in differing.items()]
    if partitions > topic.partitions:
        return TopicChange(
            topic.name, "differs", f"has {partitions} partitions, declared are {topic.partitions}; Kafka cannot take any away"
        )
    if partitions < topic.partitions:
        details.append(
            f"partitions: {partitions} to {topic.partitions} (records of one key may change partition: drain the consumers first)"
        )
    if not details:
        return TopicChange(topic.name, "ok")
    if not is_dry:
        if differing:
            resource: Any = ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=wanted)
            await admin.alter_configs([resource])
        if partitions < topic.partitions:
            await admin.create_partitions({topic.name: NewPartitions(topic.partitions)})
    return TopicChange(topic.name, "alter", "; ".join(details))
