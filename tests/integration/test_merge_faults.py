"""A merge that is cut in two, on real Kafka and mongod: killed at the very write, frozen until another instance took over, rebalanced.

Versions, former ids and tombstones are afterwards those of a run that nothing disturbed.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from shapely.geometry import box
from spikewatch_testing.halting_enrichment import FOLDER, HALTED, POINT, RELEASED, Point
from spikewatch_testing.matching_histories import CALL, CREW, OFFICER, PLACES, SAID, WEIGHTS
from spikewatch_testing.patience import PATIENCE_S
from spikewatch_testing.pipeline import wait_until

from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.kafka.publisher import Publisher
from spikewatch.chassis.kafka.reader import committed_offsets, end_offsets, read_all
from spikewatch.chassis.mongo import Mongo
from spikewatch.chassis.outcome import Transient
from spikewatch.cli.county.geography import feature_collection
from spikewatch.cli.stack.stack import Stack, StackOptions
from spikewatch.contracts import identifiers, topics
from spikewatch.contracts.report import LocatedReport, Location, Report, Victims
from spikewatch.contracts.vocabulary import SourceType, TimeBasis, TimePrecision
from spikewatch.enrichment.domain.geography import Atlas, Place
from spikewatch.enrichment.domain.locate import Geodata, locate
from spikewatch.enrichment.domain.transition import StoredIncident
from spikewatch.enrichment.handlers import MERGED_INTO, incident_message, located_message
from spikewatch.enrichment.service import MatchReports, Publication
from spikewatch.enrichment.testing import InMemoryMatchStore

pytestmark = [pytest.mark.integration, pytest.mark.slow(100)]

GROUP = "enrichment-match"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
COUNTIES = Geodata(Atlas([Place("county:99001", "Cedar", box(-80, 40, -79, 41)), Place("county:99003", "Alder", box(-79, 40, -78, 41))]))

# One message each, so that every run takes them in the same batches. The third of each merges two incidents.
BRIDGE: tuple[dict[str, Any], ...] = (
    {"record": "1", **CREW, "location": PLACES[0]},
    {"record": "2", **OFFICER, "location": PLACES[2], "minutes": 30},
    {"record": "3", **CALL, "location": PLACES[1], "minutes": 20},
    {"record": "3", **CALL, "location": PLACES[1], "minutes": 20, "revision": 2, "withdrawn": True},
    {"record": "4", **CREW, "location": PLACES[2], "minutes": 31, "age": 60},
)
# On both sides of a county's border, so in two partitions: what comes last founds the incident, and is that of the other side.
BORDER: tuple[dict[str, Any], ...] = (
    {"record": "1", **OFFICER, "location": PLACES[3], "minutes": 4, **SAID},
    {"record": "2", **CREW, "location": PLACES[4], "minutes": 8, **SAID},
    {"record": "3", **CALL, "location": PLACES[3], **SAID},
    {"record": "2", **CREW, "location": PLACES[4], "minutes": 9_000.0, "revision": 2},
)


def report(day: int, *, record: str, agency: str, revision: int = 1, minutes: float = 0.0, **said: Any) -> LocatedReport:
    """Make a located report; those of different days have nothing to do with one another."""
    number = f"{day}-{record}"
    values: dict[str, Any] = {
        "report_id": identifiers.report_id(agency, number, revision),
        "report_key": identifiers.report_key(agency, number),
        "source_agency_id": agency,
        "source_record_id": number,
        "revision": revision,
        "source_type": SourceType.EMS,
        "occurred_at": NOON + timedelta(days=20 * day, minutes=minutes),
        "occurred_at_basis": TimeBasis.DISPATCH,
        "occurred_at_precision": TimePrecision.SECOND,
        "received_at": datetime.now(UTC).replace(microsecond=0),
        "location": Location(**said.pop("location")),
        "victims": Victims(**{name: said.pop(name) for name in ("age", "sex") if name in said}),
        "submission_id": UUID(int=revision),
        "submission_format": "json",
    }
    return locate([Report(**(values | said))], COUNTIES)[0]


Told = dict[UUID, tuple[bytes | None, bytes | None, bytes | None]]
"""Of each incident what its topic holds: the id of the event, which follows from the version; the body; where its reports went."""


class Works:
    """Kafka and mongod of the test's own, and the instances of enrichment that come and go."""

    def __init__(self, folder: Path) -> None:
        geography = folder / "geography"
        geography.mkdir()
        (geography / "counties.geojson").write_text(json.dumps(feature_collection()), encoding="utf-8")
        self.env = {"SPIKEWATCH_ENRICHMENT_GEOGRAPHY": str(geography)}
        with pytest.MonkeyPatch.context() as patch:
            for name in ("SPIKEWATCH_KAFKA_BOOTSTRAP", "SPIKEWATCH_MONGODB_URI"):
                patch.delenv(name, raising=False)
            self.stack = Stack(folder / "stack", StackOptions(env=self.env, services=()))
            self.stack.start()
        self.connection = KafkaConnection((self.stack.kafka_bootstrap,), "test")

    def halting(self, folder: Path, point: Point) -> "subprocess.Popen[bytes]":
        """Start the instance that stands still in a merge."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("OTEL_")},
            **self.env,
            "PYTHONPATH": str(Path(__file__).parents[1] / "support"),
            "SPIKEWATCH_KAFKA_BOOTSTRAP": self.stack.kafka_bootstrap,
            "SPIKEWATCH_MONGODB_URI": self.stack.mongodb_uri,
            FOLDER: str(folder),
            POINT: point.value,
        }
        with (folder / "log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "spikewatch_testing.halting_enrichment"], env=environment, stdout=log, stderr=log
            )

    def send(self, one: LocatedReport) -> None:
        """Put a report on the topic."""

        async def publish() -> None:
            publisher = Publisher(self.connection)
            await publisher.start()
            try:
                await publisher.send([located_message(one)])
            finally:
                await publisher.stop()

        asyncio.run(publish())

    def is_done(self) -> bool:
        """Whether all that was sent is matched and committed."""

        async def look() -> bool:
            ends = await end_offsets(self.connection, topics.LOCATED.name)
            committed = await committed_offsets(self.connection, topics.LOCATED.name, GROUP)
            return all(committed[partition] >= end for partition, end in ends.items())

        try:
            return asyncio.run(look())
        except (Transient, KafkaError):  # a broker that just started has no coordinator yet
            return False

    def is_rebalancing(self) -> bool:
        """Whether the group waits for a member that must let go of its partitions."""

        async def state() -> str:
            admin = AIOKafkaAdminClient(**self.connection.aiokafka())
            await admin.start()
            try:
                (answer,) = await admin.describe_consumer_groups([GROUP])
            finally:
                await admin.close()
            _, _, found, *_ = answer.groups[0]
            return str(found)

        return asyncio.run(state()) == "PreparingRebalance"

    def told(self, ids: Sequence[UUID]) -> Told:
        """Return the newest record of each of these incidents on its topic."""

        async def read() -> Told:
            found: Told = {}
            async for record in read_all(self.connection, topics.INCIDENTS.name):
                found[UUID((record.key or b"").decode())] = (record.header("ce_id"), record.value, record.header(MERGED_INTO))
            return {identity: one for identity, one in found.items() if identity in ids}

        return asyncio.run(read())

    def stored(self, ids: Sequence[UUID]) -> list[tuple[object, ...]]:
        """Return what the database tells of these incidents' past."""

        async def read() -> list[tuple[object, ...]]:
            mongo = Mongo(self.stack.mongodb_uri, "spikewatch_enrichment")
            try:
                kept = await mongo.collection("incidents").find({"_id": {"$in": list(ids)}})
            finally:
                mongo.close()
            names = ("_id", "version", "active", "body", "aliases", "split_from", "merged_into")
            return sorted((tuple(one[name] for name in names) for one in kept), key=lambda one: str(one[0]))

        return asyncio.run(read())


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    running = Works(tmp_path_factory.mktemp("merges"))
    yield running
    running.stack.stop()


