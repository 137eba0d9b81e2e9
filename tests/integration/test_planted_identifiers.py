"""No direct identifier that an agency sends by mistake is found anywhere afterwards."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pymongo
import pytest
from spikewatch_testing.fuzzing.planted import PLANTED as PLANTED_IN_FORMATS
from spikewatch_testing.fuzzing.planted import VALUES, places
from spikewatch_testing.fuzzing.seeds import seeds, source_of
from spikewatch_testing.pipeline import Pipeline, wait_until
from spikewatch_testing.senders import enrol, good, receipt_when_processed

from spikewatch.contracts import topics
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.rejection import Rejected

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

EMS = "planted-ems"
# What would be recognised again: a name, a birth date in two forms, a phone number, a social security number, record numbers.
NAME, BORN, BIRTHDAY, PHONE, NUMBER = "Zebulon Quillfeather", "1957-03-11", "03/11/1957", "(610) 555-0143", "078-05-1120"
MRN, CHART, MAIL = "MRN 88442211", "MRN88442211", "zq.quillfeather@example.org"
PLANTED = (NAME, "Quillfeather", BORN, BIRTHDAY, PHONE, "555-0143", NUMBER, "88442211", MAIL, "quillfeather")
EVERY = f"{NAME} {BORN} {BIRTHDAY} {PHONE} {NUMBER} {MRN} {MAIL}"


@pytest.fixture(scope="module")
def desk(stack: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    enrol(stack, tmp_path_factory.mktemp("planted"), EMS)
    return stack


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


def everything(desk: Pipeline) -> Iterator[tuple[str, bytes]]:
    """Yield all that is kept, with the name of where."""
    for topic in topics.every_topic():
        for record in desk.records(topic.name):
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


def test_no_planted_identifier_is_stored_published_logged_traced_or_answered(desk: Pipeline) -> None:
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
    wait_until(lambda: any(span.name == "process overdose.reports.v1" for span in desk.spans(trace)), "traces have arrived", seconds=30)
    kept += everything(desk)
    places = {place for place, _ in kept}
    assert {"answer", "receipt", "traces", "spikewatch_ingest.submissions", "overdose.reports.v1", "ingest-1.log"} <= places
    assert any(b"P-UNKNOWN-1" in part for place, part in kept if place == "overdose.reports.v1"), "the reports themselves are there"
    found = sorted(
        {(text, place) for place, part in kept for text in {*PLANTED, *PLANTED_IN_FORMATS, "QUILLFEATHER"} if text.encode() in part}
    )
    assert not found
