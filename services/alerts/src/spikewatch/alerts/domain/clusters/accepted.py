"""Which clusters of one look stand when all areas of a rule are looked at together: a bound on the share of false ones."""

from collections.abc import Mapping, Sequence

import numpy as np

from spikewatch.alerts.domain.clusters.look import Found
from spikewatch.alerts.domain.detection.false_alarms import discoveries
from spikewatch.alerts.domain.rule import Rule

__all__ = ["accepted"]


def accepted(rule: Rule, found: Mapping[str, Sequence[Found]]) -> dict[str, tuple[Found, ...]]:
    """Return the clusters that a rule accepts of one look; ``found`` has every area that was looked at, those without a cluster too.

    Without a false discovery rate all stand. With one, the likeliest cluster of each area is its p-value, and the areas that stand
    out among all that were looked at are accepted (Benjamini and Hochberg); of their further clusters those as improbable as that.
    """
    if rule.false_discovery_rate is None or not found:
        return {area: tuple(clusters) for area, clusters in found.items()}
    p_values = np.array([min((each.probability for each in clusters), default=1.0) for clusters in found.values()])
    stands = discoveries(p_values, np.zeros(len(p_values), dtype=np.int64), rate=rule.false_discovery_rate)
    most = float(p_values[stands].max(initial=0.0))
    return {area: tuple(each for each in clusters if each.probability <= most) for area, clusters in found.items()}