def undisturbed(reports: Sequence[LocatedReport]) -> dict[UUID, StoredIncident]:
    """Return the incidents of one instance that took each report by itself."""

    async def play() -> dict[UUID, StoredIncident]:
        store = InMemoryMatchStore()
        for one in reports:
            await MatchReports(store, WEIGHTS).apply([one])
        return store.kept_incidents

    return asyncio.run(play())


def as_told(one: StoredIncident) -> tuple[bytes | None, bytes | None, bytes | None]:
    message = incident_message(Publication(one, frozenset()), ())
    return str(message.event_id).encode(), one.body, dict(message.headers).get(MERGED_INTO)


Fault = Callable[[Works, "subprocess.Popen[bytes]", Path], None]


def killed(works: Works, standing: "subprocess.Popen[bytes]", _folder: Path) -> None:
    standing.send_signal(signal.SIGKILL)
    standing.wait()
    works.stack.add_instance("enrichment")


def frozen(works: Works, standing: "subprocess.Popen[bytes]", folder: Path) -> None:
    """Stop its clock until Kafka takes it for dead and another instance has done its work; then it goes on with its stale write."""
    standing.send_signal(signal.SIGSTOP)
    try:
        works.stack.add_instance("enrichment")
        wait_until(works.is_done, "the other instance took over")
    finally:
        (folder / RELEASED).touch()
        standing.send_signal(signal.SIGCONT)


