"""The gRPC surface: reads requests, asks the use case, writes the answer. A refusal becomes a status here."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import grpc
from typing_extensions import override

from spikewatch.alerts.domain.backtest.question import NothingStored, TooMuch, Unusable
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.service.back_test import BackTest
from spikewatch.alerts.wire import answer_message, question_from, rules_message
from spikewatch.api.alerts.v1 import rule_service_pb2 as calls
from spikewatch.api.alerts.v1.rule_service_pb2_grpc import RuleServiceServicer
from spikewatch.chassis.grpc.refusal import Refused, Violation

__all__ = ["SERVICE_NAME", "RuleServicer"]

SERVICE_NAME: Final = calls.DESCRIPTOR.services_by_name["RuleService"].full_name


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except Unusable as error:
        violations = [Violation(one.field, one.problem, one.expected, one.example) for one in error.wrongs]
        message = f"{violations[0].field} {violations[0].description}" + (f"; and {len(violations) - 1} more" if violations[1:] else "")
        raise Refused(grpc.StatusCode.INVALID_ARGUMENT, message, reason="INVALID_FIELDS", violations=violations) from None
    except TooMuch as error:
        raise Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error), reason=error.reason) from None
    except NothingStored as error:
        raise Refused(grpc.StatusCode.NOT_FOUND, str(error), reason="NOTHING_STORED") from None


class RuleServicer(RuleServiceServicer):
    """``spikewatch.api.alerts.v1.RuleService``."""

    def __init__(self, rulebook: Rulebook, back_test: BackTest) -> None:
        self._rulebook = rulebook
        self._back_test = back_test

    def exchange(self, rulebook: Rulebook) -> None:
        """Tell of other rules from the next call on."""
        self._rulebook = rulebook

    @override
    async def ListRules(self, request: calls.ListRulesRequest, context: Any) -> calls.ListRulesResponse:
        return rules_message(self._rulebook)

    @override
    async def TestRules(self, request: calls.TestRulesRequest, context: Any) -> calls.TestRulesResponse:
        with _refusals():
            answer = await self._back_test(question_from(request))
        return answer_message(answer)
