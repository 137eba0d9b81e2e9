import json
import logging
import sys
from types import SimpleNamespace

import httpx
from aiokafka.errors import KafkaTimeoutError

from spikewatch.chassis.health import Checks, health_app
from spikewatch.chassis.kafka.progress import Progress, is_stuck
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


def test_only_waiting_records_that_do_not_move_are_a_reason_to_restart():
    assert is_stuck(lag=1, idle_seconds=61, limit_seconds=60)
    assert not is_stuck(lag=0, idle_seconds=9999, limit_seconds=60)
    assert not is_stuck(lag=5, idle_seconds=59, limit_seconds=60)


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

    def assignment(self):
        return {"p"}

    async def end_offsets(self, partitions):
        if self.is_dead:
            raise KafkaTimeoutError
        return dict.fromkeys(partitions, 5)

    async def position(self, partition):
        return 5


async def test_a_client_without_answer_is_fatal_only_while_the_broker_takes_connections():
    now, is_up, client = [0.0], [True], Client()
    batches = SimpleNamespace(subscription=SimpleNamespace(group="g"), progressed_at=0.0)

    async def answers():
        return is_up[0]

    consumption = SimpleNamespace(consumer=client, batches=batches)
    progress = Progress([consumption], limit_seconds=60, answers=answers, monotonic=lambda: now[0])
    await progress.look()
    assert progress.stuck() == []
    client.is_dead, is_up[0] = True, False
    for now[0] in (10.0, 50.0, 100.0, 200.0):
        await progress.look()
        assert progress.stuck() == []
    is_up[0] = True
    await progress.look()
    now[0] = 261.0
    await progress.look()
    assert progress.stuck() == ["g"]
    client.is_dead = False
    await progress.look()
    assert progress.stuck() == []
