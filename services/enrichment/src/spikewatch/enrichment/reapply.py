"""The use case of placing stored reports anew: what other geodata change is counted, and published where that is asked for.

The topics are read, not the stores: the topic of reports holds the addresses, which enrichment never keeps. They are read as streams, twice
where the newest revision must be known first, so that memory holds a line for each report and no report.
"""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from spikewatch.contracts.reading import read_json
from spikewatch.contracts.report import LocatedReport, Report
from spikewatch.enrichment.domain.locate import Geodata, locate
from spikewatch.enrichment.domain.reapplication import Reapplication, Standing
from spikewatch.enrichment.ports import Stored

__all__ = ["Publish", "reapply"]

_BATCH: Final = 2_000
_REPORT: Final = TypeAdapter(Report)
_LOCATED: Final = TypeAdapter(LocatedReport)

Publish = Callable[[Sequence[LocatedReport]], Awaitable[None]]
Read = Callable[[], AsyncIterable[Stored]]
_Place = tuple[int, int]


async def reapply(
    geodata: Geodata, reports: Read, located: Read, publish: Publish | None, on_batch: Callable[[int], None]
) -> Reapplication:
    """Place the newest revision of every report by the geodata and count what differs from how it is placed now.

    Args:
        geodata: places the reports.
        reports: opens the topic of reports from its start; called twice.
        located: opens the topic of located reports from its start.
        publish: takes what differs and returns when it is acknowledged; None only counts.
        on_batch: is told after each batch how many reports are done.
    """
    newest = await _newest(reports())
    standing = await _standing(located())
    counts = Reapplication()
    async for batch in _batches(reports(), newest):
        changed = [one for one in locate(batch, geodata) if counts.note(standing.get(one.report.report_key), one)]
        if publish is not None and changed:
            await publish(changed)
        on_batch(counts.reports)
    return counts


async def _newest(records: AsyncIterable[Stored]) -> dict[UUID, tuple[int, _Place]]:
    newest: dict[UUID, tuple[int, _Place]] = {}
    async for record in records:
        report = _report(record)
        if report is not None and report.revision >= newest.get(report.report_key, (0,))[0]:
            newest[report.report_key] = report.revision, (record.partition, record.offset)
    return newest


async def _standing(records: AsyncIterable[Stored]) -> dict[UUID, Standing]:
    found: dict[UUID, Standing] = {}
    async for record in records:
        try:
            located = read_json(_LOCATED, record.value or b"")
        except ValidationError:
            continue
        standing, known = Standing.of(located), found.get(located.report.report_key)
        if known is None or standing.state >= known.state:
            found[located.report.report_key] = standing
    return found


async def _batches(records: AsyncIterable[Stored], newest: dict[UUID, tuple[int, _Place]]) -> AsyncIterator[list[Report]]:
    batch: list[Report] = []
    async for record in records:
        report = _report(record)
        # What came since the first reading is placed by the service itself.
        if report is None or newest.get(report.report_key, (0, None))[1] != (record.partition, record.offset):
            continue
        batch.append(report)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _report(record: Stored) -> Report | None:
    try:
        return read_json(_REPORT, record.value or b"")
    except ValidationError:
        return None  # it waits in the dead letters of those who consume it
