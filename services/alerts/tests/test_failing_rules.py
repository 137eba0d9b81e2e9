"""A rule that fails while it judges is named, counted and left out; every other rule goes on."""

import logging
from datetime import UTC, datetime

import numpy as np
import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from spikewatch.alerts.adapters.rules_file import rules_of
from spikewatch.alerts.domain.backtest.foreseen import foreseen
from spikewatch.alerts.domain.backtest.histories import Histories
from spikewatch.alerts.domain.backtest.question import Question, Unusable
from spikewatch.alerts.domain.backtest.verdict import verdicts
from spikewatch.alerts.domain.instants import DAY, HOUR
from spikewatch.alerts.domain.rule_failed import RuleFailed
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.domain.rules import detector, fixed_count
from spikewatch.alerts.domain.series import History
from spikewatch.alerts.service import judge_unsettled, scan_clusters
from spikewatch.alerts.service.area_cache import AreaCache
from spikewatch.alerts.service.back_test import BackTest
from spikewatch.alerts.service.begin_steps import BeginSteps
from spikewatch.chassis.outcome import Transient

DETECTOR = {"algorithm": "ears_c2", "history_days": 60, "minimum_history_days": 0}


@pytest.fixture
def failures(monkeypatch):
    """How often each rule failed, as the metric says."""
    reader = InMemoryMetricReader()
    monkeypatch.setattr(metrics, "get_meter", MeterProvider([reader]).get_meter)

    def counted():
        told = reader.get_metrics_data()
        several = [] if told is None else told.resource_metrics[0].scope_metrics[0].metrics
        return {
            point.attributes["spikewatch.rule"]: point.value
            for metric in several
            if metric.name == "spikewatch.alerts.rules.failed"
            for point in metric.data.data_points
        }

    return counted


def broken(*_arguments, **_settings):
    raise ZeroDivisionError("of a detector with settings that nobody tried")


def rules(make):
    failing = make.rule("mean_plus_sd", id="a-failing", version=7)
    return failing, make.rule(id="b-other")


@pytest.mark.parametrize("call", ["met_once", "met", "finding"])
async def test_every_other_rule_judges_and_the_failing_one_is_named_once(make, failures, monkeypatch, caplog, call):
    failing, other = rules(make)
    service = make.service(failing, other)
    monkeypatch.setattr(type(failing.criterion), "met_once", lambda *_: True)
    monkeypatch.setattr(type(failing.criterion), "met", lambda _self, _series, at, *_: np.ones(len(at), dtype=np.bool_))
    monkeypatch.setattr(type(failing.criterion), call, broken)
    batches = [[make.event(make.contribution(f"{batch}/{n}", [batch * 10 + n]), batch * 10 + n) for n in range(5)] for batch in range(2)]
    if call == "met_once":
        batches = [[event] for batch in batches for event in batch]
    with caplog.at_level(logging.ERROR):
        for batch in batches:
            await service.take(*batch)
    assert [(alert.rule.rule_id, alert.observed) for alert in service.standing()] == [("b-other", 10)]
    told = [record for record in caplog.records if "a rule failed" in record.message]
    assert [(record.rule, record.version) for record in told] == [("a-failing", 7)], "once, not with every overdose"
    assert failures() == {"a-failing": len(batches)}


async def test_the_alerts_that_a_rule_raised_before_it_failed_stay(make, failures, monkeypatch):
    rule = make.rule()
    service = make.service(rule)
    await service.take(*(make.event(make.contribution(n, [n]), n) for n in range(3)))
    before = service.standing()
    monkeypatch.setattr(fixed_count.FixedCount, "met_once", broken)
    monkeypatch.setattr(fixed_count.FixedCount, "met", broken)
    await service.take(make.event(make.contribution(3, [30]), 3))
    assert service.standing() == before
    assert failures() == {rule.id: 1}


async def test_a_store_that_does_not_answer_is_no_failure_of_a_rule(make, failures, monkeypatch):
    service = make.service(make.rule())

    async def away(*_arguments):
        raise Transient("the store is away")

    monkeypatch.setattr(service.contributions, "within", away)
    with pytest.raises(Transient):
        await service.take(*(make.event(make.contribution(n, [n]), n) for n in range(3)))
    assert failures() == {}


