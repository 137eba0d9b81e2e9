"""What other geodata make of reports that were placed before: which of them move, and what is counted elsewhere afterwards."""

import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from spikewatch.contracts.contract import area_kind
from spikewatch.contracts.report import LocatedReport
from spikewatch.contracts.vocabulary import PlacePrecision

__all__ = ["Reapplication", "Standing"]


class Standing(NamedTuple):
    """How a report is placed now, without the report: a million of them fit into memory."""

    state: tuple[int, int]
    precision: PlacePrecision
    point: tuple[float, float, float] | None
    place_key: str
    areas: tuple[str, ...]

    @classmethod
    def of(cls, located: LocatedReport) -> Self:
        """Take it from a located report; ``point`` is latitude, longitude and radius in metres."""
        position = located.position
        return cls(
            state=(located.report.revision, located.geodata_version),
            precision=PlacePrecision.NONE if position is None else position.precision,
            point=None if position is None else (position.lat, position.lon, position.radius_m),
            place_key=sys.intern(located.place_key),
            areas=tuple(map(sys.intern, located.areas)),
        )

    def agrees_with(self, other: "Standing") -> bool:
        """Return whether both place the report alike, whatever they were made by."""
        return self[1:] == other[1:]


@dataclass
class Reapplication:
    """Counts what changes.

    Attributes:
        reports: how many were placed anew.
        changed: how many of them are placed otherwise.
        overtaken: how many were placed by newer geodata already, and stay.
        steps: changes of precision, as (before, after).
        gained: by kind of area, how many reports count in one they did not count in.
        lost: by kind of area, how many no longer count in one.
        moved_county: how many change their place key, so that they are matched with other reports.
    """

    reports: int = 0
    changed: int = 0
    overtaken: int = 0
    moved_county: int = 0
    steps: Counter[tuple[str, str]] = field(default_factory=Counter)
    gained: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)

    def note(self, before: Standing | None, located: LocatedReport) -> bool:
        """Count a report and return whether its new placing must be published; ``before`` is None when none is known any more."""
        after = Standing.of(located)
        self.reports += 1
        if before is not None and before.state > after.state:
            self.overtaken += 1
            return False
        if before is not None and before.state[0] == after.state[0] and before.agrees_with(after):
            return False
        self.changed += 1
        if before is None:
            return True
        if before.precision is not after.precision:
            self.steps[before.precision.value, after.precision.value] += 1
        self.moved_county += before.place_key != after.place_key
        had, has = set(before.areas), set(after.areas)
        self.gained.update({area_kind(area) for area in has - had})
        self.lost.update({area_kind(area) for area in had - has})
        return True

    def document(self) -> dict[str, Any]:
        """Return the counts for machines and tables."""
        return {
            "reports": self.reports,
            "changed": self.changed,
            "overtaken": self.overtaken,
            "moved_county": self.moved_county,
            "precision": [{"before": before, "after": after, "reports": count} for (before, after), count in sorted(self.steps.items())],
            "areas": [{"kind": kind, "gained": self.gained[kind], "lost": self.lost[kind]} for kind in sorted({*self.gained, *self.lost})],
        }