def joined(works: Works, standing: "subprocess.Popen[bytes]", folder: Path) -> None:
    """Let another instance join while it stands: the group waits for the batch in hand, and shares the partitions then."""
    with ThreadPoolExecutor(1) as aside:
        other = aside.submit(works.stack.add_instance, "enrichment")  # it is ready when the group has shared out its partitions
        wait_until(works.is_rebalancing, "the group waits for the batch in hand")
        assert standing.poll() is None
        (folder / RELEASED).touch()
        other.result()


@pytest.mark.parametrize(
    ("day", "history", "fault", "point"),
    [
        (0, BRIDGE, killed, Point.BEFORE_THE_TOMBSTONE),
        (1, BORDER, killed, Point.BEFORE_PUBLISHING),
        (2, BORDER, frozen, Point.BEFORE_THE_TOMBSTONE),
        (3, BRIDGE, joined, Point.BEFORE_THE_TOMBSTONE),
    ],
    ids=["killed-bridge", "killed-border", "frozen-border", "joined-bridge"],
)
def test_a_merge_cut_in_two_tells_of_the_ids_what_an_undisturbed_one_does(
    works: Works, tmp_path: Path, day: int, history: Sequence[dict[str, Any]], fault: Fault, point: Point
) -> None:
    reports = [report(day, **one) for one in history]
    expected = undisturbed(reports)
    merging = [any(one.merged_into for one in undisturbed(reports[:count]).values()) for count in (2, 3)]
    assert merging == [False, True], "the third of them merges"
    standing = works.halting(tmp_path, point)
    try:
        for one in reports[:2]:
            works.send(one)
            wait_until(works.is_done, "what comes before the merge is done")
        works.send(reports[2])
        wait_until((tmp_path / HALTED).exists, "it stands in the merge")
        assert not works.is_done()
        fault(works, standing, tmp_path)
        for one in reports[3:]:
            wait_until(works.is_done, "the merge is done")
            works.send(one)
        wait_until(works.is_done, "all is done")
        assert works.told(list(expected)) == {key: as_told(one) for key, one in expected.items()}
        assert works.stored(list(expected)) == sorted(
            ((key, one.version, one.active, one.body, list(one.aliases), one.split_from, one.merged_into) for key, one in expected.items()),
            key=lambda one: str(one[0]),
        )
    finally:
        if standing.poll() is None:
            standing.send_signal(signal.SIGCONT)
            (tmp_path / RELEASED).touch()
            standing.terminate()
        standing.wait(PATIENCE_S)
        for service in works.stack.services:
            service.stop()
        works.stack.services.clear()
