"""The feed formats. A new one is a module beside the others and a line here."""

from collections.abc import Mapping
from typing import Final

from spikewatch.ingest.domain.feeds import cad_911, fhir, hl7_adt, medical_examiner, nemsis, odin, odmap, statutory
from spikewatch.ingest.domain.feeds.feed import Feed

__all__ = ["FEEDS"]

FEEDS: Final[Mapping[str, Feed]] = {
    feed.name: feed
    for feed in (
        statutory.FEED,
        cad_911.FEED,
        odin.FEED,
        odmap.FEED,
        hl7_adt.FEED,
        nemsis.FEED,
        fhir.FEED,
        *medical_examiner.FEEDS,
    )
}
"""Every format by the name it has in ``format=``."""
