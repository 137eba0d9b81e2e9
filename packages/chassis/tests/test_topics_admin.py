"""What a broker refuses about a topic is told, never passed over. The admin client is a stand-in that answers as a broker would."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import PolicyViolationError

from spikewatch.chassis.kafka import topics_admin
from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.kafka.topics_admin import Refused, apply, plan
from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.topics import REPORTS, every_topic

CONNECTION = KafkaConnection(("kafka.example:9092",), "test")


@dataclass
class Broker:
    """A cluster as declared but for what a test changes; ``codes`` are the answers to each kind of request about REPORTS."""

    codes: dict[str, int] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    partitions: dict[str, int] = field(default_factory=dict)
    settings: dict[str, str] | None = None
    defaults: frozenset[str] = frozenset()
    raises: Exception | None = None
    asked: list[str] = field(default_factory=list)
    given: dict[str, str] = field(default_factory=dict)

    def _code(self, request: str, topic: str) -> tuple[int, str | None]:
        code = self.codes.get(request, 0) if topic == REPORTS.name else 0
        return code, "the broker's own words" if code else None

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def list_topics(self) -> list[str]:
        return [topic.name for topic in every_topic() if topic.name not in self.missing]

    async def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        counts = {topic.name: self.partitions.get(topic.name, topic.partitions) for topic in every_topic()}
        return [{"topic": name, "error_code": self._code("describe", name)[0], "partitions": [{}] * counts[name]} for name in names]

    async def describe_configs(self, resources: list[Any]) -> list[Any]:
        declared = {topic.name: topic.configuration for topic in every_topic()}
        if self.settings is not None:
            declared[REPORTS.name] = self.settings
        names = [resource.name for resource in resources]
        entries = {name: [self._entry(setting, value) for setting, value in declared[name].items()] for name in names}
        return [SimpleNamespace(resources=[(*self._code("settings", name), 2, name, entries[name]) for name in names])]

    def _entry(self, setting: str, value: str) -> tuple[str, str, bool, int, bool, list[Any]]:
        return setting, value, False, 5 if setting in self.defaults else 1, False, []

    async def create_topics(self, wanted: list[Any], timeout_ms: int) -> Any:
        self.asked += [f"create {topic.name}" for topic in wanted]
        return SimpleNamespace(topic_errors=[(topic.name, *self._code("create", topic.name)) for topic in wanted])

    async def alter_configs(self, resources: list[Any]) -> list[Any]:
        self.asked += [f"alter {resource.name}" for resource in resources]
        self.given = {name: value for resource in resources for name, value in resource.configs.items()}
        return [SimpleNamespace(resources=[(*self._code("alter", resource.name), 2, resource.name) for resource in resources])]

    async def create_partitions(self, wanted: dict[str, Any]) -> Any:
        self.asked += [f"add to {name}" for name in wanted]
        if self.raises:
            raise self.raises
        return SimpleNamespace(topic_errors=[(name, *self._code("partitions", name)) for name in wanted])


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()
    monkeypatch.setattr(topics_admin, "AIOKafkaAdminClient", lambda **_: broker)
    return broker


async def test_a_cluster_as_declared_is_left_alone(cluster: Broker) -> None:
    assert {change.action for change in await apply(CONNECTION)} == {"ok"}
    assert cluster.asked == []


async def test_what_differs_is_changed_and_a_plan_changes_nothing(cluster: Broker) -> None:
    cluster.settings, cluster.partitions = {}, {REPORTS.name: 1}
    planned = {change.topic: change.action for change in await plan(CONNECTION)}
    assert cluster.asked == []
    assert {change.topic: change.action for change in await apply(CONNECTION)} == planned
    assert planned[REPORTS.name] == "alter"
    assert cluster.asked == [f"alter {REPORTS.name}", f"add to {REPORTS.name}"]


async def test_what_an_operator_has_set_beside_the_declaration_goes_with_the_change(cluster: Broker) -> None:
    cluster.settings = {"min.insync.replicas": "2", "segment.bytes": "1048576", "retention.ms": "1"}
    cluster.defaults = frozenset({"segment.bytes"})
    await apply(CONNECTION)
    assert cluster.given == {"min.insync.replicas": "2", **REPORTS.configuration}


@pytest.mark.parametrize(
    ("request_", "code", "done", "name", "remedy"),
    [
        ("alter", 40, "given its settings", "InvalidConfig", "does not take a setting"),
        ("alter", 29, "given its settings", "TopicAuthorizationFailed", "spikewatch topics acls"),
        ("alter", 31, "given its settings", "ClusterAuthorizationFailed", "spikewatch topics acls"),
        ("alter", 44, "given its settings", "PolicyViolation", "ask who runs it"),
        ("partitions", 37, f"given {REPORTS.partitions} partitions", "InvalidPartitions", "so many partitions"),
        ("create", 38, "created", "InvalidReplicationFactor", "--replication"),
        ("describe", 29, "described", "TopicAuthorizationFailed", "spikewatch topics acls"),
        ("settings", 29, "described", "TopicAuthorizationFailed", "spikewatch topics acls"),
        ("alter", 9_999, "given its settings", "Unknown", "the broker's log"),
    ],
)
async def test_what_the_broker_refuses_names_topic_code_and_what_to_do(
    cluster: Broker, request_: str, code: int, done: str, name: str, remedy: str
) -> None:
    cluster.codes, cluster.settings, cluster.partitions = {request_: code}, {}, {REPORTS.name: 1}
    cluster.missing = frozenset({REPORTS.name}) if request_ == "create" else frozenset()
    with pytest.raises(Refused) as caught:
        await apply(CONNECTION)
    assert str(caught.value).startswith(f"{REPORTS.name} was not {done}, code {code} ({name}")
    assert remedy in str(caught.value)
    assert not isinstance(caught.value, Transient), "trying again would not help"


async def test_a_refusal_that_the_client_raises_is_told_in_the_same_words(cluster: Broker) -> None:
    cluster.partitions, cluster.raises = {REPORTS.name: 1}, PolicyViolationError("no more partitions")
    with pytest.raises(Refused, match=rf"{REPORTS.name} was not given {REPORTS.partitions} partitions, code 44 \(PolicyViolation.*ask who"):
        await apply(CONNECTION)


async def test_a_topic_that_somebody_created_meanwhile_is_fine(cluster: Broker) -> None:
    cluster.codes, cluster.missing = {"create": 36}, frozenset({REPORTS.name})
    assert f"create {REPORTS.name}" not in cluster.asked
    actions = {change.topic: change.action for change in await apply(CONNECTION)}
    assert actions[REPORTS.name] == "create"
    assert cluster.asked == [f"create {REPORTS.name}"]
