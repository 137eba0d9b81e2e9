"""Chooses the geography: the operator's folder, completed by the packaged counties and ZIP codes where it has none."""

from pathlib import Path

from spikewatch.enrichment.adapters.geojson_geography import geojson_places
from spikewatch.enrichment.adapters.us_geography import us_counties, us_zip_codes
from spikewatch.enrichment.domain.geography import Atlas, Place

__all__ = ["load_atlas"]


def load_atlas(folder: Path | None) -> Atlas:
    """Read all geography; takes about two seconds with the packaged one, so call it off the event loop.

    A folder with counties of its own replaces the packaged counties and ZIP codes: two maps of the same ground would
    put a report into two counties.

    Raises:
        GeographyError: a file of the folder is wrong.
        UsGeographyMissing: the packaged geography is needed and not installed.
    """
    places: list[Place] = [] if folder is None else geojson_places(folder)
    if not any(place.area.startswith("county:") for place in places):
        places += [*us_counties(), *us_zip_codes()]
    return Atlas(places)
