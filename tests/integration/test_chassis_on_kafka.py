"""The chassis on a real broker: partitions change hands, a stop comes in mid-batch, the circuit opens and closes again."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from spikewatch_testing.patience import PATIENCE_S
from spikewatch_testing.slow_service import GROUP, NOTES, TOPIC, create, scratch_topic, work_of

from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.kafka.message import Event, Message, Record
from spikewatch.chassis.kafka.publisher import Publisher
from spikewatch.chassis.kafka.reader import committed_offsets, end_offsets, read_all
from spikewatch.chassis.kafka.subscription import Handler, Subscription
from spikewatch.chassis.outcome import DeadLetter, Drop, Outcome, Reason
from spikewatch.chassis.runtime import Runtime
from spikewatch.chassis.settings import ChassisSettings
from spikewatch.cli.stack.testing import Servers
from spikewatch.contracts import topics

pytestmark = [pytest.mark.integration, pytest.mark.slow(50)]


class Bench:
    """A topic of its own on the run's real broker, and runtimes that consume it in this process."""

    def __init__(self, servers: Servers, ending: AsyncExitStack) -> None:
        self.servers = servers
        self.connection = KafkaConnection((servers.bootstrap,), "test")
        self.topic = scratch_topic(f"test.chassis-{uuid.uuid4().hex[:12]}")
        self._ending = ending

    def runtime(self, name: str, handle: Handler[bytes], **settings: object) -> tuple[Runtime, "asyncio.Task[None]"]:
        """Return a runtime and the task that starts it and ends when it is ready."""
        values = {"kafka_bootstrap": self.servers.bootstrap, "mongodb_uri": self.servers.mongodb_uri, "instance": name}
        runtime = Runtime("probe", ChassisSettings.model_validate(values | settings))

        async def build(runtime: Runtime, _: ChassisSettings) -> None:
            runtime.subscribe(Subscription(self.topic, GROUP, handle))

        async def start() -> None:
            await runtime.start(build)
            await runtime.wait_ready()

        starting = asyncio.create_task(start())

        async def stop() -> None:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            await runtime.stop()

        self._ending.push_async_callback(stop)
        return runtime, starting

    async def produce(self, count: int, *, first: int = 0) -> None:
        publisher = Publisher(self.connection)
        await publisher.start()
        try:
            await publisher.send(
                Message(
                    topic=self.topic,
                    key=f"key-{number}",
                    body=str(number).encode(),
                    event_type=topics.EventType.SUBMISSION_RECEIVED,
                    event_id=str(number),
                    source="/agencies/test",
                )
                for number in range(first, first + count)
            )
        finally:
            await publisher.stop()

    async def committed(self) -> dict[int, int]:
        return await committed_offsets(self.connection, self.topic.name, GROUP)

    async def records(self, topic: topics.Topic) -> list[Record]:
        return [record async for record in read_all(self.connection, topic.name)]

    async def is_done(self) -> bool:
        return await self.committed() == await end_offsets(self.connection, self.topic.name)


@pytest.fixture
async def bench(real_servers: Servers) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as ending:
        made = Bench(real_servers, ending)
        out = scratch_topic(made.topic.name + ".out")
        await create(made.connection, made.topic, out)
        yield made
        await ending.aclose()
        admin = AIOKafkaAdminClient(**made.connection.aiokafka())
        await admin.start()
        await admin.delete_topics([part.name for topic in (made.topic, out) for part in (topic, topic.dead_letter(GROUP))])
        await admin.close()


async def eventually(condition: Callable[[], object], what: str, *, seconds: float = PATIENCE_S) -> None:
    """Poll a condition, plain or awaitable, until it holds."""
    deadline = time.monotonic() + seconds
    while True:
        held = condition()
        if asyncio.iscoroutine(held):
            held = await held
        if held:
            return
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        await asyncio.sleep(0.05)  # the pause between two looks


async def test_partitions_change_hands_only_after_the_running_batch(bench: Bench) -> None:
    began, released, second_began = asyncio.Event(), asyncio.Event(), asyncio.Event()
    handled: list[tuple[str, int, int]] = []

    async def slowly(batch: Sequence[Event[bytes]]) -> Sequence[Outcome]:
        began.set()
        await released.wait()
        handled.extend(("first", event.record.partition, event.record.offset) for event in batch)
        return [Drop("done")] * len(batch)

    async def swiftly(batch: Sequence[Event[bytes]]) -> Sequence[Outcome]:
        second_began.set()
        handled.extend(("second", event.record.partition, event.record.offset) for event in batch)
        return [Drop("done")] * len(batch)

    await bench.produce(100)
    first, _ = bench.runtime("first", slowly, batch_records=60)
    await asyncio.wait_for(began.wait(), PATIENCE_S)
    await bench.produce(100, first=100)
    second, joining = bench.runtime("second", swiftly)
    mine = first._consumptions[0]
    await eventually(mine.batches._hand_back.is_set, "the first is asked for its partitions")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(second_began.wait(), 1.5)
    theirs = second._consumptions[0]
    assert not theirs.listener.has_joined, "the second got partitions while a batch of the first ran"
    assert handled == []
    assert set((await bench.committed()).values()) == {0}

    released.set()
    await joining
    await eventually(bench.is_done, "all is committed")
    assert mine.listener.assigned
    assert theirs.listener.assigned
    assert mine.listener.assigned | theirs.listener.assigned == set(range(bench.topic.partitions))
    assert not mine.listener.assigned & theirs.listener.assigned
    assert Counter(place[1:] for place in handled).most_common(1)[0][1] == 1, "a record was handled twice"
    assert len(handled) == 200
    order = defaultdict(list)
    for _, partition, offset in handled:
        order[partition].append(offset)
    assert all(offsets == sorted(offsets) for offsets in order.values())
    # The second takes its share of what comes now.
    await bench.produce(100, first=200)
    await eventually(bench.is_done, "all is committed")
    assert {partition for name, partition, _ in handled if name == "second"} == theirs.listener.assigned


