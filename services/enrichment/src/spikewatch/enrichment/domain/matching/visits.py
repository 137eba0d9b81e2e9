"""What is learnt of hospitals' reports hours later: by people whom no ambulance took, and by those whom another hospital sent on."""

from typing import Final

import numpy as np
import numpy.typing as npt

from spikewatch.enrichment.domain.matching.columns import Floats
from spikewatch.enrichment.domain.matching.comparison import Looked
from spikewatch.enrichment.domain.matching.fields import LATER_CONTEXTS, SIZE, TIME_CONTEXTS, TIME_EDGES_MIN, WEIGHTS_OF

__all__ = ["APART", "against_rides", "counted"]

APART: Final = np.isin(TIME_CONTEXTS, LATER_CONTEXTS)
"""Contexts of times on which no other one leans, because it does not tell when somebody comes to a hospital hours later."""

_CHANCE: Final = 25.0  # pairs of two people, added to those seen: of a handful it is not known how many were a ride apart
_TIME: Final = WEIGHTS_OF["time"]
_OF_VISITS: Final = np.array(["|ed" in context for context in TIME_CONTEXTS])
_HOURS_LATER: Final = TIME_EDGES_MIN.index(180) + 1  # level from which on nobody comes by ambulance
_IS_LATE: Final = np.zeros(SIZE, dtype=np.bool_)
_IS_LATE[_TIME] = (_OF_VISITS[:, None] & (np.arange(1 + len(TIME_EDGES_MIN)) >= _HOURS_LATER)).ravel()
_OF_SCENE: Final = np.isin(TIME_CONTEXTS, ("cad|ed", "fire|ed", "police|ed"))
# Bits: that somebody came late is no contradiction, and every report of the scene says it. Who comes late, the ambulance tells.
_LATEST: Final = -5.0


def counted(looked: Looked) -> list[npt.NDArray[np.bool_]]:
    """Return of every compared field which pairs count where they are of two people.

    Of a hospital's report hours after another one only the time does: how often two reports are of one person, and what they agree in by
    chance, is said of pairs that are a ride apart.
    """
    on_time = ~_IS_LATE[looked].any(axis=0)
    return [on_time | ((row >= _TIME.start) & (row < _TIME.stop)) for row in looked]


def against_rides(bits: Floats, different: Floats) -> Floats:
    """Return the bits of times, those of hospitals' reports against the chance of pairs a ride apart, as the prior is counted."""
    every, near = different.sum(axis=1) + _CHANCE, different[:, :_HOURS_LATER].sum(axis=1) + _CHANCE
    told: Floats = bits - np.where(_OF_VISITS, np.log2(every / near), 0.0)[:, None]
    later = _OF_SCENE[:, None] & (np.arange(told.shape[1]) >= told.argmax(axis=1)[:, None])
    return np.where(later, np.maximum(told, _LATEST), told)
