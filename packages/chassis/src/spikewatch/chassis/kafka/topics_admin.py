"""Creates the declared topics and tells where the cluster differs from the declaration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import BrokerResponseError, KafkaError, TopicAlreadyExistsError, for_code

from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.topics import Topic, every_topic

__all__ = ["Refused", "TopicChange", "apply", "plan"]

# By Kafka's error codes. What is not named here is told by its name alone.
_REMEDIES: Final = {
    7: "repeat the command: the brokers were too slow",
    17: "the cluster does not allow this name of a topic",
    29: "this Kafka user lacks a right: `spikewatch topics acls` shows what the operator needs",
    31: "this Kafka user lacks a right: `spikewatch topics acls` shows what the operator needs",
    37: "the cluster does not allow so many partitions",
    38: "there are fewer brokers than copies asked for: give a smaller --replication",
    40: "the broker does not take a setting with this value; `spikewatch topics ls --json` shows what is declared",
    41: "repeat the command: the controller has moved",
    44: "a policy of the cluster forbids it: ask who runs it",
    60: "repeat the command when the partitions have been moved",
}
# Where a value comes from, as the broker tells it: the topic itself; others are the broker's own settings and Kafka's defaults.
_SET_ON_TOPIC: Final = 1


class Refused(Exception):  # noqa: N818  # named by what it says of the broker's answer
    """The broker answered, and refused something about one topic; what was changed before stays changed."""

    def __init__(self, topic: str, done: str, code: int, message: str | None) -> None:
        name = for_code(code).__name__.removesuffix("Error")
        remedy = _REMEDIES.get(code, "the broker's log tells more; `spikewatch topics plan` shows what is left to do")
        said = f": {message}" if message else ""
        super().__init__(f"{topic} was not {done}, code {code} ({name}{said}); {remedy}")
        self.topic = topic
        self.code = code


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
        Transient: no broker answers.
        Refused: it answers, and refuses something about a topic.
    """
    return await _reconcile(connection, replication_factor=1, is_dry=True)


async def apply(connection: KafkaConnection, *, replication_factor: int = 1) -> list[TopicChange]:
    """Create missing topics, add partitions, set settings that differ; safe to repeat. Undeclared settings stay.

    Raises:
        Transient: no broker answers.
        Refused: it answers, and refuses something about a topic.
    """
    return await _reconcile(connection, replication_factor=replication_factor, is_dry=False)


async def _reconcile(connection: KafkaConnection, *, replication_factor: int, is_dry: bool) -> list[TopicChange]:
    admin = AIOKafkaAdminClient(**connection.aiokafka())
    try:
        await admin.start()
        existing = set(await admin.list_topics())
        declared = every_topic()
        partitions = _counted(await admin.describe_topics([topic.name for topic in declared if topic.name in existing])) if existing else {}
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
            raise Refused(name, "created", code, rest[0] if rest else None)


def _counted(entries: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    for entry in entries:
        if entry["error_code"]:
            raise Refused(entry["topic"], "described", entry["error_code"], None)
    return {entry["topic"]: len(entry["partitions"]) for entry in entries}


@dataclass(frozen=True, slots=True)
class _Setting:
    """The value of one setting in force, and whether it was set on this topic itself."""

    value: str | None
    is_own: bool


async def _settings(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, _Setting]]:
    found: dict[str, dict[str, _Setting]] = {name: {} for name in names}
    if not names:
        return found
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    for response in await admin.describe_configs(resources):
        for code, message, _, name, entries in response.resources:
            if code:
                raise Refused(name, "described", code, message)
            # Name, value, whether it is read-only, where it comes from, and more.
            found[name] = {entry[0]: _Setting(entry[1], is_own=entry[3] == _SET_ON_TOPIC) for entry in entries}
    return found


async def _alter(admin: AIOKafkaAdminClient, topic: Topic, partitions: int, settings: dict[str, _Setting], *, is_dry: bool) -> TopicChange:
    wanted = topic.configuration
    present = {name: setting.value for name, setting in settings.items()}
    differing = {name: value for name, value in wanted.items() if present.get(name) != value}
    details = [f"{name}: {present.get(name)} to {value}" for name, value in differing.items()]
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
            # The request replaces all that is set on the topic: what an operator has set beside the declaration must go with it.
            kept = {name: setting.value for name, setting in settings.items() if setting.is_own}
            resource: Any = ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=kept | wanted)
            for response in await admin.alter_configs([resource]):
                for code, message, *_ in response.resources:
                    if code:
                        raise Refused(topic.name, "given its settings", code, message)
        if partitions < topic.partitions:
            await _add_partitions(admin, topic)
    return TopicChange(topic.name, "alter", "; ".join(details))


async def _add_partitions(admin: AIOKafkaAdminClient, topic: Topic) -> None:
    done = f"given {topic.partitions} partitions"
    try:
        response = await admin.create_partitions({topic.name: NewPartitions(topic.partitions)})
    except BrokerResponseError as error:  # newer clients raise what older ones return
        raise Refused(topic.name, done, error.errno, str(error)) from error
    for _, code, message in response.topic_errors:
        if code:
            raise Refused(topic.name, done, code, message)
