from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewatch.chassis.kafka.dead_letter import headers_for, original_headers, read_cause
from spikewatch.chassis.kafka.message import Record
from spikewatch.chassis.outcome import DeadLetter, Reason

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LETTER = DeadLetter(
    Reason.NAIVE_TIME, field="occurred_at", problem="has no zone", expected="an offset", example="2026-05-01T14:03:00-04:00"
)


def record(headers, offset=7) -> Record:
    return Record("overdose.submissions.v1", 2, offset, b"k", b"v", tuple(headers), NOW)


@given(st.lists(st.tuples(st.text(max_size=20).filter(lambda name: not name.startswith("dlq-")), st.none() | st.binary(max_size=50))))
def test_the_original_headers_come_back_byte_for_byte(headers):
    written = headers_for(record(headers), LETTER, index=0, group="ingest-normalise", service="ingest 1", at=NOW)
    assert original_headers(written) == headers


def test_the_cause_is_read_back():
    written = headers_for(record([]), LETTER, index=0, group="ingest-normalise", service="ingest 1", at=NOW, exception="ValueError")
    cause = read_cause(record(written))
    assert (cause.reason, cause.field, cause.topic, cause.partition, cause.offset) == (
        "naive-time",
        "occurred_at",
        "overdose.submissions.v1",
        2,
        7,
    )
    assert (cause.group, cause.failed_at, cause.exception, cause.example) == ("ingest-normalise", NOW, "ValueError", LETTER.example)


def test_the_same_record_gives_the_same_id_and_its_parts_others():
    def identifier(offset, index):
        return read_cause(record(headers_for(record([], offset), LETTER, index=index, group="g", service="s", at=NOW))).id

    assert identifier(1, 0) == identifier(1, 0)
    assert len({identifier(1, 0), identifier(1, 1), identifier(2, 0)}) == 3


def test_a_dead_letter_that_fails_again_does_not_pile_up_reasons():
    once = headers_for(record([("ce_id", b"1")]), LETTER, index=0, group="g", service="s", at=NOW)
    twice = headers_for(record(once), LETTER, index=0, group="g", service="s", at=NOW)
    assert [name for name, _ in twice].count("dlq-reason") == 1


def test_a_record_without_reason_headers_is_named_as_such():
    with pytest.raises(ValueError, match="is not a dead letter"):
        read_cause(record([("ce_id", b"1")]))