async def test_a_rule_that_cannot_be_prepared_leaves_the_others_prepared(make, failures, monkeypatch):
    failing = make.rule("detector", id="a", window_hours=24, parameters=DETECTOR | {"algorithm": "ewma"})
    other = make.rule("detector", id="b", window_hours=24, parameters=DETECTOR)
    whole = detector.DetectorRule.prepare
    monkeypatch.setattr(
        detector.DetectorRule, "prepare", lambda self, *asked: (broken if self.algorithm == "ewma" else whole)(*((self, *asked)))
    )
    cache = AreaCache(10_000)
    cache.put("county:42091", History.of([(day * DAY + HOUR, 4) for day in range(50)], HOUR, -(2**60)), 0)
    await BeginSteps(Rulebook((failing, other)), cache, clock=lambda: datetime(1970, 2, 25, 12, tzinfo=UTC))()
    assert len(other.criterion._known) == 1
    assert failures() == {"a": 1}


def test_a_rule_that_cannot_be_asked_about_all_areas_leaves_the_others_asked(make, monkeypatch):
    failing = make.rule("detector", id="a", window_hours=24, parameters=DETECTOR | {"algorithm": "ewma"})
    other = make.rule("detector", id="b", window_hours=24, parameters=DETECTOR)
    whole = detector.DetectorRule.foresee
    choose = lambda self, *asked, **since: (broken if self.algorithm == "ewma" else whole)(self, *asked, **since)  # noqa: E731
    monkeypatch.setattr(detector.DetectorRule, "foresee", choose)
    history = History.of([(day * DAY + HOUR, 4) for day in range(50)], HOUR, -(2**60))
    read = judge_unsettled.Read(judge_unsettled.Due(["county:42091"], None, 40 * DAY), [failing, other], None, history, [])
    ready, failed = judge_unsettled._asked_together([failing, other], [read])
    assert [rule.id for rule in ready] == ["b"]
    assert [(rule.id, type(error)) for rule, error in failed] == [("a", ZeroDivisionError)]


async def test_a_scan_that_fails_leaves_the_other_scans_looked_at(make, failures, monkeypatch):
    parameters = {"days": 30, "radius_km": 3, "probability": 0.05, "replications": 399}
    first, second = (make.rule("space_time_scan", id=name, window_hours=72, parameters=parameters) for name in ("a", "b"))
    looked = []

    def look(rule, *_asked):
        looked.append(rule.id)
        return broken() if rule.id == "a" else ()

    service = make.service(first, second, is_live=True)
    await service.take(make.event(make.contribution("one", [10], area="h3:872a1072bffffff"), 0))
    monkeypatch.setattr(scan_clusters, "look", look)
    monkeypatch.setattr(scan_clusters, "watched_in", lambda *_: ["county:42091"])
    scan = scan_clusters.ScanClusters(
        service.rulebook,
        service.contributions,
        service.alerts,
        service.contacts,
        service.feeds,
        service.publishing,
        clock=lambda: make.at(60),
        every_seconds=3600,
        is_live=True,
    )
    await scan()
    assert looked == ["a", "b"]
    assert failures() == {"a": 1}


@pytest.mark.parametrize("call", ["foresee", "met"])
def test_a_back_test_names_the_rule_that_cannot_be_judged(make, monkeypatch, call):
    failing = make.rule("detector", id="failing", window_hours=24, parameters=DETECTOR)
    history = Histories({"county:42091": History.of([(day * DAY + HOUR, 4) for day in range(50)], HOUR, -(2**60))}, 0, 50 * DAY)
    monkeypatch.setattr(detector.DetectorRule, call, broken)
    with pytest.raises(RuleFailed, match=r"rule failing \(version 1\) cannot be judged: ZeroDivisionError"):
        list(verdicts([foreseen(failing, history)], history, []))


async def test_a_back_test_on_what_is_stored_refuses_the_rule_and_not_the_service(make, monkeypatch):
    service = make.service(make.rule())
    await service.take(*(make.event(make.contribution(n, [n]), n) for n in range(3)))
    back_test = BackTest(service.rulebook, service.contributions, rules_of, clock=lambda: service.now)
    monkeypatch.setattr(fixed_count.FixedCount, "met", broken)
    with pytest.raises(Unusable) as caught:
        await back_test(Question(areas=("county:42091",)))
    assert "rule fixed-count (version 1) cannot be judged" in caught.value.wrongs[0].problem
    await back_test.close()
