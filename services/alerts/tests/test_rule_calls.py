"""The whole gRPC surface on a real server on loopback, over a store in memory."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime
from typing import Any

import grpc
import grpc.aio
import pytest
import pytest_asyncio
from pydantic import SecretStr, ValidationError
from spikewatch_testing.patience import PATIENCE_S

from spikewatch.alerts.adapters.rules_file import PUBLISHED, rules_of, rules_of_package
from spikewatch.alerts.domain.backtest.histories import Labelled
from spikewatch.alerts.domain.backtest.question import Question
from spikewatch.alerts.domain.contributed import contributed_of, held_of
from spikewatch.alerts.domain.instants import HOUR, micros
from spikewatch.alerts.handlers.rule_calls import SERVICE_NAME, RuleServicer
from spikewatch.alerts.service.back_test import BackTest, Bounds
from spikewatch.alerts.settings import AlertsSettings
from spikewatch.alerts.testing import InMemoryContributionStore
from spikewatch.alerts.wire import answer_from, question_from, question_message, rulebook_from
from spikewatch.api.alerts.v1 import rule_service_pb2 as calls
from spikewatch.api.alerts.v1.rule_service_pb2_grpc import RuleServiceStub, add_RuleServiceServicer_to_server
from spikewatch.chassis.grpc.client import connect
from spikewatch.chassis.grpc.refusal import Explanation, explain
from spikewatch.chassis.grpc.server import make_server
from spikewatch.chassis.outcome import Transient

pytestmark = pytest.mark.asyncio(loop_scope="module")  # gRPC's poller is made for one loop a process (grpc#25364)
Code = grpc.StatusCode
TOKEN = SecretStr("a token for tests")
AREA = "county:42091"
RULEBOOK = rules_of_package(PUBLISHED)
RULES = """\
rules:
  - id: three-in-an-hour
    version: 1
    description: Three in an hour.
    kind: poisson
    area_kinds: [county]
    window_hours: 1
    quiet_hours: 2
    parameters: {probability: 0.2, baseline_days: 0.5, minimum_history_days: 0.125, guard_hours: 1, minimum_count: 2}
  - id: two-in-an-hour
    version: 3
    description: Two in an hour.
    kind: fixed_count
    area_kinds: [county]
    window_hours: 1
    quiet_hours: 2
    parameters: {threshold: 2, comparison: at_least}
