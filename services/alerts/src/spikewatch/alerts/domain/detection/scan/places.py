"""Where areas lie, how far they are from one another, and which circles around them are looked at."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.series import Floats, SeriesError

__all__ = ["EARTH_RADIUS_KM", "Circles", "Places", "circles"]

EARTH_RADIUS_KM: Final = 6367.0  # SaTScan's sphere, so that radii agree to the metre
_ROWS: Final = 512  # centres at a time: a full table of distances of 20,000 areas would not fit

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Places:
    """One point for each area, in the order of the series' areas: latitude and longitude in degrees, or plane coordinates.

    Raises:
        SeriesError: a coordinate is missing or impossible.
    """

    first: Floats
    second: Floats
    kind: Literal["geographic", "plane"] = "geographic"

    def __post_init__(self) -> None:
        if self.first.shape != self.second.shape or self.first.ndim != 1:
            raise SeriesError("places: expected as many latitudes as longitudes")
        limits = (90.0, 360.0) if self.kind == "geographic" else (np.inf, np.inf)
        for values, limit in ((self.first, limits[0]), (self.second, limits[1])):
            if np.isnan(values).any() or np.isinf(values).any() or (np.abs(values) > limit).any():
                raise SeriesError("places: a coordinate is missing or out of range; expected degrees, or kilometres in a plane")

    def vectors(self) -> Floats:
        """Return points whose straight distances are chords of the sphere, or the plane's own."""
        if self.kind == "plane":
            return np.column_stack([self.first, self.second])
        latitude, longitude = np.radians(self.first), np.radians(self.second)
        level = EARTH_RADIUS_KM * np.cos(latitude)
        return np.column_stack([level * np.cos(longitude), level * np.sin(longitude), EARTH_RADIUS_KM * np.sin(latitude)])

    def along(self, straight: Floats) -> Floats:
        """Return the distance on the sphere of a chord; in a plane they are the same."""
        if self.kind == "plane":
            return straight
        return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(straight / (2 * EARTH_RADIUS_KM), 1.0)))


@dataclass(frozen=True, slots=True)
class Circles:
    """For each centre its areas by distance, itself first; the circles are the beginnings of this list.

    ``neighbour`` is padded with -1 and ``distance`` with infinity. A circle that would part areas at the same distance is not
    one: ``is_circle`` says which beginnings are.
    """

    neighbour: NDArray[np.int32]
    distance: Floats
    length: Ints
    is_circle: NDArray[np.bool_]

    def members(self, centre: int, size: int) -> Ints:
        """Return the areas of the circle of so many areas."""
        return self.neighbour[centre, :size].astype(np.int64)


def circles(places: Places, *, radius: float | None, weight: Floats, largest_share: float) -> Circles:
    """Return the circles up to a radius (km, or the plane's unit) that hold at most a share of all weight (cases or people)."""
    points = places.vectors()
    chord = np.inf if radius is None else radius
    if radius is not None and places.kind == "geographic":
        chord = 2 * EARTH_RADIUS_KM * np.sin(min(radius / (2 * EARTH_RADIUS_KM), np.pi / 2))
    limit = largest_share * weight.sum()
    orders, distances, lengths = [], [], []
    for low in range(0, len(points), _ROWS):
        square = np.zeros((len(points[low : low + _ROWS]), len(points)))
        for axis in range(points.shape[1]):
            square += (points[low : low + _ROWS, axis, None] - points[None, :, axis]) ** 2
        near = square <= chord * chord * (1 + 1e-12)
        most = int(near.sum(axis=1).max())
        candidates = np.argpartition(square, min(most, len(points) - 1), axis=1)[:, :most] if most < len(points) else None
        order, straight = _sorted(square, candidates)
        inside = (np.cumsum(weight[order], axis=1) <= limit * (1 + 1e-12)) & (straight <= chord * (1 + 1e-12))
        length = np.logical_and.accumulate(inside, axis=1).sum(axis=1)
        most = max(int(length.max()), 1)
        beyond = straight[:, most] if most < straight.shape[1] else np.full(len(straight), np.inf)
        orders.append(order[:, :most])
        distances.append(np.column_stack([straight[:, :most], beyond]))
        lengths.append(length)
    return _padded(places, orders, distances, np.concatenate(lengths))


def _sorted(square: Floats, candidates: Ints | None) -> tuple[Ints, Floats]:
    """Return the order by distance, of equal distances the first area first, and the distances."""
    if candidates is None:
        order = np.argsort(square, axis=1, kind="stable")
    else:
        candidates = np.sort(candidates, axis=1)
        within = np.take_along_axis(square, candidates, axis=1)
        order = np.take_along_axis(candidates, np.argsort(within, axis=1, kind="stable"), axis=1)
    return order, np.sqrt(np.take_along_axis(square, order, axis=1))


def _padded(places: Places, orders: list[Ints], distances: list[Floats], length: Ints) -> Circles:
    most = max(each.shape[1] for each in orders)
    shape = (len(length), most)
    neighbour, distance = np.full(shape, -1, dtype=np.int32), np.full(shape, np.inf)
    is_circle = np.zeros(shape, dtype=np.bool_)
    row = 0
    for order, straight in zip(orders, distances, strict=True):
        rows, columns = slice(row, row + len(order)), order.shape[1]
        inside = np.arange(columns) < length[rows, None]
        neighbour[rows, :columns] = np.where(inside, order, -1)
        distance[rows, :columns] = np.where(inside, places.along(straight[:, :-1]), np.inf)
        is_circle[rows, :columns] = inside & (straight[:, 1:] > straight[:, :-1])
        row += len(order)
    return Circles(neighbour=neighbour, distance=distance, length=length, is_circle=is_circle)
