"""The records as columns of numbers, so that all pairs are compared at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from spikewatch.enrichment.domain.matching.homes import home_of
from spikewatch.enrichment.domain.matching.records import Compared

__all__ = ["Columns", "Floats", "Ints"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_FIPS: Final = 5
_EARTH_M: Final = 111_194.9  # metres per degree of latitude


@dataclass(frozen=True, slots=True)
class Columns:
    """One row a record, in the records' order. Texts are numbers from 1, equal for equal texts; 0 is not stated.

    ``located`` is 1 for a record that states a place, 2 for one whose agency tells where it must be from (its ``lat`` and ``lon`` are
    then the middle of what that serves, and ``place_class`` stays 0), 0 for all others.
    """

    seconds: Floats
    rough: Ints
    kind: Ints
    agency: Ints
    region: Ints
    state: Ints
    north: Floats
    east_of: Floats
    lon: Floats
    lat: Floats
    located: Ints
    place_class: Ints
    age_low: Ints
    age_high: Ints
    age_rough: Ints
    sex: Ints
    race: Ints
    outcome: Ints
    disposition: Ints
    drug: Ints
    naloxone: Ints
    doses: Ints
    hospital: Ints
    zip5: Ints
    cad: Ints
    house: Ints
    unit: Ints
    street: Ints

    def __len__(self) -> int:
        return len(self.seconds)

    @classmethod
    def of(cls, records: Sequence[Compared]) -> "Columns":
        """Return the columns of some records."""
        lat = np.array([one.lat for one in records], dtype=np.float64)
        lon = np.array([one.lon for one in records], dtype=np.float64)
        regions = [one.region for one in records]
        homes = {place: home for place, region in enumerate(regions) if region and (home := home_of(region)) is not None}
        for at, home in homes.items():
            lat[at], lon[at] = home
            regions[at] = ""
        small = np.array(
            [
                (
                    one.is_rough,
                    one.kind,
                    one.place_class,
                    one.age_low,
                    one.age_high,
                    one.is_age_rough,
                    one.sex,
                    one.race,
                    one.outcome,
                    one.disposition,
                    one.drug,
                    one.naloxone,
                    one.doses,
                    one.house,
                )
                for one in records
            ],
            dtype=np.int64,
        ).reshape(len(records), 14)
        rough, kind, place, low, high, age_rough, sex, race, outcome, disposition, drug, naloxone, doses, house = np.ascontiguousarray(
            small.T
        )
        located = (place > 0).astype(np.int64)
        located[list(homes)] = 2
        return cls(
            seconds=np.array([one.seconds for one in records], dtype=np.float64),
            rough=rough,
            kind=kind,
            agency=_numbered([one.agency.lower() for one in records]),
            region=_numbered(regions),
            state=_numbered([_state(region) for region in regions]),
            north=lat * _EARTH_M,
            east_of=_EARTH_M * np.cos(np.radians(lat)),
            lon=lon,
            lat=lat,
            located=located,
            place_class=place,
            age_low=low,
            age_high=high,
            age_rough=age_rough,
            sex=sex,
            race=race,
            outcome=outcome,
            disposition=disposition,
            drug=drug,
            naloxone=naloxone,
            doses=doses,
            hospital=_numbered([one.hospital for one in records]),
            zip5=_numbered([one.zip5 for one in records]),
            cad=_numbered([one.cad for one in records]),
            house=house,
            unit=_numbered([one.unit for one in records]),
            street=_numbered([one.street for one in records]),
        )


def _state(region: str) -> str:
    """Return the state of a county's FIPS code, or nothing: a coarse cell, an agency or a table does not tell."""
    return region[:2] if len(region) == _FIPS and region.isdecimal() else ""


def _numbered(texts: Sequence[str]) -> Ints:
    known: dict[str, int] = {"": 0}
    return np.array([known.setdefault(text, len(known)) for text in texts], dtype=np.int64)
