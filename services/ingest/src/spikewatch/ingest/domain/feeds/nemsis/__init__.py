"""NEMSIS v3.5 EMSDataSet XML: patient care reports of emergency medical services."""

from dataclasses import replace
from functools import partial
from typing import Final

from spikewatch.contracts.vocabulary import SourceType
from spikewatch.ingest.domain.feeds.feed import Feed
from spikewatch.ingest.domain.feeds.nemsis.document import Check, cut
from spikewatch.ingest.domain.feeds.nemsis.reading import read
from spikewatch.ingest.domain.record import Split

__all__ = ["FEED", "Check", "validating"]


def _splits(split: Split) -> dict[str, Split]:
    return {"application/xml": split, "text/xml": split}


FEED: Final = Feed(
    name="nemsis",
    summary="NEMSIS v3.5 EMSDataSet XML of emergency medical services",
    splits=_splits(cut),
    read=read,
    default_source=SourceType.EMS,
)


def validating(check: Check) -> Feed:
    """Return the same feed that first checks each record, for example against the schema files an operator gave."""
    return replace(FEED, splits=_splits(partial(cut, check=check)))
