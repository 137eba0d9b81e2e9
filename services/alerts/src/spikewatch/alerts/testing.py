"""Stores in memory behind the same ports, for tests. They keep copies, so nothing is shared by accident."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from spikewatch.alerts.domain.clusters.look import Placed
from spikewatch.alerts.domain.contributed import Held
from spikewatch.alerts.domain.fanned import Fanned
from spikewatch.alerts.domain.first_told import DayTold
from spikewatch.alerts.domain.identity import Kept
from spikewatch.alerts.domain.instants import HOUR
from spikewatch.alerts.domain.spans import Span
from spikewatch.alerts.ports import AreaState, Overtaken, Row
from spikewatch.chassis.clock import Clock
from spikewatch.chassis.kafka.message import Message
from spikewatch.contracts.alert import Alert, AlertContact, AlertStatus, SilentFeed
from spikewatch.contracts.contract import area_kind

__all__ = [
    "FakeContactBook",
    "FakePublishing",
    "InMemoryAlertStore",
    "InMemoryAreaStore",
    "InMemoryContributionStore",
    "InMemoryDelayStore",
    "InMemoryFannedStore",
]


def _guard(seen: int, found: int) -> None:
    if seen != found:
        raise Overtaken("another writer was first")


class InMemoryDelayStore:
    """By which feed, and how late, each day's overdoses were told first."""

    def __init__(self) -> None:
        self.held: dict[int, DayTold] = {}

    async def load(self, first: int, last: int) -> list[DayTold]:
        """Return the days that were counted, of those between two."""
        return [self.held[day] for day in sorted(self.held) if first <= day <= last]

    async def save(self, day: DayTold) -> None:
        """Keep a day."""
        self.held[day.day] = day


class InMemoryFannedStore:
    """Where each incident counts."""

    def __init__(self) -> None:
        self.held: dict[UUID, Fanned] = {}

    async def load(self, incidents: Collection[UUID]) -> dict[UUID, Fanned]:
        """Return what is known of some incidents."""
        return {incident: self.held[incident] for incident in incidents if incident in self.held}

    async def save(self, changes: Sequence[tuple[Fanned | None, Fanned]]) -> None:
        """Replace what was loaded by what it became."""
        for before, after in changes:
            seen = before.sequence if before else 0
            _guard(seen, self.held[after.incident].sequence if after.incident in self.held else 0)
            self.held[after.incident] = replace(after, sequence=seen + 1)


class InMemoryContributionStore:
    """All contributions."""

    def __init__(self) -> None:
        self.held: dict[str, Held] = {}

    async def load(self, keys: Collection[str]) -> dict[str, Held]:
        """Return some contributions by record key."""
        return {key: self.held[key] for key in keys if key in self.held}

    async def save(self, changes: Sequence[tuple[Held | None, Held]]) -> None:
        """Replace what was loaded by what it became."""
        for before, after in changes:
            seen = before.sequence if before else 0
            _guard(seen, self.held[after.key].sequence if after.key in self.held else 0)
            self.held[after.key] = replace(after, sequence=seen + 1)

    async def rows(self, spans: Mapping[str, Span]) -> dict[str, list[Row]]:
        """Return the overdoses of some areas, each within its span."""
        return {
            area: [row for held in self.held.values() if held.area == area for row in held.rows if low <= row[0] <= high]
            for area, (low, high) in spans.items()
        }

    async def pages(self, area: str, span: Span) -> AsyncIterator[list[Row]]:
        """Yield the overdoses of one area within a span, two at a time."""
        rows = (await self.rows({area: span}))[area]
        for start in range(0, len(rows), 2):
            yield rows[start : start + 2]

    async def within(self, area: str, start: int, end: int) -> list[Held]:
        """Return the contributions with an overdose in ``(start, end]``."""
        return [held for held in self.held.values() if held.area == area and any(start < time <= end for time in held.times)]

    async def told(self, kinds: Collection[str], span: Span) -> list[Held]:
        """Return the contributions to areas of some kinds whose newest overdose lies within a span, or hardly after it."""
        return [held for held in self._lasting(span) if area_kind(held.area) in kinds]

    async def number(self, span: Span) -> int:
        """Return how many contributions ``told`` looks through."""
        return len(self._lasting(span))

    def _lasting(self, span: Span) -> list[Held]:
        return [held for held in self.held.values() if held.times and span[0] <= max(held.times) <= span[1] + HOUR]

    async def placed(self, kind: str, span: Span) -> list[Placed]:
        """Return what lies in areas of a kind with an overdose within a span."""
        low, high = span
        return [
            Placed(held.area, held.place_key, held.incident, held.times, held.marks)
            for held in self.held.values()
            if area_kind(held.area) == kind and held.times and max(held.times) >= low and min(held.times) <= high
        ]

    async def first(self, area: str) -> int | None:
        """Return the time of the area's first overdose."""
        return min((time for held in self.held.values() if held.area == area for time in held.times), default=None)

    async def newest(self) -> int | None:
        """Return the time of the newest overdose of all areas."""
        return max((time for held in self.held.values() for time in held.times), default=None)

    async def areas(self, kind: str, limit: int, after: str = "") -> list[str]:
        """Return areas of a kind that hold an overdose, after one where it is named."""
        found = {held.area for held in self.held.values() if held.times and area_kind(held.area) == kind}
        return sorted(area for area in found if area > after)[:limit]


