import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spikewatch_testing.exploring import examples

from spikewatch.chassis.outcome import DeadLetter, Emit, Outcome, Reason
from spikewatch.contracts.report import Report
from spikewatch.ingest.domain.feed_book import FeedSubmission
from spikewatch.ingest.domain.receipt import Receipt
from spikewatch.ingest.domain.seal import HEADER, Kind
from spikewatch.ingest.intake import Arrival

GOOD: dict[str, Any] = {
    "record_id": "R1",
    "occurred_at": "2026-05-01T14:03:00Z",
    "zip": "19401",
    "outcome": "fatal",
    "reversal_given": "no",
}
PLANTED = ("Jane Q. Roe", "1984-04-17", "610-555-0199", "MRN00123456")


def body(*records: dict[str, Any]) -> bytes:
    return json.dumps(records).encode()


def receipt(house: Any, arrival: Arrival, agency: str = "cedar-ems") -> Receipt:
    found: list[Receipt] = [
        stored for (owner, _), stored in house.receipts.stored.items() if owner == agency and str(stored.submission_id) == arrival.ce_id
    ]
    assert len(found) == 1
    return found[0]


def results(found: Receipt) -> list[str]:
    return [outcome.result.value for outcome in found.outcomes]


def reports(outcome: Outcome) -> list[Report]:
    assert isinstance(outcome, Emit)
    return [message.body for message in outcome.messages if isinstance(message.body, Report)]


async def test_a_good_record_becomes_a_report_keyed_by_its_report_key(house: Any) -> None:
    arrival = house.arrival(json.dumps(GOOD).encode())
    [outcome] = await house.normaliser().normalise([arrival])
    [report] = reports(outcome)
    message = outcome.messages[0]
    assert (message.key, message.source, message.topic.name) == (str(report.report_key), "/agencies/cedar-ems", "overdose.reports.v1")
    assert (report.trace_id, str(report.submission_id)) == ("ab" * 16, arrival.ce_id)
    assert results(receipt(house, arrival)) == ["report"]


async def test_redelivery_gives_exactly_the_same_outcome(house: Any) -> None:
    batch = [
        house.arrival(body(GOOD, {**GOOD, "outcome": "nonfatal"}, GOOD, {"record_id": "R2"})),
        house.arrival(body(GOOD, {**GOOD, "record_id": "R3"})),
    ]
    first = await house.normaliser().normalise(batch)
    stored = dict(house.receipts.stored)
    second = await house.normaliser().normalise(batch)
    assert [outcome.messages for outcome in first] == [outcome.messages for outcome in second]
    assert house.receipts.stored == stored
    assert results(receipt(house, batch[0])) == ["report", "report", "duplicate", "rejected"]
    assert results(receipt(house, batch[1])) == ["duplicate", "report"]


async def test_a_message_that_was_overtaken_by_one_that_says_no_overdose_makes_no_report(house: Any) -> None:
    def visit(minute: int, complaint: str) -> Arrival:
        lines = [
            f"MSH|^~\\&|EPIC|Cedar Hospital^1234567893^NPI|||2026050109{minute:02d}00||ADT^A08^ADT_A01|C{minute}|P|2.5.1",
            "PV1|1|E|||||||||||||||||V-1^^^^VN|||||||||||||||||||||||||20260501090000",
            f"OBX|1|CWE|8661-1^^LN||^^^^^^^^{complaint}||||||F",
        ]
        return house.arrival("\r".join(lines).encode(), feed="hl7_adt", media="application/hl7-v2")

    told, corrected, again = visit(10, "heroin overdose"), visit(20, "ankle sprain"), visit(30, "heroin overdose")
    for late in (corrected, told, told, corrected):  # each a batch of its own, some of them twice
        [outcome] = await house.normaliser().normalise([late])
        assert reports(outcome) == []
        assert results(receipt(house, late)) == ["not_an_overdose"]
    [outcome] = await house.normaliser().normalise([again])
    [report] = reports(outcome)
    assert not report.withdrawn


