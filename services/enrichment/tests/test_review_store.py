"""What review reads of a store; the in-memory and the MongoDB one run the same suite."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from spikewatch.enrichment.domain.transition import StoredIncident
from spikewatch.enrichment.ports import KnownReport, StoredReport
from spikewatch.enrichment.review import ReviewStore

NOW = datetime.now(UTC).replace(microsecond=0)  # the server expires by its own clock, so a fixed date would age
A, B, C = (UUID(int=number) for number in range(1, 4))


class BothStores(ReviewStore):
    """A store of matching, which review reads."""

    async def add_reports(self, reports: Sequence[StoredReport]) -> frozenset[UUID]: ...

    async def write_incidents(self, incidents: Sequence[StoredIncident]) -> None: ...

    async def mark_floods(self, spots: Collection[str], reports: Collection[UUID]) -> None: ...


def received(key: UUID, hours: float, *blocks: int) -> StoredReport:
    return StoredReport(key, (1, 0), b"[]", b"{}", NOW - timedelta(hours=hours), blocks)


def keys(reports: Sequence[KnownReport]) -> list[UUID]:
    return [one.key for one in reports]


async def test_the_latest_reports_come_first_and_no_older_ones(store: BothStores) -> None:
    await store.add_reports([received(A, 30, 1), received(B, 2, 1, 2), received(C, 10, 3)])
    assert keys(await store.reports_since(NOW - timedelta(hours=12), 10)) == [B, C]
    assert keys(await store.reports_since(NOW - timedelta(hours=48), 2)) == [B, C]
    assert keys(await store.reports_since(NOW, 10)) == []


async def test_reports_of_a_flood_do_not_crowd_the_others_out(store: BothStores) -> None:
    await store.add_reports([received(A, 3, 1), received(B, 2, 1), received(C, 1, 1)])
    await store.mark_floods(["spot"], [B, C])
    assert keys(await store.reports_since(NOW - timedelta(hours=12), 1)) == [A]


async def test_an_incident_is_found_by_its_id_also_when_it_is_retracted(store: BothStores) -> None:
    live = StoredIncident(A, B, 1, True, "digest", b"{}", NOW, NOW, (B,), frozenset({B}), ())
    gone = StoredIncident(C, C, 1, False, "", None, NOW, NOW, (), frozenset({C}), ())
    await store.write_incidents([live, gone])
    assert await store.incident(A) == live
    assert await store.incident(C) == gone
    assert await store.incident(B) is None
