"""Which cluster is which alert: one that overlaps an alert's outline and goes on within its quiet time lives on in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spikewatch.alerts.domain.clusters.cells import is_inside
from spikewatch.alerts.domain.clusters.look import Found, Placed, counted_times
from spikewatch.alerts.domain.identity import Kept
from spikewatch.alerts.domain.instants import micros
from spikewatch.alerts.domain.rule import Rule

__all__ = ["Carried", "carried", "goes_on", "is_revised"]


@dataclass(frozen=True, slots=True)
class Carried:
    """Each cluster with the alert that lives on in it (None: a new one), and the alerts that none carries.

    Of the latter, with the place in ``living`` of the cluster that they became a part of, or None.
    """

    living: tuple[tuple[Found, Kept | None], ...]
    others: tuple[tuple[Kept, int | None], ...]


def carried(found: Sequence[Found], kept: Sequence[Kept]) -> Carried:
    """Pair clusters with alerts: each cluster, from the likeliest on, takes the oldest free alert that it goes on with."""
    free = sorted(kept, key=lambda each: (each.episode.opened_at, each.alert_id))
    living: list[tuple[Found, Kept | None]] = []
    for cluster in found:
        match = next((each for each in free if goes_on(each, cluster)), None)
        if match is not None:
            free.remove(match)
        living.append((cluster, match))
    others = tuple((each, next((place for place, (cluster, _) in enumerate(living) if goes_on(each, cluster)), None)) for each in free)
    return Carried(tuple(living), others)


def goes_on(kept: Kept, cluster: Found) -> bool:
    """Tell whether a cluster overlaps an alert's place, and its overdoses follow the alert's within the quiet time."""
    outline = kept.alert.outline
    if outline is None or cluster.at < micros(kept.alert.window.start) or not any(is_inside(cell, outline.ring) for cell in cluster.cells):
        return False
    last = kept.episode.last_met_at
    for time in cluster.times:
        if time - last > kept.quiet:
            return False
        last = max(last, time)
    return True


def is_revised(kept: Kept, rule: Rule, placed: Mapping[str, Placed]) -> bool:
    """Tell whether an incident that the alert names was withdrawn, moved out of its outline or in time, or lost an overdose.

    ``placed`` holds, by incident id, what is in cells now.
    """
    outline = kept.alert.outline
    low, high = micros(kept.alert.window.start), micros(kept.alert.window.end)
    for each in kept.alert.contributors:
        now = placed.get(str(each.incident_id))
        if now is None or outline is None or not is_inside(now.cell, outline.ring):
            return True
        if sum(low < time <= high for time in counted_times(rule, now)) < each.overdoses:
            return True
    return False
