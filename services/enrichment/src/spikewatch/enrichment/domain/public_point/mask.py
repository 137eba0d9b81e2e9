"""The donut mask: a point shown to everybody lies between two distances of the true one, the same one each time.

The invariant: the displacement is a function of the secret key and of the **place**, never of the incident or of when it is
published. Whoever collects a thousand publications of a thousand incidents at one address holds one point.
"""

import hashlib
import hmac
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from spikewatch.enrichment.domain.areas.grid import Reals
from spikewatch.enrichment.domain.areas.place import METRES_PER_DEGREE
from spikewatch.enrichment.domain.public_point.ground import Ground
from spikewatch.enrichment.domain.public_point.households import Households

__all__ = ["PUBLIC", "TIERS", "WIDE", "Donut", "PublicPoint", "Tier", "donut_of", "public_point"]


@dataclass(frozen=True, slots=True)
class Tier:
    """How hidden a point is.

    Attributes:
        name: part of the key: the points of two tiers are drawn apart.
        k: at least so many households could be the place behind the point.
        least_outer_m: radius that is not gone below however densely people live.
        most_outer_m: radius that is not gone beyond; where it does not reach k, nothing is shown.
    """

    name: str
    k: int
    least_outer_m: float
    most_outer_m: float


PUBLIC: Final = Tier("public", k=100, least_outer_m=400.0, most_outer_m=12_800.0)
WIDE: Final = Tier("wide", k=1_000, least_outer_m=1_600.0, most_outer_m=25_600.0)
TIERS: Final = (PUBLIC, WIDE)


@dataclass(frozen=True, slots=True)
class PublicPoint:
    """What may be shown.

    Attributes:
        lat: WGS 84 degrees, rounded to a twentieth of the ring's radius: more digits would pretend a precision that is not there.
        lon: likewise.
        radius_m: the true place lies within it.
        tier: name of the tier.
    """

    lat: float
    lon: float
    radius_m: float
    tier: str


@dataclass(frozen=True, slots=True)
class Donut:
    """The ring around the middle of a place's cell in which its public point lies.

    Attributes:
        lat: middle of the cell, degrees.
        lon: likewise.
        per_degree: cells to the degree.
        rung: number of the radius it was made from, on the tier's ladder.
        inner_m: no nearer to the middle of the cell.
        outer_m: no farther.
        cell_m: half of the cell's diagonal: how far the true place may be from its middle.
    """

    lat: float
    lon: float
    per_degree: int
    rung: int
    inner_m: float
    outer_m: float
    cell_m: float


# Where people live unevenly the mean density promises more than the ring holds; three times the area is what
# Hampton (2010) and Allshouse (2010) found enough.
_UNEVEN: Final = 3.0
_INNER_PART: Final = 1 / 3  # of the outer radius: costs a ninth of the area and keeps every point well away from its place
_RUNGS_TO_DOUBLE: Final = 2  # the ladder of radii doubles the area at each rung, and the radius at every second
_CELLS_IN_RADIUS: Final = 4.0  # a cell is at most a quarter of the outer radius
_FINEST: Final = 1024  # 110 m: far more than the scatter of repeated positions of one address, so they rarely part
_COARSEST: Final = 16
# The true place lies within 1.4 rungs of its point: rung, twice half a cell's diagonal, and the rounding. Published as a multiple of
# the rung, for the exact figure would tell the latitude.
_RADIUS_PART: Final = 1.4
# Places where little of the ring is land, or hides anybody, draw from less ground than their neighbours, so a point there is likelier
# theirs: by up to the number of draws. With few draws and twice the households the likeliest is one in k for 95 of 100 places (the
# benchmark counts it); 64 draws made it one in 33 on a border. What four draws miss is shown in a wider ring.
_DRAWS: Final = 4
_MARGIN: Final = 2.0
_MARGIN_OF_MEANS: Final = 1.25  # where only a county's mean is known, which is made cautious by more than that already
_ROUNDED_PART: Final = 1 / 20  # of the outer radius: four digits of a degree (11 m) up to 2 km, three (111 m) beyond
_LEAST_KEY_BYTES: Final = 16


def donut_of(lat: float, lon: float, tier: Tier, households: Households) -> Donut:
    """Return the ring of a place before anything is drawn; known to everybody who knows where people live."""
    return _ring(lat, lon, tier, int(_rungs(np.array([households.per_km2(lat, lon)]), tier)[0]))


def _rungs(per_km2: Reals, tier: Tier) -> Reals:
    """Return which radius each density asks for. Rungs, so that places of like density get one ring and its size tells them not apart."""
    area_m2 = _UNEVEN * tier.k / np.maximum(per_km2, 1e-9) * 1e6
    wanted = np.sqrt(area_m2 / math.pi / (1 - _INNER_PART**2))
    rungs: Reals = np.clip(np.ceil(_RUNGS_TO_DOUBLE * np.log2(wanted / tier.least_outer_m)), 0, _last_rung(tier))
    return rungs


