"""Contributions and the states of areas, in MongoDB. Times are microseconds: MongoDB's dates hold only milliseconds."""

import re
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from collections.abc import Collection as Several
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from spikewatch.alerts.adapters.areas_by_day import by_day
from spikewatch.alerts.adapters.compare_and_set import write_all
from spikewatch.alerts.adapters.joined_questions import JoinedQuestions
from spikewatch.alerts.adapters.packed_reports import Reports, packed, unpacked
from spikewatch.alerts.domain.clusters.look import Placed
from spikewatch.alerts.domain.contributed import Held
from spikewatch.alerts.domain.instants import HOUR
from spikewatch.alerts.domain.marks import stored_bits, stored_definitions, with_definitions
from spikewatch.alerts.domain.spans import Span
from spikewatch.alerts.ports import AreaState, Row
from spikewatch.chassis.clock import Clock
from spikewatch.chassis.mongo import Document, Index, Mongo

__all__ = ["MongoAreaStore", "MongoContributionStore"]

# A tombstone is remembered so that a replay of older records does not bring its overdoses back; after so long nobody replays.
_REMEMBERED: Final = timedelta(days=90)
_SPREAD: Final = HOUR  # overdoses of one incident hardly ever lie further apart; the few that do have an index of their own
_PAGE: Final = 20_000  # documents at once: some twenty megabytes
_ROW_FIELDS: Final = ("area", "times", "marks", "definitions", "first", "is_spread")
_MOST_PACKED: Final = 65_536  # some hundred bytes each, beside what the service holds of them: as many as that
_ASCENDING, _DESCENDING = 1, -1

Window = tuple[str, int, int]
"""Area, start (not included) and end (included)."""


