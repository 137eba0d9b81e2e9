"""How many steps make a year."""

from typing import Final

from spikewatch.alerts.domain.detection.series import Series

__all__ = ["steps_of_year"]

_STEPS: Final = {1: 365, 7: 52, 30: 12}


def steps_of_year(series: Series, given: int | None = None) -> int:
    """Return the number that was given, or 365, 52 or 12 for daily, weekly or monthly steps."""
    return given or _STEPS[series.step_days()]
