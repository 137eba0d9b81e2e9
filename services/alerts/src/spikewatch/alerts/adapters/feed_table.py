"""The feeds that are silent now, in memory, read from their compacted topic by every instance."""

from collections.abc import Sequence
from datetime import datetime

from spikewatch.chassis.kafka.message import Event
from spikewatch.contracts.alert import SilentFeed
from spikewatch.contracts.feed_health import FeedHealth, FeedState

__all__ = ["FeedTable"]


class FeedTable:
    """Knows the silent feeds; those that flow, or are too new to tell, are not kept."""

    def __init__(self) -> None:
        self._silent: dict[str, FeedHealth] = {}

    def on_record(self, event: Event[FeedHealth]) -> None:
        """Take one record of the feeds; a tombstone removes the feed."""
        self._silent.pop(event.key, None)
        if event.body is not None and event.body.state is FeedState.SILENT:
            self._silent[event.key] = event.body

    def silent(self, areas: Sequence[str], before: datetime) -> tuple[SilentFeed, ...]:
        """Return the silent feeds that cover one of the areas and last sent before a moment, the longest silent first."""
        asked = set(areas)
        found = [feed for feed in self._silent.values() if feed.since < before and asked & set(feed.areas)]
        found.sort(key=lambda feed: (feed.since, feed.feed))
        return tuple(SilentFeed(feed=feed.feed, agency_id=feed.agency_id, since=feed.since) for feed in found)
