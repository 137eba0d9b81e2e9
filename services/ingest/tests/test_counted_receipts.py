from datetime import UTC, datetime
from uuid import UUID

from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from spikewatch.ingest.adapters.counted_receipts import CountedReceipts
from spikewatch.ingest.domain.receipt import Receipt, RecordOutcome, Result
from spikewatch.ingest.testing import InMemoryReceipts


async def test_records_are_counted_by_agency_and_outcome(monkeypatch):
    reader = InMemoryMetricReader()
    monkeypatch.setattr(metrics, "get_meter", MeterProvider(metric_readers=[reader]).get_meter)
    receipts = CountedReceipts(InMemoryReceipts())
    outcomes = (RecordOutcome(0, Result.REPORT), RecordOutcome(1, Result.REPORT), RecordOutcome(2, Result.REJECTED))
    receipt = Receipt(UUID(int=1), "cedar-county-ems", datetime(2026, 5, 1, tzinfo=UTC), "statutory", 3, outcomes)
    await receipts.save([receipt])
    assert await receipts.find("cedar-county-ems", UUID(int=1)) == receipt
    (metric,) = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    assert metric.name == "spikewatch.ingest.records"
    points = {
        (point.attributes["spikewatch.agency"], point.attributes["spikewatch.outcome"]): point.value for point in metric.data.data_points
    }
    assert points == {("cedar-county-ems", "report"): 2, ("cedar-county-ems", "rejected"): 1}
