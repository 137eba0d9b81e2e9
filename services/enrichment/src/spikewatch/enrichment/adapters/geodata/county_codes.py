"""FIPS codes of counties from what files call them: five digits, three with the state's two, or a name with the state."""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import as_file, files
from typing import Final

import shapefile

from spikewatch.enrichment.domain.geocoding.street_words import STATE_OF_FIPS

__all__ = ["county_code"]

_NAMES: Final = "cb_2016_us_county_500k.dbf"
_FIPS_OF_STATE: Final = {state: fips for fips, state in STATE_OF_FIPS.items()}
_KIND: Final = re.compile(r"\s+(?:county|parish|borough|census area|municipality|municipio)$", re.IGNORECASE)
_NO_LETTERS: Final = re.compile(r"[^a-z]+")


@lru_cache(maxsize=8192)
def county_code(county: str, state: str = "") -> str:
    """Return the FIPS code of a county, empty when it is not known.

    Args:
        county: code or name.
        state: code of two digits, or its letters.
    """
    digits = county.removesuffix(".0")
    fips = _FIPS_OF_STATE.get(state.upper(), state.zfill(2) if state.isdigit() else "")
    if digits.isdigit():
        if len(digits) in {4, 5}:
            return digits.zfill(5)
        return fips + digits.zfill(3) if len(digits) <= 3 and fips else ""
    return _by_name().get((fips, _plain(county)), "") if county and fips else ""


@cache
def _by_name() -> Mapping[tuple[str, str], str]:
    """Return the codes by state and name from the package of the extra ``geography``; nothing where it is not installed."""
    try:
        source = files("_plotly_geo") / "package_data" / _NAMES
    except ModuleNotFoundError:
        return {}
    with as_file(source) as path, shapefile.Reader(dbf=str(path)) as reader:
        rows = reader.iterRecords(fields=["STATEFP", "GEOID", "NAME"])
        return {(row["STATEFP"], _plain(row["NAME"])): row["GEOID"] for row in rows}


def _plain(name: str) -> str:
    return _NO_LETTERS.sub("", _KIND.sub("", name.strip()).lower())
