"""Histories of areas together with their neighbours, made of those that a file holds."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spikewatch.alerts.domain.backtest.histories import Histories
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.series import History

__all__ = ["with_vicinities"]


def with_vicinities(histories: Histories, rules: Sequence[Rule]) -> Histories:
    """Return the histories with one for each vicinity that a rule watches and of which at least one area is there."""
    areas = dict(histories.areas)
    for rule in rules:
        for vicinity, parts in rule.vicinities.items():
            known = [histories.areas[area] for area in parts if area in histories.areas]
            if known and vicinity not in areas:
                pairs = np.concatenate([np.column_stack((one.times, one.marks)) for one in known])
                first = min((one.first for one in known if one.first is not None), default=None)
                areas[vicinity] = History.of_pairs(pairs, first, min(one.loaded_from for one in known))
    return replace(histories, areas=areas)
