from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from spikewatch.chassis.kafka.decode import Decoder
from spikewatch.chassis.outcome import DeadLetter, Reason
from spikewatch.contracts import topics


def test_a_missing_field_is_named(make_record):
    decoded = Decoder(topics.REPORTS, most_bytes=1000)(make_record(0, b"{}", topic=topics.REPORTS))
    assert isinstance(decoded, DeadLetter)
    assert (decoded.reason, decoded.field) == (Reason.MISSING_FIELD, "report_id")


def test_malformed_json_says_so_without_quoting_it(make_record):
    decoded = Decoder(topics.REPORTS, most_bytes=1000)(make_record(0, b'{"name":"Q. Example"', topic=topics.REPORTS))
    assert isinstance(decoded, DeadLetter)
    assert decoded.reason is Reason.MALFORMED
    assert "Example" not in decoded.problem


def test_a_tombstone_is_a_fact_on_a_compacted_topic_and_a_fault_elsewhere(make_record):
    attributes, body = Decoder(topics.INCIDENTS, most_bytes=1000)(make_record(0, None, topic=topics.INCIDENTS))
    assert body is None
    assert attributes.id == "id-0"
    assert isinstance(Decoder(topics.REPORTS, most_bytes=1000)(make_record(0, None, topic=topics.REPORTS)), DeadLetter)


def test_an_event_type_of_another_topic_is_refused(make_record):
    decoded = Decoder(topics.REPORTS, most_bytes=1000)(make_record(0, topic=topics.REPORTS, event_type=topics.EventType.ALERT_OPENED))
    assert isinstance(decoded, DeadLetter)
    assert decoded.reason is Reason.UNKNOWN_EVENT_TYPE


@given(
    value=st.none() | st.binary(max_size=200),
    headers=st.lists(
        st.tuples(
            st.sampled_from(["ce_id", "ce_type", "ce_source", "ce_specversion", "ce_time", "content-type", "reply_to", "x"]),
            st.none() | st.binary(max_size=30) | st.sampled_from([b"1.0", b"application/cloudevents+json"]),
        ),
        max_size=8,
    ),
)
def test_no_record_whatsoever_makes_the_decoder_raise(value, headers):
    from datetime import UTC, datetime

    from spikewatch.chassis.kafka.message import Record

    decoded = Decoder(topics.REPORTS, most_bytes=100)(Record("t", 0, 0, None, value, tuple(headers), datetime.now(UTC)))
    assert isinstance(decoded, (DeadLetter, tuple))


def test_a_subscription_may_read_values_its_own_way(make_record):
    def read(value: bytes) -> str:
        return TypeAdapter(str).validate_json(value)

    decode = Decoder(topics.REPORTS, most_bytes=1000, read_value=read)
    assert decode(make_record(0, b'"a text"', topic=topics.REPORTS))[1] == "a text"
    assert decode(make_record(0, b"{}", topic=topics.REPORTS)).reason is Reason.INVALID_FIELD
