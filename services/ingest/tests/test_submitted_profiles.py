"""A submission that names a profile of its agency: at the gateway, through the normaliser, and back out of a dead letter."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from spikewatch.chassis.outcome import DeadLetter, Emit
from spikewatch.contracts.directory import ProfileRecord
from spikewatch.ingest.adapters.agency_table import AgencyTable
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.profile_book import PROFILE_HEADER, ProfileBook
from spikewatch.ingest.testing import FakeAgencies

TEXT = """name: tablet
version: {version}
record_id: Run No
occurred_at: {{column: Date, formats: {form}, basis: on_scene}}
"""
ROWS = b"Run No,Date\n26-0001,05/01/2026\n26-0002,2026-05-01\n"


def record(version: int = 1, form: str = "MM/DD/YYYY", content: str | None = None, agency: str = "cedar-ems") -> ProfileRecord:
    return ProfileRecord(
        name=f"agencies/{agency}/profiles/tablet-v{version}",
        display_name="Tablet",
        etag=f"e{version}",
        version=1,
        update_time=datetime(2026, 1, 1, tzinfo=UTC),
        parent=f"agencies/{agency}",
        profile="tablet",
        profile_version=version,
        content=content or TEXT.format(version=version, form=form),
    )


def shelf_of(*records: ProfileRecord) -> FakeAgencies:
    shelf = FakeAgencies()
    shelf.profiles.extend(records)
    return shelf


def header(letter: Any, name: str) -> str | None:
    return next((value.decode() for key, value in letter.headers or () if key == name), None)


def test_the_newest_version_is_taken_or_the_one_that_is_named() -> None:
    book = ProfileBook(shelf_of(record(1), record(2)))
    assert book.feed("cedar-ems", "tablet")[0] == "tablet@2"
    mark, feed = book.feed("cedar-ems", "tablet@1")
    assert (mark, feed.name) == ("tablet@1", "columns")
    assert book.feed("cedar-ems", "tablet@1")[1] is feed  # compiled once


@pytest.mark.parametrize("named", ["other", "tablet@9", "tablet@x", "x" * 41, "@1", ""])
def test_a_profile_that_is_not_there_is_refused(named: str) -> None:
    with pytest.raises(Rejected) as caught:
        ProfileBook(shelf_of(record())).feed("cedar-ems", named)
    assert (caught.value.fault, caught.value.field) == (Fault.UNSUPPORTED_FORMAT, "profile")


@pytest.mark.parametrize("content", ["name: tablet", "name: other\nversion: 1\nrecord_id: a\noccurred_at: b\n", "no yaml: ["])
def test_a_profile_that_cannot_be_used_is_refused_each_time(content: str) -> None:
    book = ProfileBook(shelf_of(record(content=content)))
    for _ in range(2):
        with pytest.raises(Rejected, match="cannot be used"):
            book.feed("cedar-ems", "tablet")


def test_another_agency_s_profile_is_none_of_ours() -> None:
    with pytest.raises(Rejected):
        ProfileBook(shelf_of(record(agency="birch-police"))).feed("cedar-ems", "tablet")


async def test_a_record_is_read_by_its_profile_and_a_corrected_one_reads_the_dead_letter(house: Any) -> None:
    shelf = shelf_of(record(1))
    normaliser = house.normaliser(profiles=shelf)
    arrival = house.arrival(ROWS, feed="columns", media="text/csv", extra=((PROFILE_HEADER, b"tablet@1"),))
    [outcome] = await normaliser.normalise([arrival])
    assert isinstance(outcome, Emit)
    [report] = [message.body for message in outcome.messages]
    assert (report.profile, report.submission_format, report.source_record_id) == ("tablet@1", "columns", "26-0001")
    [letter] = outcome.rejected
    assert header(letter, PROFILE_HEADER) == "tablet@1"
    shelf.profiles.append(record(2, form="[MM/DD/YYYY, ISO]"))
    replayed = replace(arrival, ce_id=header(letter, "ce_id") or "", value=letter.value or b"", headers=letter.headers)
    [again] = await normaliser.normalise([replayed])
    assert isinstance(again, Emit)
    [report] = [message.body for message in again.messages]
    assert (report.profile, report.source_record_id) == ("tablet@2", "26-0002")


async def test_an_unknown_profile_is_a_dead_letter_of_the_whole(house: Any) -> None:
    arrival = house.arrival(ROWS, feed="columns", media="text/csv", extra=((PROFILE_HEADER, b"other"),))
    [outcome] = await house.normaliser(profiles=shelf_of()).normalise([arrival])
    assert isinstance(outcome, DeadLetter)
    assert (outcome.reason.value, outcome.field) == ("unsupported-format", "profile")


async def test_the_table_of_agencies_keeps_profiles() -> None:
    class _Event:
        def __init__(self, key: str, body: Any) -> None:
            self.key, self.body = key, body

    class _Root:
        def __init__(self, root: Any) -> None:
            self.root = root

    table = AgencyTable(0.01)
    for one in (record(1), record(2)):
        table.on_record(_Event(one.name, _Root(one)))  # type: ignore[arg-type]
    newest = table.profile("cedar-ems", "tablet")
    assert newest is not None
    assert newest.profile_version == 2
    table.on_record(_Event(record(2).name, None))  # type: ignore[arg-type]
    assert (await table.appeared_profile("cedar-ems", "tablet", None)) == record(1)
    assert await table.appeared_profile("cedar-ems", "tablet", 2) is None
