import json
import logging
import sys

import httpx

from spikewatch.chassis.health import Checks, health_app
from spikewatch.chassis.kafka.progress import is_stuck
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
