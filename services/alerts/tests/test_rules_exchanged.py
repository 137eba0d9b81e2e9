"""Rules of the directory: what is in force, how they are exchanged, and what becomes of the alerts of one that left."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from spikewatch.alerts.adapters.rule_table import RuleTable
from spikewatch.alerts.domain.composition import composed, read_rule
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.service.withdraw_rules import WithdrawRules
from spikewatch.contracts.alert import AlertStatus
from spikewatch.contracts.directory import DirectoryRecord


def stored(rule: Any, offset: int, **changes: object) -> SimpleNamespace:
    document = rule.model_dump(mode="json") | changes
    body = DirectoryRecord.model_validate(
        {
            "kind": "rule",
            "name": f"rules/{rule.id}",
            "display_name": "A rule",
            "etag": "x",
            "version": 1,
            "update_time": "2026-03-01T00:00:00Z",
            "rule_version": document["version"],
            "document": json.dumps(document),
        }
    )
    return SimpleNamespace(key=f"rules/{rule.id}", body=body, record=SimpleNamespace(partition=0, offset=offset))


def gone(rule: Any, offset: int) -> SimpleNamespace:
    return SimpleNamespace(key=f"rules/{rule.id}", body=None, record=SimpleNamespace(partition=0, offset=offset))


def marks(book: Rulebook) -> list[str]:
    return [f"{rule.id}@{rule.version}" for rule in book.rules]


def offered(*rules: Any) -> dict[str, Any]:
    return {rule.id: read_rule(rule.id, rule.version, rule.model_dump_json()) for rule in rules}


def test_the_file_and_the_directory_make_one_set(make):
    of_file = Rulebook((make.rule(id="b"), make.rule(id="a", version=2)))
    found = composed(of_file, offered(make.rule(id="c"), make.rule(id="a", version=3), make.rule(id="b", enabled=False)))
    assert marks(found.rulebook) == ["a@3", "c@1"], "in the file's order, then by id; switched off under the same version"
    assert found.unusable == ()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"version": 1}, "version: the file has version 2; the file's rule stands"),
        ({"version": 2, "minimum_count": 9}, "version: the file has other content under the same version"),
        ({"version": 3, "neighbours": {"county:42001": ["county:42005"]}}, "neighbours: differ from those that rule b states"),
    ],
)
def test_what_cannot_follow_the_file_is_left_out_and_the_files_rule_stands(make, changes, problem):
    other = make.rule(id="b", neighbours={"county:42001": ["county:42003"]})
    found = composed(Rulebook((make.rule(id="a", version=2), other)), offered(make.rule(id="a", **changes)))
    assert marks(found.rulebook) == ["a@2", "b@1"]
    (left_out,) = found.unusable
    assert left_out.problem.startswith(problem)


def test_a_rule_that_cannot_be_read_is_left_out_and_the_others_are_in_force(make):
    rule = make.rule(id="a")
    unreadable = {
        "b": read_rule("b", 1, json.dumps(rule.model_dump(mode="json") | {"id": "b", "kind": "horoscope"})),
        "c": read_rule("c", 1, json.dumps(rule.model_dump(mode="json") | {"id": "c", "areas": ["nowhere"]})),
        "d": read_rule("d", 1, "{"),
        "e": read_rule("e", 2, rule.model_dump_json()),
    }
    found = composed(Rulebook((make.rule(id="f"),)), unreadable | offered(rule))
    assert marks(found.rulebook) == ["f@1", "a@1"]
    problems = {one.rule: one.problem for one in found.unusable}
    assert sorted(problems) == ["b", "c", "d", "e"]
    assert "unknown kind of rule" in problems["b"]
    assert problems["c"].startswith("areas.0")


def test_the_topic_in_any_order_of_rules_gives_the_same_set_and_an_old_record_changes_nothing(make, monkeypatch):
    reader = InMemoryMetricReader()
    monkeypatch.setattr(metrics, "get_meter", MeterProvider([reader]).get_meter)
    table = RuleTable(Rulebook((make.rule(id="a"),)))
    one, two = make.rule(id="b"), make.rule(id="c", neighbours={"county:42001": ["county:42003"]})
    table.on_record(stored(one, 0))
    table.on_record(SimpleNamespace(key="agencies/cedar-ems", body=None, record=SimpleNamespace(partition=0, offset=1)))
    assert marks(table.rulebook) == ["a@1"], "nothing is in force before the topic was read to its end"
    assert marks(table.settle()) == ["a@1", "b@1"]
    told: list[list[str]] = []
    table.listen(lambda book: told.append(marks(book)))
    table.on_record(stored(two, 2))
    table.on_record(stored(one, 3, version=2))
    table.on_record(stored(two, 4, version=2, kind="horoscope"))
    table.on_record(gone(one, 5))
    expected = [["a@1", "b@1", "c@1"], ["a@1", "b@2", "c@1"], ["a@1", "b@2"], ["a@1"]]
    assert told == expected
    for again in (stored(one, 0), stored(two, 2), stored(one, 3, version=2), stored(two, 4, version=2, kind="horoscope"), gone(one, 5)):
        table.on_record(again)
    assert told == expected, "an outage ends with the topic read from its start"
    points = {metric.name: metric.data.data_points for metric in reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics}
    assert [point.value for point in points["spikewatch.alerts.rules"]] == [1]
    assert [dict(point.attributes) for point in points["spikewatch.alerts.rules.unusable"]] == [{"spikewatch.rule": "c"}]


def withdrawal(service: Any) -> WithdrawRules:
    return WithdrawRules(
        service.rulebook, service.alerts, service.contributions, service.publishing, clock=lambda: service.now, is_live=service.is_live
    )


async def test_a_new_rule_looks_at_the_past_with_the_next_overdose(make):
    service = make.service(make.rule(id="many", parameters={"threshold": 9, "comparison": "at_least"}, area_kinds=["zip"]))
    assert await service.take(*(make.event(make.contribution(n, [n]), n) for n in range(3))) == []
    service.evaluate.exchange(Rulebook((make.rule(id="few", window_hours=2),)))
    assert service.alerts.held == {}
    (alert,) = await service.take(make.event(make.contribution("next", [50]), 5))
    assert (alert.rule.rule_id, alert.observed, alert.opened_at) == ("few", 4, make.at(50))


async def test_states_of_what_nothing_watches_any_more_are_forgotten(make):
    service = make.service(make.rule())
    await service.take(make.event(make.contribution(0, [0]), 0))
    assert set(service.areas.held) == {make.area}
    service.evaluate.exchange(Rulebook((make.rule(area_kinds=["zip"]),)))
    await service.take(make.event(make.contribution(1, [1]), 1))
    assert service.areas.held == {}
    service.evaluate.exchange(Rulebook((make.rule(),)))
    (alert,) = await service.take(make.event(make.contribution(2, [2]), 2))
    assert alert.observed == 3


@pytest.mark.parametrize("is_live", [False, True])
async def test_the_alert_of_a_withdrawn_rule_closes_and_stays_closed(make, is_live):
    service = make.service(make.rule(), make.rule(id="other"), is_live=is_live, now=make.at(10))
    withdraw = withdrawal(service)
    await service.take(*(make.event(make.contribution(n, [n]), n) for n in range(3)))
    await withdraw()
    assert service.publishing.sent == []
    withdraw.exchange(Rulebook((make.rule(id="other"),)))
    await withdraw()
    (message,) = service.publishing.sent
    closed = message.body
    assert (closed.rule.rule_id, closed.status, closed.history[-1].reason) == (
        "fixed-count",
        AlertStatus.CLOSED,
        "the rule was withdrawn",
    )
    assert closed.closed_at == make.at(10 if is_live else 2)
    await service.quiet.close()
    await withdraw()
    assert len(service.publishing.sent) == 1, "its quiet time has not passed, and yet it is not opened again"
    assert {alert.rule.rule_id: alert.status for alert in service.standing()}["other"] is AlertStatus.OPEN


async def test_a_batch_that_was_under_way_does_not_keep_an_alert_of_a_withdrawn_rule_open(make):
    service = make.service(make.rule(), now=make.at(10), is_live=True)
    withdraw = withdrawal(service)
    await service.take(*(make.event(make.contribution(n, [n]), n) for n in range(3)))
    withdraw.exchange(Rulebook((make.rule(version=2),)))
    await withdraw()
    (again,) = await service.take(make.event(make.contribution(3, [3]), 3))
    assert again.status is AlertStatus.OPEN
    await withdraw()
    assert [alert.status for alert in service.standing()] == [AlertStatus.CLOSED]
    assert service.standing()[0].history[-1].reason == "the rule was withdrawn: version 2 took its place"


async def test_a_rule_that_left_while_no_instance_ran_is_withdrawn_at_the_start(make):
    service = make.service(make.rule(), make.rule(id="other", version=2), now=make.at(10), is_live=True)
    await service.take(*(make.event(make.contribution(n, [n]), n) for n in range(3)))
    service.rulebook = Rulebook((make.rule(id="other", version=1),))
    await withdrawal(service)()
    assert [message.body.rule.rule_id for message in service.publishing.sent] == ["fixed-count"], "a later version is another instance's"


async def test_a_rule_that_comes_back_brings_its_alert_up_to_date(make):
    service = make.service(make.rule(), now=make.at(10), is_live=True)
    withdraw = withdrawal(service)
    (alert,) = await service.take(*(make.event(make.contribution(n, [n]), n) for n in range(3)))
    withdraw.exchange(Rulebook(()))
    await withdraw()
    withdraw.exchange(service.rulebook)
    (again,) = await service.take(make.event(make.contribution(3, [3]), 3))
    assert (again.alert_id, again.status, again.observed) == (alert.alert_id, AlertStatus.OPEN, 4)
    await withdraw()
    assert len(service.publishing.sent) == 1
