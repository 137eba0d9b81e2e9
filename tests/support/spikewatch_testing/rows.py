"""Reads rows of a format as one agency sends them."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from spikewatch.contracts.report import Report
from spikewatch.contracts.vocabulary import SourceType
from spikewatch.ingest.domain.feeds.feed import Feed, Reading, Source
from spikewatch.ingest.domain.rejection import Rejected

__all__ = ["AT", "ROW", "SOURCE", "one", "read", "refused"]

SOURCE: Final = Source(
    "cedar", SourceType.POLICE, datetime(2026, 6, 1, tzinfo=UTC), UUID(int=1), "x", time_zone="America/New_York", county_fips="99001"
)
AT: Final = datetime(2026, 5, 1, 18, 3, 22, tzinfo=UTC)
ROW: Final = {"occurred_at": "2026-05-01T14:03:22-04:00", "outcome": "nonfatal", "reversal_given": "yes", "zip": "19401"}


def read(feed: Feed, body: bytes | str, media: str) -> list[Report | Rejected]:
    """Return what becomes of each record."""
    found: list[Report | Rejected] = []
    for raw in feed.records(body.encode() if isinstance(body, str) else body, media, limit=100):
        try:
            if raw.rejected is not None:
                raise raw.rejected
            reading = feed.read(raw.fields, SOURCE)
        except Rejected as rejected:
            found.append(rejected)
        else:
            assert isinstance(reading, Reading)
            found.append(reading.report)
    return found


def one(feed: Feed, body: bytes | str, media: str = "text/csv") -> Report:
    """Return the report of the only record."""
    (found,) = read(feed, body, media)
    assert isinstance(found, Report), found
    return found


def refused(feed: Feed, body: bytes | str, media: str = "text/csv") -> Rejected:
    """Return why the only record is refused."""
    (found,) = read(feed, body, media)
    assert isinstance(found, Rejected), found
    return found
