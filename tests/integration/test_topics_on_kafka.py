"""How topics are changed, on a real broker: what it refuses is told, what an operator has set stays."""

import asyncio
import re
import time
import uuid
from collections.abc import AsyncIterator, Mapping

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import UnknownTopicOrPartitionError
from spikewatch_testing.patience import PATIENCE_S
from spikewatch_testing.slow_service import scratch_topic

from spikewatch.chassis.kafka.topics_admin import Refused, _add_partitions, _alter, _settings
from spikewatch.cli.stack.testing import Servers
from spikewatch.contracts.topics import Topic

pytestmark = pytest.mark.integration


@pytest.fixture
async def admin(real_servers: Servers) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=real_servers.bootstrap)
    await client.start()
    yield client
    await client.close()


async def own_settings(admin: AIOKafkaAdminClient, topic: Topic) -> dict[str, str | None]:
    """Return what is set on the topic itself; nothing where the broker does not know the topic yet."""
    try:
        settings = (await _settings(admin, [topic.name]))[topic.name]
    except Refused as refused:
        if refused.code != UnknownTopicOrPartitionError.errno:
            raise
        return {}
    return {name: setting.value for name, setting in settings.items() if setting.is_own}


async def has_own(admin: AIOKafkaAdminClient, topic: Topic, expected: Mapping[str, str]) -> None:
    """Wait until exactly this is set on the topic: the broker applies soon after it has answered."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := await own_settings(admin, topic)) != expected:
        assert time.monotonic() < deadline, f"set on the topic is {found}"
        await asyncio.sleep(0.05)


@pytest.fixture
async def topic(admin: AIOKafkaAdminClient) -> AsyncIterator[Topic]:
    made = scratch_topic(f"test.topics-{uuid.uuid4().hex[:12]}")
    await admin.create_topics([NewTopic(made.name, num_partitions=made.partitions, replication_factor=1, topic_configs=made.configuration)])
    await has_own(admin, made, made.configuration)
    yield made
    await admin.delete_topics([made.name])


async def test_a_setting_that_the_broker_refuses_is_told_with_its_topic_and_code(admin: AIOKafkaAdminClient, topic: Topic) -> None:
    with pytest.raises(Refused, match=rf"{re.escape(topic.name)} was not given its settings, code 40 \(InvalidConfig"):
        await _alter(admin, topic.model_copy(update={"max_message_bytes": -5_000}), topic.partitions, {}, is_dry=False)
    with pytest.raises(Refused, match=r"was not given 2 partitions, code 37 \(InvalidPartitions"):
        await _add_partitions(admin, topic.model_copy(update={"partitions": 2}))


async def test_a_change_of_declared_settings_leaves_what_an_operator_has_set(admin: AIOKafkaAdminClient, topic: Topic) -> None:
    operators = {"min.insync.replicas": "1", "segment.ms": "86400000"}
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=topic.configuration | operators)])
    await has_own(admin, topic, topic.configuration | operators)
    wanted = topic.model_copy(update={"max_message_bytes": 2 * topic.max_message_bytes})
    settings = (await _settings(admin, [topic.name]))[topic.name]
    assert (await _alter(admin, wanted, topic.partitions, settings, is_dry=False)).action == "alter"
    await has_own(admin, topic, operators | wanted.configuration)


async def test_the_request_itself_would_take_away_what_it_does_not_name(admin: AIOKafkaAdminClient, topic: Topic) -> None:
    # Why the operator's settings are sent along: should a broker or client ever keep them by itself, this fails and the detour can go.
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, configs={"segment.ms": "86400000"})])
    await has_own(admin, topic, {"segment.ms": "86400000"})
