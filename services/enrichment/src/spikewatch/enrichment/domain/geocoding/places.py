"""Mileposts, ZIP codes, cities and counties, and the landmarks beside them: what is known by its name alone."""

import re
from typing import Final, NamedTuple

from spikewatch.enrichment.domain.geocoding.areas_of_streets import FROM_STREETS
from spikewatch.enrichment.domain.geocoding.contexts import Contexts
from spikewatch.enrichment.domain.geocoding.landmarks import Landmarks, Mark
from spikewatch.enrichment.domain.geocoding.packed import SCALE, Packed, texts, view
from spikewatch.enrichment.domain.geocoding.street_name import read_street

__all__ = ["Area", "Places"]

_MARK: Final = re.compile(r"(.+?) (MM|MILE MARKER|MILEPOST|MILE POST|MP|EXIT) (\d{1,4}(?: \d{1,3})?)([A-Z]?)")
_LONGEST_GAP_MILES: Final = 2.0  # between two mileposts a road bends; over more than this a straight line is a guess


class Area(NamedTuple):
    """The middle of a ZIP code, city or county; ``is_of_streets`` when it follows from the streets there instead of from an outline."""

    kind: str
    name: str
    code: str
    county: str
    lat: float
    lon: float
    radius_m: float
    is_of_streets: bool = False


class Places:
    """All named places of an index."""

    def __init__(self, packed: Packed, contexts: Contexts) -> None:
        arrays = packed.arrays
        self._contexts = contexts
        lat, lon, radius = view(arrays["place_lat"]), view(arrays["place_lon"]), view(arrays["place_radius"])
        self.zips: dict[str, Area] = {}
        self.cities: dict[str, list[Area]] = {}
        self.counties: dict[str, list[Area]] = {}
        for at, line in enumerate(texts(arrays["place_text"])):
            kind, name, code, county, source = line.split("\t")
            county = county or (code if kind == "county" else "")
            area = Area(kind, name, code, county, lat[at] / SCALE, lon[at] / SCALE, radius[at], source == str(FROM_STREETS))
            if kind == "zip":
                self.zips[name] = area
            elif kind == "city":
                self.cities.setdefault(name, []).append(area)
            elif kind == "county":
                self.counties.setdefault(name.removesuffix(" COUNTY"), []).append(area)
                if code:
                    self.counties.setdefault(code, []).append(area)
        marks = (
            view(arrays["landmark_lat"]),
            view(arrays["landmark_lon"]),
            view(arrays["landmark_radius"]),
            view(arrays["landmark_context"]),
        )
        every: list[Mark] = []
        self.miles: dict[tuple[str, str], list[tuple[float, str, Mark]]] = {}
        for at, name in enumerate(texts(arrays["landmark_text"])):
            mark = Mark(name, marks[0][at] / SCALE, marks[1][at] / SCALE, float(marks[2][at]), marks[3][at])
            every.append(mark)
            if (found := _MARK.fullmatch(name)) is not None and (road := read_street(found[1].split())) is not None:
                kind = "EXIT" if found[2] == "EXIT" else "MM"
                self.miles.setdefault((road.key, kind), []).append((float(found[3].replace(" ", ".")), found[4], mark))
        for rows in self.miles.values():
            rows.sort(key=lambda row: row[:2])
        self.landmarks = Landmarks(every)

    def milepost(self, road: list[str], mile: str) -> Mark | None:
        """Return the place of a milepost or exit of a road: its own, or on the straight line between its neighbours."""
        name = read_street(road)
        kind, _, number = mile.partition(" ")
        if name is None or not (rows := self.miles.get((name.key, kind))):
            return None
        letter = number[-1] if number[-1].isalpha() else ""
        wanted = float(number.removesuffix(letter))
        exact = [row[2] for row in rows if row[0] == wanted and (row[1] == letter or not row[1] or not letter)]
        if exact or kind == "EXIT":
            return exact[0] if exact else None
        before = max((row for row in rows if row[0] < wanted), key=lambda row: row[0], default=None)
        after = min((row for row in rows if row[0] > wanted), key=lambda row: row[0], default=None)
        if before is None or after is None or after[0] - before[0] > _LONGEST_GAP_MILES:
            return None
        share = (wanted - before[0]) / (after[0] - before[0])
        a, b = before[2], after[2]
        return Mark(a.name, a.lat + (b.lat - a.lat) * share, a.lon + (b.lon - a.lon) * share, max(a.radius_m, 400.0), a.context)

    def city(self, name: str) -> Area | None:
        """Return the city of a name when there is just one."""
        found = self.cities.get(name, [])
        return found[0] if len(found) == 1 else None

    def county(self, name: str) -> Area | None:
        """Return the county of a name or FIPS code when there is just one."""
        found = self.counties.get(name.removesuffix(" COUNTY"), [])
        return found[0] if len(found) == 1 else None
