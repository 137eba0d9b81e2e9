"""The health of every feed as metrics, from the last judgement."""

from collections.abc import Callable, Iterable, Sequence

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from spikewatch.contracts.feed_health import FeedHealth, FeedState

__all__ = ["FeedMetrics"]


class FeedMetrics:
    """Gauges by agency and format. Every instance shows all feeds: take the maximum over instances, not the sum.

    Args:
        judged: returns every feed as it was judged last.
    """

    def __init__(self, judged: Callable[[], Sequence[FeedHealth]]) -> None:
        self._judged = judged
        meter = metrics.get_meter("spikewatch.ingest")
        meter.create_observable_gauge("spikewatch.feed.silent", [self._silent])
        meter.create_observable_gauge("spikewatch.feed.silence", [self._silence], unit="s")
        meter.create_observable_gauge("spikewatch.feed.rejected", [self._rejected], unit="1")
        meter.create_observable_gauge("spikewatch.feed.late", [self._late], unit="1")
        meter.create_observable_gauge("spikewatch.feed.completeness", [self._completeness], unit="1")

    def _silent(self, _: CallbackOptions) -> Iterable[Observation]:
        return [Observation(int(feed.state is FeedState.SILENT), _labels(feed)) for feed in self._judged()]

    def _silence(self, _: CallbackOptions) -> Iterable[Observation]:
        return [Observation((feed.window.end - feed.last_received_at).total_seconds(), _labels(feed)) for feed in self._judged()]

    def _rejected(self, _: CallbackOptions) -> Iterable[Observation]:
        return [Observation(feed.error_rate, _labels(feed)) for feed in self._judged() if feed.error_rate is not None]

    def _late(self, _: CallbackOptions) -> Iterable[Observation]:
        for feed in self._judged():
            if feed.new_reports:
                yield Observation(feed.later_than_24_h / feed.new_reports, _labels(feed) | {"spikewatch.later_than": "24h"})
                yield Observation(feed.later_than_72_h / feed.new_reports, _labels(feed) | {"spikewatch.later_than": "72h"})

    def _completeness(self, _: CallbackOptions) -> Iterable[Observation]:
        for feed in self._judged():
            for one in feed.completeness:
                yield Observation(one.share, _labels(feed) | {"spikewatch.field": one.field})


def _labels(feed: FeedHealth) -> dict[str, str]:
    return {"spikewatch.agency": feed.agency_id, "spikewatch.format": feed.format}
