"""Which areas contain an area: its county and its state answer for it, too."""

from typing import Final

from spikewatch.alerts.domain.vicinities import VICINITY, centre_of
from spikewatch.contracts.contract import area_kind

__all__ = ["with_containing"]

_COUNTY_DIGITS: Final = 5  # of a county's FIPS code; the first two are the state's
_STATE_DIGITS: Final = 2


def with_containing(area: str, place_key: str) -> list[str]:
    """Return the area, its county and its state as far as they are known, the most specific first.

    ``place_key`` is where its overdoses are placed: a county's FIPS code, or whatever else was known, which tells nothing here.
    """
    kind, _, code = (centre_of(area) if area_kind(area) == VICINITY else area).partition(":")
    place = code if kind == "county" else place_key
    asked = [area]
    if len(place) == _COUNTY_DIGITS and place.isdigit() and kind != "state":
        asked += [f"county:{place}", f"state:{place[:_STATE_DIGITS]}"]
    return list(dict.fromkeys(asked))