class MongoContributionStore:
    """Collection ``contributions``: one document an area and incident."""

    def __init__(self, mongo: Mongo, clock: Clock, *, page: int = _PAGE) -> None:
        self._contributions = mongo.collection("contributions")
        self._page = page
        self._clock = clock
        self._windows = JoinedQuestions(self._within_each)
        self._told: OrderedDict[int, tuple[Reports, bytes]] = OrderedDict()

    async def prepare(self) -> None:
        """Create the indexes."""
        await self._contributions.ensure(
            Index.on("area", "first"),
            Index.on("area", "is_spread", partial={"is_spread": True}),
            Index.on("last"),
            Index.on("gone_on", expire_after=_REMEMBERED, partial={"gone_on": {"$exists": True}}),
        )

    async def load(self, keys: Several[str]) -> dict[str, Held]:
        """Return some contributions by record key."""
        if not keys:
            return {}
        return {document["_id"]: _held(document) for document in await self._contributions.find({"_id": {"$in": list(keys)}})}

    async def save(self, changes: Sequence[tuple[Held | None, Held]]) -> None:
        """Replace what was loaded by what it became."""
        # In the order of their keys, so that the server walks along its indexes.
        ordered = sorted(changes, key=lambda change: change[1].key)
        writes = ((before.sequence if before else 0, self._document(after)) for before, after in ordered)
        await write_all(self._contributions, writes, counter="sequence")

    async def rows(self, spans: Mapping[str, Span]) -> dict[str, list[Row]]:
        """Return the overdoses of some areas, each within its span."""
        if not spans:
            return {}
        lows, most = by_day({area: low for area, (low, _) in spans.items()}), max(high for _, high in spans.values())
        asked = [clause for low, areas in lows.items() for clause in _touching({"$in": areas}, low, most)]
        documents = await self._contributions.find({"$or": asked}, fields=_ROW_FIELDS, limit=self._page)
        if len(documents) < self._page:
            found: dict[str, list[Row]] = {area: [] for area in spans}
            for document in documents:
                found[document["area"]].extend(_rows(document, spans[document["area"]]))
            return found
        del documents
        return {area: await self._paged(area, span) for area, span in spans.items()}

    async def _paged(self, area: str, span: Span) -> list[Row]:
        return [row async for page in self.pages(area, span) for row in page]

    async def pages(self, area: str, span: Span) -> AsyncIterator[list[Row]]:
        """Yield the overdoses of one area within a span, page by page: a million documents at once would take a gigabyte."""
        low, high = span
        usual, spread = _touching(area, low, high)
        yield [row for document in await self._contributions.find(spread, fields=_ROW_FIELDS) for row in _rows(document, span)]
        seen: set[str] = set()  # of the documents that begin exactly at ``start``, which come again with the next page
        start = low - _SPREAD
        while True:
            limit = self._page + len(seen)
            where = usual | {"first": {"$gte": start, "$lte": high}}
            documents = await self._contributions.find(where, fields=_ROW_FIELDS, sort=[("first", _ASCENDING)], limit=limit)
            fresh = [document for document in documents if document["_id"] not in seen and not document.get("is_spread")]
            yield [row for document in fresh for row in _rows(document, span)]
            if len(documents) < limit:
                return
            newest = documents[-1]["first"]
            seen = {document["_id"] for document in documents if document["first"] == newest} | (seen if newest == start else set())
            start = newest

    async def within(self, area: str, start: int, end: int) -> list[Held]:
        """Return the contributions with an overdose in ``(start, end]``."""
        return await self._windows.ask((area, start, end))

    async def _within_each(self, windows: Sequence[Window]) -> list[list[Held]]:
        clauses = [clause for window in windows for clause in _touching(*window)]
        found: dict[str, list[tuple[int, Held]]] = {area: [] for area, _, _ in windows}
        for held in map(_held, await self._contributions.find({"$or": clauses})):
            found[held.area].extend((time, held) for time in held.times)
        for told in found.values():
            told.sort(key=_time)
        return [_between(found[area], start, end) for area, start, end in windows]

    async def told(self, kinds: Several[str], span: Span) -> list[Held]:
        """Return the contributions to areas of some kinds whose newest overdose lies within a span, or hardly after it."""
        where = {"last": _lasting(span), "area": {"$regex": f"^(?:{'|'.join(re.escape(kind) for kind in kinds)}):"}}
        return [_held(one) for one in await self._contributions.find(where)]

    async def number(self, span: Span) -> int:
        """Return how many contributions ``told`` looks through."""
        return await self._contributions.count({"last": _lasting(span)})

    async def placed(self, kind: str, span: Span) -> list[Placed]:
        """Return what lies in areas of a kind with an overdose within a span."""
        low, high = span
        # ; follows : in ASCII
        where = {"last": {"$gte": low}, "first": {"$lte": high}, "area": {"$gt": f"{kind}:", "$lt": f"{kind};"}}
        documents = await self._contributions.find(where, fields=("area", "place_key", "times", "marks", "definitions"))
        return [Placed(one["area"], one["place_key"], _incident(one), tuple(one["times"]), _marks(one)) for one in documents]

    async def first(self, area: str) -> int | None:
        """Return the time of the area's first overdose."""
        # without the bound, documents that were withdrawn would sort first
        found = await self._contributions.find(
            {"area": area, "first": {"$gt": -(2**62)}}, fields=("first",), sort=[("first", _ASCENDING)], limit=1
        )
        return int(found[0]["first"]) if found else None

    async def newest(self) -> int | None:
        """Return the time of the newest overdose of all areas."""
        found = await self._contributions.find({"last": {"$gt": -(2**62)}}, fields=("last",), sort=[("last", _DESCENDING)], limit=1)
        return int(found[0]["last"]) if found else None

    async def areas(self, kind: str, limit: int, after: str = "") -> list[str]:
        """Return areas of a kind that hold an overdose, in their order, at most so many, those after one where it is named."""
        found: list[str] = []
        after = after or f"{kind}:"
        while len(found) < limit:  # one step in the index an area; grouping would read every contribution
            where = {"area": {"$gt": after, "$lt": f"{kind};"}, "first": {"$gt": -(2**62)}}  # ; follows : in ASCII
            documents = await self._contributions.find(where, fields=("area",), sort=[("area", _ASCENDING)], limit=1)
            if not documents:
                break
            after = documents[0]["area"]
            found.append(after)
        return found

    def _document(self, held: Held) -> Document:
        document: Document = {
            "_id": held.key,
            "area": held.area,
            "revision": held.revision,
            "place_key": held.place_key,
            "times": held.times,
            "marks": tuple(stored_bits(bits) for bits in held.marks),
            "told": self._packed(held.reports),
        }
        if any(met := tuple(stored_definitions(bits) for bits in held.marks)):
            document["definitions"] = met
        if held.times:
            document |= {"first": min(held.times), "last": max(held.times)}
            if document["last"] - document["first"] > _SPREAD:
                document["is_spread"] = True
        if held.gone_at:
            document |= {"gone_at": held.gone_at, "gone_on": self._clock()}
        return document

    def _packed(self, reports: Reports) -> bytes:
        """Pack reports once for all areas of their incident, which share them when they came for the first time."""
        known = self._told.get(id(reports))
        if known is None:
            known = self._told[id(reports)] = (reports, packed(reports))  # with the reports, so that none take their place in memory
            if len(self._told) > _MOST_PACKED:
                self._told.popitem(last=False)
        return known[1]


