"""Revises the alerts of one area after its overdoses changed."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from spikewatch.alerts.domain.contributed import Held
from spikewatch.alerts.domain.episodes import Episode, Zone, recomputed, revised, zones_of
from spikewatch.alerts.domain.evidence import Evidence, evidence_of, explains_back, finding_of
from spikewatch.alerts.domain.identity import Kept, paired
from spikewatch.alerts.domain.instants import moment
from spikewatch.alerts.domain.lifecycle import Draft, lived_on, retracted
from spikewatch.alerts.domain.reported import Reported
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.series import History
from spikewatch.alerts.domain.spans import Span
from spikewatch.alerts.ports import AlertStore, ContributionStore
from spikewatch.alerts.service.new_alert import new_alert

__all__ = ["AreaRevision"]


class AreaRevision:
    """One area's history, drawn out to the past where a decision needs it, and the alerts that follow from it."""

    def __init__(
        self, area: str, history: History, contributions: ContributionStore, alerts: AlertStore, reported: Reported | None = None
    ) -> None:
        """Begin with a history. ``reported`` is how much of the newest days is reported, None where all is or no rule asks."""
        self.area = area
        self.history = history
        self._contributions = contributions
        self._alerts = alerts
        self._reported = reported

    async def touching(self, since: int) -> list[Kept]:
        """Return the area's alerts last met since a time, as they are stored."""
        return await self._alerts.touching({self.area: since})

    async def stored(self, alerts: Collection[UUID]) -> dict[UUID, Kept]:
        """Return some alerts as they are stored, those that are."""
        return await self._alerts.load(alerts)

    async def revise(self, rule: Rule, spans: Sequence[Span], kept: Sequence[Kept], *, as_of: int, now: datetime) -> list[Kept]:
        """Return the alerts of one rule that changed."""
        changed: list[Kept] = []
        judged: set[Episode] = set()
        for zone in zones_of(spans, [each.episode for each in kept], rule):
            known = set(zone.known)
            judged |= known
            episodes = await self._episodes(rule, zone)
            if not episodes and not zone.known:
                continue  # the usual case, and there are many rules
            mine = [each for each in kept if each.episode in known]
            changed += await self._paired(rule, spans, episodes, mine, as_of=as_of, now=now)
        if len(judged) < len(kept) and explains_back(rule) > rule.reach:
            others = [each for each in kept if each.episode not in judged]
            changed += await self._explained_anew(rule, spans, others, as_of=as_of, now=now)
        return changed

    async def _explained_anew(self, rule: Rule, spans: Sequence[Span], kept: Sequence[Kept], *, as_of: int, now: datetime) -> list[Kept]:
        """Return the alerts that stand as they are, but whose explanation looks back on what changed."""
        changed: list[Kept] = []
        for each in kept:
            episode, alert = each.episode, each.alert
            if not _looks_on(rule, episode, spans):
                continue
            await self._reach_back(episode.peak_at - explains_back(rule))
            evidence = replace(
                evidence_of(self.area, rule, episode, finding_of(self._told(rule), rule, episode), ()),
                contributors=alert.contributors,
                omitted=alert.contributors_omitted,
            )
            after = lived_on(each, Draft(self.area, rule, episode, evidence, max(as_of, each.as_of)), now)
            if after is not None:
                changed.append(after)
        return changed

    async def _episodes(self, rule: Rule, zone: Zone) -> list[Episode]:
        if zone.known and zone.known[0].opened_at < zone.low:
            await self._reach_back(zone.low - rule.quiet - rule.reach)
            episodes = revised(self._told(rule), rule, zone)
            if episodes is not None:
                return episodes
        await self._reach_back(zone.start - rule.reach)
        return recomputed(self._told(rule), rule, zone)

    def _told(self, rule: Rule) -> History:
        return replace(self.history, reported=self._reported) if rule.is_corrected and self._reported is not None else self.history

    async def _reach_back(self, needed: int) -> None:
        history = self.history
        if needed >= history.loaded_from or history.first is None or history.first >= history.loaded_from:
            return
        rows = await self._contributions.rows({self.area: (needed, history.loaded_from - 1)})
        self.history = history.extended(rows.get(self.area, ()), needed)

    async def _paired(
        self, rule: Rule, spans: Sequence[Span], episodes: Sequence[Episode], kept: Sequence[Kept], *, as_of: int, now: datetime
    ) -> list[Kept]:
        pairing = paired(episodes, kept)
        changed: list[Kept] = []
        ids: list[UUID] = []
        taken = {each.alert_id for each in kept}
        for episode, alive in pairing.living:
            if alive is None:
                new = await self._opened(rule, episode, taken, as_of=as_of, now=now)
                taken.add(new.alert_id)
                ids.append(new.alert_id)
                changed.append(new)
                continue
            ids.append(alive.alert_id)
            evidence = await self._evidence(rule, spans, episode, alive)
            # what closed it stays true: the area's own newest overdose may lie before it
            has_aged = rule.is_corrected and alive.episode == episode and alive.alert.reporting != evidence.reporting
            because = "of what happened then another part is reported now" if has_aged else None
            draft = Draft(self.area, rule, episode, evidence, max(as_of, alive.as_of), because=because)
            after = lived_on(alive, draft, now)
            if after is not None:
                changed.append(after)
        for each, place in pairing.ended:
            if place is None and rule.is_corrected and await self._waits(rule, each):
                continue
            changed.append(retracted(each, None if place is None else ids[place], now, because=_because(each, rule)))
        return changed

    async def _waits(self, rule: Rule, kept: Kept) -> bool:
        """Tell whether an alert that was raised by a part of the reports waits for the others: until its days are reported it stands.

        It would come and go with every delivery else. One whose own overdoses were taken back does not wait.
        """
        start = rule.start_of(kept.episode.peak_at)
        if self._reported is None or kept.alert.reporting is None or start + rule.window <= self._reported.unsettled_from:
            return False
        await self._reach_back(start)
        times = self.history.select(start + 1, kept.episode.peak_at, rule.asks).times
        return len(times) >= kept.episode.observed

    async def _opened(self, rule: Rule, episode: Episode, taken: set[UUID], *, as_of: int, now: datetime) -> Kept:
        draft = Draft(self.area, rule, episode, await self._evidence(rule, (), episode, None), as_of)
        return await new_alert(self._alerts, draft, moment(episode.opened_at).isoformat(), taken, now)

    async def _evidence(self, rule: Rule, spans: Sequence[Span], episode: Episode, alive: Kept | None) -> Evidence:
        if alive is not None:
            same_peak = (alive.episode.peak_at, alive.episode.observed) == (episode.peak_at, episode.observed)
            if same_peak and not _looks_on(rule, episode, spans):
                return Evidence.kept(alive.alert)
        await self._reach_back(episode.peak_at - explains_back(rule))
        held: list[Held] = await self._contributions.within(self.area, rule.start_of(episode.peak_at), episode.peak_at)
        return evidence_of(self.area, rule, episode, finding_of(self._told(rule), rule, episode), held)


def _looks_on(rule: Rule, episode: Episode, spans: Sequence[Span]) -> bool:
    """Tell whether what explains an episode looks on anything that changed."""
    back = explains_back(rule)
    return any(low <= episode.peak_at <= high + back for low, high in spans)


def _because(kept: Kept, rule: Rule) -> str | None:
    return "the reports that came since make it no spike" if rule.is_corrected and kept.alert.reporting is not None else None
