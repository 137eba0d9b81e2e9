"""By which feed, and how late, each day's overdoses were told first, in MongoDB: one small document a day."""

from datetime import timedelta
from typing import Final

from spikewatch.alerts.domain.first_told import DayTold
from spikewatch.chassis.clock import Clock
from spikewatch.chassis.mongo import Document, Index, Mongo

__all__ = ["MongoDelayStore"]

_KEPT: Final = timedelta(days=200)  # longer than anything is learnt from


class MongoDelayStore:
    """Collection ``delays``: a document a day, all of which can be counted anew from the contributions."""

    def __init__(self, mongo: Mongo, clock: Clock) -> None:
        self._days = mongo.collection("delays")
        self._clock = clock

    async def prepare(self) -> None:
        """Create the index by which old days go."""
        await self._days.ensure(Index.on("written_on", expire_after=_KEPT))

    async def load(self, first: int, last: int) -> list[DayTold]:
        """Return the days that were counted, of those between two."""
        return [_day(document) for document in await self._days.find({"_id": {"$gte": first, "$lte": last}}, sort=[("_id", 1)])]

    async def save(self, day: DayTold) -> None:
        """Keep a day in place of what was counted of it before; of two instances that count it both found the same."""
        document: Document = {
            "_id": day.day,
            "counted_on": day.counted_on,
            "contributions": day.contributions,
            "delays": [[*feed, delay, number] for feed, counts in day.delays.items() for delay, number in counts.items()],
            "areas": [[area, *feed, number] for area, feeds in day.areas.items() for feed, number in feeds.items()],
            "places": [[area, place] for area, place in day.places.items()],
            "written_on": self._clock(),
        }
        await self._days.replace_one({"_id": day.day}, document, upsert=True)


def _day(document: Document) -> DayTold:
    day = DayTold(document["_id"], document["counted_on"], document["contributions"], places=dict(document["places"]))
    for agency, source, delay, number in document["delays"]:
        day.delays.setdefault((agency, source), {})[delay] = number
    for area, agency, source, number in document["areas"]:
        day.areas.setdefault(area, {})[agency, source] = number
    return day