class InMemoryAreaStore:
    """The states of areas."""

    def __init__(self) -> None:
        self.held: dict[str, AreaState] = {}

    async def load(self, areas: Collection[str]) -> dict[str, AreaState]:
        """Return the states of some areas."""
        return {area: self.held[area] for area in areas if area in self.held}

    async def save(self, states: Sequence[AreaState]) -> list[AreaState]:
        """Write states over those they were made from."""
        saved = []
        for state in states:
            _guard(state.sequence, self.held[state.area].sequence if state.area in self.held else 0)
            self.held[state.area] = replace(state, sequence=state.sequence + 1)
            saved.append(self.held[state.area])
        return saved

    async def forget_unwatched(self, watched: Collection[str]) -> None:
        """Remove the states of areas of any other kind."""
        self.held = {area: state for area, state in self.held.items() if area_kind(area) in watched}


class InMemoryAlertStore:
    """All alerts, through their wire form as the real one."""

    def __init__(self, clock: Clock) -> None:
        self.held: dict[UUID, tuple[Kept, datetime]] = {}
        self.waiting: dict[UUID, int] = {}
        self._clock = clock

    async def touching(self, since: Mapping[str, int]) -> list[Kept]:
        """Return the alerts met since a time, and those that are pending."""
        return [
            kept
            for kept, _ in self.held.values()
            if kept.alert.area in since and (kept.pending or (not kept.is_retracted and kept.episode.last_met_at >= since[kept.alert.area]))
        ]

    async def standing(self, rule: str, since: int) -> list[Kept]:
        """Return a rule's alerts last met since a time and not retracted."""
        kept = [kept for kept, _ in self.held.values()]
        return [each for each in kept if each.alert.rule.rule_id == rule and not each.is_retracted and each.episode.last_met_at >= since]

    async def load(self, alerts: Collection[UUID]) -> dict[UUID, Kept]:
        """Return some alerts by id."""
        return {alert: self.held[alert][0] for alert in alerts if alert in self.held}

    async def save(self, alerts: Sequence[Kept]) -> None:
        """Write alerts over their previous versions, pending."""
        for each in alerts:
            _guard(each.alert.version - 1, self.held[each.alert_id][0].alert.version if each.alert_id in self.held else 0)
            alert = Alert.model_validate_json(each.alert.to_json())
            self.held[each.alert_id] = (replace(each, alert=alert, pending=True), self._clock())
            self.waiting[each.alert_id] = alert.version

    async def settle(self, published: Mapping[UUID, int]) -> None:
        """Take the outbox mark from the versions that were published."""
        for alert, version in published.items():
            kept, written = self.held[alert]
            if kept.alert.version == version:
                self.held[alert] = (replace(kept, pending=False), written)

    async def unrelated(self, limit: int) -> list[Kept]:
        """Return alerts that were saved and not compared with others since."""
        return [self.held[alert][0] for alert in list(self.waiting)[:limit]]

    async def sharing(self, incidents: Collection[UUID], named: Collection[UUID], limit: int) -> list[Kept]:
        """Return the alerts that name one of some incidents, or some alerts as related; of more those that opened last."""
        found = [
            kept
            for kept, _ in self.held.values()
            if not kept.is_retracted
            and (
                any(each.incident_id in incidents for each in kept.alert.contributors)
                or any(each.alert_id in named for each in kept.alert.related)
            )
        ]
        return sorted(found, key=lambda kept: (-kept.episode.opened_at, kept.alert_id.bytes))[:limit]

    async def compared(self, versions: Mapping[UUID, int]) -> None:
        """Take the mark from the versions that were compared."""
        for alert, version in versions.items():
            if self.waiting.get(alert) == version:
                del self.waiting[alert]

    async def due(self, as_of: int, limit: int) -> list[Kept]:
        """Return open alerts that are over, and closed ones that are not."""
        found = [
            kept
            for kept, _ in self.held.values()
            if (kept.alert.status is AlertStatus.OPEN and kept.closes_at < as_of)
            or (kept.alert.status is AlertStatus.CLOSED and not kept.is_withdrawn and kept.closes_at >= as_of)
        ]
        return found[:limit]

    async def open_of(self, rules: Collection[tuple[str, int]], limit: int) -> list[Kept]:
        """Return open alerts of some versions of rules."""
        return [each for each in self._open() if (each.alert.rule.rule_id, each.alert.rule.version) in rules][:limit]

    async def open_beside(self, in_force: Mapping[str, int], limit: int) -> list[Kept]:
        """Return open alerts of other rules, or of lower versions."""
        return [each for each in self._open() if each.alert.rule.version < in_force.get(each.alert.rule.rule_id, 2**31)][:limit]

    def _open(self) -> list[Kept]:
        return [kept for kept, _ in self.held.values() if kept.alert.status is AlertStatus.OPEN]

    async def pending(self, before: datetime, limit: int) -> list[Kept]:
        """Return alerts written before a moment and not published yet."""
        return [kept for kept, written in self.held.values() if kept.pending and written < before][:limit]


class FakeContactBook:
    """Answers every question with the same contacts and remembers the questions."""

    def __init__(self, contacts: tuple[AlertContact, ...] = ()) -> None:
        self.contacts = contacts
        self.asked: list[tuple[str, ...]] = []

    async def responsible(self, areas: Sequence[str]) -> tuple[AlertContact, ...]:
        """Return the contacts."""
        self.asked.append(tuple(areas))
        return self.contacts


class FakeFeedBook:
    """Names the feeds given, whatever is asked, and remembers the questions."""

    def __init__(self) -> None:
        self.feeds: tuple[SilentFeed, ...] = ()
        self.asked: list[tuple[tuple[str, ...], datetime]] = []

    def silent(self, areas: Sequence[str], before: datetime) -> tuple[SilentFeed, ...]:
        """Return the feeds."""
        self.asked.append((tuple(areas), before))
        return self.feeds


class FakePublishing:
    """Keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    async def send(self, messages: Sequence[Message]) -> None:
        """Keep the messages."""
        self.sent.extend(messages)
