import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from spikewatch.chassis.mongo import Collection, InsertOne
from spikewatch.chassis.telemetry.database import start_call_span


class Raw:
    """Stands for motor's collection: counts or fails as told."""

    name = "contributions"

    class database:  # noqa: N801  # motor's attribute
        name = "spikewatch_alerts"

    failure: Exception | None = None

    async def count_documents(self, _):
        if self.failure is not None:
            raise self.failure
        return 3

    async def bulk_write(self, writes, *, ordered):
        class Result:
            matched_count = modified_count = upserted_count = deleted_count = 0
            inserted_count = len(writes)

        return Result


def _current(flags: int):
    return trace.use_span(NonRecordingSpan(SpanContext(5, 6, is_remote=False, trace_flags=TraceFlags(flags))))


async def test_a_call_has_one_span_below_the_current_one(spans):
    with _current(1):
        assert await Collection(Raw()).count({}) == 3
        await Collection(Raw()).bulk([InsertOne({}), InsertOne({})])
    count, bulk = spans.get_finished_spans()
    assert (count.name, count.parent.span_id, count.context.trace_id) == ("count contributions", 6, 5)
    assert count.attributes == {
        "db.system.name": "mongodb",
        "db.namespace": "spikewatch_alerts",
        "db.collection.name": "contributions",
        "db.operation.name": "count",
    }
    assert (bulk.name, bulk.attributes["db.operation.batch.size"]) == ("bulkWrite contributions", 2)


async def test_a_failed_call_says_what_failed_and_quotes_nothing(spans):
    raw = Raw()
    raw.failure = ValueError("secret")
    with _current(1), pytest.raises(ValueError, match="secret"):
        await Collection(raw).count({})
    (span,) = spans.get_finished_spans()
    assert (span.status.is_ok, span.attributes["error.type"]) == (False, "ValueError")
    assert "secret" not in span.to_json()


async def test_what_is_not_sampled_has_no_span(spans):
    with _current(0):
        assert await Collection(Raw()).count({}) == 3
        assert start_call_span("find", "d", "c") is None
    assert await Collection(Raw()).count({}) == 3
    assert spans.get_finished_spans() == ()
