"""ESSENCE's switch: the regression where it explains the baseline, the moving average elsewhere.

Source: H. Burkom, Y. Elbert, S. Magruder and others, Developments in the roles, features, and evaluation of alerting algorithms for
disease outbreak monitoring, Johns Hopkins APL Technical Digest 27(4), 2008; numbers as in Rnssp 0.3.1 ``alert_switch``.
"""

from typing import Annotated, Final

import numpy as np
from pydantic import Field

from spikewatch.alerts.domain.detection.algorithm import Algorithm
from spikewatch.alerts.domain.detection.detection import Detected
from spikewatch.alerts.domain.detection.essence.ewma import Ewma, ewma
from spikewatch.alerts.domain.detection.essence.regression import Regression, regression
from spikewatch.alerts.domain.detection.essence.tiers import red
from spikewatch.alerts.domain.detection.series import Floats, Series

__all__ = ["ALGORITHMS", "Switch", "switch"]


class Switch(Ewma):
    """Parameters of ``regression_ewma_switch``: those of the moving average, a baseline of whole weeks, and where to switch."""

    baseline: Annotated[int, Field(ge=14, multiple_of=7)] = Field(default=28, description="Longest baseline in days, whole weeks (B).")
    least_r_squared: Annotated[float, Field(le=1)] = Field(default=0.6, description="Adjusted R squared from which the regression is used.")


def switch(series: Series, p: Switch) -> Detected:
    """Return the regression's answer where its adjusted R squared reaches the bound, the moving average's elsewhere.

    ``also["by_regression"]`` says which answered. Raises as ``regression`` does.
    """
    line = regression(series, Regression(baseline=p.baseline, guard_band=p.guard_band, compat=p.compat))
    average = ewma(series, Ewma(**p.model_dump(exclude={"least_r_squared"})))
    by_line = line.also["adjusted_r_squared"].astype(np.float64) >= p.least_r_squared

    def either(one: Floats, other: Floats) -> Floats:
        return np.where(by_line, one, other)

    tier = np.where(by_line, line.also["tier"], average.also["tier"]).astype(np.int8)
    return Detected(
        expected=either(line.expected, average.expected),
        threshold=either(line.threshold, average.threshold),
        statistic=either(line.statistic, average.statistic),
        p_value=either(line.p_value, average.p_value),
        alarm=red(tier),
        also={
            "tier": tier,
            "by_regression": by_line,
            "adjusted_r_squared": line.also["adjusted_r_squared"],
            "withdrawn": by_line & line.also["withdrawn"].astype(np.bool_),
        },
    )


ALGORITHMS: Final = (
    Algorithm(
        name="regression_ewma_switch",
        parameters=Switch,
        run=switch,
        summary="Adaptive regression where it explains its baseline (adjusted R squared from .6), the moving average elsewhere.",
        source="Burkom and others 2008; Rnssp 0.3.1",
        also_known_as={"Rnssp": "alert_switch", "pynssp": "alert_switch"},
    ),
)
