"""A local stack under load: agencies that may send, what each consumer group has committed, what each process has used."""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from spikewatch.chassis.mongo import Mongo
from spikewatch.cli.county.load import LOAD_AGENCIES, load_directory
from spikewatch.cli.main import main as spikewatch
from spikewatch.cli.stack.stack import Stack, StackOptions
from spikewatch.contracts import topics
from spikewatch.ingest.adapters.mongo_api_keys import MongoApiKeys
from spikewatch.ingest.domain.api_key import new_key

__all__ = ["TRACING", "Groups", "MeasuredStack", "Usage", "measured_stack"]

TRACING: Final[Mapping[str, Mapping[str, str]]] = {
    "all": {},
    "tenth": {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"},
    "none": {"OTEL_TRACES_EXPORTER": "none"},
}


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used: seconds of CPU since its start, resident memory in MiB now."""

    cpu_seconds: float
    rss_mb: float

    def since(self, before: "Usage") -> "Usage":
        return Usage(self.cpu_seconds - before.cpu_seconds, self.rss_mb)


class MeasuredStack:
    """A running stack with the load agencies in its directory and an API key for each."""

    def __init__(self, stack: Stack, keys: dict[str, str]) -> None:
        self.stack = stack
        self.keys = keys

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.stack.instances_of('ingest')[0].http_port}/v1/submissions?format=statutory"

    def usage(self) -> dict[str, Usage]:
        """Return the use of every process of the stack; `receiver` is this process, which takes the traces."""
        pids = {service.instance: service.process.pid for service in self.stack.services}
        assert self.stack.kafka is not None
        assert self.stack.mongo is not None
        pids |= {"kafka": self.stack.kafka.process.pid, "mongod": self.stack.mongo.process.pid, "receiver": os.getpid()}
        found = {}
        for name, pid in pids.items():
            process = psutil.Process(pid)
            cpu = process.cpu_times()
            found[name] = Usage(cpu.user + cpu.system, process.memory_info().rss / 2**20)
        return found


@contextmanager
def measured_stack(env: Mapping[str, str]) -> Iterator[MeasuredStack]:
    """Start a stack in a folder of its own and stop it at the end."""
    with tempfile.TemporaryDirectory(prefix="spikewatch-bench-") as folder, Stack(Path(folder) / "stack", StackOptions(env=env)) as stack:
        records = Path(folder) / "directory.json"
        records.write_text(json.dumps(load_directory(datetime.now(UTC))), encoding="utf-8")
        address = f"127.0.0.1:{stack.instances_of('directory')[0].grpc_port}"
        assert spikewatch(["directory", "load", str(records), "--address", address]) == 0
        yield MeasuredStack(stack, asyncio.run(_issue_keys(stack.mongodb_uri)))


async def _issue_keys(mongodb_uri: str) -> dict[str, str]:
    mongo = Mongo(mongodb_uri, "spikewatch_ingest")
    try:
        store, issued = MongoApiKeys(mongo), {}
        await store.prepare()
        for agency in LOAD_AGENCIES:
            issued[agency], key = new_key(agency, now=datetime.now(UTC), entropy=os.urandom)
            await store.add(key)
        return issued
    finally:
        mongo.close()


class Groups:
    """What every consumer group has committed of what its topic holds. Keeps its connections: a look is cheap."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
        self._pairs = [(topic, group) for topic in topics.ALL for group in topic.consumers]

    async def __aenter__(self) -> Self:
        await self._admin.start()
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()
        await self._consumer.stop()

    async def look(self) -> dict[str, tuple[int, int]]:
        """Return (committed, end) by group, over all partitions."""
        found = {}
        for topic, group in self._pairs:
            partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
            # Committed first: what is written in between can only make the group look behind, never done too early.
            committed = await self._admin.list_consumer_group_offsets(group, partitions=partitions)
            ends = await self._consumer.end_offsets(partitions)
            found[group] = (sum(max(0, committed[one].offset) for one in partitions), sum(ends.values()))
        return found

    async def wait_idle(self, seconds: float) -> None:
        """Wait until every group has committed all its topic holds, and nothing new came of it."""
        deadline = time.monotonic() + seconds
        idle = 0
        while idle < 2:
            idle = idle + 1 if all(done == end for done, end in (await self.look()).values()) else 0
            assert time.monotonic() < deadline, f"not idle within {seconds:.0f} s"
            await asyncio.sleep(0.1)
