"""Rule kinds. A new one is a module with a ``Criterion`` and one line here."""

from typing import Final

from spikewatch.alerts.domain.rules.criterion import Criterion
from spikewatch.alerts.domain.rules.detector import DetectorRule
from spikewatch.alerts.domain.rules.fixed_count import FixedCount
from spikewatch.alerts.domain.rules.mean_plus_sd import MeanPlusSd
from spikewatch.alerts.domain.rules.poisson import PoissonBaseline
from spikewatch.alerts.domain.rules.sliding_window import SlidingWindow
from spikewatch.alerts.domain.rules.space_time_scan import SpaceTimeScan

__all__ = ["KINDS"]

KINDS: Final[dict[str, type[Criterion]]] = {
    "fixed_count": FixedCount,
    "mean_plus_sd": MeanPlusSd,
    "poisson": PoissonBaseline,
    "sliding_window": SlidingWindow,
    "detector": DetectorRule,
    "space_time_scan": SpaceTimeScan,
}
"""Name of the kind in the rules file, and what builds its criterion from parameters."""
