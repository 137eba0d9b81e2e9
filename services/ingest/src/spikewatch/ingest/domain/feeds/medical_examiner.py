"""Deaths as medical examiners publish them: the layouts that come with Spikewatch as profiles."""

from typing import Final

from spikewatch.ingest.domain.feeds.feed import Feed
from spikewatch.ingest.domain.profiles.shipped_profiles import shipped_feeds

__all__ = ["FEEDS"]

FEEDS: Final[tuple[Feed, ...]] = shipped_feeds()
"""One feed a layout."""
