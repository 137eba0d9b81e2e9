"""The strings every geocoder is asked, and where they lie; drawn by a fixed seed, so that every run asks the same."""

import csv
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

SEED = 20_140_601
ADDRESSES, BUSINESSES, BLOCKS, CROSSINGS = "address points", "messy businesses", "fire blocks", "fire intersections"
SETS = (ADDRESSES, BUSINESSES, BLOCKS, CROSSINGS)


class Known(NamedTuple):
    """A string as it was written, and where it lies (degrees)."""

    text: str
    lat: float
    lon: float


def asked(folder: Path, *, many: int | None) -> dict[str, list[Known]]:
    """Return the strings of each set.

    Args:
        folder: San Francisco's files.
        many: how many of each set; all when None.
    """
    sets: dict[str, list[Known]] = {name: [] for name in SETS}
    for name, known in _rows(folder):
        sets[name].append(known)
    if many is None:
        return sets
    return {name: random.Random(SEED).sample(known, min(many, len(known))) for name, known in sets.items()}


def _rows(folder: Path) -> Iterator[tuple[str, Known]]:
    for row in _table(folder / "sf_eas_address_points_dev.csv"):
        yield ADDRESSES, Known(row["address"], float(row["latitude"]), float(row["longitude"]))
    for row in _table(folder / "sf_businesses_dev.csv"):
        yield BUSINESSES, Known(row["address"], float(row["latitude"]), float(row["longitude"]))
    for row in _table(folder / "sffd_incidents_dev.csv"):
        text = row["Address"]
        if "Block of" in text or "/" in text:
            yield BLOCKS if "Block of" in text else CROSSINGS, Known(text, float(row["lat"]), float(row["lon"]))


def _table(path: Path) -> Iterator[Mapping[str, str]]:
    with path.open(encoding="utf-8", newline="") as rows:
        yield from csv.DictReader(rows)
