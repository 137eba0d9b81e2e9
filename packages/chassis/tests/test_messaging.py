from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from spikewatch.chassis.kafka.message import Message, Record
from spikewatch.chassis.kafka.publisher import partition_of
from spikewatch.chassis.telemetry import messaging
from spikewatch.chassis.telemetry.messaging import end_with_error, extract, start_process_span, start_send_span, traceparent
from spikewatch.contracts import topics


@given(st.binary(max_size=80) | st.from_regex(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", fullmatch=True))
def test_traceparent_is_read_as_the_library_reads_it(header):
    context = extract(header)
    try:
        text = header.decode("ascii")
    except UnicodeDecodeError:
        assert context is None
        return
    reference = trace.get_current_span(TraceContextTextMapPropagator().extract({"traceparent": text})).get_span_context()
    if context is None:
        # The library also takes later versions and surrounding blanks; ours is strict.
        assert not reference.is_valid or text.strip() != text or not text.startswith("00")
    else:
        assert (context.trace_id, context.span_id, context.trace_flags) == (reference.trace_id, reference.span_id, reference.trace_flags)


def test_a_send_span_follows_its_first_cause_and_links_the_others(spans):
    causes = [extract(b"00-%032x-%016x-01" % (number, number)) for number in (1, 2)]
    message = Message(
        topic=topics.ALERTS, key="k", body=None, event_type=topics.EventType.ALERT_OPENED, event_id="e", source="/spikewatch/alerts"
    )
    span = start_send_span(message, causes)
    assert traceparent(span.get_span_context()).startswith(b"00-%032x-" % 1)
    end_with_error(span, ValueError("secret"))
    (finished,) = spans.get_finished_spans()
    assert finished.name == "send overdose.alerts.v1"
    assert [link.context.trace_id for link in finished.links] == [2]
    assert finished.attributes["messaging.kafka.message.tombstone"] is True
    assert finished.attributes["error.type"] == "ValueError"
    assert "secret" not in finished.to_json()


def test_partitions_are_those_of_kafkas_default_partitioner():
    # Reference values of org.apache.kafka.common.utils.Utils.murmur2, as its own unit test lists them.
    for key, hashed in ((b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536)):
        assert partition_of(key, 97) == (hashed & 0x7FFFFFFF) % 97


def test_where_nobody_takes_spans_the_trace_still_travels(monkeypatch):
    monkeypatch.setattr(messaging, "late_spans_are_recorded", lambda: False)
    origin = b"00-%032x-%016x-01" % (7, 8)
    record = Record("reports", 0, 1, b"k", b"{}", (("traceparent", origin),), datetime(2026, 1, 1, tzinfo=UTC))
    taken = start_process_span(record, "group", trusted=True)
    message = Message(
        topic=topics.ALERTS, key="k", body=b"{}", event_type=topics.EventType.ALERT_OPENED, event_id="e", source="/spikewatch/alerts"
    )
    sent = start_send_span(message, [taken.get_span_context()])
    assert not taken.is_recording()
    assert not sent.is_recording()
    steps = [span.get_span_context() for span in (taken, sent)]
    assert [step.trace_id for step in steps] == [7, 7]
    assert len({8, *(step.span_id for step in steps)}) == 3
    assert traceparent(steps[1]).endswith(b"-01")
    assert (taken.get_span_context(), steps[0].is_remote) == (steps[0], False), "asked again it is the same"
    assert f"0x{7:032x}" in repr(taken)


@given(header=st.from_regex(rb"00-0{30}[01]{2}-0{14}[01]{2}-0[0-3]", fullmatch=True) | st.binary(max_size=4))
def test_where_nobody_takes_spans_a_parent_counts_as_it_does_elsewhere(header):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(messaging, "late_spans_are_recorded", lambda: False)
        record = Record("reports", 0, 1, b"k", b"{}", (("traceparent", header),), datetime(2026, 1, 1, tzinfo=UTC))
        context = start_process_span(record, "group", trusted=True).get_span_context()
    origin = extract(header)
    if origin is not None and origin.trace_flags.sampled:
        assert (context.trace_id, context.trace_flags.sampled) == (origin.trace_id, True)
        assert context.span_id != origin.span_id
    else:
        assert origin is None or context.trace_id == origin.trace_id
