"""Kafka and MongoDB in containers for tests, on fixed host ports: a killed container must come back on its address.

testcontainers' own KafkaContainer drives the scripts of another image, and its MongoDbContainer has no replica set.
"""

import os
import socket
import urllib.parse
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import docker  # type: ignore[import-untyped]  # no types are shipped
from docker.errors import DockerException  # type: ignore[import-untyped]  # as above
from testcontainers.core.container import DockerContainer
from typing_extensions import override

from spikewatch.cli.stack import kafka_probe
from spikewatch.cli.stack.mongo_server import prepare_primary
from spikewatch.cli.stack.ports import LOOPBACK, answers, free_port
from spikewatch.cli.stack.waiting import wait_for

__all__ = ["KAFKA_IMAGE", "MONGO_IMAGE", "KafkaContainer", "MongoContainer", "is_engine_ready", "servers"]

KAFKA_IMAGE: Final = "apache/kafka:4.3.0"
MONGO_IMAGE: Final = "mongo:8.0"
_ENGINE_S: Final = 3
_START_S: Final = 120.0  # image layers may still be unpacked
_MAX_RECORD_BYTES: Final = 12 * 1_048_576


def is_engine_ready(*, pulls: bool) -> bool:
    """Say whether a container engine answers and, unless images may be pulled, already has both."""
    if not _answers(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"):
        return False
    try:
        client = docker.from_env(timeout=_ENGINE_S)
    except DockerException:
        return False
    try:
        client.ping()
        if not pulls:
            for image in (KAFKA_IMAGE, MONGO_IMAGE):
                client.images.get(image)
    except (DockerException, OSError):
        return False
    finally:
        client.close()
    return True


def _answers(engine: str) -> bool:
    """Ask with a socket of our own first: docker's client leaves one open when nobody answers, which is an error in tests."""
    where = urllib.parse.urlsplit(engine)
    if where.scheme != "unix":
        return where.hostname is not None and answers(where.hostname, where.port or 2375)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(_ENGINE_S)
        try:
            asking.connect(where.path)
        except OSError:
            return False
        return True


class _Container(ABC):
    """A container that can be killed and started again."""

    def __init__(self, container: DockerContainer) -> None:
        self._container = container
        self._is_created = False

    def start(self) -> None:
        """Start and wait until it serves."""
        if self._is_created:
            self._container.get_wrapped_container().start()
        else:
            self._container.start()
            self._is_created = True
        wait_for(self.is_ready, timeout_s=_START_S, what=f"the container of {self._container.image}")

    @abstractmethod
    def is_ready(self) -> bool:
        """Say whether clients are served."""

    def kill(self) -> None:
        """End it with SIGKILL; its disk stays."""
        self._container.get_wrapped_container().kill()

    def restart(self) -> None:
        """Stop cleanly and start."""
        self._container.get_wrapped_container().stop()
        self.start()

    def remove(self) -> None:
        """Remove it with its disk."""
        self._container.stop()


class KafkaContainer(_Container):
    """One KRaft node of the official image."""

    def __init__(self) -> None:
        self.port = free_port()
        container = DockerContainer(KAFKA_IMAGE).with_bind_ports(9092, self.port)
        for name, value in kafka_environment(self.port).items():
            container = container.with_env(name, value)
        super().__init__(container)

    @property
    def bootstrap(self) -> str:
        """The address for clients, host:port."""
        return f"{LOOPBACK}:{self.port}"

    @override
    def is_ready(self) -> bool:
        """Say whether the broker lists itself."""
        return bool(kafka_probe.brokers(LOOPBACK, self.port))


class MongoContainer(_Container):
    """A replica set of one. It listens on the same port inside and outside: the member's name must be reachable from both."""

    def __init__(self) -> None:
        self.port = free_port()
        command = f"--replSet rs0 --bind_ip_all --port {self.port}"
        super().__init__(DockerContainer(MONGO_IMAGE).with_bind_ports(self.port, self.port).with_command(command))

    @property
    def uri(self) -> str:
        """The connection string for clients."""
        return f"mongodb://{LOOPBACK}:{self.port}/?replicaSet=rs0"

    @override
    def is_ready(self) -> bool:
        """Initiate the set when needed, and say whether there is a primary."""
        return prepare_primary(self.port)


def kafka_environment(port: int) -> dict[str, str]:
    """Return the settings of the official image for one node that clients reach on a host port."""
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{LOOPBACK}:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "5",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_BROKER_SESSION_TIMEOUT_MS": "2000",
        "KAFKA_BROKER_HEARTBEAT_INTERVAL_MS": "500",
        "KAFKA_MESSAGE_MAX_BYTES": str(_MAX_RECORD_BYTES),
        "KAFKA_REPLICA_FETCH_MAX_BYTES": str(_MAX_RECORD_BYTES),
    }


@contextmanager
def servers() -> Iterator[tuple[KafkaContainer, MongoContainer]]:
    """Start both containers; they are removed at the end of the block."""
    kafka, mongo = KafkaContainer(), MongoContainer()
    try:
        kafka.start()
        mongo.start()
        yield kafka, mongo
    finally:
        kafka.remove()
        mongo.remove()
