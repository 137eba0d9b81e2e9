"""The running alerts service over gRPC as the verbs use it: its rules, and back-tests on what it stores."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import grpc
import grpc.aio
from pydantic import SecretStr

from spikewatch.alerts.domain.backtest.question import Answer, Question
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.wire import answer_from, question_message, rulebook_from
from spikewatch.api.alerts.v1 import rule_service_pb2 as calls
from spikewatch.api.alerts.v1.rule_service_pb2_grpc import RuleServiceStub
from spikewatch.chassis.grpc.client import connect
from spikewatch.chassis.grpc.refusal import explain
from spikewatch.cli.exit_status import CannotRun

__all__ = ["AlertsClient"]

_DEADLINE: Final = timedelta(minutes=5)  # the longest that the server grants
_FORBIDDEN: Final = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})
_SERVICE: Final = calls.DESCRIPTOR.services_by_name["RuleService"]
_REPEATABLE: Final = tuple(f"{_SERVICE.full_name}/{method.name}" for method in _SERVICE.methods)  # neither changes anything


class AlertsClient:
    """Calls one service. Every method raises ``CannotRun`` where there is no answer, in one sentence or a line for each thing wrong."""

    def __init__(self, address: str, token: str | None) -> None:
        self._address = address
        self._token = SecretStr(token) if token else None

    def rules(self) -> Rulebook:
        """Return the rules of the service."""
        answer = asyncio.run(self._call("ListRules", calls.ListRulesRequest()))
        try:
            return rulebook_from(answer)
        except ValueError:
            raise CannotRun(f"the alerts service at {self._address} has rules that this version of the command does not know") from None

    def tested(self, question: Question, rules: Sequence[Rule]) -> Answer:
        """Return what rules would have raised on what the service stores; ``rules`` are those the question is about."""
        answer = asyncio.run(self._call("TestRules", question_message(question)))
        try:
            return answer_from(answer, rules)
        except KeyError:
            raise CannotRun(f"the rules of the alerts service at {self._address} have changed meanwhile; ask again") from None

    async def _call(self, method: str, request: Any) -> Any:
        async with connect(self._address, token=self._token, deadline=_DEADLINE, idempotent=_REPEATABLE) as channel:
            try:
                return await getattr(RuleServiceStub(channel), method)(request)
            except grpc.aio.AioRpcError as error:
                told = explain(error)
        if told.code in _FORBIDDEN:
            raise CannotRun(f"the alerts service refused the token: {told.message}; set SPIKEWATCH_ALERTS_TOKEN")
        if told.code is grpc.StatusCode.UNAVAILABLE:
            advice = "start it with `spikewatch up`, or name another with --address"
            raise CannotRun(f"the alerts service at {self._address} does not answer; {advice}")
        if told.code is grpc.StatusCode.DEADLINE_EXCEEDED:
            raise CannotRun(f"the answer took longer than {_DEADLINE.seconds} s; ask for fewer areas or rules, or a shorter time")
        lines = [f"{field} {text}" for field, text in told.violations] or [told.message or told.code.name]
        raise CannotRun("the alerts service refused it: " + "\n".join(lines))
