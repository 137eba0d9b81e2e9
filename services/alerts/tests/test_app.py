"""The wiring: both subscriptions, the periodic work, and what a crash left is published at the start."""

import os
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from spikewatch.alerts import app
from spikewatch.alerts.app import build
from spikewatch.alerts.settings import AlertsSettings
from spikewatch.alerts.testing import FakePublishing
from spikewatch.chassis.mongo import Mongo

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
async def runtime():
    uri = os.environ.get("SPIKEWATCH_MONGODB_URI")
    if not uri:
        pytest.skip("SPIKEWATCH_MONGODB_URI names no MongoDB")
    subscriptions: dict[str, Any] = {}
    periodic: dict[str, Callable[[], Awaitable[None]]] = {}
    stops: list[Callable[[], Awaitable[None]]] = []
    served: list[dict[str, Any]] = []

    async def read_table(topic: Any, on_record: Any) -> None:
        assert topic.name in {"overdose.feeds.v1", "directory.records.v1"}

    mongo = Mongo(uri, f"alerts_test_{uuid4().hex}")
    yield SimpleNamespace(
        mongo=mongo,
        clock=lambda: NOW,
        publisher=FakePublishing(),
        subscriptions=subscriptions,
        periodic=periodic,
        subscribe=lambda subscription: subscriptions.update({subscription.group: subscription}),
        every=lambda seconds, work, *, name: periodic.update({name: work}),
        on_stop=stops.append,
        served=served,
        serve_grpc=lambda register, **options: served.append(options),
        read_table=read_table,
    )
    for stop in stops:
        await stop()
    await mongo.drop()
    mongo.close()


def settings(**changes: object) -> AlertsSettings:
    return AlertsSettings.model_validate({"kafka_bootstrap": "127.0.0.1:1", "mongodb_uri": "mongodb://127.0.0.1:1", **changes})


@pytest.mark.integration
async def test_the_wired_service_raises_an_alert_and_publishes_what_a_crash_left(runtime, make, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text(f"rules: [{make.rule().model_dump_json()}]")
    await build(runtime, settings(alerts_rules=rules, alerts_clock="event", alerts_directory_address="127.0.0.1:1"))
    assert set(runtime.subscriptions) == {"alerts-fan-out", "alerts-evaluate"}
    wanted = {"close-quiet-alerts", "judge-switched-on", "publish-forgotten-alerts", "scan-clusters", "tell-stories", "withdraw-rules"}
    assert set(runtime.periodic) == wanted
    (served,) = runtime.served
    assert served["names"] == ("spikewatch.api.alerts.v1.RuleService",)
    assert (served["host"], served["port"], served["token"], served["reflection"]) == ("127.0.0.1", 0, None, True)
    evaluate = runtime.subscriptions["alerts-evaluate"]
    outcomes = await evaluate.handle([make.event(make.contribution(n, [n]), n) for n in range(3)])
    (message,) = outcomes[-1].messages
    assert message.body.contacts == (), "no directory answers there, and the alert goes out all the same"
    await runtime.periodic["close-quiet-alerts"]()
    assert runtime.publisher.sent == []
    # the process ends before the broker acknowledges; the next one starts
    runtime.clock = lambda: NOW.replace(hour=10)
    await build(runtime, settings(alerts_rules=rules, alerts_clock="event"))
    assert [again.event_id for again in runtime.publisher.sent] == [message.event_id]


@pytest.mark.integration
async def test_the_wired_service_scans_where_a_rule_asks_for_it(runtime, make, tmp_path):
    here, elsewhere = "h3:872aa8c76ffffff", "h3:872a1072bffffff"
    rule = make.rule("space_time_scan", window_hours=72, quiet_hours=48, parameters={"radius_km": 3, "probability": 0.05})
    rules = tmp_path / "rules.yaml"
    rules.write_text(f"rules: [{rule.model_dump_json()}]")
    await build(runtime, settings(alerts_rules=rules, alerts_clock="event"))
    days = [make.contribution(f"day {day}", [day * 1_440 + 120], area=elsewhere) for day in range(31)]
    cluster = [make.contribution(f"cluster {n}", [30 * 1_440 + n], area=here) for n in range(6)]
    evaluate = runtime.subscriptions["alerts-evaluate"]
    await evaluate.handle([make.event(one, offset) for offset, one in enumerate(days + cluster)])
    await runtime.periodic["scan-clusters"]()
    await runtime.periodic["scan-clusters"]()
    (message,) = runtime.publisher.sent
    assert (message.body.area, message.body.observed) == (make.area, 6)
    assert message.body.outline is not None


@pytest.mark.integration
async def test_the_wired_service_learns_delays_where_a_rule_is_corrected_by_them(runtime, make, tmp_path):
    parameters = {"algorithm": "poisson_trailing"}
    rule = make.rule("detector", window_hours=24, parameters=parameters, delay_correction="learnt")
    rules = tmp_path / "rules.yaml"
    rules.write_text(f"rules: [{rule.model_dump_json()}]")
    runtime.clock = lambda: make.at(40 * 1_440)
    await build(runtime, settings(alerts_rules=rules))
    bodies = [make.contribution(f"day {day}", [day * 1_440 + 60]) for day in range(40)]
    evaluate = runtime.subscriptions["alerts-evaluate"]
    await evaluate.handle([make.event(_first_received(body, make), offset) for offset, body in enumerate(bodies)])
    await runtime.periodic["judge-unsettled"]()
    counted = await runtime.mongo.collection("delays").find({"delays": {"$ne": []}})
    assert len(counted) == 40
    assert all(day["delays"] == [["cedar-county-ems", "ems", 2, 1]] for day in counted)
    assert runtime.publisher.sent == []


def _first_received(body, make):
    (overdose,) = body.overdoses
    came = overdose.occurred_at + timedelta(days=2)
    reports = tuple(report.model_copy(update={"first_received_at": came}) for report in overdose.reports)
    return body.model_copy(update={"overdoses": (overdose.model_copy(update={"reports": reports}),)})


def test_all_periodic_work_is_documented():
    source = Path(app.__file__).read_text()
    documented = (Path(__file__).parents[1] / "README.md").read_text()
    named = re.findall(r'name="([a-z-]+)"', source)
    assert len(named) >= 6
    assert [name for name in named if f"| `{name}` |" not in documented] == []


def test_the_clock_is_one_of_two():
    with pytest.raises(ValidationError, match="alerts_clock"):
        settings(alerts_clock="sundial")
