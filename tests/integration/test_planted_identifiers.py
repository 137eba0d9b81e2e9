"""No direct identifier that an agency sends by mistake is found anywhere afterwards."""

import json
import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pymongo
import pytest
from spikewatch_testing.fuzzing.planted import PLANTED as PLANTED_IN_FORMATS
from spikewatch_testing.fuzzing.planted import VALUES, places
from spikewatch_testing.fuzzing.seeds import seeds, source_of
from spikewatch_testing.pipeline import Pipeline, wait_until
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

from spikewatch.cli.main import main as spikewatch
from spikewatch.cli.stack.secret_key import seal_key
from spikewatch.contracts import topics
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.rejection import Rejected
from spikewatch.ingest.domain.seal import HEADER

pytestmark = [pytest.mark.integration, pytest.mark.slow(50)]

EMS = "planted-ems"
GROUP = "ingest-normalise"
# What would be recognised again: a name, a birth date in two forms, a phone number, a social security number, record numbers.
NAME, BORN, BIRTHDAY, PHONE, NUMBER = "Zebulon Quillfeather", "1957-03-11", "03/11/1957", "(610) 555-0143", "078-05-1120"
MRN, CHART, MAIL = "MRN 88442211", "MRN88442211", "zq.quillfeather@example.org"
PLANTED = (NAME, "Quillfeather", BORN, BIRTHDAY, PHONE, "555-0143", NUMBER, "88442211", MAIL, "quillfeather")
EVERY = f"{NAME} {BORN} {BIRTHDAY} {PHONE} {NUMBER} {MRN} {MAIL}"


