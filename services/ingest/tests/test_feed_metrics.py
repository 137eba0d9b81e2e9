from datetime import UTC, datetime, timedelta

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint

from spikewatch.ingest.adapters.feed_metrics import FeedMetrics
from spikewatch.ingest.domain.feed_book import FeedBook, FeedSubmission, health

AT = datetime(2026, 5, 1, tzinfo=UTC)


def test_every_gauge_tells_what_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = InMemoryMetricReader()
    monkeypatch.setattr(metrics, "get_meter", MeterProvider([reader]).get_meter)
    book = FeedBook("cedar-ems/nemsis")
    counts = {"report": 3, "rejected": 1, "new_reports": 2, "later_than_24_h": 1, "states:age": 1}
    book.enter(FeedSubmission("cedar-ems", "nemsis", 0, 0, AT, counts))
    judged = health(book, AT + timedelta(hours=3), timedelta(hours=1))
    watch = FeedMetrics(lambda: [judged])
    told: dict[tuple[str, ...], float] = {}
    found = reader.get_metrics_data()
    assert watch is not None
    assert found is not None
    for metric in found.resource_metrics[0].scope_metrics[0].metrics:
        for point in metric.data.data_points:
            assert isinstance(point, NumberDataPoint)
            assert point.attributes is not None
            told[metric.name, *(str(value) for value in point.attributes.values())] = point.value
    feed = ("cedar-ems", "nemsis")
    assert told["spikewatch.feed.silent", *feed] == 1
    assert told["spikewatch.feed.silence", *feed] == 10_800
    assert told["spikewatch.feed.rejected", *feed] == 0.25
    assert (told["spikewatch.feed.late", *feed, "24h"], told["spikewatch.feed.late", *feed, "72h"]) == (0.5, 0)
    assert (told["spikewatch.feed.completeness", *feed, "age"], told["spikewatch.feed.completeness", *feed, "sex"]) == (0.5, 0)
