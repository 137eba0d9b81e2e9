"""CloudEvents on Kafka: what is written is read back, and no record from outside raises anything but CloudEventError."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewatch.contracts import cloudevents
from spikewatch.contracts.cloudevents import Attributes, CloudEventError, read, write

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=40)
# Times since 1970 as whole seconds in two zones: what a header can hold.
MOMENTS = st.builds(datetime.fromtimestamp, st.integers(0, 32_000_000_000), st.sampled_from([UTC, timezone(timedelta(hours=-5))]))
ATTRIBUTES = st.builds(
    Attributes,
    id=TEXT,
    source=TEXT,
    type=TEXT,
    time=st.none() | MOMENTS,
    subject=st.none() | TEXT,
    dataschema=st.none() | TEXT,
    content_type=st.sampled_from(["application/json", "text/csv", "application/octet-stream"]),
)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["ce_id", "ce_source", "ce_specversion", "ce_type", "ce_time", "ce_subject", "content-type", "reply_to", "x"])
        | TEXT,
        st.none()
        | st.binary(max_size=60)
        | st.sampled_from([b"1.0", b"application/cloudevents+json", b"APPLICATION/CloudEvents+JSON; charset=UTF-8"]),
    ),
    max_size=12,
)
MINIMAL = [("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"/agencies/example"), ("ce_type", b"t")]
STRUCTURED = {"specversion": "1.0", "id": "1", "source": "/agencies/example", "type": "t"}


def structured(**changes: object) -> bytes:
    return json.dumps({key: value for key, value in {**STRUCTURED, **changes}.items() if value is not ...}).encode()


def read_structured(content: bytes, media_type: bytes = b"application/cloudevents+json") -> tuple[Attributes, bytes | None]:
    return read([("content-type", media_type)], content)


@given(ATTRIBUTES, st.none() | st.binary(max_size=200))
def test_binary_mode_reads_back_what_was_written(attributes, body):
    assert read(write(attributes), body) == (attributes, body)


def read_or_refuse(headers, value):
    """Whatever comes from outside: an event with its mandatory attributes, or an error that says what to send."""
    try:
        attributes, body = read(headers, value)
    except CloudEventError as refused:
        return bool(refused.field and refused.expected)
    write(attributes)  # what was read can be written again, also with hostile text in it
    return bool(attributes.id and attributes.source and attributes.type) and (body is None or isinstance(body, bytes))


@given(HEADERS, st.none() | st.binary(max_size=200))
def test_hostile_headers_are_read_or_refused_and_nothing_else(headers, value):
    assert read_or_refuse(headers, value)


HALF_CHARACTERS = st.text(st.characters(categories=["Cs", "L"]), max_size=5)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text() | HALF_CHARACTERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.sampled_from(
    ["id", "source", "type", "time", "subject", "data", "data_base64", "datacontenttype", "dataschema", "specversion"]
)


@given(st.dictionaries(MEMBERS, JSON_VALUES, max_size=4), st.booleans())
def test_hostile_structured_values_are_read_or_refused(changes, keeps_rest):
    event = {**(STRUCTURED if keeps_rest else {}), **changes}
    assert read_or_refuse([("content-type", b"application/cloudevents+json")], json.dumps(event).encode())


@pytest.mark.parametrize("part", ["id", "source", "type", "subject"])
def test_half_a_character_in_an_attribute_is_refused(part):
    with pytest.raises(CloudEventError) as caught:
        read_structured(structured(**{part: "a\ud800"}))
    assert caught.value.field == part


def test_lists_in_lists_without_end_are_refused():
    nested = b'{"specversion":"1.0","id":"1","source":"s","type":"t","data":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    with pytest.raises(CloudEventError):
        read_structured(nested)


def test_time_is_written_in_utc():
    moment = datetime(2026, 5, 1, 9, 3, tzinfo=timezone(timedelta(hours=-5)))
    assert dict(write(Attributes(id="1", source="s", type="t", time=moment)))["ce_time"] == b"2026-05-01T14:03:00Z"


def test_a_null_value_in_binary_mode_is_a_tombstone():
    assert read(MINIMAL, None)[1] is None


def test_the_last_of_repeated_headers_wins():
    assert read([*MINIMAL, ("ce_id", b"2")], b"")[0].id == "2"


@pytest.mark.parametrize("name", ["ce_specversion", "ce_id", "ce_source", "ce_type"])
@pytest.mark.parametrize("value", [None, b"", b"\xff\xfe"], ids=["null", "empty", "no-utf8"])
def test_a_bad_mandatory_header_is_named(name, value):
    with pytest.raises(CloudEventError) as caught:
        read([*MINIMAL, (name, value)], b"{}")
    assert caught.value.field == name


def test_a_naive_time_is_refused_without_repeating_it():
    with pytest.raises(CloudEventError) as caught:
        read([*MINIMAL, ("ce_time", b"2026-05-01T14:03:00")], b"{}")
    assert caught.value.field == "ce_time"
    assert "14:03:00" not in str(caught.value).split("expected")[0]


@pytest.mark.parametrize("media_type", [b"application/cloudevents+json", b"Application/CloudEvents+JSON; charset=UTF-8"])
def test_structured_mode_is_read_whatever_the_case(media_type):
    attributes, body = read_structured(structured(data={"a": 1}, time="2026-05-01T14:03:00+00:00", subject="s"), media_type)
    assert attributes.id == "1"
    assert attributes.subject == "s"
    assert attributes.time == datetime(2026, 5, 1, 14, 3, tzinfo=UTC)
    assert body == b'{"a":1}'


def test_structured_binary_and_text_bodies_keep_their_bytes():
    raw = b"\x00\xff"
    assert read_structured(structured(datacontenttype="application/octet-stream", data_base64=base64.b64encode(raw).decode()))[1] == raw
    assert read_structured(structured(datacontenttype="text/csv", data="a,b\n1,2"))[1] == b"a,b\n1,2"


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (structured(specversion="0.3"), "specversion"),
        (structured(id=...), "id"),
        (structured(source=""), "source"),
        (structured(type=7), "type"),
        (structured(time="yesterday"), "time"),
        (structured(data_base64="%"), "data_base64"),
        (structured(data_base64="é"), "data_base64"),
        (structured(data="\ud800"), "data"),
        (b"[]", "value"),
        (b"{", "value"),
        (b"\xff", "value"),
        (b"[" * 100_000, "value"),
    ],
)
def test_a_structured_event_that_cannot_be_read_names_the_field(content, field):
    with pytest.raises(CloudEventError) as caught:
        read_structured(content)
    assert caught.value.field == field


def test_other_structured_forms_are_refused():
    with pytest.raises(CloudEventError, match="content-type"):
        read_structured(b"Obj", b"application/cloudevents+avro")


_TIMES = (
    "2026-05-01T14:03:00Z",
    "2026-05-01T14:03:00.25Z",
    "2026-05-01T14:03:00+02:00",
    "2026-02-30T00:00:00Z",
    "yesterday",
    "",
    "\n2026-05-01T14:03:00Z",
)
_VALUES = st.sampled_from([None, b"", b"a", "é".encode(), b"\xff"])


@given(
    headers=st.fixed_dictionaries(
        {},
        optional={
            "ce_specversion": st.sampled_from([b"1.0", b"0.3", None]),
            "ce_id": _VALUES,
            "ce_source": _VALUES,
            "ce_type": _VALUES,
            "ce_subject": _VALUES,
            "ce_dataschema": _VALUES,
            "ce_time": st.sampled_from([None, *(time.encode() for time in _TIMES)]),
            "content-type": st.sampled_from([None, b"", b"application/json", b"text/csv"]),
        },
    )
)
def test_the_usual_headers_are_read_as_any_others(headers):
    def told(usual):
        with pytest.MonkeyPatch.context() as patch:
            if not usual:
                patch.setattr(cloudevents, "_read_usual", lambda *_: None)
            try:
                return cloudevents.read(headers.items(), b"{}")
            except CloudEventError as error:
                return str(error)

    assert told(usual=True) == told(usual=False)
