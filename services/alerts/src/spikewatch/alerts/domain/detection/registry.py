"""Every algorithm by its name: one table that the command line, the rules and the documentation read."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from spikewatch.alerts.domain.detection import essence
from spikewatch.alerts.domain.detection.algorithm import Algorithm, Parameters

__all__ = ["ALGORITHMS", "Algorithm", "Parameters"]

_LISTS: Final[tuple[tuple[Algorithm, ...], ...]] = (essence.ALGORITHMS,)

ALGORITHMS: Final[Mapping[str, Algorithm]] = MappingProxyType({algorithm.name: algorithm for each in _LISTS for algorithm in each})
"""Name, in the order of the documentation, to algorithm."""
