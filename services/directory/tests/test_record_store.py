"""One suite for both stores: the in-memory one is only trusted because it passes what the real one passes."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from spikewatch.directory.adapters.mongo_record_store import MongoRecordStore
from spikewatch.directory.domain import records
from spikewatch.directory.domain.filters import Term
from spikewatch.directory.domain.names import Kind, parse
from spikewatch.directory.ports import Creation, Stored
from spikewatch.directory.testing import InMemoryRecordStore

Store = InMemoryRecordStore | MongoRecordStore
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DRAFTS: dict[Kind, dict[str, Any]] = {
    Kind.AGENCY: {"display_name": "Cedar EMS", "source_type": "ems", "areas": ("county:42091",)},
    Kind.PROVIDER: {"display_name": "Cedar Recovery"},
    Kind.SERVICE: {"display_name": "Same-day start", "categories": ("naloxone",), "lat": 40.1, "lon": -75.3},
    Kind.CONTACT: {"display_name": "Desk", "organization": "Health", "role": "duty_desk", "areas": ("county:42091", "zip:19401")},
}


def stored(kind: Kind, name: str, version: int = 1, **fields: Any) -> Stored:
    return Stored(name, version, records.build(parse(kind, name), DRAFTS[kind] | fields, version=version, now=NOW), NOW)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Kind.AGENCY, "agencies/a"),
        (Kind.PROVIDER, "providers/p"),
        (Kind.SERVICE, "providers/p/services/s"),
        (Kind.CONTACT, "agencies/a/contacts/c"),
    ],
)
async def test_what_was_put_comes_back(store: Store, kind: Kind, name: str) -> None:
    first = Stored(name, 1, stored(kind, name).record, NOW, Creation("id", "print"))
    assert await store.get(name) is None
    assert await store.put(first, replaces=None)
    assert await store.get(name) == first


async def test_only_one_of_two_writers_wins(store: Store) -> None:
    assert await store.put(stored(Kind.PROVIDER, "providers/p"), replaces=None)
    assert not await store.put(stored(Kind.PROVIDER, "providers/p"), replaces=None)
    rivals = [store.put(stored(Kind.PROVIDER, "providers/p", 2, display_name=name), replaces=1) for name in ("one", "two")]
    assert sorted(await asyncio.gather(*rivals)) == [False, True]
    assert not await store.put(stored(Kind.PROVIDER, "providers/p", 2), replaces=1)


async def test_a_deleted_record_leaves_only_its_version(store: Store) -> None:
    await store.put(stored(Kind.PROVIDER, "providers/p"), replaces=None)
    assert await store.put(Stored("providers/p", 2, None, NOW), replaces=1)
    assert await store.get("providers/p") == Stored("providers/p", 2, None, NOW)
    assert await store.page(Kind.PROVIDER, "providers/", (), "", 10) == []


async def test_what_a_removed_profile_held_is_known_by_its_digest(store: Store) -> None:
    await store.put(stored(Kind.PROVIDER, "providers/p"), replaces=None)
    gone = Stored("providers/p", 2, None, NOW, removed="digest")
    assert await store.put(gone, replaces=1)
    assert await store.get("providers/p") == gone


async def test_pages_are_by_name_and_filtered(store: Store) -> None:
    for name in ("c", "a", "b"):
        await store.put(stored(Kind.AGENCY, f"agencies/{name}", areas=("zip:19401",) if name == "b" else ()), replaces=None)
    await store.put(stored(Kind.CONTACT, "agencies/a/contacts/x"), replaces=None)

    async def names(*terms: Term, after: str = "", limit: int = 10) -> list[str]:
        return [record.name for record in await store.page(Kind.AGENCY, "agencies/", terms, after, limit)]

    assert await names() == ["agencies/a", "agencies/b", "agencies/c"]
    assert await names(limit=2) == ["agencies/a", "agencies/b"]
    assert await names(after="agencies/a") == ["agencies/b", "agencies/c"]
    assert await names(Term("areas", "zip:19401"), Term("source_type", "ems")) == ["agencies/b"]
    assert await names(Term("source_type", "cad")) == []
    assert [record.name for record in await store.page(Kind.CONTACT, "agencies/a/contacts/", (), "", 10)] == ["agencies/a/contacts/x"]


async def test_children_are_seen_until_they_are_deleted(store: Store) -> None:
    await store.put(stored(Kind.PROVIDER, "providers/p"), replaces=None)
    assert not await store.has_children("providers/p")
    await store.put(stored(Kind.SERVICE, "providers/p/services/s"), replaces=None)
    assert await store.has_children("providers/p")
    await store.put(Stored("providers/p/services/s", 2, None, NOW), replaces=1)
    assert not await store.has_children("providers/p")


async def test_contacts_are_found_by_area(store: Store) -> None:
    await store.put(stored(Kind.CONTACT, "agencies/a/contacts/x"), replaces=None)
    await store.put(stored(Kind.CONTACT, "agencies/a/contacts/y", areas=("state:42",)), replaces=None)
    await store.put(stored(Kind.AGENCY, "agencies/a"), replaces=None)
    assert [contact.name for contact in await store.contacts_for(["county:42091", "zip:19401"])] == ["agencies/a/contacts/x"]
    assert await store.contacts_for(["county:00000"]) == []


async def test_changes_wait_in_order_until_they_are_marked(store: Store) -> None:
    await store.put(stored(Kind.PROVIDER, "providers/p"), replaces=None)
    await store.put(stored(Kind.PROVIDER, "providers/p", 2), replaces=1)
    await store.put(Stored("providers/p", 3, None, NOW), replaces=2)
    waiting = await store.waiting(10)
    assert [(change.version, change.record is None) for change in waiting] == [(1, False), (2, False), (3, True)]
    assert await store.mark_sent("providers/p", 2)
    assert [change.version for change in await store.waiting(10)] == [3]
    assert await store.mark_sent("providers/p", 3)
    assert not await store.mark_sent("providers/p", 3)
    assert await store.waiting(10) == []
    await store.publish_again("providers/p")
    assert [(change.version, change.record) for change in await store.waiting(10)] == [(3, None)]


async def test_one_relay_holds_until_it_releases_or_its_time_is_over(store: Store) -> None:
    until = NOW + timedelta(seconds=10)
    assert await store.hold("one", NOW, until)
    assert await store.hold("one", NOW, until)
    assert not await store.hold("two", NOW, until)
    assert await store.hold("two", until, until + timedelta(seconds=10))
    await store.release("one")  # no longer its own
    assert not await store.hold("one", NOW, until)
    await store.release("two")
    assert await store.hold("one", NOW, until)
