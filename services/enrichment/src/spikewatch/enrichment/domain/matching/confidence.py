"""How sure an overdose is: the probability that it holds all reports of one person and no other, from its ties and from its signs.

A lone police report nearly always misses others, a lone hospital report often is all there is (somebody came by themselves), an
ambulance's and a dispatcher's are complete unless the ambulance took the person to a hospital that has not reported. Where little is
stated (no age, no number, no more than a ZIP code) and where several people are at one scene a report is more easily missed. Such signs
count as bits on top of what the ties say; a monotone map then turns what comes out into the share that was right.
"""

import struct
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from spikewatch.enrichment.domain.matching.codes import DISPOSITIONS, KIND_CODE, KINDS, OUTCOMES
from spikewatch.enrichment.domain.matching.columns import Columns, Ints
from spikewatch.enrichment.domain.matching.decided import NOTHING

__all__ = ["NO_SIGNS", "SIGNS", "Calibration", "Confidence", "signs_of"]

_AGELESS: Final = ("cad", "ems", "police", "ed")
_SEXLESS: Final = ("cad", "ed")
_VAGUE: Final = ("cad", "ems", "police", "ed")
_NEAR: Final = (("rival", NOTHING + 1), ("near_rival", -300), ("close_rival", 0))

SIGNS: Final = (
    *KINDS,
    "transported",
    "company",
    "crowd",
    "cad_beside",
    "ems_beside",
    "ems_twice",
    "four",
    "five",
    "no_destination",
    "numbered",
    "dated",
    "no_examiner",
    *(f"{kind}_ageless" for kind in _AGELESS),
    *(f"{kind}_sexless" for kind in _SEXLESS),
    *(f"{kind}_vague" for kind in _VAGUE),
    *(name for name, _ in _NEAR),
)
"""What of an overdose counts, each a bit of a number:

- that a kind of agency reported it; that an ambulance ``transported`` the person and no hospital reported;
- that another overdose belongs to the same incident (``company``), or two others and more (``crowd``); that one of them has a report of a
  dispatcher or an ambulance and this one has none (``beside``);
- that ambulances reported twice; that it has four reports, or five and more;
- that an ambulance names no hospital for a transport, that anybody gives a call's number, that a report tells only a date, that a death has
  no report of a medical examiner;
- of some kinds that a report tells no age, no sex, or no place but an area (``vague``);
- of the best fit that was left out that there was one, that it reached -3 bits, or 0.

None needs what the canonical report does not tell (race, whether an age was estimated) or what is not tied to the overdose: a table and the
service see the same signs."""

NO_SIGNS: Final = 0
_BIT: Final = {name: 1 << place for place, name in enumerate(SIGNS)}
_TO_HOSPITAL: Final = DISPOSITIONS.index("transported")
_FATAL: Final = OUTCOMES.index("fatal")
_AREA: Final = 4  # of ``codes.PLACE_CLASSES``


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


def signs_of(columns: Columns, person: Ints, outside: Ints, incident: Ints) -> Ints:
    """Return the signs of every overdose, at the place of its founding report; whatever stands at other places says nothing.

    Args:
        columns: the reports.
        person: of each report the place of the report that founds its overdose.
        outside: of each report the best fit that was left out of its overdose, as ``clustering.Clusters`` has it.
        incident: of each report the place of the report that founds its incident.
    """
    signs: Ints = np.zeros(len(person), dtype=np.int64)
    if not len(person):
        return signs
    order = np.argsort(person, kind="stable")
    begin = np.flatnonzero(np.diff(person[order], prepend=-1))
    founders = person[order[begin]]
    found = np.bitwise_or.reduceat(_stated(columns)[order], begin)
    received, examined = found & _BIT["ed"] > 0, found & _BIT["me"] > 0
    found &= ~(np.where(received, _BIT["transported"], 0) | np.where(examined, _BIT["no_examiner"], 0))
    ambulances = np.add.reduceat((columns.kind == KIND_CODE["ems"])[order].astype(np.int64), begin)
    reports = np.diff(begin, append=len(order))
    scene = incident[founders]
    people = np.bincount(scene)[scene]
    told = {"ems_twice": ambulances > 1, "four": reports > 3, "five": reports > 4, "company": people > 1, "crowd": people > 2}
    for kind in ("cad", "ems"):
        own = found & _BIT[kind] > 0
        told[f"{kind}_beside"] = ~own & (np.bincount(scene, weights=own)[scene] > 0)
    for name, fit in _NEAR:
        told[name] = outside[founders] >= fit
    for name, holds in told.items():
        found |= np.where(holds, _BIT[name], 0)
    signs[founders] = found
    return signs


def _stated(columns: Columns) -> Ints:
    """Return of each report the signs that it alone gives."""
    kind = columns.kind
    taken = (kind == KIND_CODE["ems"]) & (columns.disposition == _TO_HOSPITAL)
    told = {
        "transported": taken,
        "no_destination": taken & (columns.hospital == 0),
        "numbered": columns.cad > 0,
        "dated": columns.rough > 0,
        "no_examiner": columns.outcome == _FATAL,
    }
    blank = (
        ("ageless", _AGELESS, columns.age_low < 0),
        ("sexless", _SEXLESS, columns.sex == 0),
        ("vague", _VAGUE, (columns.place_class == 0) | (columns.place_class == _AREA)),
    )
    told |= {f"{name}_{what}": holds & (kind == KIND_CODE[name]) for what, names, holds in blank for name in names}
    stated: Ints = 1 << kind
    for name, holds in told.items():
        stated |= np.where(holds, _BIT[name], 0)
    return stated


def _mapped(share: float, knots: tuple[tuple[float, float], ...]) -> float:
    """Return what was right of what was promised: linear between two knots, beyond them as at 0 and 1, which stay what they are."""
    place = bisect_right(knots, (share, 1.0))
    low, right_low = knots[place - 1] if place else (0.0, 0.0)
    high, right_high = knots[place] if place < len(knots) else (1.0, 1.0)
    return right_low if high == low else right_low + (right_high - right_low) * (share - low) / (high - low)
