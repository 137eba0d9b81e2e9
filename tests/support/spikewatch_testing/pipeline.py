"""A whole pipeline for a test: a local stack, agencies that may send, and what stands on every topic afterwards."""

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.kafka.message import Record
from spikewatch.chassis.kafka.reader import committed_offsets, end_offsets, read_all
from spikewatch.chassis.mongo import Mongo
from spikewatch.chassis.outcome import Transient
from spikewatch.cli.county.directory import directory_records
from spikewatch.cli.county.geography import feature_collection
from spikewatch.cli.main import main as spikewatch
from spikewatch.cli.stack.stack import Stack, StackOptions
from spikewatch.cli.stack.trace_store import TraceStore
from spikewatch.cli.stack.trace_tree import Span, decode
from spikewatch.contracts import topics
from spikewatch.ingest.adapters.mongo_api_keys import MongoApiKeys
from spikewatch.ingest.domain.api_key import new_key
from spikewatch_testing.patience import PATIENCE_S

_GIVEN_SERVERS = ("SPIKEWATCH_KAFKA_BOOTSTRAP", "SPIKEWATCH_MONGODB_URI")


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = PATIENCE_S) -> None:
    """Poll until the condition holds.

    Raises:
        AssertionError: it did not within the time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.1)  # the pause between two looks, not a wait for an effect


@dataclass
class Pipeline:
    """A running stack with the fictional county's directory loaded."""

    stack: Stack
    gateway_url: str
    keys: dict[str, str] = field(default_factory=dict)

    @classmethod
    def start(
        cls, folder: Path, *, instances: Mapping[str, int] | None = None, env: Mapping[str, str] | None = None, own_servers: bool = False
    ) -> "Pipeline":
        """Start a stack of its own and load the directory; ``own_servers``: not on the run's Kafka and MongoDB, if any are given."""
        geography = folder / "geography"
        geography.mkdir(parents=True, exist_ok=True)
        (geography / "cedar-county.geojson").write_text(json.dumps(feature_collection()), encoding="utf-8")
        settings = {"SPIKEWATCH_ENRICHMENT_GEOGRAPHY": str(geography), **(env or {})}
        with pytest.MonkeyPatch.context() as patch:
            for name in _GIVEN_SERVERS if own_servers else ():
                patch.delenv(name, raising=False)
            stack = Stack(folder / "stack", StackOptions(instances=instances or {}, env=settings))
            stack.start()
        # The port is chosen once: the address stays while the service restarts.
        pipeline = cls(stack, f"http://127.0.0.1:{stack.instances_of('ingest')[0].http_port}")
        try:
            pipeline.load_directory(folder, directory_records())
        except BaseException:
            stack.stop()
            raise
        return pipeline

    @property
    def connection(self) -> KafkaConnection:
        """How to reach its Kafka."""
        return KafkaConnection((self.stack.kafka_bootstrap,), "test")

    @property
    def kafka_bootstrap(self) -> str:
        """Its Kafka, host:port."""
        return self.stack.kafka_bootstrap

    @property
    def mongodb_uri(self) -> str:
        """Its MongoDB."""
        return self.stack.mongodb_uri

    @property
    def directory_address(self) -> str:
        """Where its directory listens, host:port."""
        return f"127.0.0.1:{self.stack.instances_of('directory')[0].grpc_port}"

    def load_directory(self, folder: Path, records: Sequence[Mapping[str, Any]]) -> None:
        """Upsert records into the directory through its gRPC interface."""
        path = folder / "directory.json"
        path.write_text(json.dumps(records), encoding="utf-8")
        assert spikewatch(["directory", "load", str(path), "--address", self.directory_address]) == 0

    def issue_key(self, agency: str) -> str:
        """Return an API key of the agency, the same on each call."""
        if agency not in self.keys:
            self.keys[agency] = asyncio.run(self._issue(agency))
        return self.keys[agency]

    async def _issue(self, agency: str) -> str:
        mongo = Mongo(self.mongodb_uri, "spikewatch_ingest")
        try:
            text, key = new_key(agency, now=datetime.now(UTC), entropy=os.urandom)
            keys = MongoApiKeys(mongo)
            await keys.prepare()
            await keys.add(key)
            return text
        finally:
            mongo.close()

    def post(
        self, agency: str, body: bytes | str, *, content_type: str = "application/json", form: str = "statutory", **headers: str
    ) -> httpx.Response:
        """POST one submission."""
        return httpx.post(
            f"{self.gateway_url}/v1/submissions",
            params={"format": form},
            content=body,
            headers={"Authorization": f"Bearer {self.issue_key(agency)}", "Content-Type": content_type, **headers},
            timeout=PATIENCE_S,
        )

    def accept(self, agency: str, records: Sequence[Mapping[str, Any]], **options: str) -> str:
        """POST records, assert 202, return the submission id."""
        answer = self.post(agency, json.dumps(list(records)), **options)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["submission_id"])

    def receipt(self, agency: str, submission: str) -> dict[str, Any]:
        """GET what became of a submission."""
        answer = httpx.get(
            f"{self.gateway_url}/v1/submissions/{submission}",
            headers={"Authorization": f"Bearer {self.issue_key(agency)}"},
            timeout=PATIENCE_S,
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def settle(self, *, seconds: float = PATIENCE_S) -> None:
        """Wait until every group has processed all that its topic holds, and nothing new came of it.

        Raises:
            AssertionError: it did not within the time; with the last lines of each service that is not ready.
        """
        try:
            wait_until(self._is_settled, "the pipeline settles", seconds=seconds)
        except AssertionError as error:
            logs = [f"{one.process.name} is not ready:\n{one.process.log_tail()}" for one in self.stack.services if not one.is_ready()]
            raise AssertionError("\n".join([str(error), *logs])) from None

    def _is_settled(self) -> bool:
        try:
            return asyncio.run(self._has_no_backlog()) and asyncio.run(self._has_no_backlog())
        except Transient:
            return False

    async def _has_no_backlog(self) -> bool:
        for topic in topics.ALL:
            ends = await end_offsets(self.connection, topic.name)
            for group in topic.consumers:
                committed = await committed_offsets(self.connection, topic.name, group)
                if any(committed[partition] < end for partition, end in ends.items()):
                    return False
        return True

    def records(self, topic: topics.Topic | str) -> list[Record]:
        """Return all records of a topic."""
        name = topic if isinstance(topic, str) else topic.name

        async def read() -> list[Record]:
            return [record async for record in read_all(self.connection, name)]

        return asyncio.run(read())

    def current(self, topic: topics.Topic) -> dict[str, dict[str, Any]]:
        """Return what a compacted topic holds: the last value of each key, without those that were taken back."""
        latest: dict[str, bytes | None] = {}
        for record in self.records(topic):
            latest[(record.key or b"").decode()] = record.value
        return {key: json.loads(value) for key, value in latest.items() if value is not None}

    def reports(self) -> dict[str, dict[str, Any]]:
        """Return the distinct reports by report id."""
        return {body["report_id"]: body for body in (json.loads(record.value or b"") for record in self.records(topics.REPORTS))}

    def dead_letters(self, topic: topics.Topic = topics.SUBMISSIONS) -> list[Record]:
        """Return the distinct dead letters of a topic."""
        found: dict[bytes, Record] = {}
        for group in topic.consumers:
            for record in self.records(topic.dead_letter(group).name):
                found.setdefault(record.header("dlq-id") or b"", record)
        return list(found.values())

    def incidents(self) -> dict[str, dict[str, Any]]:
        """Return the incidents that stand."""
        return self.current(topics.INCIDENTS)

    def current_contributions(self, area: str) -> list[dict[str, Any]]:
        """Return what counts in an area now."""
        return [body for key, body in self.current(topics.CONTRIBUTIONS).items() if key.startswith(f"{area}|")]

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that stand, retracted ones left out."""
        return [alert for alert in self.current(topics.ALERTS).values() if alert["status"] != "retracted"]

    def spans(self, trace_id: str) -> list[Span]:
        """Return the spans of a trace that the services exported so far."""
        assert self.stack.traces is not None
        store = TraceStore(self.stack.traces.file)
        try:
            return [span for body in store.holding(bytes.fromhex(trace_id)) for span in decode(body) if span.trace_id == trace_id]
        finally:
            store.close()

    def state(self) -> dict[str, Any]:
        """Return what must be equal whatever the order, the repetitions and the number of instances.

        Versions, ids of alerts, histories and traces depend on the way; incidents, overdoses and what the alerts say do not.
        """
        incidents = {
            key: {
                "occurred_at": body["occurred_at"],
                "areas": sorted(body["areas"]),
                "overdoses": sorted(
                    (part["overdose_id"], part["outcome"], tuple(sorted(link["report_id"] for link in part["reports"])))
                    for part in body["overdoses"]
                ),
            }
            for key, body in self.incidents().items()
        }
        alerts = sorted(
            (
                body["rule"]["rule_id"],
                body["area"],
                body["opened_at"],
                body["last_met_at"],
                body["status"],
                body["window"]["start"],
                body["window"]["end"],
                body["observed"],
                tuple(sorted(part["incident_id"] for part in body["contributors"])),
            )
            for body in self.alerts()
        )
        contributions = sorted(self.current(topics.CONTRIBUTIONS))
        return {"incidents": incidents, "alerts": alerts, "contributions": contributions, "reports": sorted(self.reports())}

    def stop(self) -> None:
        """Stop everything."""
        self.stack.stop()
