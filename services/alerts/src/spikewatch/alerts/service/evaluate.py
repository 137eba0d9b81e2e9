"""Evaluation: contributions change areas, changed areas are held against the rules, alerts follow.

Order of writes: changed spans, contributions, alerts, spans cleared. After a crash anywhere the batch comes again, finds
the spans, and ends in the same state; alerts written but not published are still marked pending and go out again.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from spikewatch.alerts.domain.identity import Kept
from spikewatch.alerts.domain.instants import micros
from spikewatch.alerts.domain.lifecycle import with_contacts
from spikewatch.alerts.domain.rule import Rulebook
from spikewatch.alerts.domain.series import History
from spikewatch.alerts.domain.spans import joined, spans_of
from spikewatch.alerts.ports import AlertStore, AreaState, AreaStore, ContactBook, ContributionStore
from spikewatch.alerts.service.area_cache import AreaCache
from spikewatch.alerts.service.intake import AreaChange, entries_of, gathered
from spikewatch.alerts.service.messages import alert_message
from spikewatch.alerts.service.revision import AreaRevision
from spikewatch.chassis.clock import Clock
from spikewatch.chassis.kafka.message import Event, Message
from spikewatch.chassis.outcome import Drop, Emit, Outcome
from spikewatch.contracts.contract import area_kind
from spikewatch.contracts.contribution import Contribution

__all__ = ["Evaluate"]

_FAR = 2**62  # microseconds: later than any event time


class Evaluate:
    """Processes one batch at a time. ``is_live``: alerts close by the wall clock, else by event time alone."""

    def __init__(
        self,
        rulebook: Rulebook,
        contributions: ContributionStore,
        areas: AreaStore,
        alerts: AlertStore,
        contacts: ContactBook,
        cache: AreaCache,
        *,
        clock: Clock,
        is_live: bool,
    ) -> None:
        self._rulebook = rulebook
        self._contributions = contributions
        self._areas = areas
        self._alerts = alerts
        self._contacts = contacts
        self._cache = cache
        self._clock = clock
        self._is_live = is_live
        self._emitted: dict[UUID, int] = {}

    async def __call__(self, batch: Sequence[Event[Contribution]]) -> list[Outcome]:
        """Take a batch into the areas and return the alerts that follow.

        Raises:
            Transient: a store does not answer, or another writer was first.
        """
        entries, rejected = entries_of(batch)
        held = await self._contributions.load({entry.key for entry in entries})
        changes, stale = gathered(entries, held)
        # What no rule watches, as most map cells, is held for the day on which one does, and costs no more than that.
        watched = {area: change for area, change in changes.items() if area_kind(area) in self._rulebook.area_kinds}
        states = await self._take_in(changes, watched)
        now = self._clock()
        messages = await self._alerts_of(batch, watched, states, now)
        await self._areas.save([AreaState(s.area, s.first, (), s.sequence) for s in states.values() if s.spans])
        return [
            rejected.get(index) or (Emit(tuple(messages[index])) if index in messages else _quiet(index in stale))
            for index in range(len(batch))
        ]

    async def on_published(self) -> None:
        """Settle the outbox: all that was returned has been acknowledged by the broker."""
        emitted, self._emitted = self._emitted, {}
        if emitted:
            await self._alerts.settle(emitted)

    async def on_revoked(self, partitions: frozenset[int]) -> None:
        """Forget what another instance may change from now on."""
        await self._cache.revoke(partitions)
        # whether it went out is now the next owner's question; a version published twice is the same event
        self._emitted = {}

    async def _take_in(self, changes: dict[str, AreaChange], watched: dict[str, AreaChange]) -> dict[str, AreaState]:
        """Write spans and contributions, bring the cached histories up to them, and return the watched areas' states."""
        states = await self._areas.load(watched)
        writes = [write for change in changes.values() for write in change.writes]
        journal: list[AreaState] = []
        for area, change in watched.items():
            if change.times:
                journal.append(await self._journalled(change, states.get(area)))
        try:
            states |= {saved.area: saved for saved in await self._areas.save(journal)}
            await self._contributions.save(writes)
        except BaseException:
            for area in watched:
                self._cache.drop(area)
            raise
        for area, change in watched.items():
            state = states.get(area)
            if state is not None and state.first is None:
                state = states[area] = await self._with_first(state)
            if change.times:
                self._bring_up(change, state.first if state is not None else None)
        return states

    def _bring_up(self, change: AreaChange, first: int | None) -> None:
        history = self._cache.get(change.area)
        if history is None:
            return
        try:
            self._cache.put(change.area, history.changed(change.removed.elements(), change.added.elements(), first), change.partition)
        except ValueError:
            self._cache.drop(change.area)  # memory and store disagree: another owner wrote; the store is right and is read again

    async def _journalled(self, change: AreaChange, state: AreaState | None) -> AreaState:
        first = state.first if state is not None else None
        if first is None:  # also without a state: contributions may have come before any rule watched the area
            first = await self._contributions.first(change.area)
        earliest = min((time for time, _ in change.added), default=None)
        if first is not None and any(time == first for time, _ in change.removed):
            after = None  # asked for again when the contributions are written
        else:
            after = min(time for time in (first, earliest) if time is not None) if (first, earliest) != (None, None) else None
        spans = joined((*(state.spans if state else ()), *spans_of(change.times, first, after)))
        return AreaState(change.area, after, tuple(spans), state.sequence if state else 0)

    async def _with_first(self, state: AreaState) -> AreaState:
        """Ask for the area's first overdose; whatever changed lies before it, so every baseline up to it is looked at again."""
        first = await self._contributions.first(state.area)
        spans = state.spans
        if spans and first is not None and spans[0][0] < first:
            spans = tuple(joined((*spans, (spans[0][0], first))))
        return AreaState(state.area, first, spans, state.sequence)

    async def _alerts_of(
        self, batch: Sequence[Event[Contribution]], changes: dict[str, AreaChange], states: dict[str, AreaState], now: datetime
    ) -> dict[int, list[Message]]:
        quiet = max(rule.quiet for rule in self._rulebook.rules)
        touched = {area: states[area] for area in changes if area in states and states[area].spans}
        kept: dict[str, list[Kept]] = {area: [] for area in changes}
        since = {area: touched[area].spans[0][0] - quiet if area in touched else _FAR for area in changes}
        for each in await self._alerts.touching(since):
            kept[each.alert.area].append(each)
        await self._load(touched, changes)
        changed: list[Kept] = []
        for area, state in touched.items():
            event = batch[changes[area].indexes[-1]]
            changed += await self._revised(state, changes[area], kept[area], event, now)
        await self._alerts.save(changed)
        return self._messages(changes, kept, changed)

    async def _load(self, touched: dict[str, AreaState], changes: dict[str, AreaChange]) -> None:
        missing = {area: state.spans[0][0] - self._rulebook.horizon for area, state in touched.items() if self._cache.get(area) is None}
        rows = await self._contributions.rows({area: (start, _FAR) for area, start in missing.items()})
        for area, start in missing.items():
            self._cache.put(area, History.of(rows.get(area, ()), touched[area].first, start), changes[area].partition)

    async def _revised(
        self, state: AreaState, change: AreaChange, kept: list[Kept], event: Event[Contribution], now: datetime
    ) -> list[Kept]:
        area = state.area
        history = self._cache.get(area)
        if history is None:  # it gave way to other areas of the same batch
            start = state.spans[0][0] - self._rulebook.horizon
            history = History.of((await self._contributions.rows({area: (start, _FAR)})).get(area, ()), state.first, start)
        as_of = micros(now) if self._is_live else history.newest or 0
        revision = AreaRevision(area, history, self._contributions, self._alerts)
        changed: list[Kept] = []
        for rule in self._rulebook.watching(area):
            mine = [
                each
                for each in kept
                if not each.is_retracted and (each.alert.rule.rule_id, each.alert.rule.version) == (rule.id, rule.version)
            ]
            changed += await revision.revise(rule, state.spans, mine, as_of=as_of, now=now)
        self._cache.put(area, revision.history.trimmed(self._rulebook.horizon), change.partition)
        if not changed:
            return changed
        with event.as_current():
            contacts = await self._contacts.responsible(_asked(area, event))
        return [with_contacts(each, contacts) for each in changed]

    def _messages(self, changes: dict[str, AreaChange], kept: dict[str, list[Kept]], changed: list[Kept]) -> dict[int, list[Message]]:
        newest = {each.alert_id: each for each in changed}
        # Written before but never published: the batch that made them did not get to its end.
        pending = [each for mine in kept.values() for each in mine if each.pending and each.alert_id not in newest]
        messages: dict[int, list[Message]] = {}
        for each in (*pending, *changed):
            indexes = changes[each.alert.area].indexes
            messages.setdefault(indexes[-1], []).append(alert_message(each.alert, tuple(indexes[:-1])))
            self._emitted[each.alert_id] = each.alert.version
        return messages


def _asked(area: str, event: Event[Contribution]) -> list[str]:
    """Return the area, its county and its state as far as they are known, the most specific first."""
    kind, _, code = area.partition(":")
    place = code if kind == "county" else event.body.place_key if event.body is not None else ""
    asked = [area]
    if len(place) == 5 and place.isdigit() and kind != "state":
        asked += [f"county:{place}", f"state:{place[:2]}"]
    return list(dict.fromkeys(asked))


def _quiet(is_stale: bool) -> Outcome:  # noqa: FBT001  # private, one caller
    return Drop("older than what is held") if is_stale else Emit()
