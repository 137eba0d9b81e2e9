"""How sure an overdose is: the probability that it holds all reports of one person and no other, from its ties and from who reported it.

A lone police report nearly always misses others, a lone hospital report often is all there is (somebody came by themselves), an
ambulance's and a dispatcher's are complete unless the ambulance took the person to a hospital that has not reported. Such signs count
as bits on top of what the ties say; a monotone map then turns what comes out into the share that was right.
"""

import struct
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from spikewatch.enrichment.domain.matching.codes import DISPOSITIONS, KIND_CODE, KINDS
from spikewatch.enrichment.domain.matching.columns import Ints

__all__ = ["NO_SIGNS", "SIGNS", "Calibration", "Confidence", "signs_of"]

SIGNS: Final = (*KINDS, "transported", "company")
"""What of an overdose counts: that a kind of agency reported it; that an ambulance transported the person and no hospital reported; that
another overdose belongs to the same incident. A set of them is a number, each its bit."""

NO_SIGNS: Final = 0
_TRANSPORTED: Final = 1 << SIGNS.index("transported")
_COMPANY: Final = 1 << SIGNS.index("company")
_EMS: Final = KIND_CODE["ems"]
_ED: Final = 1 << KIND_CODE["ed"]
_TO_HOSPITAL: Final = DISPOSITIONS.index("transported")


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a score becomes a probability: ``shares[n]`` is the share that was right among scores up to ``edges[n]`` hundredths of a bit."""

    edges: tuple[int, ...]
    shares: tuple[float, ...]

    def of(self, score: float) -> float:
        """Return the probability of a score."""
        return self.shares[bisect_right(self.edges, score)]


@dataclass(frozen=True, slots=True)
class Confidence:
    """What makes a probability of an overdose's ties and signs.

    ``together`` gives the probability that the reports of one overdose belong together, by the least of their ties;
    ``complete`` that none is missing, by the strongest tie to a report that was left out: one calibration for an overdose of a
    single report, one for two, one for more. ``signs`` are in the same three the bits that each of ``SIGNS`` adds to the log odds, and
    ``promised`` the pairs (promised, right) of the map at the end, both growing, linear between them; empty where nothing is known.
    """

    together: Calibration
    complete: tuple[Calibration, Calibration, Calibration]
    signs: tuple[tuple[float, ...], ...] = ()
    promised: tuple[tuple[float, float], ...] = ()
    _known: dict[tuple[int, int, int, int], float] = field(default_factory=dict, init=False, repr=False, compare=False)

    def of(self, reports: int, within: int, outside: int, signs: int = NO_SIGNS) -> float:
        """Return the probability for an overdose of so many reports, to four digits."""
        size = min(reports, 3) - 1
        complete = self.complete[size]
        above, below = bisect_right(complete.edges, outside), bisect_right(self.together.edges, within) if size else 0
        # There are few steps and few sets of signs, and a million overdoses.
        key = (size, below, above, signs)
        known = self._known.get(key)
        if known is None:
            share = complete.shares[above] * (self.together.shares[below] if size else 1.0)
            if self.signs and 0.0 < share < 1.0:
                odds = share / (1.0 - share) * 2.0 ** sum(bits for place, bits in enumerate(self.signs[size]) if signs >> place & 1)
                share = odds / (1.0 + odds)
            known = self._known[key] = round(_mapped(share, self.promised) if self.promised else share, 4)
        return known

    def packed(self) -> bytes:
        """Return bytes that two differ in that promise otherwise."""
        parts = [
            struct.pack(f"<q{len(steps.edges)}q{len(steps.shares)}d", len(steps.edges), *steps.edges, *steps.shares)
            for steps in (self.together, *self.complete)
        ]
        parts += [struct.pack(f"<q{len(values)}d", len(values), *values) for values in (*self.signs, *self.promised)]
        return b"".join(parts)


def signs_of(kinds: Ints, dispositions: Ints, person: Ints, incident: Ints) -> dict[int, int]:
    """Return the signs of every overdose by the place of its founding report.

    Args:
        kinds: of each report the kind of agency.
        dispositions: of each report.
        person: of each report the place of the report that founds its overdose.
        incident: of each report the place of the report that founds its incident.
    """
    own = 1 << kinds | np.where((kinds == _EMS) & (dispositions == _TO_HOSPITAL), _TRANSPORTED, 0)
    signs: dict[int, int] = {}
    scene: dict[int, int] = {}
    for founder, founded, bits in zip(person.tolist(), incident.tolist(), own.tolist(), strict=True):
        signs[founder] = signs.get(founder, 0) | bits
        scene[founder] = founded
    people = Counter(scene.values())
    for founder, bits in signs.items():
        received = bits & ~_TRANSPORTED if bits & _ED else bits
        signs[founder] = received | _COMPANY if people[scene[founder]] > 1 else received
    return signs


def _mapped(share: float, knots: tuple[tuple[float, float], ...]) -> float:
    """Return what was right of what was promised: linear between two knots, beyond them as at 0 and 1, which stay what they are."""
    place = bisect_right(knots, (share, 1.0))
    low, right_low = knots[place - 1] if place else (0.0, 0.0)
    high, right_high = knots[place] if place < len(knots) else (1.0, 1.0)
    return right_low if high == low else right_low + (right_high - right_low) * (share - low) / (high - low)
