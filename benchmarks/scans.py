"""How long a national space-time scan takes: 3,143 counties, 90 days, about 85,000 cases, 999 replications.

    python benchmarks/scans.py
    python benchmarks/scans.py --counties ../shared/data/geo/us_counties_combined.csv

Without a table of counties, places and people are drawn: clusters of places as dense as the country's. The named baseline is SaTScan
10.3.2 on two cores, measured once on such a country (3,143 counties, 85,000 cases, 999 replications: 4.5 s).
"""

import argparse
import csv
import time
from pathlib import Path

import numpy as np

from spikewatch.alerts.domain.detection.scan.clusters import Scan, scan
from spikewatch.alerts.domain.detection.scan.places import Places
from spikewatch.alerts.domain.detection.series import Series

COUNTIES, DAYS, CASES = 3143, 90, 85_000
BASELINE = "SaTScan 10.3.2, two cores", 4.5
CASES_OF_SCANS: dict[str, dict[str, object]] = {
    "permutation, 100 km, 7 days": {"radius": 100, "longest": 7},
    "permutation, 100 km, 7 days, one thread": {"radius": 100, "longest": 7, "threads": 1},
    "permutation, days of the week adjusted": {"radius": 100, "longest": 7, "weekly": True},
    "Poisson with people, 100 km, 7 days": {"radius": 100, "longest": 7, "model": "poisson"},
    "permutation, 100 km, 28 days": {"radius": 100, "longest": 28},
    "permutation, 200 km, 7 days": {"radius": 200, "longest": 7},
}


def drawn(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places from Maine to California: most near one of forty middles, the rest anywhere; people by a long-tailed draw."""
    middles = np.column_stack([rng.uniform(29, 46, 40), rng.uniform(-120, -72, 40)])
    near = middles[rng.integers(0, 40, COUNTIES)] + rng.normal(0, 1.6, (COUNTIES, 2))
    anywhere = np.column_stack([rng.uniform(27, 48, COUNTIES), rng.uniform(-123, -70, COUNTIES)])
    at = np.where(rng.random((COUNTIES, 1)) < 0.6, near, anywhere)
    return at[:, 0], at[:, 1], np.exp(rng.normal(10.2, 1.4, COUNTIES)).round()


def from_table(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["pop2019"] and float(row["pop2019"]) > 0][:COUNTIES]
    columns = (np.array([float(row[name]) for row in rows]) for name in ("lat", "lon", "pop2019"))
    latitude, longitude, people = columns
    return latitude, longitude, people


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counties", type=Path, help="table with lat, lon and pop2019")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    rng = np.random.default_rng(1)
    known = arguments.counties is not None and arguments.counties.is_file()
    latitude, longitude, people = from_table(arguments.counties) if known else drawn(rng)
    counts = rng.poisson(people[:, None] / people.sum() * CASES / DAYS, (len(people), DAYS)).astype(np.float64)
    days = np.datetime64("2024-01-01") + np.arange(DAYS).astype("timedelta64[D]")
    series = Series(days, counts, tuple(map(str, range(len(people)))), np.repeat(people[:, None], DAYS, axis=1))
    places = Places(latitude, longitude)
    print(f"{len(people)} counties ({'table' if known else 'drawn'}), {DAYS} days, {int(counts.sum())} cases, 999 replications")
    print(f"{'scan':42}{'seconds':>9}{'CPU s':>8}{'times as fast':>15}")
    for name, given in CASES_OF_SCANS.items():
        taken = []
        for _ in range(arguments.rounds):
            wall, cpu = time.perf_counter(), time.process_time()
            scan(series, places, Scan.model_validate(given))
            taken.append((time.perf_counter() - wall, time.process_time() - cpu))
        wall, cpu = sorted(taken)[len(taken) // 2]
        print(f"{name:42}{wall:9.2f}{cpu:8.2f}{BASELINE[1] / wall:15.1f}")
    print(f"baseline: {BASELINE[0]}, {BASELINE[1]} s")


if __name__ == "__main__":
    main()
