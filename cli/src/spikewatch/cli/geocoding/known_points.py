"""Scores a geocoder on points that are known: how far its answers are, and whether its confidence means what it says."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from spikewatch.enrichment.adapters.geodata.shapes import metres
from spikewatch.enrichment.domain.geocoding.answer import LADDER, Answer

__all__ = ["KnownPoints"]

_NEAR_M: Final = 100.0
_FAR_M: Final = 500.0
_LEVELS: Final = (0.0, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)  # of confidence, finer where it matters


@dataclass(frozen=True, slots=True)
class _Scored:
    precision: str
    metres: float
    radius_m: float
    confidence: float


@dataclass(slots=True)
class KnownPoints:
    """Answers to rows whose place is known.

    Attributes:
        rows: how many rows were asked.
        ambiguous: of those without a place, how many have alternatives.
    """

    rows: int = 0
    ambiguous: int = 0
    _scored: list[_Scored] = field(default_factory=list)

    def take(self, answer: Answer, lat: float, lon: float) -> float | None:
        """Score an answer; return how far it is off in metres, None without a place."""
        self.rows += 1
        if answer.lat is None or answer.lon is None:
            self.ambiguous += bool(answer.alternatives)
            return None
        off = metres((answer.lon, answer.lat), (lon, lat))
        self._scored.append(_Scored(answer.precision.value, off, answer.radius_m, answer.confidence))
        return off

    def overall(self) -> dict[str, Any]:
        """Return the figures of all rows; shares are of all rows."""
        off = [one.metres for one in self._scored]
        return {
            "rows": self.rows,
            "placed": len(off),
            "placed_share": _share(len(off), self.rows),
            "ambiguous": self.ambiguous,
            "median_m": round(median(off), 1) if off else None,
            "p95_m": _at(off, 0.95),
            "within_100_m_share": _share(sum(one <= _NEAR_M for one in off), self.rows),
            "beyond_500_m_share": _share(sum(one > _FAR_M for one in off), self.rows),
        }

    def by_precision(self) -> list[dict[str, Any]]:
        """Return the figures of each rung."""
        return [
            _figures("precision", rung.value, [one for one in self._scored if one.precision == rung.value])
            for rung in LADDER
            if self._has(rung)
        ]

    def reliability(self) -> list[dict[str, Any]]:
        """Return, for each level of confidence, the share of answers that lie within their radius."""
        groups: dict[int, list[_Scored]] = {}
        for one in self._scored:
            groups.setdefault(min(bisect_right(_LEVELS, one.confidence), len(_LEVELS) - 1) - 1, []).append(one)
        return [_figures("confidence", f"{_LEVELS[place]:g} to {_LEVELS[place + 1]:g}", group) for place, group in sorted(groups.items())]

    def _has(self, rung: str) -> bool:
        return any(one.precision == rung for one in self._scored)


def _figures(name: str, value: str, group: Sequence[_Scored]) -> dict[str, Any]:
    off = [one.metres for one in group]
    return {
        name: value,
        "rows": len(group),
        "median_m": round(median(off), 1),
        "p95_m": _at(off, 0.95),
        "within_100_m": _share(sum(one <= _NEAR_M for one in off), len(group)),
        "mean_confidence": round(sum(one.confidence for one in group) / len(group), 3),
        "within_radius": _share(sum(one.metres <= one.radius_m for one in group), len(group)),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _at(values: Sequence[float], share: float) -> float | None:
    return round(sorted(values)[max(0, math.ceil(share * len(values)) - 1)], 1) if values else None
