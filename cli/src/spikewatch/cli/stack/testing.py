"""A real Kafka and a real MongoDB for tests: the first step of the ladder that answers, and it says which.

1. Given: SPIKEWATCH_KAFKA_BOOTSTRAP and SPIKEWATCH_MONGODB_URI.
2. Containers: when SPIKEWATCH_TEST_STACK=containers asks for them, or an engine answers that already has the images.
3. Local processes, as `spikewatch up` starts them.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.stack.kafka_server import KafkaServer
from spikewatch.cli.stack.mongo_server import MongoServer

__all__ = ["CHOICE", "FaultyServer", "Servers", "servers"]

CHOICE: Final = "SPIKEWATCH_TEST_STACK"


class FaultyServer(Protocol):
    """A server that a test may kill and start again on the same address with the same records."""

    def start(self) -> None:
        """Start and wait until it serves."""

    def kill(self) -> None:
        """End it as a power cut would."""

    def restart(self) -> None:
        """Stop cleanly and start."""


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers of a test run.

    Attributes:
        description: which step of the ladder this is, for the run's output.
        kafka, mongo: handles for faults; None where the servers are not ours to kill.
    """

    bootstrap: str
    mongodb_uri: str
    description: str
    kafka: FaultyServer | None = None
    mongo: FaultyServer | None = None


@contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    """Start or find the servers; what was started ends with the block.

    Raises:
        CannotRun: one address of two is given, containers are asked for and no engine answers, or the local servers do not start.
    """
    bootstrap, uri = os.environ.get("SPIKEWATCH_KAFKA_BOOTSTRAP"), os.environ.get("SPIKEWATCH_MONGODB_URI")
    choice = os.environ.get(CHOICE, "")
    if choice not in {"", "containers", "local"}:
        raise CannotRun(f"{CHOICE} knows `containers` and `local`; leave it empty to take what answers first")
    if bool(bootstrap) != bool(uri):
        raise CannotRun("set both SPIKEWATCH_KAFKA_BOOTSTRAP and SPIKEWATCH_MONGODB_URI, or neither")
    if bootstrap and uri:
        yield Servers(bootstrap, uri, "given servers")
        return
    if choice != "local":
        from spikewatch.cli.stack import containers  # noqa: PLC0415  # testcontainers is there in tests only

        if containers.is_engine_ready(pulls=choice == "containers"):
            with containers.servers() as (kafka, mongo):
                described = f"containers ({containers.KAFKA_IMAGE}, {containers.MONGO_IMAGE})"
                yield Servers(kafka.bootstrap, mongo.uri, described, kafka, mongo)
            return
        if choice == "containers":
            raise CannotRun(f"{CHOICE}=containers, but no container engine answers; start one, or unset it for local processes")
    with _local(folder) as found:
        yield found


@contextmanager
def _local(folder: Path) -> Iterator[Servers]:
    kafka, mongo = KafkaServer(folder / "kafka"), MongoServer(folder / "mongo")
    with ExitStack() as ending, ThreadPoolExecutor(max_workers=2) as pool:
        ending.callback(kafka.stop)
        ending.callback(mongo.stop)
        for started in [pool.submit(kafka.start), pool.submit(mongo.start)]:
            started.result()
        yield Servers(kafka.bootstrap, mongo.uri, "local processes (Apache Kafka and mongod of the local stack)", kafka, mongo)