def _last_rung(tier: Tier) -> int:
    return round(_RUNGS_TO_DOUBLE * math.log2(tier.most_outer_m / tier.least_outer_m))


def _radius_m(tier: Tier, rung: int) -> float:
    return tier.least_outer_m * 2 ** (rung / _RUNGS_TO_DOUBLE)


def _ring(lat: float, lon: float, tier: Tier, rung: int) -> Donut:
    outer_m = _radius_m(tier, rung)
    per_degree = _COARSEST
    while per_degree < _FINEST and METRES_PER_DEGREE / per_degree > outer_m / _CELLS_IN_RADIUS:
        per_degree *= 2
    middle_lat = (math.floor(lat * per_degree) + 0.5) / per_degree
    middle_lon = (math.floor(lon * per_degree) + 0.5) / per_degree
    half = 0.5 * METRES_PER_DEGREE / per_degree
    cell_m = math.hypot(half, half * math.cos(math.radians(abs(middle_lat) - 0.5 / per_degree)))
    return Donut(middle_lat, middle_lon, per_degree, rung, outer_m * _INNER_PART + cell_m, outer_m + cell_m, cell_m)


def public_point(lat: float, lon: float, *, key: bytes, ground: Ground, households: Households, tier: Tier = PUBLIC) -> PublicPoint | None:
    """Return the point that may be shown for a place in a county; None where no ring of the tier holds enough households.

    Args:
        lat: latitude of the true place, degrees.
        lon: longitude.
        key: the secret, at least 16 bytes, the same as long as anything is published: another one draws every point again.
        ground: the land of the county that the incident counts in.
        households: where people live in it.
        tier: how hidden.

    Raises:
        ValueError: the key is too short, or the place is no place on earth.
    """
    if len(key) < _LEAST_KEY_BYTES:
        raise ValueError(f"key is too short; expected at least {_LEAST_KEY_BYTES} secret bytes")
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise ValueError("lat or lon is wrong; expected WGS 84 degrees, for example 40.12 and -75.34")
    for rung in range(donut_of(lat, lon, tier, households).rung, _last_rung(tier) + 1):
        ring = _ring(lat, lon, tier, rung)
        for drawn in _draws(key, ring, tier, ground.county):
            if ground.holds(*drawn) and _hides(drawn, ring, tier, households, ground):
                return PublicPoint(*drawn, math.ceil(_RADIUS_PART * _radius_m(tier, rung)), tier.name)
    return None


def _draws(key: bytes, ring: Donut, tier: Tier, county: str) -> Iterator[tuple[float, float]]:
    """Yield places in the ring, evenly by area, in an order that only the key's owner can tell."""
    cell = f"{ring.per_degree}/{math.floor(ring.lat * ring.per_degree)}/{math.floor(ring.lon * ring.per_degree)}"
    digits = math.ceil(-math.log10(_ROUNDED_PART * _radius_m(tier, ring.rung) / METRES_PER_DEGREE))
    for number in range(_DRAWS):
        message = f"spikewatch public point 1/{tier.name}/{county}/{cell}/{ring.rung}/{number}"
        digest = hmac.new(key, message.encode(), hashlib.sha256).digest()
        one, other = (int.from_bytes(part, "big") / 2**64 for part in (digest[:8], digest[8:16]))
        metres = math.sqrt(ring.inner_m**2 + one * (ring.outer_m**2 - ring.inner_m**2))
        angle = 2 * math.pi * other
        lat = ring.lat + metres * math.sin(angle) / METRES_PER_DEGREE
        lon = ring.lon + metres * math.cos(angle) / METRES_PER_DEGREE / math.cos(math.radians(ring.lat))
        yield round(lat, digits), round(lon, digits)


def _hides(drawn: tuple[float, float], ring: Donut, tier: Tier, households: Households, ground: Ground) -> bool:
    """Return whether enough households could be behind the point: those in the same ring seen from it.

    The radius is published with the point, so a household that would get a larger or a smaller ring is none of them. Nor does it count
    that a ring was widened: who lives where a smaller one fits would not have been given this one, and everybody can work that out.
    """
    densities = households.densities_within(*drawn, ring.inner_m, ring.outer_m)
    if densities is None:  # not known one by one: what the cautious density promises on the land of the county
        area_km2 = math.pi * (ring.outer_m**2 - ring.inner_m**2) / 1e6
        return households.per_km2(*drawn) * area_km2 * ground.share(*drawn, ring.inner_m, ring.outer_m) >= _MARGIN_OF_MEANS * tier.k
    return int(np.count_nonzero(_rungs(densities, tier) == ring.rung)) >= _MARGIN * tier.k
