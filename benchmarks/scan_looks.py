"""How often a scheduled scan raises an alert where there is no cluster: looks every hour beside one look a day.

    python benchmarks/scan_looks.py --days 360 --every 1
    python benchmarks/scan_looks.py --days 360 --every 24

Overdoses fall on 91 map cells at random, five a day where not said otherwise; a rule of 3 km, clusters up to 7 days, 30 days of
data looks at them on its schedule. Told are: the share of looks with a cluster below the probability (of one look a day it should be
that; of several it is less, since the rule counts days); the share of days with at least one such look; and alerts a year, opened and
carried on as the service does. A probability of .05 is 18.3 days with a cluster a year.
"""

import argparse
import time
from multiprocessing import Pool
from uuid import UUID

import h3  # type: ignore[import-untyped]  # no types are shipped
import numpy as np

from spikewatch.alerts.domain.clusters.cells import is_inside
from spikewatch.alerts.domain.clusters.look import Found, Placed, look
from spikewatch.alerts.domain.instants import DAY, HOUR
from spikewatch.alerts.domain.rule import Rule

CELLS = [f"h3:{cell}" for cell in sorted(h3.grid_disk(h3.latlng_to_cell(40.2, -75.3, 7), 5))]
LEVELS, YEAR = (0.05, 0.01), 365.25
QUIET = 48 * HOUR


def rule(replications: int) -> Rule:
    return Rule.model_validate(
        {
            "id": "scan",
            "version": 1,
            "description": "A cluster.",
            "kind": "space_time_scan",
            "window_hours": 168,
            "quiet_hours": 48,
            "minimum_count": 3,
            "areas": ["state:42"],
            "parameters": {"days": 30, "radius_km": 3, "probability": LEVELS[0], "replications": replications},
        }
    )


def looked(asked: tuple[int, int, int, int, float]) -> tuple[list[tuple[int, float]], list[int]]:
    """Look at one drawn history; return each look's day and least p-value (1: none below), and alerts opened at each level."""
    seed, days, every, replications, a_day = asked
    draws = np.random.default_rng(seed)
    one = rule(replications)
    number = draws.poisson(a_day * (30 + days))
    times = np.sort(draws.integers(0, (30 + days) * DAY, number))
    placed = [
        Placed(CELLS[cell], "42091", UUID(int=n), (int(at),), (4,))
        for n, (cell, at) in enumerate(zip(draws.integers(0, len(CELLS), number), times, strict=True))
    ]
    least: list[tuple[int, float]] = []
    opened = [0] * len(LEVELS)
    alive: list[list[tuple[Found, int]]] = [[] for _ in LEVELS]
    for at in range(30 * DAY + every * HOUR, (30 + days) * DAY + 1, every * HOUR):
        low, high = np.searchsorted(times, [at - 31 * DAY, at], side="right")
        found = look(one, "state:42", placed[low:high], at, 24 / every)
        least.append(((at - 1) // DAY, min((each.probability for each in found), default=1.0)))
        for which, level in enumerate(LEVELS):
            for each in found:
                if each.probability >= level:
                    continue
                known = next((pair for pair in alive[which] if goes_on(pair, each)), None)
                if known is None:
                    opened[which] += 1
                else:
                    alive[which].remove(known)
                alive[which].append((each, each.newest))
    return least, opened


def goes_on(alert: tuple[Found, int], cluster: Found) -> bool:
    """Tell whether a cluster carries an alert on: it overlaps its outline and its overdoses follow within the quiet time."""
    before, last = alert
    if not any(is_inside(cell, before.outline) for cell in cluster.cells):
        return False
    for at in cluster.times:
        if at - last > QUIET:
            return False
        last = max(last, at)
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=180, help="days of each history")
    parser.add_argument("--histories", type=int, default=2, help="drawn histories, side by side")
    parser.add_argument("--every", type=int, default=1, help="hours between two looks, a divisor of 24")
    parser.add_argument("--replications", type=int, default=199, help="draws of a look; its p-value is exact with any number")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--a-day", type=float, default=5.0, help="overdoses a day")
    arguments = parser.parse_args()
    began = time.perf_counter()
    with Pool(2) as pool:
        same = (arguments.days, arguments.every, arguments.replications, arguments.a_day)
        of_all = pool.map(looked, [(arguments.seed + n, *same) for n in range(arguments.histories)])
    looks = [p for least, _ in of_all for _, p in least]
    by_day: dict[tuple[int, int], float] = {}
    for n, (least, _) in enumerate(of_all):
        for day, p in least:
            by_day[n, day] = min(by_day.get((n, day), 1.0), p)
    years = arguments.days * arguments.histories / YEAR
    print(f"{arguments.histories} histories of {arguments.days} days, a look every {arguments.every} h: {len(looks)} looks")
    for which, level in enumerate(LEVELS):
        share, days = (float(np.mean(np.array(values) < level)) for values in (looks, list(by_day.values())))
        raised = sum(opened[which] for _, opened in of_all) / years
        print(
            f"below {level:g}: {share:.4f} of looks ({share / level:.2f} of nominal), {days:.4f} of days ({days / level:.2f}), "
            f"{raised:.1f} alerts a year ({raised / (level * YEAR):.2f} of {level * YEAR:.1f})"
        )
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
