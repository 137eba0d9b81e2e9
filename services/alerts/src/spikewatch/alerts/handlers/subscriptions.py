"""The service's subscriptions: which use case takes which topic."""

from typing import Final

from spikewatch.alerts.domain.contributed import Contributed
from spikewatch.alerts.handlers.shared_reading import SharedReading
from spikewatch.alerts.service.evaluate import Evaluate
from spikewatch.alerts.service.fan_out import FanOut
from spikewatch.chassis.kafka.subscription import Subscription
from spikewatch.contracts import topics
from spikewatch.contracts.incident import Incident

__all__ = ["evaluate_subscription", "fan_out_subscription"]

_BATCH: Final = 2_000
_EVALUATED: Final = 10_000  # an area's rules are evaluated once a batch: the larger one is behind a backlog, the less it costs


def fan_out_subscription(fan_out: FanOut) -> Subscription[Incident]:
    """Return the subscription that turns incidents into contributions."""
    return Subscription(topics.INCIDENTS, "alerts-fan-out", fan_out, max_records=_BATCH)


def evaluate_subscription(evaluate: Evaluate) -> Subscription[Contributed]:
    """Return the subscription that turns contributions into alerts."""
    return Subscription(
        topics.CONTRIBUTIONS,
        "alerts-evaluate",
        evaluate,
        max_records=_EVALUATED,
        on_revoked=evaluate.on_revoked,
        on_published=evaluate.on_published,
        read=SharedReading(),
    )
