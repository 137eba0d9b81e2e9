"""Poison on the submissions topic, between good records of an agency that writes to Kafka itself: each gets its dead letter."""

import base64
import json
import os
import uuid
from pathlib import Path

import pytest
from spikewatch_testing.pipeline import Pipeline
from spikewatch_testing.senders import (
    Raw,
    enrol,
    good,
    letters_by_place,
    produce,
    reason_of,
    receipt_when_processed,
    sealed,
    seals_of,
)

from spikewatch.contracts import topics
from spikewatch.ingest.domain.seal import HEADER, Seals
from spikewatch.ingest.quarantine import with_original

pytestmark = pytest.mark.integration

EMS, SUSPENDED = "kafka-ems", "kafka-suspended"
GROUP = "ingest-normalise"
FIVE_MB = 5_000_000


@pytest.fixture(scope="module")
def desk(stack: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = tmp_path_factory.mktemp("bad-records")
    enrol(stack, folder, EMS)
    enrol(stack, folder, SUSPENDED, state="suspended")
    return stack


def without(raw: Raw, name: str) -> Raw:
    return Raw(raw.key, raw.value, [header for header in raw.headers if header[0] != name])


def with_header(raw: Raw, name: str, value: bytes | None) -> Raw:
    return Raw(raw.key, raw.value, [*without(raw, name).headers, (name, value)])


def structured(seals: Seals, *, encoded: bool = True) -> Raw:
    """Make an event in structured mode: attributes and sealed data in one JSON document."""
    binary = sealed(seals, EMS, good("STRUCTURED-1" if encoded else "S-PLAIN"))
    headers = dict(binary.headers)
    event = {
        "specversion": "1.0",
        "id": (headers["ce_id"] or b"").decode(),
        "source": f"/agencies/{EMS}",
        "type": topics.EventType.SUBMISSION_RECEIVED.value,
        "datacontenttype": "application/json",
        **({"data_base64": base64.b64encode(binary.value or b"").decode()} if encoded else {"data": good("S-PLAIN")}),
    }
    seal = [(HEADER, b"a1")] if encoded else []
    return Raw(EMS.encode(), json.dumps(event).encode(), [("content-type", b"application/cloudevents+json"), *seal])


def poison(seals: Seals) -> dict[str, tuple[Raw, str]]:
    """Return each kind of bad record with the reason it must get."""
    fine = sealed(seals, EMS, good("NEVER"))
    value = fine.value or b""
    return {
        "null header": (with_header(fine, "ce_id", None), "not-a-cloud-event"),
        "header that is no UTF-8": (with_header(fine, "ce_source", b"/agencies/\xff\xfe"), "not-a-cloud-event"),
        "content type that is no UTF-8": (with_header(fine, "content-type", b"\xff"), "not-a-cloud-event"),
        "no headers": (Raw(EMS.encode(), b"\x00garbage\xff", []), "not-a-cloud-event"),
        "no headers, no value": (Raw(EMS.encode(), None, []), "not-a-cloud-event"),
        "key that is no UTF-8": (Raw(b"\xff\xfe", b"x", []), "not-a-cloud-event"),
        "no key": (Raw(None, b"x", []), "not-a-cloud-event"),
        "another version": (with_header(fine, "ce_specversion", b"0.3"), "not-a-cloud-event"),
        "no id": (without(fine, "ce_id"), "not-a-cloud-event"),
        "naive ce_time": (with_header(fine, "ce_time", b"2026-05-01T10:00:00"), "not-a-cloud-event"),
        "broken structured event": (Raw(EMS.encode(), b"{", [("content-type", b"application/cloudevents+json")]), "not-a-cloud-event"),
        "structured event in XML": (Raw(EMS.encode(), b"<e/>", [("content-type", b"application/cloudevents+xml")]), "not-a-cloud-event"),
        "unknown type": (with_header(fine, "ce_type", b"org.example.something.v1"), "unknown-event-type"),
        "null value": (Raw(fine.key, None, fine.headers), "malformed"),
        "five megabytes": (Raw(fine.key, os.urandom(FIVE_MB), fine.headers), "too-large"),
        "another agency's key": (sealed(seals, EMS, good("FORGED"), sealed_by="cedar-county-ems"), "unproven-origin"),
        "the gateway's seal claimed": (with_header(fine, HEADER, b"g1"), "unproven-origin"),
        "seal cut off": (Raw(fine.key, value[:20], fine.headers), "unproven-origin"),
        "seal changed by one bit": (Raw(fine.key, value[:-1] + bytes([value[-1] ^ 1]), fine.headers), "unproven-origin"),
        "seal of another record": (with_header(fine, "ce_id", str(uuid.uuid4()).encode()), "unproven-origin"),
        "source of another agency": (with_header(fine, "ce_source", b"/agencies/cedar-county-ems"), "unproven-origin"),
        "unknown agency": (sealed(seals, "no-such-agency", good("X")), "unknown-agency"),
        "suspended agency": (sealed(seals, SUSPENDED, good("X")), "suspended-agency"),
        "unknown format": (sealed(seals, EMS, good("X"), form="fax"), "unsupported-format"),
        "media type of another format": (sealed(seals, EMS, good("X"), media="image/png"), "unsupported-format"),
        "no UTF-8 below the seal": (sealed(seals, EMS, b"\xff\xfe"), "wrong-encoding"),
        "no JSON below the seal": (sealed(seals, EMS, b"{"), "malformed"),
        "nested beyond any stack": (sealed(seals, EMS, b"[" * 100_000), "malformed"),
        "missing field": (sealed(seals, EMS, good("X", outcome=...)), "missing-field"),
        "reply_to beside a missing field": (sealed(seals, EMS, good("X", outcome=...), extra=[("reply_to", b"x")]), "missing-field"),
    }


def test_poison_between_good_records_stops_none_of_them(desk: Pipeline) -> None:
    seals = seals_of(desk)
    bad = poison(seals)
    fine = [sealed(seals, EMS, good(f"BETWEEN-{number}"), ce_id=str(uuid.uuid4())) for number in range(len(bad) + 1)]
    stream = [fine[0]]
    for (raw, _), behind in zip(bad.values(), fine[1:], strict=True):
        stream += [raw, behind]
    places = produce(desk, topics.SUBMISSIONS.name, stream)
    for record in (fine[0], fine[-1]):
        submission = (dict(record.headers)["ce_id"] or b"").decode()
        assert [one["result"] for one in receipt_when_processed(desk, EMS, submission)["records"]] == ["report"]
    desk.settle()
    names = {body["source_record_id"] for body in desk.reports().values() if body["source_agency_id"] == EMS}
    assert {f"BETWEEN-{number}" for number in range(len(fine))} <= names
    assert not names & {"NEVER", "FORGED", "X"}
    letters = letters_by_place(desk, topics.SUBMISSIONS, GROUP)
    for (name, (raw, reason)), place in zip(bad.items(), places[1::2], strict=True):
        letter = letters[place]
        assert reason_of(letter) == reason, name
        assert raw.is_in(letter), f"{name}: not byte for byte"
        assert letter.header("dlq-problem"), name
        assert letter.header("dlq-expected"), name
    assert not [place for place in places[0::2] if place in letters], "a good record became a dead letter"


def test_what_is_odd_but_sound_is_accepted(desk: Pipeline) -> None:
    seals = seals_of(desk)
    odd = sealed(seals, EMS, good("ODD-1"), extra=[("x-null", None), ("x-latin", b"\xe4"), ("", b""), ("reply_to", b"nowhere")])
    named = sealed(seals, EMS, good("ODD-2"), ce_id="2026/17")  # the id need not be a UUID
    places = produce(desk, topics.SUBMISSIONS.name, [odd, named, structured(seals)])
    desk.settle()
    names = {body["source_record_id"] for body in desk.reports().values() if body["source_agency_id"] == EMS}
    assert {"ODD-1", "ODD-2", "STRUCTURED-1"} <= names
    assert not set(places) & set(letters_by_place(desk, topics.SUBMISSIONS, GROUP))


def test_an_unsealed_record_is_hidden_in_its_dead_letter(desk: Pipeline) -> None:
    seals = seals_of(desk)
    body = json.dumps(good("PLAIN", note="plainword")).encode()
    plain = without(sealed(seals, EMS, good("PLAIN")), HEADER)
    binary, plain_event = Raw(plain.key, body, [*plain.headers, ("x-note", b"plainword")]), structured(seals, encoded=False)
    (first, second) = produce(desk, topics.SUBMISSIONS.name, [binary, plain_event])
    desk.settle()
    letters = letters_by_place(desk, topics.SUBMISSIONS, GROUP, restored=False)
    for place, came in ((first, binary), (second, plain_event)):
        letter = letters[place]
        assert reason_of(letter) == "unproven-origin"
        assert letter.key == EMS.encode()
        assert b"plainword" not in (letter.value or b"") + b"".join(value or b"" for _, value in letter.headers)
        assert came.is_in(with_original(seals, letter))
    assert not {"PLAIN", "S-PLAIN"} & {body["source_record_id"] for body in desk.reports().values()}


def test_no_service_noticed_more_than_a_dead_letter(desk: Pipeline) -> None:
    """Whatever was sent: every service lives, and none failed on its own account."""
    assert all(service.is_ready() for service in desk.stack.services)
    for log in Path(desk.stack.folder, "services").glob("*.log"):
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
        assert not [line for line in lines if str(line.get("level", line.get("severity", ""))).upper() in {"ERROR", "CRITICAL"}], log.name