"""
MINUTES = (0, 400, 410, 420, 800, 805, 2000)


class FailingStore(InMemoryContributionStore):
    """Raises what it is told to, or answers only when it may."""

    failure: Exception | None = None
    may_answer: asyncio.Event | None = None

    async def newest(self) -> int | None:
        if self.failure is not None:
            raise self.failure
        if self.may_answer is not None:
            await self.may_answer.wait()
        return await super().newest()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def store(make) -> FailingStore:
    kept = FailingStore()
    await kept.save([(None, held_of(contributed_of(make.contribution(n, [minute])))) for n, minute in enumerate(MINUTES)])
    return kept


@pytest.fixture(scope="module")
def back_test(store) -> BackTest:
    return BackTest(RULEBOOK, store, rules_of, clock=lambda: datetime(2027, 1, 1, tzinfo=UTC), bounds=Bounds(overdoses=100))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def address(back_test) -> AsyncIterator[str]:
    servicer = RuleServicer(RULEBOOK, back_test)
    server = make_server(token=TOKEN, reflection=True, names=(SERVICE_NAME,))
    port = await server.start(lambda server: add_RuleServiceServicer_to_server(servicer, server), "127.0.0.1", 0)
    yield f"127.0.0.1:{port}"
    await server.stop(0)
    await back_test.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stub(address: str) -> AsyncIterator[Any]:
    async with connect(address, token=TOKEN) as channel:
        yield RuleServiceStub(channel)


async def refused(call: Awaitable[Any]) -> Explanation:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return explain(caught.value)


async def test_the_rules_of_the_service_come_back_whole(stub):
    answer = await stub.ListRules(calls.ListRulesRequest())
    assert rulebook_from(answer) == RULEBOOK
    assert [(one.rule_id, one.version, one.enabled, one.kind) for one in answer.rules] == [
        (rule.id, rule.version, rule.enabled, rule.kind) for rule in RULEBOOK.known
    ]


async def test_what_a_client_reads_is_what_the_service_found(stub, back_test, make):
    start = micros(make.at(400))
    spikes = (Labelled("hit", AREA, start, start + HOUR), Labelled("missed", AREA, start + 20 * HOUR, start + 21 * HOUR))
    asked = Question(rules=RULES, areas=(AREA, "county:42001"), start=micros(make.at(-900)), end=micros(make.at(1999)), labelled=spikes)
    assert question_from(question_message(asked)) == asked
    message = await stub.TestRules(question_message(asked))
    answer, here = answer_from(message, rules_of(RULES, "rules").known), await back_test(asked)
    assert (answer.start, answer.end, answer.verdicts) == (here.start, here.end, here.verdicts)
    assert [(one.area, one.overdoses, one.first_day, one.daily.tolist()) for one in answer.areas] == [
        (AREA, 6, micros(make.at(0)), [6, 0]),
        ("county:42001", 0, micros(make.at(0)), []),
    ]
    poisson, fixed, *_ = answer.verdicts
    assert poisson.alarms
    assert all(one.expected is not None and one.probability is not None for one in poisson.alarms)
    assert [(one.episode.observed, one.expected, one.threshold, one.probability) for one in fixed.alarms] == [
        (3, 0.0, 2, None),
        (2, 0.25, 2, None),
    ]
    assert (fixed.hits, message.verdicts[1].hits) == (1, 1)
    assert message.verdicts[1].alarms_per_year == pytest.approx(fixed.alarms_per_year)
    assert message.verdicts[1].days_to_detection == pytest.approx(10 / 1440)
    assert not message.verdicts[2].HasField("days_to_detection")


async def test_a_wrong_rule_is_told_with_its_line_as_a_violation(stub):
    wrong = RULES.replace("threshold: 2", "threshold: -2").replace("probability: 0.2", "probability: 7")
    told = await refused(stub.TestRules(calls.TestRulesRequest(rules_yaml=wrong, areas=["Cedar"])))
    assert (told.code, told.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELDS")
    assert [field for field, _ in told.violations] == ["areas[0]", "rules_yaml", "rules_yaml"]
    assert [text.split(":")[0] for field, text in told.violations if field == "rules_yaml"] == ["line 9", "line 17"]


async def test_every_other_refusal_has_its_code_and_reason(stub, store, make):
    asked = calls.TestRulesRequest(rules_yaml=RULES, areas=["county:42001"])
    told = await refused(stub.TestRules(asked))
    assert (told.code, told.reason) == (Code.NOT_FOUND, "NOTHING_STORED")
    many = [f"county:{n}" for n in range(101)]
    told = await refused(stub.TestRules(calls.TestRulesRequest(rules_yaml=RULES, areas=many)))
    assert (told.code, told.reason) == (Code.RESOURCE_EXHAUSTED, "TOO_MANY_AREAS")
    store.failure = Transient("MongoDB is away")
    told = await refused(stub.TestRules(calls.TestRulesRequest(rules_yaml=RULES, areas=[AREA])))
    assert (told.code, told.reason) == (Code.UNAVAILABLE, "TRY_AGAIN")
    store.failure = None


async def test_a_deadline_ends_a_test_and_the_next_has_its_turn(stub, store):
    asked = calls.TestRulesRequest(rules_yaml=RULES, areas=[AREA])
    store.may_answer = asyncio.Event()
    assert (await refused(stub.TestRules(asked, timeout=0.2))).code is Code.DEADLINE_EXCEEDED
    store.may_answer = None
    assert len((await stub.TestRules(asked, timeout=PATIENCE_S)).verdicts) == 2


async def test_both_calls_ask_for_the_token(address):
    async with connect(address, token=SecretStr("another")) as channel:
        stranger: Any = RuleServiceStub(channel)
        for call in (stranger.ListRules(calls.ListRulesRequest()), stranger.TestRules(calls.TestRulesRequest())):
            assert (await refused(call)).code is Code.UNAUTHENTICATED


async def test_beyond_this_machine_a_token_must_be_set(monkeypatch):
    for name, value in (("KAFKA_BOOTSTRAP", "127.0.0.1:1"), ("MONGODB_URI", "mongodb://127.0.0.1:1"), ("ALERTS_HOST", "::")):
        monkeypatch.setenv(f"SPIKEWATCH_{name}", value)
    monkeypatch.delenv("SPIKEWATCH_ALERTS_TOKEN", raising=False)
    with pytest.raises(ValidationError, match="SPIKEWATCH_ALERTS_TOKEN"):
        AlertsSettings()
    monkeypatch.setenv("SPIKEWATCH_ALERTS_TOKEN", "x")
    assert AlertsSettings().alerts_port == 0
