"""What is drawn: how many share a scene, how late agencies are, what they leave out.

``MIXES`` are those that the shipped weights are learnt from, with seeds of their own; ``TRIALS`` are measured only.
"""

import zlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Mix:
    twins: float = 0.05  # share of overdoses after which a second person is found at the scene
    hot: float = 0.12  # share of overdoses at hot spots
    hot_spots: int = 60
    repeats: float = 0.03
    shift: float = 1.0  # factor of all lags
    late: float = 0.0  # minutes by which hospitals and police write later
    missing: float = 0.0  # share of optional fields left out on top of the usual
    resends: float = 0.04
    lat: float = 37.76
    lon: float = -122.44
    extent_m: float = 9_500
    block_m: float = 110
    city: str = "CEDAR CITY"
    hospitals: tuple[str, ...] = ("GENERAL", "MERCY", "STFRANCIS", "UNIVERSITY", "KAISER", "STMARY")
    noise_m: float = 16
    call_number: str = "{year}{serial:08d}"
    per_day: float = 27.0
    twin_minutes: float = 125  # the second person's overdose is at most so much later
    one_call: float = 0.25  # share of second persons that share the call's number
    further: float = 0.0  # share of scenes with several people at which one more is found, again and again
    ems_number: float = 0.6
    midnight: float = 0.04
    misplaced: float = 0.015  # share of places that were read wrongly: as many lie anywhere as lie a few streets off
    without: tuple[str, ...] = ()  # columns that nobody fills
    clocks: tuple[tuple[str, float], ...] = ()  # minutes by which the clock of an agency goes wrong
    local: tuple[str, ...] = ()  # agencies that write the time of the wall (Pacific), as if it were UTC
    coarse: tuple[str, ...] = ()  # agencies that tell the ZIP code and its middle, and no address
    blurred: float = 0.0  # share of the other reports that tell no more
    placeless: float = 0.0  # share of reports that tell no place at all
    walk_ins: float = 0.0  # share of those who refuse transport that come to an emergency department by themselves later
    walk_in_hours: float = 3.0  # median
    transfers: float = 0.0  # share of those received in one hospital that it sends on to another one, which reports them, too
    transfer_hours: float = 3.5  # median, from one hospital's report to the other's


MIXES = {
    "default": Mix(),
    "hard": Mix(twins=0.12, hot=0.35, hot_spots=30),
    "shifted": Mix(shift=1.6, late=20, twins=0.07, ems_number=0.45, noise_m=24),
    "scenes": Mix(twins=0.1, twin_minutes=6, one_call=0.7, further=0.4),
    "missing": Mix(missing=0.3, ems_number=0.4),
    "elsewhere": Mix(
        lat=41.48,
        lon=-81.70,
        extent_m=21_000,
        block_m=165,
        city="LAKE FALLS",
        hospitals=tuple(f"HOSPITAL {letter}" for letter in "ABCDEFGHIJK"),
        call_number="F{year}-{serial:06d}",
        per_day=14,
        shift=1.2,
        hot=0.2,
        twins=0.08,
    ),
    "hard-elsewhere": Mix(lat=33.45, lon=-112.07, extent_m=26_000, block_m=200, per_day=45, twins=0.12, hot=0.35, hot_spots=80, shift=0.8),
    "coarse": Mix(blurred=0.4, twins=0.08),
    "later-care": Mix(walk_ins=0.1, transfers=0.08, twins=0.08),
}

# Measured only: no weight is learnt from them.
TRIALS = {
    "twins": Mix(twins=0.25, hot=0.35, hot_spots=25),
    "crowds": Mix(twins=0.15, twin_minutes=10, one_call=0.9, further=0.5, hot=0.25),
    "hot-spots": Mix(twins=0.1, hot=0.6, hot_spots=12),
    "busy": Mix(per_day=150, hot=0.3, twins=0.08),
    "long-lags": Mix(shift=2.5, late=45, twins=0.08),
    "short-lags": Mix(shift=0.5, late=-15, twins=0.08),
    "no-age": Mix(without=("age", "age_approx")),
    "no-sex": Mix(without=("sex",)),
    "no-person": Mix(without=("age", "age_approx", "sex", "race")),
    "no-numbers": Mix(without=("cad_no",)),
    "no-outcome": Mix(without=("outcome", "disposition", "drug", "naloxone", "naloxone_doses", "unit")),
    "no-address": Mix(without=("address_text", "zip")),
    "bare": Mix(
        without=("race", "outcome", "disposition", "drug", "naloxone", "naloxone_doses", "unit", "address_text", "zip", "hospital")
    ),
    "drift": Mix(clocks=(("POLICE", 23.0), ("FIRE", -7.0))),
    "drift-ems": Mix(clocks=(("EMS", -40.0),), twins=0.08),
    "local-police": Mix(local=("POLICE",)),
    "local-ed": Mix(local=("ED", "ME")),
    "local-ems": Mix(local=("EMS",)),
    "local-most": Mix(local=("EMS", "ED", "POLICE", "ME")),
    "hours-cad": Mix(clocks=(("CAD", -480.0),)),
    "hours-several": Mix(clocks=(("CAD", 420.0), ("ED", -300.0), ("POLICE", -480.0))),
    "all-coarse": Mix(coarse=("CAD", "EMS", "FIRE", "POLICE", "ME", "ED")),
    "nowhere": Mix(without=("lat", "lon", "address_text", "zip")),
    "coarse-police": Mix(coarse=("POLICE", "FIRE"), twins=0.08),
    "placeless": Mix(placeless=0.3, twins=0.08),
    "busy-placeless": Mix(per_day=150, placeless=0.3, twins=0.08),
    "far-city": Mix(
        lat=64.8, lon=-147.7, extent_m=15_000, block_m=130, city="NORTH", hospitals=("ONLY",), per_day=6, noise_m=45, misplaced=0.06
    ),
    "hard-missing": Mix(twins=0.12, hot=0.35, hot_spots=30, missing=0.3, shift=1.4),
}


def even_half(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the rows of every scene whose first overdose hashes to an even number; twins are never parted."""
    twins = {int(row["truth_event"]) for row in rows if row["truth_kind"] == "twin"}

    def scene(number: int) -> int:
        while number in twins and number - 1 in twins:
            number -= 1
        return number

    return [row for row in rows if zlib.crc32(str(scene(int(row["truth_event"]))).encode()) % 2 == 0]
