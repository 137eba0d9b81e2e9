"""Functions of few whole numbers, computed once for each combination that occurs and looked up from then on."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["Tabulated", "fits"]

_CELLS: Final = 1_000_000


def fits(*most: float) -> bool:
    """Return whether there is room for a table of numbers from 0 to these."""
    return float(np.prod([1 + each for each in most])) <= _CELLS


class Tabulated:
    """A function of two whole numbers from 0, for callers that come block by block: what one block computed the next one finds."""

    def __init__(self, function: Callable[[Floats, Floats], Floats], most: tuple[int, int]) -> None:
        """``most`` holds the largest numbers that are asked about."""
        self._function = function
        self._width = most[1] + 1
        self._values = np.empty((most[0] + 1) * self._width)
        self._known = np.zeros(len(self._values), dtype=bool)

    def __call__(self, first: Floats, second: Floats, out: Floats) -> None:
        """Write the function of whole numbers that are told to ``out``."""
        code = (second + first * self._width).astype(np.int64)
        if not self._known[code].all():
            self._learn(code)
        np.take(self._values, code, out=out, mode="clip")  # without a mode it would work on a copy

    def _learn(self, code: NDArray[np.int64]) -> None:
        asked = np.zeros(len(self._values), dtype=bool)
        asked[code] = True
        fresh = np.flatnonzero(asked & ~self._known)
        first, second = np.divmod(fresh, self._width)
        self._values[fresh] = self._function(first.astype(np.float64), second.astype(np.float64))
        self._known[fresh] = True
