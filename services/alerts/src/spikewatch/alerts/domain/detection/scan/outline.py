"""The outline of a cluster for an alert: the circle that was found, or the hull around its areas' points."""

from typing import Final

import numpy as np

from spikewatch.alerts.domain.detection.scan.places import EARTH_RADIUS_KM
from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["Ring", "circle", "hull"]

Ring = tuple[tuple[float, float], ...]
"""Longitude and latitude in degrees, counter-clockwise, the first point again at the end (as GeoJSON has it).

A ring across the 180th meridian goes on beyond 180 (or -180), so that it stays one ring.
"""

_DECIMALS: Final = 6


def circle(latitude: float, longitude: float, radius_km: float, *, at_least_km: float = 1.0, points: int = 64) -> Ring:
    """Return a circle on the sphere; a cluster of one area has radius 0 and is drawn with ``at_least_km``.

    Raises:
        ValueError: fewer than three points, or a circle that holds a pole and has no ring.
    """
    if points < 3:
        raise ValueError("points: expected at least three")
    angle = max(radius_km, at_least_km) / EARTH_RADIUS_KM
    if abs(latitude) + np.degrees(angle) >= 90:
        raise ValueError("radius_km: expected a circle that holds no pole")
    bearing = -2 * np.pi * np.arange(points) / points  # against the clock
    here = np.radians(latitude)
    sine = np.sin(here) * np.cos(angle) + np.cos(here) * np.sin(angle) * np.cos(bearing)
    east = np.arctan2(np.sin(bearing) * np.sin(angle) * np.cos(here), np.cos(angle) - np.sin(here) * sine)
    return _ring(longitude + np.degrees(east), np.degrees(np.arcsin(sine)))


def hull(latitudes: Floats, longitudes: Floats, *, at_least_km: float = 1.0) -> Ring:
    """Return the convex hull of points in degrees; a circle where they are fewer than three or lie on one line."""
    # degrees from the first point, so that points on both sides of the 180th meridian lie together
    east = (longitudes - longitudes[0] + 180) % 360 - 180
    points = sorted({(float(x), float(y)) for x, y in zip(east, latitudes, strict=True)})
    corners = [*_half(points), *_half(points[::-1])]
    if len(corners) < 3:
        middle = (np.max(points, axis=0) + np.min(points, axis=0)) / 2
        half = np.hypot(*(np.ptp(points, axis=0) * [np.cos(np.radians(middle[1])), 1])) / 2
        radius = float(np.radians(half) * EARTH_RADIUS_KM)
        return circle(float(middle[1]), float(longitudes[0] + middle[0]), radius, at_least_km=at_least_km)
    x, y = np.array(corners).T
    return _ring(longitudes[0] + x, y)


def _half(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return one side of the hull without its last point (Andrew's monotone chain)."""
    side: list[tuple[float, float]] = []
    for x, y in points:
        while len(side) > 1:
            (ax, ay), (bx, by) = side[-2:]
            if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                break
            side.pop()
        side.append((x, y))
    return side[:-1]


def _ring(longitude: Floats, latitude: Floats) -> Ring:
    ring = tuple((round(float(x), _DECIMALS), round(float(y), _DECIMALS)) for x, y in zip(longitude, latitude, strict=True))
    return (*ring, ring[0])
