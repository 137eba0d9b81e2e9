"""Which alerts tell one story: those of other areas, larger or smaller, that name most of the same incidents."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from spikewatch.alerts.domain.vicinities import place_named
from spikewatch.contracts.alert import Alert, RelatedAlert
from spikewatch.contracts.contract import area_kind

__all__ = ["Story", "one_story", "story_of"]

_KINDS: Final = ("h3", "block_group", "tract", "neighborhood", "", "zip", "city", "cluster", "county", "vicinity", "state")
"""Kinds of area, the most specific first; the empty name stands for all others, districts and areas of one's own."""

_MOST: Final = 20  # named; more are a rule on every map cell, and nobody reads them
_SAID: Final = 3  # areas in the sentence; the alert lists all
_HALF: Final = 2


@dataclass(frozen=True, slots=True)
class Story:
    """The other alerts of one alert's story, and the one that says most precisely where; None if the alert itself is that."""

    related: tuple[RelatedAlert, ...] = ()
    explained_by: UUID | None = None


def story_of(alert: Alert, others: Iterable[Alert]) -> Story:
    """Return the story of an alert: a function of the alerts that stand, in whatever order they came.

    Another alert is part of it if it is about another area (or a cluster in the same) and both share more than half of the incidents
    of the one that has more. So a state's alert is not explained by a county that brings a few, and a county's is by the
    neighbourhood that brings most.
    """
    mine = {each.incident_id for each in alert.contributors}
    found: list[tuple[tuple[int, str, float, str], RelatedAlert]] = []
    for other in others:
        if other.alert_id == alert.alert_id or (other.area == alert.area and (other.outline is None) == (alert.outline is None)):
            continue
        theirs = {each.incident_id for each in other.contributors}
        shared = len(mine & theirs)
        if shared * _HALF > max(len(mine), len(theirs)):
            named = RelatedAlert(alert_id=other.alert_id, area=other.area, rule_id=other.rule.rule_id, shared=shared)
            found.append((_order(other), named))
    if not found:
        return Story()
    found.sort(key=lambda one: one[0])
    first, most_specific = found[0]
    explained_by = most_specific.alert_id if first[0] < _order(alert)[0] else None
    return Story(tuple(named for _, named in found[:_MOST]), explained_by)


def one_story(related: Sequence[RelatedAlert], explained_by: UUID | None) -> str:
    """Return the sentence that says which other alerts tell of the same; empty if none does."""
    if not related:
        return ""
    first = related[0]
    if explained_by is not None:
        also = f"; {_alerts(len(related) - 1)} more tell of it" if len(related) > 1 else ""
        return f" One story with the alert in {_named(first.area)} ({first.rule_id}), which says more precisely where{also}."
    areas = list(dict.fromkeys(_named(each.area) for each in related))
    further = f" and {len(areas) - _SAID} more areas" if len(areas) > _SAID else ""
    return f" One story with {_alerts(len(related))} in {', '.join(areas[:_SAID])}{further}."


def _alerts(number: int) -> str:
    return f"{number} alert{'' if number == 1 else 's'}"


def _order(alert: Alert) -> tuple[int, str, float, str]:
    kind = "cluster" if alert.outline is not None else area_kind(alert.area)
    place = _KINDS.index(kind if kind in _KINDS else "")
    return place, alert.area, alert.opened_at.timestamp(), f"{alert.rule.rule_id} {alert.alert_id}"


def _named(area: str) -> str:
    return place_named(area, {})
