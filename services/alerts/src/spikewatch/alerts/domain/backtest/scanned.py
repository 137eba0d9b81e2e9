"""Rules that scan, in a back-test: when they are looked at, and what their alarms amount to."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from spikewatch.alerts.domain.backtest.histories import Labelled
from spikewatch.alerts.domain.backtest.verdict import Alarm, Verdict, caught, years_of
from spikewatch.alerts.domain.clusters.look import Placed, areas_of, joined, scan_of
from spikewatch.alerts.domain.instants import DAY, HOUR
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rules.space_time_scan import JOINED
from spikewatch.alerts.domain.spans import Span
from spikewatch.contracts.contract import area_kind

__all__ = ["LOOKS_A_DAY", "looked_since", "looks_of", "narrowed", "overdoses_by_area", "scan_verdicts", "with_draws"]

LOOKS_A_DAY: Final = 1
"""A back-test looks when the rule's day ends."""


def looks_of(rule: Rule, span: Span) -> range:
    """Return the moments of looks: the ends of the rule's days that hold a part of a span, its start and end included."""
    origin = scan_of(rule).day_starts_hour * HOUR
    first, last = (-((origin - at) // DAY) * DAY + origin for at in span)
    return range(first, last + 1, DAY)


def looked_since(rule: Rule, start: int) -> int:
    """Return since when looks are taken for a test that begins at a moment: they tell which alerts were open already."""
    return start - rule.quiet - rule.window


def narrowed(rule: Rule, areas: Sequence[str]) -> Rule:
    """Return a rule that looks only where it must to tell what it raises in some areas; it finds the same there."""
    if rule.false_discovery_rate is not None:  # its areas are judged together
        return rule
    counties = tuple(area for area in areas if area_kind(area) != JOINED and rule.applies_to(area))
    states = tuple(area for area in areas if area_kind(area) == JOINED and rule.applies_to(area))
    kinds: tuple[str, ...] = ()
    if states and joined(rule, states[0]) == JOINED:  # all that it watches are looked at as one place
        kinds = (JOINED,) if JOINED in rule.area_kinds else ()
        states = tuple(area for area in rule.areas if area_kind(area) == JOINED)
    return rule.model_copy(update={"areas": (*states, *counties), "area_kinds": kinds})


def with_draws(rule: Rule, draws: int) -> Rule:
    """Return a copy of a rule that draws less often, or the rule where it draws no more often anyway.

    Raises:
        ValueError: so few draws show no chance as small as the rule's; says how many would.
    """
    asked = scan_of(rule)
    if draws >= asked.replications:
        return rule
    least = asked.probability
    if rule.false_discovery_rate is not None:
        least = min(least, rule.false_discovery_rate / rule.areas_together)
    if draws < 1 or 1 / (draws + 1) >= least:
        raise ValueError(f"{rule.id} asks for a chance below {least:g}; expected more than {round(1 / least) - 1} draws")
    fewer = {"parameters": {**rule.parameters, "replications": draws}}
    return rule.model_copy(update={**fewer, "criterion": asked.model_copy(update={"replications": draws})})


def overdoses_by_area(rule: Rule, placed: Iterable[Placed], span: Span) -> dict[str, int]:
    """Return how many overdoses lie in map cells within a span, by each county and state that the rule watches."""
    counted: dict[str, int] = defaultdict(int)
    watched: dict[str, tuple[str, ...]] = {}
    for each in placed:
        key = each.place_key
        if key not in watched:
            watched[key] = tuple(area for area in areas_of(key) if rule.applies_to(area))
        within = sum(span[0] <= time <= span[1] for time in each.times)
        for area in watched[key] if within else ():
            counted[area] += within
    return dict(sorted(counted.items()))


def scan_verdicts(
    rule: Rule, overdoses: Mapping[str, int], alarms: Sequence[tuple[str, Alarm]], span: Span, labelled: Sequence[Labelled]
) -> list[Verdict]:
    """Return the verdict of a rule in each area; ``alarms`` stand with the area of their alert, those from before the span too.

    A spike that is labelled in a county counts in its state, too, if the rule watches that: an alarm catches it if it lies there.
    """
    years = years_of(*span)
    found: list[Verdict] = []
    for area, count in overdoses.items():
        mine = tuple(alarm for where, alarm in alarms if where == area and alarm.episode.opened_at >= span[0])
        known = [one for one in labelled if area in {one.area, *areas_of(one.area.removeprefix("county:"))}]
        at_places = [[alarm for where, alarm in alarms if one.area in {where, *alarm.places}] for one in known]
        met = tuple(
            caught(one, [alarm for alarm in there if alarm.episode.opened_at >= span[0]], there)
            for one, there in zip(known, at_places, strict=True)
        )
        found.append(Verdict(rule, area, count, years, years, mine, met))
    return found