@pytest.fixture(scope="module")
def desk(stack: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    enrol(stack, tmp_path_factory.mktemp("planted"), EMS)
    return stack


@pytest.fixture(scope="module")
def written() -> set[tuple[int, int]]:
    """Where on the submissions topic these tests have put readable identifiers, as an agency would by mistake."""
    return set()


def records() -> list[Any]:
    """Return records that hold identifiers where nothing should be, and in place of what should be."""
    unknown = {"name": NAME, "patient": {"dob": BORN, "phones": [PHONE], EVERY: EVERY}, "mrn": MRN, "narrative": EVERY, NAME: NUMBER}
    spoilt = [
        good("P-BAD", **{field: value})
        for field in ("occurred_at", "outcome", "reversal_given", "age", "sex", "zip", "county_fips", "lat", "count", "disposition")
        for value in (EVERY, BORN)
    ]
    return [
        good("P-UNKNOWN-1", **unknown),
        good("P-TEXT", address=f"100 Main St, {PHONE} {BIRTHDAY} {MRN} {CHART} {NUMBER} {MAIL}", intersection=f"A & B {PHONE}"),
        good("P-DRUGS", suspected_drugs=[EVERY, "fentanyl"]),
        good("P-GROUPS", location={"name": NAME, "zip": "99777"}, victims={"full_name": EVERY}),
        good("P-ID", record_id=CHART),
        good("P-ID", record_id=PHONE),
        good("P-ID", record_id=NUMBER),
        good("P-ID", incident_number=MRN),
        good("P-ID", cad_number=MAIL),
        *spoilt,
        EVERY,
        [NAME],
        {NAME: EVERY},
        good("", record_id=..., name=NAME, mrn=MRN),
    ]


def send(desk: Pipeline) -> list[httpx.Response]:
    """Send them in every form, with identifiers around the body too."""
    around = {
        "X-Patient": EVERY,
        "User-Agent": NAME,
        "Idempotency-Key": CHART,
        "traceparent": f"00-{'c' * 32}-{'d' * 16}-01",
        "tracestate": "agency=Quillfeather",
        "baggage": "patient=Quillfeather",
        "Referer": f"https://example.org/{MAIL}",
    }
    fields = ["record_id", "occurred_at", "county_fips", "outcome", "reversal_given", "name", NAME]
    rows = [[*good(f"P-CSV-{number}", days=40).values(), EVERY, MRN] for number in range(2)]
    rows[1][3] = NAME
    table = "\n".join(",".join(f'"{cell}"' for cell in row) for row in (fields, *rows, [EVERY], [f'"{NAME}']))
    calls = "\n".join(
        [
            "lat,lng,desc,zip,title,timeStamp,twp,addr,e",
            f'40.1,-75.3,"{NAME}; {PHONE}; 2026-01-02 @ 10:11:12;",99777,EMS: OVERDOSE,2026-01-02 10:14:00,{BORN},{PHONE} MAIN ST,1',
            f'40.1,-75.3,"{EVERY}",99777,EMS: OVERDOSE,{EVERY},,,1',
            f'40.1,-75.3,"{EVERY}",99777,{EVERY},2026-01-02 10:14:00,,,1',
        ]
    )
    whole = desk.post(EMS, json.dumps(records()), **around)
    assert whole.status_code == 202, whole.text
    answers = [
        whole,
        desk.post(EMS, "\n".join(json.dumps(record) for record in records()) + "\n{" + EVERY, content_type="application/x-ndjson"),
        desk.post(EMS, table, content_type="text/csv"),
        desk.post(EMS, calls, content_type="text/csv", form="cad_911"),
        desk.post(EMS, json.dumps(good("P-ALONE", outcome=EVERY))),
        desk.post(EMS, json.dumps({"name": EVERY})),
    ]
    assert [answer.status_code for answer in answers] == [202] * len(answers)
    refused = [
        desk.post(EMS, EVERY),
        desk.post(EMS, f"{NAME},{MRN}\n1,2\n", content_type="text/csv"),
        desk.post(EMS, "{}", form=NAME),
        desk.post(EMS, "{}", content_type=f"text/{CHART}"),
        desk.post(EMS, "{}", content_type=f"application/json; charset={CHART}"),
        desk.post(EMS, "{}", **{"Idempotency-Key": EVERY * 10}),
        httpx.get(f"{desk.gateway_url}/v1/submissions/{NAME}?patient={MRN}", headers={"Authorization": f"Bearer {desk.issue_key(EMS)}"}),
        httpx.get(f"{desk.gateway_url}/{MAIL}"),
        httpx.post(f"{desk.gateway_url}/v1/submissions", headers={"Authorization": f"Bearer {CHART}"}, content=EVERY),
        httpx.request(CHART.replace(" ", ""), f"{desk.gateway_url}/v1/submissions"),
    ]
    assert all(400 <= answer.status_code < 500 for answer in refused), [answer.status_code for answer in refused]
    return [*answers, *refused]


def planted_in_formats() -> Iterator[tuple[str, str, bytes]]:
    """Yield, for every format, records with an identifier in the place of a value: all kinds of them, over the whole record."""
    for name in FEEDS:
        small = [seed for seed in seeds(name, with_samples=False) if seed.is_small]
        for number, value in enumerate(VALUES if small else ()):
            seed = small[number % len(small)]
            found = list(places(seed.body, seed.media_type))
            for where, plant in (found[len(found) * number // len(VALUES)], found[(number * 7 + 3) % len(found)]):
                body = plant(value)
                if not is_name_of_a_place(name, seed.media_type, body):
                    yield f"{name} {where}", seed.media_type, body


def is_name_of_a_place(name: str, media_type: str, body: bytes) -> bool:
    """Tell whether a name stands where a street or a town should: nothing tells it from theirs (ADR 0011)."""
    feed = FEEDS[name]
    try:
        for record in feed.records(body, media_type, limit=100):
            reading = feed.read(record.fields, source_of(feed)) if record.rejected is None and not record.is_skipped else None
            place = reading.report.location if reading is not None and reading.report is not None else None
            if place is not None and "quillfeather" in f"{place.address} {place.intersection} {place.city}".lower():
                return True
    except Rejected:
        pass
    return False


def everything(desk: Pipeline, written: set[tuple[int, int]]) -> Iterator[tuple[str, bytes]]:
    """Yield all that is kept, with the name of where, but what the test itself has written to the submissions topic."""
    for topic in topics.every_topic():
        for record in desk.records(topic.name):
            if topic == topics.SUBMISSIONS and (record.partition, record.offset) in written:
                continue
            parts = [record.key, record.value, *(text for name, value in record.headers for text in (name.encode(), value))]
            yield topic.name, b"\n".join(part for part in parts if part is not None)
    for log in sorted(Path(desk.stack.folder, "services").glob("*")):
        yield log.name, log.read_bytes()
    assert desk.stack.traces is not None
    database = sqlite3.connect(desk.stack.traces.file)
    for (body,) in database.execute("SELECT body FROM request"):
        yield "traces", body
    database.close()
    with pymongo.MongoClient(desk.mongodb_uri) as client:
        for name in client.list_database_names():
            if name.startswith("spikewatch_"):
                for collection in client[name].list_collection_names():
                    for document in client[name][collection].find({}):
                        yield f"{name}.{collection}", repr(document).encode()


def recognised(kept: Iterable[tuple[str, bytes]]) -> list[tuple[str, str]]:
    """Return which planted identifiers are found where."""
    wanted = {*PLANTED, *PLANTED_IN_FORMATS, "QUILLFEATHER"}
    return sorted({(text, place) for place, part in kept for text in wanted if text.encode() in part})


def test_no_planted_identifier_is_stored_published_logged_traced_or_answered(desk: Pipeline, written: set[tuple[int, int]]) -> None:
    answers = send(desk)
    kept: list[tuple[str, bytes]] = []
    submissions: list[tuple[str, str]] = []
    for answer in answers:
        kept.append(("answer", answer.content + str(answer.headers).encode()))
        if answer.status_code == 202:
            receipt = receipt_when_processed(desk, EMS, answer.json()["submission_id"])
            kept.append(("receipt", json.dumps(receipt).encode()))
    by_status: dict[int, int] = {}
    for where, media_type, body in planted_in_formats():
        answer = desk.post(EMS, body, content_type=media_type, form=where.split()[0])
        by_status[answer.status_code] = by_status.get(answer.status_code, 0) + 1
        kept.append((f"answer to {where}", answer.content + str(answer.headers).encode()))
        if answer.status_code == 202:
            submissions.append((where, answer.json()["submission_id"]))
    assert set(by_status) <= {202, 400}
    assert by_status[202] > len(FEEDS) * 5, "most of what is planted is one record's matter"
    desk.settle()
    for where, submission in submissions:
        kept.append((f"receipt of {where}", json.dumps(receipt_when_processed(desk, EMS, submission)).encode()))
    trace = answers[0].json()["trace_id"]
    wait_until(lambda: any(span.name == "process overdose.reports.v1" for span in desk.spans(trace)), "traces have arrived")
    kept += everything(desk, written)
    places = {place for place, _ in kept}
    assert {"answer", "receipt", "traces", "spikewatch_ingest.submissions", "overdose.reports.v1", "ingest-1.log"} <= places
    assert any(b"P-UNKNOWN-1" in part for place, part in kept if place == "overdose.reports.v1"), "the reports themselves are there"
    assert not recognised(kept)


def plain_records(desk: Pipeline) -> dict[str, tuple[Raw, str]]:
    """Return records that an agency might write to Kafka by mistake, identifiers readable, with why each is refused."""
    name, every = NAME.encode(), EVERY.encode()
    record = json.dumps(good("PLAIN-1", name=NAME, mrn=MRN, narrative=EVERY)).encode()
    seals = seals_of(desk)
    fine = sealed(seals, EMS, good("PLAIN-2"))
    bare = [header for header in fine.headers if header[0] != HEADER]
    around: list[tuple[str, bytes | None]] = [("x-patient", every), ("tracestate", name), ("reply_to", every)]

    def told(attribute: str, value: bytes) -> Raw:
        return Raw(fine.key, record, [*(header for header in bare if header[0] != attribute), (attribute, value), *around])

    event = {"specversion": "1.0", "id": "1", "source": f"/agencies/{EMS}", "type": topics.SUBMISSIONS.event_types[0], "data": EVERY}
    structured: list[tuple[str, bytes | None]] = [("content-type", b"application/cloudevents+json"), *around]
    fields = good("PLAIN-3", outcome=...)
    return {
        "no event": (Raw(name, record, around), "not-a-cloud-event"),
        "no key, a dlq- header": (Raw(None, record, [*around, ("dlq-reason", every)]), "not-a-cloud-event"),
        "no value": (Raw(fine.key, None, [*bare, *around]), "malformed"),
        "another version": (told("ce_specversion", name), "not-a-cloud-event"),
        "no time": (told("ce_time", BORN.encode()), "not-a-cloud-event"),
        "unknown type": (told("ce_type", every), "unknown-event-type"),
        "too large": (Raw(fine.key, (every + b" ") * 20_000, [*bare, *around]), "too-large"),
        "broken structured event": (Raw(fine.key, b"{" + every, structured), "not-a-cloud-event"),
        "structured event, unknown type": (Raw(fine.key, json.dumps({**event, "type": NAME}).encode(), structured), "unknown-event-type"),
        "structured event, unsealed": (Raw(fine.key, json.dumps(event).encode(), structured), "unproven-origin"),
        "unsealed": (told("ce_subject", every), "unproven-origin"),
        "a seal is claimed": (Raw(fine.key, record, [*bare, (HEADER, b"a1"), *around]), "unproven-origin"),
        "a quarantine is claimed": (Raw(fine.key, record, [*bare, (HEADER, b"q1"), *around]), "unproven-origin"),
        "an agency that is a name": (told("ce_source", b"/agencies/quillfeather"), "unproven-origin"),
        "sealed, readable around it": (sealed(seals, EMS, fields, extra=around), "missing-field"),
        "sealed, id of the event": (sealed(seals, EMS, fields, ce_id=NAME), "missing-field"),
        "sealed, format": (sealed(seals, EMS, fields, form=NAME), "unsupported-format"),
        "sealed, media type": (sealed(seals, EMS, fields, media=f"text/{NAME}"), "unsupported-format"),
        "sealed, parameter of the media type": (sealed(seals, EMS, [fields, fields], media=f"application/json; x={NAME}"), "missing-field"),
        "sealed, key of the record": (replace(sealed(seals, EMS, [fields, fields]), key=name), "missing-field"),
    }


def test_what_is_written_to_kafka_in_clear_waits_sealed_whoever_refuses_it(desk: Pipeline, written: set[tuple[int, int]]) -> None:
    bad = plain_records(desk)
    places = produce(desk, topics.SUBMISSIONS.name, [raw for raw, _ in bad.values()])
    written.update(places)
    desk.settle()
    waiting = letters_by_place(desk, topics.SUBMISSIONS, GROUP, restored=False)
    restored = letters_by_place(desk, topics.SUBMISSIONS, GROUP)
    for (kind, (raw, reason)), place in zip(bad.items(), places, strict=True):
        assert reason_of(waiting[place]) == reason, kind
        assert waiting[place].key in {None, EMS.encode()}, kind
        if not kind.startswith(("sealed, parameter", "sealed, key")):  # of these each part waits alone
            came = [header for header in raw.headers if not header[0].startswith("dlq-")]
            assert Raw(raw.key, raw.value, came).is_in(restored[place]), f"{kind}: not byte for byte"
    assert not recognised(everything(desk, written))


def test_a_quarantined_record_is_shown_and_replayed_byte_for_byte(
    desk: Pipeline, written: set[tuple[int, int]], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    agency = f"quarantined-{uuid.uuid4().hex[:8]}"
    patient = ("x-patient", NAME.encode())
    raw = sealed(seals_of(desk), agency, good("QUARANTINE-1"), extra=[patient])
    (place,) = produce(desk, topics.SUBMISSIONS.name, [raw])
    written.add(place)
    desk.settle()
    letter = letters_by_place(desk, topics.SUBMISSIONS, GROUP, restored=False)[place]
    assert reason_of(letter) == "unknown-agency"
    identifier = (letter.header("dlq-id") or b"").decode()

    def dlq(*arguments: str) -> Any:
        capsys.readouterr()
        assert spikewatch(["dlq", *arguments, "--json", "--bootstrap", desk.kafka_bootstrap]) == 0
        return json.loads(capsys.readouterr().out)

    hidden, shown = tmp_path / "hidden", tmp_path / "shown"
    headers = dlq("show", identifier, "--body", str(hidden))["headers"]
    assert hidden.read_bytes() == letter.value
    assert NAME not in json.dumps(headers)
    monkeypatch.setenv("SPIKEWATCH_INGEST_SEAL_KEY", seal_key(desk.stack.folder))
    headers = dlq("show", identifier, "--open", "--body", str(shown))["headers"]
    assert json.loads(shown.read_bytes())["record_id"] == "QUARANTINE-1"
    assert {"header": patient[0], "value": NAME} in headers

    enrol(desk, tmp_path, agency)
    assert dlq("replay", "--id", identifier) == {"replayed": 1, "selected": 1}
    desk.settle()
    assert "QUARANTINE-1" in {body["source_record_id"] for body in desk.reports().values() if body["source_agency_id"] == agency}
    assert not recognised(everything(desk, written)), "a replay puts nothing on the topic that was not readable before"
