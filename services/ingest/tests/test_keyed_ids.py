"""Ids of records that are hashed: keyed, each agency with a key of its own, the same whenever a record comes again."""

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewatch.chassis.outcome import Emit
from spikewatch.contracts.report import Report
from spikewatch.contracts.vocabulary import SourceType
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.feeds.feed import FILE_KEY, NotAnOverdose, Source
from spikewatch.ingest.domain.rejection import Rejected
from spikewatch.ingest.domain.seal import RecordKeys
from spikewatch.ingest.service import Normaliser

KEYS = RecordKeys(bytes(range(32)))
SOURCE = Source("cedar-ems", SourceType.ED, datetime(2026, 12, 1, tzinfo=UTC), UUID(int=1), "hl7_adt", time_zone="America/New_York")
VISIT = (
    "MSH|^~\\&|ADT|Cedar Hospital^1234567893^NPI|SPIKEWATCH|COUNTY|20260501140300-0400||ADT^A04^ADT_A01|M1|P|2.5.1\r"
    "EVN||20260501140300-0400|||||Cedar Hospital^1234567893^NPI\r"
    "PID|1||MRN-77^^^CEDAR||ROE^JANE||19840417|F\r"
    "PV1|1|E|||||||||||||||||4711|||||||||||||||||||||||||20260501140000-0400\r"
    "PV2|||^HEROIN OVERDOSE\r"
    "DG1|1||T40.1X1A^Poisoning by heroin^I10C|||W\r"
)
EXAMPLES = Path(__file__).parents[3] / "examples" / "feeds"
HASHED = re.compile(r"hmac-[0-9a-f]{40}")


def of(agency: str, keys: RecordKeys = KEYS) -> Source:
    return replace(SOURCE, agency_id=agency, record_key=keys.of(agency))


def ids_of(feed: str, body: bytes, media: str, source: Source) -> list[str]:
    found = []
    for record in FEEDS[feed].records(body, media, limit=1000):
        try:
            if record.rejected is None and not record.is_skipped:
                reading = FEEDS[feed].read(record.fields, source)
                if reading.report is not None:
                    found.append(reading.report.source_record_id)
        except Rejected:
            continue
    return found


def test_the_same_id_under_two_agencies_gives_two_hashes_and_under_one_the_same() -> None:
    first, other = of("cedar-ems").hashed_id("4711"), of("birch-ems").hashed_id("4711")
    assert first != other
    assert first == of("cedar-ems").hashed_id("4711") == of("cedar-ems", RecordKeys(bytes(range(32)))).hashed_id("4711")
    assert first != of("cedar-ems", RecordKeys(bytes(32))).hashed_id("4711")
    assert first != replace(SOURCE, record_key=FILE_KEY).hashed_id("4711")
    assert HASHED.fullmatch(first)


@given(st.lists(st.text(max_size=8), min_size=1, max_size=3), st.lists(st.text(max_size=8), min_size=1, max_size=3))
def test_other_parts_give_another_id(one: list[str], two: list[str]) -> None:
    source = of("cedar-ems")
    if "\x1f".join(one) != "\x1f".join(two):
        assert source.hashed_id(*one) != source.hashed_id(*two)
    assert source.hashed_id("\ud800") == source.hashed_id("\ud800")  # half a character is no crash


def test_who_tries_all_numbers_without_the_key_finds_none() -> None:
    [found] = ids_of("hl7_adt", VISIT.encode(), "application/hl7-v2", of("cedar-hospital"))
    facilities = ("", "1234567893", "CEDAR HOSPITAL")
    known = bytes.fromhex(found.removeprefix("hmac-"))
    # What was published before ids were keyed, what a plain hash would be, and what the key of files gives.
    looking = replace(SOURCE, agency_id="cedar-hospital")
    for number in map(str, range(4000, 5500)):
        tried = {hashlib.sha256(number.encode()).digest()[:20]}
        for facility in facilities:
            tried.add(hashlib.sha256(f"hl7_adt\x1f{facility}\x1f{number}".encode()).digest()[:20])
            tried.add(bytes.fromhex(looking.hashed_id("hl7_adt", facility, number).removeprefix("hmac-")))
        assert known not in tried
    # With the key it is found: the test tries what is hashed, not something else.
    assert found == of("cedar-hospital").hashed_id("hl7_adt", "1234567893", "4711")


@pytest.mark.parametrize(
    ("feed", "name", "media"),
    [
        ("hl7_adt", "*.hl7", "application/hl7-v2"),
        ("fhir", "*.json", "application/fhir+json"),
        ("me_allegheny", "*.csv", "text/csv"),
        ("me_connecticut", "*.csv", "text/csv"),
    ],
)
def test_formats_whose_numbers_are_persons_hash_under_the_key_of_the_agency(feed: str, name: str, media: str) -> None:
    paths = sorted((EXAMPLES / feed).glob(name)) if EXAMPLES.is_dir() else []
    if not paths:
        pytest.skip("the repository's examples are not here")
    cedar, birch = of("cedar-ems"), of("birch-ems")
    compared = 0
    for path in paths:
        if path.name == "expected.json":
            continue
        try:
            first, again, other = (ids_of(feed, path.read_bytes(), media, source) for source in (cedar, cedar, birch))
        except Rejected:
            continue  # an example of a file that is refused as a whole
        assert first == again
        assert all(HASHED.fullmatch(found) for found in first)
        assert set(first).isdisjoint(other)
        compared += len(first)
    assert compared > 3


async def test_a_resend_keeps_its_identity_at_the_gateway_and_two_agencies_never_share_one(house: Any) -> None:
    normaliser: Normaliser = house.normaliser()

    async def sent(agency: str, text: str) -> list[Report]:
        arrival = house.arrival(text.encode(), agency_id=agency, feed="hl7_adt", media="application/hl7-v2")
        [outcome] = await normaliser.normalise([arrival])
        assert isinstance(outcome, Emit)
        assert not outcome.rejected
        return [message.body for message in outcome.messages if isinstance(message.body, Report)]

    visit = VISIT.replace("20260501", "20260401")
    [first] = await sent("cedar-ems", visit)
    assert await sent("cedar-ems", visit) == []  # a duplicate
    later = visit.replace("20260401140300-0400||ADT^A04", "20260401150300-0400||ADT^A08").replace(
        "HEROIN OVERDOSE", "HEROIN OVERDOSE, NARCAN"
    )
    [second] = await sent("cedar-ems", later.replace("T40.1X1A", "T40.411A"))
    [elsewhere] = await sent("birch-police", visit)
    assert second.source_record_id == first.source_record_id
    assert second.report_key == first.report_key
    assert second.revision > first.revision
    assert elsewhere.source_record_id != first.source_record_id
    # the deployment's key, not the one that everybody knows
    assert first.source_record_id == of("cedar-ems").hashed_id("hl7_adt", "1234567893", "4711")
    assert isinstance(first.source_record_id, str)
    assert not isinstance(first, NotAnOverdose)


def test_the_key_is_shown_nowhere() -> None:
    source = of("cedar-ems")
    assert "record_key" not in repr(source)
    assert repr(source.record_key) not in repr(source)