async def test_a_flood_of_bad_records_opens_the_circuit_until_it_is_mended(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    is_mended = False
    attempts = 0
    done: set[bytes] = set()

    async def handle(batch: Sequence[Event[bytes]]) -> Sequence[Outcome]:
        nonlocal attempts
        attempts += 1
        if not is_mended:
            return [DeadLetter(Reason.UNEXPECTED_ERROR, problem="a defect", expected="none")] * len(batch)
        done.update(event.body or b"" for event in batch)
        return [Drop("done")] * len(batch)

    await bench.produce(2_000)
    runtime, starting = bench.runtime("only", handle, batch_records=100, circuit_records=300, circuit_pause_seconds=0.5)
    await starting
    batches = runtime._consumptions[0].batches
    await eventually(lambda: batches.circuit_is_open, "the circuit opens")
    letters = len(await bench.records(bench.topic.dead_letter(GROUP)))
    assert 0 < letters < 300

    async def letters_are_committed() -> bool:
        return sum((await bench.committed()).values()) == letters

    await eventually(letters_are_committed, "what is committed is what was dead-lettered")
    committed = await bench.committed()
    before = attempts
    await eventually(lambda: attempts >= before + 2, "it is tried again after the pause, and again")
    assert batches.circuit_is_open
    assert await bench.committed() == committed, "an open circuit let records pass"
    assert len(await bench.records(bench.topic.dead_letter(GROUP))) == letters
    assert not runtime._not_live(), "a stopped consumer is no dead process: a restart would not mend it"
    assert [record for record in caplog.records if record.message.startswith("circuit open")]

    is_mended = True
    await eventually(bench.is_done, "all is committed")
    assert not batches.circuit_is_open
    dead = {record.value for record in await bench.records(bench.topic.dead_letter(GROUP))}
    assert len(dead) == letters
    assert not dead & done
    assert dead | done == {str(number).encode() for number in range(2_000)}


async def test_a_stop_in_mid_batch_waits_for_it(bench: Bench) -> None:
    began, released = asyncio.Event(), asyncio.Event()
    out = scratch_topic(bench.topic.name + ".out")

    async def slowly(batch: Sequence[Event[bytes]]) -> Sequence[Outcome]:
        began.set()
        await released.wait()
        return [work_of(event, out) for event in batch]

    await bench.produce(50)
    runtime, starting = bench.runtime("only", slowly, batch_records=20)
    await starting
    await asyncio.wait_for(began.wait(), PATIENCE_S)
    stopping = asyncio.create_task(runtime.stop())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(stopping), 1.0)
    assert await runtime._not_ready() == ["draining"]
    released.set()
    await stopping
    sent = await bench.records(out)
    assert 0 < len(sent) <= 20
    assert sum((await bench.committed()).values()) == len(sent)
    bench._ending.pop_all()  # it is stopped already


async def test_sigterm_in_mid_batch_finishes_and_commits_it(bench: Bench, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OTEL_")},
        "PYTHONPATH": str(Path(__file__).parents[1] / "support"),
        "SPIKEWATCH_KAFKA_BOOTSTRAP": bench.servers.bootstrap,
        "SPIKEWATCH_MONGODB_URI": bench.servers.mongodb_uri,
        "SPIKEWATCH_BATCH_RECORDS": "100",
        TOPIC: bench.topic.name,
        NOTES: str(notes),
    }
    out = scratch_topic(bench.topic.name + ".out")
    await bench.produce(60)  # a first batch takes 16, whatever may be taken later

    async def until_killed(batches: int) -> int:
        """Run the service until so many batches have begun, end it with SIGTERM, and return its status."""
        notes.write_text("", encoding="utf-8")
        command = [sys.executable, "-m", "spikewatch_testing.slow_service"]
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            await eventually(lambda: len(notes.read_text(encoding="utf-8").splitlines()) >= batches, "a batch begins")
            process.send_signal(signal.SIGTERM)
            return await asyncio.wait_for(process.wait(), PATIENCE_S)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    assert await until_killed(1) == 0
    sent = len(await bench.records(out))
    assert sent == sum(int(line) for line in notes.read_text(encoding="utf-8").splitlines()), "a batch that had begun was given up"
    assert sum((await bench.committed()).values()) == sent
    assert sent < 60
    for _ in range(4):
        if not await bench.is_done():
            assert await until_killed(1) == 0
    assert await bench.is_done()
    assert Counter(record.header("ce_id") for record in await bench.records(out)) == Counter(str(number).encode() for number in range(60))
