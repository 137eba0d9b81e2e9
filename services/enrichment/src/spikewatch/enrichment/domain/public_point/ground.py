"""Where a public point may lie: on the land of one county, out of water."""

import shapely

__all__ = ["Ground"]


class Ground:
    """The land of a county. A public point of an incident in it never lies outside."""

    def __init__(self, county: str, land: shapely.Geometry, water: shapely.Geometry | None = None) -> None:
        """Take a county's id (``county:42091``), its polygon and, where known, polygons of lakes and rivers in it."""
        self.county = county
        self._land = land if water is None else shapely.difference(land, water)
        if shapely.is_empty(self._land):
            raise ValueError("land is wrong; expected a county's polygon that water does not cover wholly")
        shapely.prepare(self._land)
        middle = shapely.point_on_surface(self._land)
        self.middle = (float(shapely.get_y(middle)), float(shapely.get_x(middle)))
        """Latitude and longitude of a point on the land near the middle of the county."""

    def holds(self, lat: float, lon: float) -> bool:
        """Return whether the place is inside the land, not on its border."""
        return bool(shapely.contains_xy(self._land, lon, lat))
