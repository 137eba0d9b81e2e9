"""Tells which format a file is in, by trying, and says why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Final
from uuid import UUID

from spikewatch.cli.files.media_types import media_type
from spikewatch.ingest.domain.feeds.feed import Feed, Source
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["Recognised", "recognise"]

_TRIED: Final = 25  # records: enough to tell a format from a coincidence
_FAR: Final = datetime(9000, 1, 1, tzinfo=UTC)  # whether a time lies ahead says nothing of the format


@dataclass(frozen=True, slots=True)
class Recognised:
    """The format of a file, and in one clause why."""

    feed: Feed
    why: str


def recognise(name: str, start: bytes, feeds: Mapping[str, Feed]) -> Recognised | None:
    """Return the format that reads most of the first records; None when none reads any.

    Args:
        name: the file's name.
        start: its first bytes; the last record may be cut off. A spreadsheet must be whole.
        feeds: the formats to try, the likelier first.
    """
    best: tuple[float, Feed, int, int] | None = None
    for feed in feeds.values():
        tried, read = _attempt(feed, name, start)
        share = read / tried if tried else 0.0
        if read and (best is None or share > best[0]):
            best = (share, feed, read, tried)
    if best is None:
        return None
    _, feed, read, tried = best
    how = "its only record is" if tried == 1 else f"{read} of its first {tried} records are"
    return Recognised(feed, f"{how} of this format")


def _attempt(feed: Feed, name: str, start: bytes) -> tuple[int, int]:
    source = Source("local", feed.default_source, _FAR, UUID(int=0), feed.name, time_zone="UTC", county_fips="99999")
    tried = read = 0
    try:
        for record in islice(feed.records(start, media_type(name, start, feed.splits), limit=1 << 40), _TRIED):
            if record.is_skipped:
                continue
            tried += 1
            if record.rejected is not None:
                continue
            try:
                feed.read(record.fields, source)
            except Rejected as rejected:
                read += rejected.fault in {Fault.NAIVE_TIME, Fault.FUTURE_TIME}
            else:
                read += 1
    except Rejected:
        pass  # broken off, by us or as it came: those before it count
    return tried, read