async def test_a_rejected_record_waits_alone_and_its_replay_updates_the_first_receipt(house: Any) -> None:
    text = (
        b"record_id,occurred_at,zip,outcome,reversal_given\nA,2026-05-01T14:03:00,19401,fatal,no\r\nB,2026-05-01T14:03:00Z,19401,fatal,no\n"
    )
    arrival = house.arrival(text, agency_id="birch-police", media="text/csv")
    house.agencies.by_id["birch-police"] = house.agencies.by_id["birch-police"].model_copy(update={"time_zone": ""})
    [outcome] = await house.normaliser().normalise([arrival])
    [letter] = outcome.rejected
    assert (letter.reason, letter.field) == (Reason.NAIVE_TIME, "occurred_at")
    assert letter.headers is not None
    headers = dict(letter.headers)
    assert headers["spikewatch-record-index"] == b"0"
    assert b"2026" not in (letter.value or b"")
    assert results(receipt(house, arrival, "birch-police")) == ["rejected", "report"]

    house.agencies.by_id["birch-police"] = house.agencies.by_id["birch-police"].model_copy(update={"time_zone": "America/New_York"})
    replayed = replace(arrival, ce_id=headers["ce_id"].decode(), value=letter.value or b"", headers=letter.headers)
    opened = house.seals.open(
        Kind.GATEWAY, "birch-police", replayed.value, ce_id=replayed.ce_id, ce_source=replayed.ce_source, content_type="text/csv"
    )
    assert opened == text.splitlines(keepends=True)[0] + text.splitlines(keepends=True)[1]
    [outcome] = await house.normaliser().normalise([replayed])
    [report] = reports(outcome)
    assert str(report.submission_id) == arrival.ce_id
    assert results(receipt(house, arrival, "birch-police")) == ["report", "report"]
    assert receipt(house, arrival, "birch-police").records == 2


async def test_a_part_cannot_be_moved_to_another_receipt(house: Any) -> None:
    victim = house.arrival(json.dumps(GOOD).encode())
    await house.normaliser().normalise([victim])
    extra = (("spikewatch-submission", victim.ce_id.encode()), ("spikewatch-record-index", b"0"))
    for kind in (Kind.AGENCY, Kind.GATEWAY):
        await house.normaliser().normalise([house.arrival(b'{"outcome":1}', kind=kind, extra=extra)])
    assert results(receipt(house, victim)) == ["report"]


async def test_a_single_refused_record_waits_as_it_came(house: Any) -> None:
    arrival = house.arrival(b'{"occurred_at": "soon"}')
    [outcome] = await house.normaliser().normalise([arrival])
    assert isinstance(outcome, DeadLetter)
    assert (outcome.reason, outcome.field, outcome.value) == (Reason.INVALID_FIELD, "occurred_at", None)
    [refused] = receipt(house, arrival).outcomes
    assert refused.topic == "overdose.submissions.v1.ingest-normalise.dlq"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"agency_id": "nobody"}, Reason.UNKNOWN_AGENCY),
        ({"agency_id": "closed-ems"}, Reason.SUSPENDED_AGENCY),
        ({"feed": "nemsis"}, Reason.UNSUPPORTED_FORMAT),
        ({"media": "text/html"}, Reason.UNSUPPORTED_FORMAT),
        ({"body": b'{"a"'}, Reason.MALFORMED),
        ({"body": b"\xff\xfe"}, Reason.WRONG_ENCODING),
        ({"body": b""}, Reason.MALFORMED),
        ({"body": body(*[GOOD] * 101)}, Reason.TOO_LARGE),
        ({"body": b"a,b\n1,2\n", "media": "text/csv"}, Reason.MISSING_FIELD),
    ],
)
async def test_a_submission_that_cannot_be_read_waits_whole(house: Any, changed: dict[str, Any], reason: Reason) -> None:
    arguments = {"body": json.dumps(GOOD).encode(), **changed}
    arrival = house.arrival(arguments.pop("body"), **arguments)
    [outcome, good] = await house.normaliser().normalise([arrival, house.arrival(json.dumps(GOOD).encode())])
    assert isinstance(outcome, DeadLetter)
    assert (outcome.reason, outcome.value) == (reason, None)
    assert len(reports(good)) == 1


async def test_only_a_seal_proves_the_origin(house: Any) -> None:
    plain = house.arrival(json.dumps(GOOD).encode(), kind=None)
    forged = replace(house.arrival(json.dumps(GOOD).encode()), ce_source="/agencies/birch-police")
    claimed = replace(plain, headers=(*plain.headers, (HEADER, b"g1")))
    for outcome in await house.normaliser().normalise([plain, forged, claimed]):
        assert isinstance(outcome, DeadLetter)
        assert outcome.reason is Reason.UNPROVEN_ORIGIN
    assert not house.receipts.stored


async def test_an_unsealed_record_is_taken_only_where_the_operator_says_so(house: Any) -> None:
    plain = house.arrival(json.dumps(GOOD).encode(), kind=None)
    [refused] = await house.normaliser().normalise([plain])
    assert refused.reason is Reason.UNPROVEN_ORIGIN
    house.accept_unsealed = True
    [accepted] = await house.normaliser().normalise([plain])
    assert len(reports(accepted)) == 1


async def test_a_quarantine_seal_that_is_not_ours_is_no_seal(house: Any) -> None:
    house.accept_unsealed = True
    plain = house.arrival(json.dumps(GOOD).encode(), kind=None, extra=((HEADER, Kind.QUARANTINE.value.encode()),))
    [refused] = await house.normaliser().normalise([plain])
    assert refused.reason is Reason.UNPROVEN_ORIGIN


