"""The detectors of CDC's ESSENCE as the R package Rnssp (and, behind a switch, the Python package pynssp) computes them."""

from spikewatch.alerts.domain.detection.algorithm import Algorithm
from spikewatch.alerts.domain.detection.essence import ewma, farrington, negative_binomial, regression, serfling, switch, trend

__all__ = ["ALGORITHMS"]

ALGORITHMS: tuple[Algorithm, ...] = (
    *ewma.ALGORITHMS,
    *regression.ALGORITHMS,
    *switch.ALGORITHMS,
    *negative_binomial.ALGORITHMS,
    *serfling.ALGORITHMS,
    *farrington.ALGORITHMS,
    *trend.ALGORITHMS,
)
