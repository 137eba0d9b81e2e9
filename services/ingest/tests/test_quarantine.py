import os
import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewatch.chassis.kafka.message import Record
from spikewatch.contracts.cloudevents import Attributes, read, write
from spikewatch.contracts.topics import EventType
from spikewatch.ingest.domain.framing import frame, unframe
from spikewatch.ingest.domain.seal import HEADER, Kind, Seals
from spikewatch.ingest.quarantine import Quarantine, original

SEALS = Seals(bytes(range(32)), os.urandom)
QUARANTINE = Quarantine(SEALS, {"cedar-ems"}.__contains__)
NAME = b"Zebulon Quillfeather"
HEADERS = st.lists(st.tuples(st.text(max_size=9), st.none() | st.binary(max_size=300)), max_size=6)
OPTIONAL = st.none() | st.binary(max_size=300)


def record(value: bytes | None, headers: list[tuple[str, bytes | None]], *, key: bytes | None = b"cedar-ems") -> Record:
    return Record("overdose.submissions.v1", 3, 17, key, value, tuple(headers), datetime(2026, 5, 1, tzinfo=UTC))


def sealed(kind: Kind = Kind.AGENCY, *, agency: str = "cedar-ems", ce_id: str | None = None, media: str = "application/json") -> Record:
    ce_id, source = ce_id or str(uuid.uuid4()), f"/agencies/{agency}"
    attributes = Attributes(id=ce_id, source=source, type=EventType.SUBMISSION_RECEIVED, content_type=media)
    value = SEALS.seal(kind, agency, NAME, ce_id=ce_id, ce_source=source, content_type=media)
    headers = [*write(attributes), (HEADER, kind.value.encode()), ("spikewatch-format", b"statutory")]
    return record(value, headers, key=agency.encode())


def changed(base: Record, name: str, value: bytes | None) -> Record:
    return replace(base, headers=(*(header for header in base.headers if header[0] != name), (name, value)))


def readable(waiting: Record) -> bytes:
    parts = [waiting.key, waiting.value, *(part for name, value in waiting.headers for part in (name.encode(), value))]
    return b"\n".join(part for part in parts if part is not None)


@given(OPTIONAL, OPTIONAL, HEADERS)
def test_what_is_framed_comes_back_byte_for_byte_and_is_hardly_longer(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    framed = frame(key, value, headers)
    assert unframe(framed) == (key, value, tuple(headers))
    content = len(key or b"") + len(value or b"") + sum(len(name.encode()) + len(part or b"") for name, part in headers)
    assert len(framed) <= content + 5 + 4 * len(headers)


@given(st.binary(max_size=60))
def test_what_was_not_framed_is_refused_or_read_but_never_runs_away(framed: bytes) -> None:
    try:
        unframe(framed)
    except ValueError:
        return


@given(OPTIONAL, OPTIONAL, HEADERS)
def test_whatever_came_waits_unreadable_and_comes_back_byte_for_byte(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    came = record(value, headers, key=key)
    waiting = QUARANTINE.wrap(came)
    assert {name for name, _ in waiting.headers} == {"ce_specversion", "ce_id", "ce_source", "ce_type", "content-type", HEADER}
    assert (waiting.partition, waiting.offset, waiting.timestamp) == (came.partition, came.offset, came.timestamp)
    assert QUARANTINE.unwrap(waiting) == came
    assert QUARANTINE.wrap(waiting) is waiting
    read(waiting.headers, waiting.value)  # a replay of it is an event like any other


@pytest.mark.parametrize("kind", [Kind.GATEWAY, Kind.AGENCY])
def test_what_its_agency_sealed_waits_as_it_came(kind: Kind) -> None:
    came = sealed(kind)
    assert QUARANTINE.wrap(came) is came
    assert QUARANTINE.unwrap(came) is came


@pytest.mark.parametrize(
    "came",
    [
        record(NAME, []),
        record(NAME, [(HEADER, b"g1")]),
        record(NAME, [*write(Attributes(id="1", source="/agencies/cedar-ems", type=EventType.SUBMISSION_RECEIVED)), (HEADER, b"a1")]),
        record(NAME, [(HEADER, b"q1")]),
        record(None, [("patient", NAME)]),
        record(b'{"name": "' + NAME + b'"}', [("content-type", b"application/cloudevents+json"), (HEADER, b"a1")]),
        replace(sealed(), key=NAME),
        replace(sealed(), value=NAME * 9),
        replace(sealed(), headers=(*sealed().headers, ("x-patient", NAME))),
        replace(sealed(), headers=(("content-type", NAME), *sealed().headers)),
        sealed(ce_id=NAME.decode()),
        sealed(media=f"text/{NAME.decode()}"),
        *(
            changed(sealed(), name, NAME)
            for name in ("ce_type", "ce_subject", "ce_time", "ce_dataschema", "spikewatch-format", "spikewatch-profile", "traceparent")
        ),
        changed(sealed(), "spikewatch-profile", b"quillfeather"),
    ],
)
def test_nothing_that_a_sender_wrote_is_readable(came: Record) -> None:
    assert b"quillfeather" in readable(came).lower()
    waiting = QUARANTINE.wrap(came)
    assert b"quillfeather" not in readable(waiting).lower()
    assert QUARANTINE.unwrap(waiting) == came


def test_only_the_id_of_an_agency_stays_readable_as_key() -> None:
    assert QUARANTINE.wrap(record(NAME, [])).key == b"cedar-ems"
    assert QUARANTINE.wrap(record(NAME, [], key=b"quillfeather")).key is None
    assert QUARANTINE.wrap(record(NAME, [], key=b"\xff")).key is None


def test_a_letter_opens_with_the_operators_key_only_and_not_when_it_was_changed() -> None:
    waiting = QUARANTINE.wrap(record(NAME, []))
    assert original(Seals(bytes(32), os.urandom), waiting) is None
    assert original(SEALS, changed(waiting, "ce_id", str(uuid.uuid4()).encode())) is None
    assert QUARANTINE.unwrap(changed(waiting, "ce_id", b"\xff")).value == waiting.value


def test_a_letter_that_does_not_open_is_wrapped_once_more_and_comes_back() -> None:
    foreign = Quarantine(Seals(bytes(32), os.urandom), lambda _: False).wrap(record(NAME, []))
    assert QUARANTINE.unwrap(QUARANTINE.wrap(foreign)) == foreign