async def test_a_format_that_may_be_any_text_is_in_no_receipt(house: Any) -> None:
    arrival = house.arrival(json.dumps(GOOD).encode(), feed=PLANTED[0])
    [refused] = await house.normaliser().normalise([arrival])
    assert refused.reason is Reason.UNSUPPORTED_FORMAT
    assert receipt(house, arrival).format == "unknown"


async def test_an_agencys_own_seal_is_taken_and_its_time_is_not(house: Any, now: Any) -> None:
    arrival = replace(house.arrival(json.dumps(GOOD).encode(), kind=Kind.AGENCY, ce_id="my-own-7"), ce_time=now.replace(year=2030))
    [outcome] = await house.normaliser().normalise([arrival])
    assert [report.received_at for report in reports(outcome)] == [now]


async def test_calls_that_are_no_overdose_are_counted_and_make_nothing(house: Any) -> None:
    text = b"lat,lng,desc,zip,title,timeStamp,twp,addr,e\n1,1,x,19401,EMS: FALL VICTIM,2016-01-01 10:00:00,A,B,1\n"
    arrival = house.arrival(text, feed="cad_911", media="text/csv")
    [outcome] = await house.normaliser().normalise([arrival])
    assert outcome == Emit((), ())
    assert receipt(house, arrival).counts() == {"report": 0, "duplicate": 0, "not_an_overdose": 1, "rejected": 0}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(25))
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from([*GOOD, "lat", "lon", "age", "city", "revision", "suspected_drugs", "name"]),
            st.sampled_from([*GOOD.values(), *PLANTED, "", None, 1, -5, 1.5, [], {}, ["x"], True, "unknown"]),
        ).map(lambda changed: {**GOOD, **changed}),
        min_size=1,
        max_size=6,
    )
)
async def test_each_record_is_accounted_for_exactly_once(house: Any, records: list[dict[str, Any]]) -> None:
    arrival = house.arrival(body(*records))
    [outcome] = await house.normaliser().normalise([arrival])
    found = receipt(house, arrival)
    assert [outcome.index for outcome in found.outcomes] == list(range(len(records)))
    counts = found.counts()
    emitted = len(outcome.messages) if isinstance(outcome, Emit) else 0
    refused = len(outcome.rejected) if isinstance(outcome, Emit) else 1
    assert (emitted, refused) == (counts["report"], counts["rejected"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(25))
@given(
    st.binary(max_size=300),
    st.sampled_from(["application/json", "application/x-ndjson", "text/csv"]),
    st.sampled_from(["statutory", "cad_911"]),
)
async def test_any_bytes_have_exactly_one_outcome(house: Any, noise: bytes, media: str, feed: str) -> None:
    arrival = house.arrival(noise, media=media, feed=feed)
    outcomes = await house.normaliser().normalise([arrival])
    assert len(outcomes) == 1
    assert receipt(house, arrival).outcomes


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(50))
@given(
    st.sampled_from(PLANTED),
    st.sampled_from(
        [
            "name",
            "patient",
            "dob",
            "phone",
            "mrn",
            "narrative",
            "notes",
            "outcome",
            "occurred_at",
            "zip",
            "age",
            "sex",
            "reversal_given",
            "reversal_by",
            "disposition",
            "suspected_drugs",
            "reversal_drug",
            "count",
            "revision",
            "lat",
            "county_fips",
            "location",
            "reversal",
        ]
    ),
    st.sampled_from(["text", "list", "nested"]),
    st.sampled_from(["application/json", "application/x-ndjson"]),
)
async def test_planted_identifiers_never_travel(house: Any, caplog: Any, planted: str, field: str, shape: str, media: str) -> None:
    value: Any = {"text": planted, "list": [planted], "nested": {"x": planted}}[shape]
    record = {**GOOD, field: value}
    arrival = house.arrival(json.dumps(record).encode() if media.endswith("json") else json.dumps(record).encode() + b"\n{}", media=media)
    [outcome] = await house.normaliser().normalise([arrival])
    said = repr(outcome) + repr(house.receipts.stored) + repr(house.revisions.stored) + caplog.text
    if isinstance(outcome, Emit):
        said += "".join(report.to_json().decode() for report in reports(outcome))
    assert planted not in said


async def test_the_watch_is_told_of_every_known_feed_and_of_first_revisions_only(house: Any) -> None:
    told: list[FeedSubmission] = []
    normaliser = house.normaliser(watch=told.extend)
    first = replace(house.arrival(body(GOOD, {**GOOD, "outcome": "nonfatal"}, {"record_id": "R2"})), partition=4, offset=17)
    await normaliser.normalise([first, house.arrival(body(GOOD), feed="whatever the agency wrote")])
    (seen,) = told
    assert (seen.feed, seen.partition, seen.offset) == ("cedar-ems/statutory", 4, 17)
    assert (seen.counts["report"], seen.counts["rejected"], seen.counts["new_reports"]) == (2, 1, 1)
