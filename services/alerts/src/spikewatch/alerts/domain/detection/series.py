"""Counts of many areas over the same steps of time: what every detector reads."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Days", "Floats", "Series", "SeriesError"]

_DAY: Final = "datetime64[D]"

Days = NDArray[np.datetime64]
"""First day of each step."""
Floats = NDArray[np.float64]
"""Counts or what is computed from them, by area and step."""

_MONTH: Final = (28, 31)  # days between the first days of neighbouring months


class SeriesError(ValueError):
    """Counts that no detector can read; the text names the column and the row, never the value."""


@dataclass(frozen=True, slots=True)
class Series:
    """Counts of each area in each step; steps are one day, seven days or one month long and follow one another without a hole.

    ``counts`` holds whole numbers from 0, and nan where nothing was told: a gap is no zero. ``population`` and
    ``denominator`` (for example all visits) have the shape of ``counts``.

    Raises:
        SeriesError: shapes that do not agree, steps that do not follow one another, a count that is negative or no whole number.
    """

    starts: Days
    counts: Floats
    areas: tuple[str, ...]
    population: Floats | None = None
    denominator: Floats | None = None

    def __post_init__(self) -> None:
        shape = (len(self.areas), len(self.starts))
        if not all(shape):
            raise SeriesError("counts: there is not one area with one step; expected at least one row")
        if self.starts.dtype != np.dtype(_DAY):
            raise SeriesError("starts: expected days (datetime64[D])")
        for name, values in (("counts", self.counts), ("population", self.population), ("denominator", self.denominator)):
            if values is None:
                continue
            if values.shape != shape:
                raise SeriesError(f"{name}: expected {shape[0]} areas by {shape[1]} steps")
            _check(name, values, whole=name == "counts")
        if len(self.starts) > 1:
            self.step_days()  # refuses steps that do not follow one another

    def step_days(self) -> int:
        """Return how long a step is: 1, 7, or 30 for calendar months. A series of one step counts as daily.

        Raises:
            SeriesError: the steps are not equally long.
        """
        if len(self.starts) == 1:
            return 1
        gaps = np.diff(self.starts).astype(np.int64)
        if (gaps == gaps[0]).all() and gaps[0] in {1, 7}:
            return int(gaps[0])
        if (gaps >= _MONTH[0]).all() and (gaps <= _MONTH[1]).all() and _same_day_of_month(self.starts):
            return 30
        raise SeriesError("starts: expected steps of one day, seven days or one month that follow one another; a gap is a count of nan")


def _same_day_of_month(starts: Days) -> bool:
    months = starts.astype("datetime64[M]")
    return bool(len(np.unique(starts - months.astype(_DAY))) == 1 and (np.diff(months).astype(np.int64) == 1).all())


def _check(name: str, values: Floats, *, whole: bool) -> None:
    told = values[~np.isnan(values)]
    if np.isinf(told).any() or (told < 0).any():
        raise SeriesError(f"{name}: a value is negative or infinite; expected a number from 0")
    if whole and (told != np.floor(told)).any():
        raise SeriesError(f"{name}: a value is no whole number; expected a number of incidents")
