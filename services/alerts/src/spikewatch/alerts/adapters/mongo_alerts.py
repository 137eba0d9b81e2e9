"""Alerts with their outbox mark, in MongoDB. The alert is kept as its wire form; what is searched stands beside it."""

from collections import OrderedDict
from collections.abc import Collection as Several
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from spikewatch.alerts.adapters.areas_by_day import by_day
from spikewatch.alerts.adapters.compare_and_set import write_all
from spikewatch.alerts.adapters.joined_questions import JoinedQuestions
from spikewatch.alerts.domain.episodes import Episode
from spikewatch.alerts.domain.identity import Kept
from spikewatch.chassis.clock import Clock
from spikewatch.chassis.mongo import Document, Index, Mongo, UpdateOne
from spikewatch.contracts.alert import Alert, AlertStatus

__all__ = ["MongoAlertStore"]

# An open alert is read with every batch of its area, and one with 500 contributors takes milliseconds to parse. A parsed one of
# that size takes about a megabyte.
_MOST_PARSED: Final = 64
_STANDING: Final = [AlertStatus.OPEN.value, AlertStatus.CLOSED.value]


class MongoAlertStore:
    """Collection ``alerts``: one document an alert."""

    def __init__(self, mongo: Mongo, clock: Clock) -> None:
        self._alerts = mongo.collection("alerts")
        self._clock = clock
        self._parsed: OrderedDict[tuple[UUID, int], Alert] = OrderedDict()
        self._by_id = JoinedQuestions(self._load_each)

    async def prepare(self) -> None:
        """Create the indexes."""
        await self._alerts.ensure(
            Index.on("area", "last_met_at"),
            Index.on("status", "closes_at"),
            Index.on("rule", "last_met_at"),
            Index.on("area", partial={"pending": True}),
            Index.on("written_on", partial={"pending": True}),
            Index.on("written_on", "_id", partial={"is_unrelated": True}),
            Index.on("incidents"),
            Index.on("related"),
        )

    async def touching(self, since: Mapping[str, int]) -> list[Kept]:
        """Return the alerts met since a time, and those that are pending."""
        if not since:
            return []
        clauses: list[Document] = [
            {"area": {"$in": areas}, "status": {"$in": _STANDING}, "last_met_at": {"$gte": time}} for time, areas in by_day(since).items()
        ]
        clauses.append({"area": {"$in": list(since)}, "pending": True})
        found = await self._alerts.find({"$or": clauses})
        return [self._kept(document) for document in found if document["pending"] or document["last_met_at"] >= since[document["area"]]]

    async def standing(self, rule: str, since: int) -> list[Kept]:
        """Return a rule's alerts last met since a time and not retracted."""
        where = {"rule": rule, "status": {"$in": _STANDING}, "last_met_at": {"$gte": since}}
        return [self._kept(document) for document in await self._alerts.find(where)]

    async def load(self, alerts: Several[UUID]) -> dict[UUID, Kept]:
        """Return some alerts by id."""
        return await self._by_id.ask(alerts)

    async def _load_each(self, several: Sequence[Several[UUID]]) -> list[dict[UUID, Kept]]:
        wanted = {alert for alerts in several for alert in alerts}
        found = {document["_id"]: self._kept(document) for document in await self._alerts.find({"_id": {"$in": list(wanted)}})}
        return [{alert: found[alert] for alert in alerts if alert in found} for alerts in several]

    async def save(self, alerts: Sequence[Kept]) -> None:
        """Write alerts over their previous versions, pending."""
        now = self._clock()
        await write_all(self._alerts, [(each.alert.version - 1, _document(each, now)) for each in alerts], counter="version")
        for each in alerts:
            self._remember(each.alert)

    async def settle(self, published: Mapping[UUID, int]) -> None:
        """Take the outbox mark from the versions that were published."""
        await self._alerts.bulk(
            [UpdateOne({"_id": alert, "version": version}, {"$set": {"pending": False}}) for alert, version in published.items()]
        )

    async def due(self, as_of: int, limit: int) -> list[Kept]:
        """Return open alerts that are over, and closed ones that are not, but for those that were withdrawn."""
        where = {
            "$or": [
                {"status": AlertStatus.OPEN.value, "closes_at": {"$lt": as_of}},
                {"status": AlertStatus.CLOSED.value, "closes_at": {"$gte": as_of}, "is_withdrawn": {"$ne": True}},
            ]
        }
        return [self._kept(document) for document in await self._alerts.find(where, limit=limit)]

    async def open_of(self, rules: Several[tuple[str, int]], limit: int) -> list[Kept]:
        """Return open alerts of some versions of rules."""
        if not rules:
            return []
        versions: list[Document] = [{"rule": rule, "rule_version": version} for rule, version in sorted(rules)]
        where = {"status": AlertStatus.OPEN.value, "$or": versions}
        return [self._kept(document) for document in await self._alerts.find(where, limit=limit)]

    async def open_beside(self, in_force: Mapping[str, int], limit: int) -> list[Kept]:
        """Return open alerts of other rules, or of lower versions."""
        beside: list[Document] = [{"rule": {"$nin": sorted(in_force)}}]
        beside += [{"rule": rule, "rule_version": {"$lt": version}} for rule, version in sorted(in_force.items())]
        where = {"status": AlertStatus.OPEN.value, "$or": beside}
        return [self._kept(document) for document in await self._alerts.find(where, limit=limit)]

    async def unrelated(self, limit: int) -> list[Kept]:
        """Return alerts that were saved and not compared with others since."""
        documents = await self._alerts.find({"is_unrelated": True}, sort=[("written_on", 1), ("_id", 1)], limit=limit)
        return [self._kept(document) for document in documents]

    async def sharing(self, incidents: Several[UUID], named: Several[UUID], limit: int) -> list[Kept]:
        """Return the alerts that name one of some incidents, or some alerts as related; of more those that opened last."""
        clauses = [{"incidents": {"$in": list(incidents)}}, {"related": {"$in": list(named)}}]
        where = {"status": {"$in": _STANDING}, "$or": clauses}
        documents = await self._alerts.find(where, sort=[("opened_at", -1), ("_id", 1)], limit=limit)
        return [self._kept(document) for document in documents]

    async def compared(self, versions: Mapping[UUID, int]) -> None:
        """Take the mark from the versions that were compared."""
        await self._alerts.bulk(
            [UpdateOne({"_id": alert, "version": version}, {"$unset": {"is_unrelated": ""}}) for alert, version in versions.items()]
        )

    async def pending(self, before: datetime, limit: int) -> list[Kept]:
        """Return alerts written before a moment and not published yet."""
        documents = await self._alerts.find({"pending": True, "written_on": {"$lt": before}}, sort=[("written_on", 1)], limit=limit)
        return [self._kept(document) for document in documents]

    def _kept(self, document: Document) -> Kept:
        # compare-and-set writes each version once, so id and version name one content
        alert = self._parsed.get((document["_id"], document["version"]))
        if alert is None:
            alert = Alert.model_validate_json(document["alert"])
            self._remember(alert)
        return Kept(
            alert=alert,
            episode=Episode(document["opened_at"], document["last_met_at"], document["peak_at"], document["observed"]),
            quiet=document["quiet"],
            as_of=document["as_of"],
            pending=document["pending"],
            is_withdrawn=document.get("is_withdrawn", False),  # missing in what older versions wrote
        )

    def _remember(self, alert: Alert) -> None:
        self._parsed[alert.alert_id, alert.version] = alert
        while len(self._parsed) > _MOST_PARSED:
            self._parsed.popitem(last=False)


def _document(kept: Kept, now: datetime) -> Document:
    alert, episode = kept.alert, kept.episode
    return {
        "_id": alert.alert_id,
        "area": alert.area,
        "rule": alert.rule.rule_id,
        "rule_version": alert.rule.version,
        "is_withdrawn": kept.is_withdrawn,
        "status": alert.status.value,
        "opened_at": episode.opened_at,
        "last_met_at": episode.last_met_at,
        "peak_at": episode.peak_at,
        "observed": episode.observed,
        "quiet": kept.quiet,
        "closes_at": kept.closes_at,
        "as_of": kept.as_of,
        "pending": True,
        "is_unrelated": True,
        "incidents": [each.incident_id for each in alert.contributors],
        "related": [each.alert_id for each in alert.related],
        "written_on": now,
        "alert": alert.to_json().decode(),
    }
