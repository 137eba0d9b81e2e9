from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from spikewatch.contracts.report import LocatedReport, Report
from spikewatch.contracts.vocabulary import PlacePrecision
from spikewatch.enrichment.domain.geography import Atlas
from spikewatch.enrichment.domain.locate import Geodata
from spikewatch.enrichment.reapply import reapply

POINT = {"lat": 40.5, "lon": -79.5, "precision": PlacePrecision.POINT}
BY_ZIP = {"zip5": "99901"}


@dataclass
class Kept:
    partition: int
    offset: int
    value: bytes | None


def topic(*bodies: Report | LocatedReport | bytes | None) -> Callable[[], AsyncIterator[Kept]]:
    async def read() -> AsyncIterator[Kept]:
        for offset, body in enumerate(bodies):
            yield Kept(0, offset, body.to_json() if isinstance(body, Report | LocatedReport) else body)

    return read


class Outbox:
    def __init__(self) -> None:
        self.sent: list[LocatedReport] = []

    async def __call__(self, located: Sequence[LocatedReport]) -> None:
        self.sent += located


async def test_only_the_newest_revision_is_placed_and_only_what_differs_is_published(
    atlas: Atlas, report: Callable[..., Report], located: Callable[..., LocatedReport]
) -> None:
    first, second = report("1", location=BY_ZIP), report("1", location=POINT, revision=2)
    stays = report("2", location=POINT)
    reports = topic(first, b"{", None, second, stays, first)
    before = topic(located("1", location=BY_ZIP, revision=2), located("2", location=POINT), located("1", location=BY_ZIP))
    outbox, seen = Outbox(), list[int]()
    counts = await reapply(Geodata(atlas, version=7), reports, before, outbox, seen.append)
    assert [(one.report.report_id, one.geodata_version) for one in outbox.sent] == [(second.report_id, 7)]
    assert (counts.reports, counts.changed, seen) == (2, 1, [2])


async def test_without_a_publisher_it_only_counts_and_a_second_run_finds_nothing(atlas: Atlas, report: Callable[..., Report]) -> None:
    reports = topic(*(report(str(number), location=POINT) for number in range(3)))
    counts = await reapply(Geodata(atlas, version=7), reports, topic(), None, lambda _: None)
    assert counts.changed == 3
    outbox = Outbox()
    await reapply(Geodata(atlas, version=7), reports, topic(), outbox, lambda _: None)
    again = await reapply(Geodata(atlas, version=8), reports, topic(*outbox.sent), None, lambda _: None)
    assert (again.reports, again.changed) == (3, 0)