class MongoAreaStore:
    """Collection ``areas``: one document an area."""

    def __init__(self, mongo: Mongo) -> None:
        self._areas = mongo.collection("areas")

    async def load(self, areas: Several[str]) -> dict[str, AreaState]:
        """Return the states of some areas."""
        if not areas:
            return {}
        return {
            document["_id"]: AreaState(
                document["_id"], document["first"], tuple((low, high) for low, high in document["spans"]), document["sequence"]
            )
            for document in await self._areas.find({"_id": {"$in": list(areas)}})
        }

    async def save(self, states: Sequence[AreaState]) -> list[AreaState]:
        """Write states over those they were made from."""
        writes: list[tuple[int, Document]] = [
            (state.sequence, {"_id": state.area, "first": state.first, "spans": [list(span) for span in state.spans]}) for state in states
        ]
        await write_all(self._areas, writes, counter="sequence")
        return [AreaState(state.area, state.first, state.spans, state.sequence + 1) for state in states]

    async def forget_unwatched(self, watched: Several[str]) -> None:
        """Remove the states of areas of any other kind."""
        kinds = "|".join(re.escape(kind) for kind in watched)
        await self._areas.delete_many({"_id": {"$not": {"$regex": f"^(?:{kinds}):"}}})


def _touching(area: str | Document, low: int, high: int) -> tuple[Document, Document]:
    """Return where to look for the documents of an area that may touch a span: the usual ones, and those that are spread.

    Bounded on both sides by one index; by their end alone everything newer than the span would be walked through.
    """
    return (
        {"area": area, "first": {"$gte": low - _SPREAD, "$lte": high}},
        {"area": area, "is_spread": True, "first": {"$lte": high}},
    )


def _rows(document: Document, span: Span) -> Iterator[Row]:
    low, high = span
    return ((time, bits) for time, bits in zip(document["times"], _marks(document), strict=True) if low <= time <= high)


def _marks(document: Document) -> tuple[int, ...]:
    met = document.get("definitions")  # documents of an older version have none
    if met is None:
        return tuple(document["marks"])
    return tuple(with_definitions(bits, text) for bits, text in zip(document["marks"], met, strict=True))


def _time(told: tuple[int, Held]) -> int:
    return told[0]


def _between(told: Sequence[tuple[int, Held]], start: int, end: int) -> list[Held]:
    """Return each contribution with a time in ``(start, end]`` once; several windows of an area look through what was found for all."""
    span = told[bisect_right(told, start, key=_time) : bisect_right(told, end, key=_time)]
    return list({id(held): held for _, held in span}.values())


def _lasting(span: Span) -> Document:
    return {"$gte": span[0], "$lte": span[1] + _SPREAD}


def _held(document: Document) -> Held:
    gone_at = document.get("gone_at")
    told = document.get("told")
    return Held(
        area=document["area"],
        incident=_incident(document),
        revision=document["revision"],
        place_key=document["place_key"],
        times=tuple(document["times"]),
        marks=_marks(document),
        reports=unpacked(told) if told is not None else _older_reports(document["reports"]),
        gone_at=(gone_at[0], gone_at[1]) if gone_at else None,
        sequence=document["sequence"],
    )


def _incident(document: Document) -> UUID:
    return UUID(document["_id"].rpartition("|")[2])


def _older_reports(reports: Sequence[Sequence[Sequence[Any]]]) -> Reports:
    """Return reports that are not packed; the oldest do not tell when they came."""
    return tuple(
        tuple((row[0], row[1], row[2], row[3], row[4], row[5], row[6] if len(row) > 6 else None) for row in rows) for rows in reports
    )
