"""Holds rules against a history and counts what they would have cost and found."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from statistics import median
from typing import Final

from spikewatch.alerts.domain.backtest.histories import Histories, Labelled
from spikewatch.alerts.domain.backtest.judged import judged_since
from spikewatch.alerts.domain.episodes import Episode, Zone, recomputed
from spikewatch.alerts.domain.evidence import finding_of
from spikewatch.alerts.domain.instants import DAY
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.series import History

__all__ = ["Alarm", "Budget", "Caught", "Verdict", "at_budget", "caught", "past_of", "verdicts", "year", "years_of"]

year: Final = 365.25 * DAY
"""Length of a year in microseconds."""

_LEAST_YEARS: Final = 1 / 365.25  # one day: a shorter history says nothing about a year


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alert that a rule would have raised. ``surprise`` orders alarms: the lower, the less likely by chance.

    ``told_at`` is the look that found it, where rules are looked at on a schedule; others tell at the overdose that opens it.
    ``places`` are the counties and states in which it lies, where these say more than the verdict's area.
    """

    episode: Episode
    expected: float | None
    threshold: float | None
    probability: float | None
    told_at: int | None = None
    places: tuple[str, ...] = ()

    @property
    def surprise(self) -> tuple[float, float]:
        """The probability where the rule tells one, then how far the count lies above what was expected or asked for."""
        against = self.expected if self.expected is not None else self.threshold
        ratio = inf if not against else self.episode.observed / against
        return (1.0 if self.probability is None else self.probability, -ratio)

    @property
    def known_at(self) -> int:
        """When people knew of it."""
        return self.episode.opened_at if self.told_at is None else self.told_at


@dataclass(frozen=True, slots=True)
class Caught:
    """What became of one labelled spike under one rule.

    ``days`` is from the spike's start to the first alarm that opened within it, None if none did. ``was_open`` tells
    that an alarm from before was still open: it may have warned, but it says nothing about this spike.
    """

    labelled: Labelled
    days: float | None
    was_open: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule in one area. ``judged_years`` is the part of ``years`` in which the area had the history that the rule asks for."""

    rule: Rule
    area: str
    overdoses: int
    years: float
    judged_years: float
    alarms: tuple[Alarm, ...]
    caught: tuple[Caught, ...]

    @property
    def alarms_per_year(self) -> float | None:
        """How many alerts a year brings in which the rule judges; None where it never did, for then nobody knows."""
        return len(self.alarms) / self.judged_years if self.judged_years else None

    @property
    def hits(self) -> int:
        """How many labelled spikes were caught."""
        return sum(one.days is not None for one in self.caught)

    @property
    def days_to_detection(self) -> float | None:
        """The median of the days from a caught spike's start to its alarm; None where none was caught."""
        days = [one.days for one in self.caught if one.days is not None]
        return median(days) if days else None


def verdicts(rules: Sequence[Rule], histories: Histories, labelled: Sequence[Labelled]) -> Iterator[Verdict]:
    """Yield the verdict of each rule in each area that it watches; an area without a kind is watched by every rule.

    The rules are held against the history by the code that raises alerts, with nothing but the history's own past. Overdoses
    before the span are past alone: an alarm that opened before it is none of its alarms. ``past_of`` says how much of it counts.
    Rules that are looked at on a schedule have no verdict here: one area's overdoses do not say where in it they happened
    (``scanned``).
    """
    years = years_of(histories.start, histories.end)
    for area, history in histories.areas.items():
        known = [one for one in labelled if one.area == area]
        for rule in rules:
            if rule.is_scheduled or (":" in area and not rule.applies_to(area)):
                continue
            mine = rule.at(area)
            span = Zone(histories.start - rule.quiet, histories.end, ())
            whole = tuple(_alarm(history, mine, episode) for episode in recomputed(history, mine, span))
            alarms = tuple(one for one in whole if one.episode.opened_at >= histories.start)
            overdoses = histories.counted(area)
            judged = _judged_years(judged_since(mine, history.first), histories)
            yield Verdict(rule, area, overdoses, years, judged, alarms, tuple(caught(one, alarms, whole) for one in known))


def years_of(start: int, end: int) -> float:
    """Return the length of a span in years, at least a day."""
    return max((end - start) / year, _LEAST_YEARS)


def _judged_years(since: int | None, histories: Histories) -> float:
    if since is not None and since > histories.end:
        return 0.0
    return years_of(histories.start if since is None else max(histories.start, since), histories.end)


def past_of(rules: Iterable[Rule]) -> int:
    """Return how long before the span overdoses still decide what opens within it, in microseconds."""
    return max((rule.reach + rule.quiet for rule in rules), default=0)


def _alarm(history: History, rule: Rule, episode: Episode) -> Alarm:
    finding = finding_of(history, rule, episode)
    return Alarm(episode, finding.expected, finding.threshold, finding.probability)


def caught(labelled: Labelled, alarms: Sequence[Alarm], whole: Sequence[Alarm]) -> Caught:
    """Return what became of a spike; ``alarms`` lie where it was, ``whole`` are they and those from before the span."""
    known = [one.known_at for one in alarms if labelled.start <= one.episode.opened_at <= labelled.end]
    was_open = any(one.episode.opened_at < labelled.start <= one.episode.last_met_at for one in whole)
    return Caught(labelled, (min(known) - labelled.start) / DAY if known else None, was_open)


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of some rules when only so many alarms a year may be raised in all areas together, the most surprising first.

    ``precision`` is the share of the raised alarms that opened within a labelled spike, None where none was raised.
    """

    alarms_per_year: float
    raised: int
    precision: float | None
    hits: int


def at_budget(found: Sequence[Verdict], budgets: Sequence[float]) -> list[Budget]:
    """Return what the verdicts of one set of rules amount to at each budget of alarms a year."""
    ranked = sorted(
        ((alarm.surprise, verdict.area, alarm.episode.opened_at, alarm) for verdict in found for alarm in verdict.alarms),
        key=lambda one: one[:3],
    )
    known: dict[str, set[Labelled]] = defaultdict(set)
    for one in (each.labelled for verdict in found for each in verdict.caught):
        known[one.area].add(one)
    kept: list[Budget] = []
    for budget in budgets:
        raised = ranked[: round(budget * (found[0].years if found else 0.0))]
        met = [
            {one.name for place in (*alarm.places, area) for one in known.get(place, ()) if one.start <= opened <= one.end}
            for _, area, opened, alarm in raised
        ]
        true = sum(bool(names) for names in met)
        kept.append(Budget(budget, len(raised), true / len(raised) if raised else None, len(set().union(*met))))
    return kept
