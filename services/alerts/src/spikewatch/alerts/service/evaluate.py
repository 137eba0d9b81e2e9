"""Evaluation: contributions change areas, changed areas are held against the rules, alerts follow.

Order of writes: changed spans, contributions, alerts. After a crash anywhere the batch comes again, finds the spans, and ends
in the same state; alerts written but not published are still marked pending and go out again. That spans were evaluated is
known in memory, and told to the store with the next spans of their area.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from spikewatch.alerts.domain.containing import with_containing
from spikewatch.alerts.domain.contributed import Contributed, Held
from spikewatch.alerts.domain.identity import Kept
from spikewatch.alerts.domain.instants import micros
from spikewatch.alerts.domain.lifecycle import with_contacts, with_silent_feeds
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.domain.series import History
from spikewatch.alerts.ports import AlertStore, AreaState, AreaStore, ContactBook, ContributionStore, DelayBook, FeedBook, Overtaken
from spikewatch.alerts.service.area_cache import AreaCache
from spikewatch.alerts.service.failing_rules import FailingRules
from spikewatch.alerts.service.intake import AreaChange, Entry, Gathered, entries_of, gathered, new_keys
from spikewatch.alerts.service.journal import journalled, with_first
from spikewatch.alerts.service.messages import alert_message
from spikewatch.alerts.service.revision import AreaRevision
from spikewatch.alerts.service.together import all_of, both
from spikewatch.chassis.clock import Clock
from spikewatch.chassis.kafka.message import Event, Message
from spikewatch.chassis.outcome import Drop, Emit, Outcome
from spikewatch.contracts.contract import area_kind

__all__ = ["Evaluate"]

_FAR = 2**62  # microseconds: later than any event time
_TRIES = 5  # to write the alerts of a batch


class Evaluate:
    """Processes one batch at a time. ``is_live``: alerts close by the wall clock, else by event time alone."""

    def __init__(
        self,
        rulebook: Rulebook,
        contributions: ContributionStore,
        areas: AreaStore,
        alerts: AlertStore,
        contacts: ContactBook,
        feeds: FeedBook,
        cache: AreaCache,
        *,
        clock: Clock,
        is_live: bool,
        delays: DelayBook | None = None,
    ) -> None:
        self._rulebook = rulebook
        self._delay_book = delays
        self._delays = _for_corrected(delays, rulebook)
        self._exchanged: Rulebook | None = None
        self._contributions = contributions
        self._areas = areas
        self._alerts = alerts
        self._contacts = contacts
        self._feeds = feeds
        self._cache = cache
        self._clock = clock
        self._is_live = is_live
        self._emitted: dict[UUID, int] = {}
        self._presumes_new = True
        self._failing = FailingRules()

    async def __call__(self, batch: Sequence[Event[Contributed]]) -> list[Outcome]:
        """Take a batch into the areas and return the alerts that follow.

        Raises:
            Transient: a store does not answer, or another writer was first.
        """
        await self._begin_exchanged()
        entries, rejected = entries_of(batch)
        # What no rule watches, as most map cells, is held for the day on which one does, and costs no more than that.
        watched = {entry.area for entry in entries if area_kind(entry.area) in self._rulebook.area_kinds}
        new = new_keys(entries) if self._presumes_new else set()
        try:
            taken, messages = await self._taken(batch, entries, watched, new)
        except Overtaken:
            if not new:
                raise
            # Some of it came before, as after a crash: what the first try wrote is found like what a crash left.
            taken, messages = await self._taken(batch, entries, watched, set())
        return [
            rejected.get(index) or (Emit(tuple(messages[index])) if index in messages else _quiet(index in taken.stale))
            for index in range(len(batch))
        ]

    def exchange(self, rulebook: Rulebook) -> None:
        """Hold overdoses against other rules from the next batch on: one batch is judged by one set of rules."""
        self._exchanged = rulebook

    async def _begin_exchanged(self) -> None:
        rulebook = self._exchanged
        if rulebook is None:
            return
        if self._rulebook.area_kinds - rulebook.area_kinds:
            await self._areas.forget_unwatched(rulebook.area_kinds)
        self._cache.clear()  # held as far back as the rules before looked
        self._rulebook, self._delays = rulebook, _for_corrected(self._delay_book, rulebook)
        if self._exchanged is rulebook:
            self._exchanged = None

    async def _taken(
        self, batch: Sequence[Event[Contributed]], entries: Sequence[Entry], watched: set[str], new: set[str]
    ) -> tuple[Gathered, dict[int, list[Message]]]:
        """Take a batch in. The keys that are new are not asked for: one question less, and writing them fails if they are held."""
        try:
            held, states = await both(self._contributions.load({entry.key for entry in entries} - new), self._states(watched))
            taken = gathered(entries, held, watched)
            messages = await self._evaluated(batch, taken, states, presumes=bool(new))
        except BaseException:
            for area in watched:
                self._cache.drop(area)  # how far it got, the store knows
            raise
        self._presumes_new = held.keys().isdisjoint(new_keys(entries))  # a replay over what is held asks
        return taken, messages

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

    async def _states(self, areas: set[str]) -> dict[str, AreaState]:
        states = {area: state for area in areas if (state := self._cache.state(area)) is not None}
        return states | await self._areas.load(areas - states.keys())

    async def _evaluated(
        self, batch: Sequence[Event[Contributed]], taken: Gathered, states: dict[str, AreaState], *, presumes: bool
    ) -> dict[int, list[Message]]:
        """Take changes into the store, and return the alerts that follow by the record that carries them."""
        now, watched = self._clock(), taken.changes
        changing = {area: change for area, change in watched.items() if change.times}
        states = await self._with_firsts(states | {area: AreaState(area) for area in changing.keys() - states.keys()})
        journal = [journalled(change, states[area], presumes=presumes) for area, change in changing.items()]
        states |= {state.area: state for state in journal}
        # The alerts known so far do not depend on what is being written.
        written, kept = await both(self._take_in(journal, taken.writes), self._kept_of(watched, states))
        states = await self._with_firsts(states | {state.area: state for state in written})
        for area, change in changing.items():
            self._bring_up(change, states[area].first)
        touched = {area: state for area, state in states.items() if area in watched and state.spans}
        await self._load(touched, watched)
        kept, changed = await self._judged(batch, watched, touched, kept, now)
        await self._done([replace(state, spans=()) for state in states.values()], touched)
        return self._messages(watched, kept, changed)

    async def _judged(
        self,
        batch: Sequence[Event[Contributed]],
        watched: dict[str, AreaChange],
        touched: dict[str, AreaState],
        kept: dict[str, list[Kept]],
        now: datetime,
    ) -> tuple[dict[str, list[Kept]], list[Kept]]:
        """Write the alerts that follow, and return those known before and those written.

        Alerts are written by others too, as when they close or are told as one story. Then they alone are read and judged again: to take
        the whole batch again would read all areas anew.
        """
        for _ in range(_TRIES):
            try:
                revised = await all_of(
                    self._revised(state, watched[area], kept[area], batch[watched[area].indexes[-1]], now)
                    for area, state in touched.items()
                )
                changed = [each for of_area in revised for each in of_area]
                await self._alerts.save(changed)
            except Overtaken:
                kept = await self._kept_of(watched, touched)
            else:
                return kept, changed
        raise Overtaken("alerts: other writers were first, again and again")

    async def _take_in(self, journal: Sequence[AreaState], writes: Sequence[tuple[Held | None, Held]]) -> list[AreaState]:
        """Write spans, then contributions: a crash in between must find the spans."""
        written = await self._areas.save(journal)
        await self._contributions.save(writes)
        return written

    async def _done(self, states: Sequence[AreaState], touched: Mapping[str, AreaState]) -> None:
        """Keep in mind that spans were evaluated: the next write of the area leaves them out.

        Who reads them before that evaluates them once more and finds the same. Areas that cannot be held are written at once, or
        their spans would grow for ever.
        """
        await self._areas.save([state for state in states if not self._cache.note(state) and state.area in touched])

    def _bring_up(self, change: AreaChange, first: int | None) -> None:
        history = self._cache.get(change.area)
        if history is None:
            return
        try:
            self._cache.put(change.area, history.changed(change.removed.elements(), change.added.elements(), first), change.partition)
        except ValueError:
            self._cache.drop(change.area)  # memory and store disagree: another owner wrote; the store is right and is read again

    async def _with_firsts(self, states: dict[str, AreaState]) -> dict[str, AreaState]:
        """Return states with the first overdose of their area, as far as it has any.

        None is noted where the area was not watched before, or where its first overdose was taken away: then whatever changed
        lies before the one that is first now, so every baseline up to it is looked at again.
        """
        lacking = [state for state in states.values() if state.first is None]
        firsts = await all_of(self._contributions.first(state.area) for state in lacking)
        return states | {state.area: with_first(state, first) for state, first in zip(lacking, firsts, strict=True)}

    async def _kept_of(self, watched: dict[str, AreaChange], states: dict[str, AreaState]) -> dict[str, list[Kept]]:
        """Return the alerts of some areas that their spans may touch, and those that are pending."""
        quiet = self._rulebook.quiet
        kept: dict[str, list[Kept]] = {area: [] for area in watched}
        since = {area: states[area].spans[0][0] - quiet if area in states and states[area].spans else _FAR for area in watched}
        for each in await self._alerts.touching(since):
            kept[each.alert.area].append(each)
        return kept

    async def _load(self, touched: dict[str, AreaState], changes: dict[str, AreaChange]) -> None:
        missing = {area: state.spans[0][0] - self._rulebook.horizon for area, state in touched.items() if self._cache.get(area) is None}
        rows = await self._contributions.rows({area: (start, _FAR) for area, start in missing.items()})
        for area, start in missing.items():
            self._cache.put(area, History.of(rows.get(area, ()), touched[area].first, start), changes[area].partition)

    async def _revised(
        self, state: AreaState, change: AreaChange, kept: list[Kept], event: Event[Contributed], now: datetime
    ) -> list[Kept]:
        area = state.area
        history = self._cache.get(area)
        if history is None:  # it gave way to other areas of the same batch
            start = state.spans[0][0] - self._rulebook.horizon
            history = History.of((await self._contributions.rows({area: (start, _FAR)})).get(area, ()), state.first, start)
        as_of = micros(now) if self._is_live else history.newest or 0
        reported = None if self._delays is None else self._delays.reported(_asked(area, event), as_of)
        revision = AreaRevision(area, history, self._contributions, self._alerts, reported)
        rules = self._rulebook.watching(area)
        changed = await self._failing.revised(revision, rules, state.spans, kept, as_of=as_of, now=now)
        self._cache.put(area, revision.history.trimmed(self._rulebook.horizon), change.partition)
        if not changed:
            return []
        asked = _asked(area, event)
        with event.as_current():
            contacts = await self._contacts.responsible(asked)
        return [
            with_silent_feeds(with_contacts(each, contacts, rule.tells), self._feeds.silent(asked, each.alert.window.end))
            for rule, each in changed
        ]

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


def _for_corrected(delays: DelayBook | None, rulebook: Rulebook) -> DelayBook | None:
    return delays if any(rule.is_corrected for rule in rulebook.rules) else None


def _asked(area: str, event: Event[Contributed]) -> list[str]:
    return with_containing(area, event.body.told.place_key if event.body is not None else "")


def _quiet(is_stale: bool) -> Outcome:  # noqa: FBT001  # private, one caller
    return Drop("older than what is held") if is_stale else Emit()
