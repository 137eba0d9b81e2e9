"""Every algorithm by its name: one table that the command line, the rules and the documentation read."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from spikewatch.alerts.domain.detection import bayes, cusum, ears, essence, odmap, outbreak_p, predictive, rogerson, trailing_baseline
from spikewatch.alerts.domain.detection.algorithm import Algorithm, Parameters
from spikewatch.alerts.domain.detection.farrington import flexible, original
from spikewatch.alerts.domain.detection.likelihood import glr

__all__ = ["ALGORITHMS", "Algorithm", "Parameters"]

_LISTS: Final[tuple[tuple[Algorithm, ...], ...]] = (
    predictive.ALGORITHMS,
    odmap.ALGORITHMS,
    trailing_baseline.ALGORITHMS,
    ears.ALGORITHMS,
    essence.ALGORITHMS,
    bayes.ALGORITHMS,
    cusum.ALGORITHMS,
    rogerson.ALGORITHMS,
    glr.ALGORITHMS,
    outbreak_p.ALGORITHMS,
    original.ALGORITHMS,
    flexible.ALGORITHMS,
)

ALGORITHMS: Final[Mapping[str, Algorithm]] = MappingProxyType({algorithm.name: algorithm for each in _LISTS for algorithm in each})
"""Name, in the order of the documentation, to algorithm."""
