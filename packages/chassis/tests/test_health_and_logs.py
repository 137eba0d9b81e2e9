import json
import logging
import sys
from types import SimpleNamespace

import httpx
from aiokafka.errors import KafkaTimeoutError

from spikewatch.chassis.health import Checks, health_app
from spikewatch.chassis.kafka.progress import Progress
from spikewatch.chassis.telemetry.logs import JsonFormatter, TextFormatter


async def ask(path, *, live=(), ready=()):
    async def readiness():
        return list(ready)

    app = health_app(Checks(live=lambda: list(live), ready=readiness, facts={"service": "test"}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        return await client.get(path)


async def test_probes_answer_apart():
    assert (await ask("/live", ready=["mongodb: away"])).status_code == 200
    answer = await ask("/ready", ready=["mongodb: away"])
    assert answer.status_code == 503
    assert answer.json()["problems"] == ["mongodb: away"]
    assert (await ask("/live", live=["stuck"])).status_code == 503
    assert (await ask("/nothing")).status_code == 404


def test_a_log_line_carries_structure_and_the_place_of_an_error_but_not_its_message():
    try:
        raise ValueError("Q. Example, born 1990-01-01")
    except ValueError:
        record = logging.LogRecord("spikewatch.x", logging.ERROR, __file__, 1, "it failed", (), sys.exc_info())
    record.topic = "overdose.reports.v1"
    line = json.loads(JsonFormatter("ingest").format(record))
    assert line["topic"] == "overdose.reports.v1"
    assert line["error_type"] == "ValueError"
    assert "test_health_and_logs.py" in line["error_at"][0]
    for text in (json.dumps(line), TextFormatter().format(record)):
        assert "Example" not in text


class Client:
    """Stands in for a consumer's own client."""

    def __init__(self):
        self.is_dead = False
        self.end = self.reached = 5

    def assignment(self):
        return {"p"}

    async def end_offsets(self, partitions):
        if self.is_dead:
            raise KafkaTimeoutError
        return dict.fromkeys(partitions, self.end)

    async def position(self, partition):
        return self.reached


class Watched:
    """One consumer's progress under a clock that is turned by hand; the limit is 60 s."""

    def __init__(self):
        self.now, self.is_up, self.client = 0.0, True, Client()
        self.batches = SimpleNamespace(subscription=SimpleNamespace(group="g"), progressed_at=0.0)
        consumption = SimpleNamespace(consumer=self.client, batches=self.batches)
        self._progress = Progress([consumption], limit_seconds=60, answers=self._answers, monotonic=lambda: self.now)

    async def _answers(self):
        return self.is_up

    async def stuck_at(self, now):
        self.now = now
        await self._progress.look()
        return self._progress.stuck() == ["g"]


async def test_waiting_records_that_do_not_move_are_a_reason_to_restart():
    watched = Watched()
    watched.client.end = 6
    assert [await watched.stuck_at(now) for now in (0.0, 30.0, 60.0, 61.0)] == [False, False, False, True]
    watched.client.reached = 6
    assert not await watched.stuck_at(62.0)


async def test_a_record_seen_right_after_a_quiet_hour_is_none():
    """A look may fall between a record's arrival and its poll; the quiet before it is not a standstill."""
    watched = Watched()
    assert not await watched.stuck_at(0.0)
    watched.client.end = 6
    assert not await watched.stuck_at(3600.0)
    watched.client.reached = 6
    watched.client.end = 7
    assert not await watched.stuck_at(3605.0)
    assert not await watched.stuck_at(3665.0)
    assert await watched.stuck_at(3665.1)


async def test_a_batch_that_goes_on_moves_although_its_position_does_not():
    watched = Watched()
    watched.client.end = 6
    assert not await watched.stuck_at(0.0)
    watched.batches.progressed_at = 50.0
    assert not await watched.stuck_at(110.0)
    assert await watched.stuck_at(110.1)


async def test_a_client_without_answer_is_fatal_only_while_the_broker_takes_connections():
    watched = Watched()
    assert not await watched.stuck_at(0.0)
    watched.client.is_dead, watched.is_up = True, False
    assert not any([await watched.stuck_at(now) for now in (10.0, 50.0, 100.0, 200.0)])
    watched.is_up = True
    assert not await watched.stuck_at(200.0)
    assert await watched.stuck_at(261.0)
    watched.client.is_dead = False
    assert not await watched.stuck_at(261.0)
