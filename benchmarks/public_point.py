"""The donut mask on simulated households: among how many each place hides, and what averaging and intersecting gain.

    python benchmarks/public_point.py [incidents]

A county that does not exist, 51 by 55 km: two towns (8,000 and 2,000 households), 2,000 farms, a lake. Incidents happen at random
households. A suspect is a household whose ring, of the published radius, holds the point: what somebody who knows
everything but the key must take for possible. Not all are equally likely: a household near a border draws from less ground, so each
is weighed by how probable the point is if the incident was there. For the attacks each address has 40 incidents whose positions
scatter by 12 m.
"""

import hashlib
import math
import random
import sys
import time

import numpy as np
import shapely

from spikewatch.enrichment.domain.areas.place import metres_between
from spikewatch.enrichment.domain.public_point.ground import Ground
from spikewatch.enrichment.domain.public_point.households import CountyDensity, HouseholdPoints, Households
from spikewatch.enrichment.domain.public_point.mask import _DRAWS as DRAWS
from spikewatch.enrichment.domain.public_point.mask import TIERS, Donut, PublicPoint, Tier, _draws, _hides, donut_of, public_point

KEY = bytes(range(32))
METRES = 111_195.0
SCATTER_M = 12.0
INCIDENTS_AN_ADDRESS = 40
TRIALS = 60  # draws by which the attacker measures a ring


class County:
    def __init__(self) -> None:
        chance = np.random.default_rng(1)

        def town(lat: float, lon: float, km: float, count: int) -> np.ndarray:
            return np.stack([chance.normal(lat, km / 111.2, count), chance.normal(lon, km / 85, count)], axis=1)

        farms = np.stack([chance.uniform(40, 40.5, 2_000), chance.uniform(-80, -79.4, 2_000)], axis=1)
        homes = np.concatenate([town(40.25, -79.7, 1.5, 8_000), town(40.12, -79.5, 0.8, 2_000), farms])
        self.ground = Ground("county:99001", shapely.box(-80, 40, -79.4, 40.5), shapely.Point(-79.72, 40.24).buffer(0.01))
        self.homes = homes[[self.ground.holds(lat, lon) for lat, lon in homes]]
        self.points = HouseholdPoints(self.homes[:, 0], self.homes[:, 1])
        self.density = CountyDensity(int(2.5 * len(self.homes)), 2_800.0)

    def shown(self, lat: float, lon: float, tier: Tier, by: Households, key: bytes = KEY) -> PublicPoint | None:
        return public_point(lat, lon, key=key, ground=self.ground, households=by, tier=tier)


class Attacker:
    """Knows every household, the code and the tier; not the key."""

    def __init__(self, county: County, tier: Tier, by: Households) -> None:
        self.county, self.tier, self.by = county, tier, by
        self.rings: dict[tuple[int, bool], list[Donut]] = {}
        self.fitting: dict[Donut, float] = {}

    def suspects(self, point: PublicPoint, *, scatter: bool = False) -> set[int]:
        homes = self.county.homes
        near = np.hypot(homes[:, 0] - point.lat, (homes[:, 1] - point.lon) * math.cos(math.radians(point.lat))) * METRES
        found = set()
        for index in np.flatnonzero(near <= point.radius_m + 30).tolist():
            for ring in self.rings_of(index, scatter=scatter):
                radius_m = math.ceil(1.4 * self.tier.least_outer_m * 2 ** (ring.rung / 2))
                if radius_m == point.radius_m and ring.inner_m <= metres_between(point.lat, point.lon, ring.lat, ring.lon) <= ring.outer_m:
                    found.add(index)
                    break
        return found

    def rings_of(self, index: int, *, scatter: bool) -> list[Donut]:
        if (index, scatter) not in self.rings:
            lat, lon = self.county.homes[index]
            steps = (-2 * SCATTER_M, 0.0, 2 * SCATTER_M) if scatter else (0.0,)
            self.rings[index, scatter] = list(
                {
                    donut_of(lat + up / METRES, lon + right / METRES / math.cos(math.radians(lat)), self.tier, self.by)
                    for up in steps
                    for right in steps
                }
            )
        return self.rings[index, scatter]

    def least_hidden(self, suspects: set[int]) -> float:
        """One in how many the likeliest of the suspects is."""
        weights = []
        for index in suspects:
            fits = self.part_that_fits(donut_of(*self.county.homes[index], self.tier, self.by))
            weights.append((1 - (1 - fits) ** DRAWS) / fits)
        return sum(weights) / max(weights)

    def part_that_fits(self, ring: Donut) -> float:
        """Which part of a ring a point may be drawn in, by the code itself under keys of the attacker's own."""
        if ring not in self.fitting:
            drawn = [one for number in range(TRIALS // DRAWS) for one in _draws(number.to_bytes(16, "big"), ring, self.tier, "")]
            ground = self.county.ground
            fit = sum(ground.holds(*one) and _hides(one, ring, self.tier, self.by, ground) for one in drawn)
            self.fitting[ring] = max(fit, 0.5) / len(drawn)
        return self.fitting[ring]

    def nearer(self, guess: tuple[float, float], home: np.ndarray) -> int:
        """How many households lie nearer to a guess than the true one."""
        squeeze = math.cos(math.radians(guess[0]))
        metres = np.hypot(self.county.homes[:, 0] - guess[0], (self.county.homes[:, 1] - guess[1]) * squeeze)
        return int(np.count_nonzero(metres < math.hypot(home[0] - guess[0], (home[1] - guess[1]) * squeeze)))


def main() -> None:
    incidents = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    county = County()
    print(f"{len(county.homes):,} households, {incidents} incidents, {incidents // 4} addresses attacked")
    for tier in TIERS:
        for source, by in (("points", county.points), ("county density", county.density)):
            measured(county, tier, source, by, incidents)


def measured(county: County, tier: Tier, source: str, by: Households, incidents: int) -> None:
    chance, attacker = random.Random(2), Attacker(county, tier, by)
    chosen = chance.sample(range(len(county.homes)), incidents)
    start = time.process_time()
    points = [county.shown(*county.homes[index], tier, by) for index in chosen]
    took = (time.process_time() - start) / incidents
    counts, least, metres, widened = [], [], [], 0
    for index, point in zip(chosen, points, strict=True):
        if point is None:
            continue
        metres.append(metres_between(point.lat, point.lon, *county.homes[index]))
        suspects = attacker.suspects(point)
        counts.append(len(suspects))
        if source == "points":  # where one density stands for a county, only its border makes a difference
            least.append(attacker.least_hidden(suspects))
        widened += index not in suspects  # nothing fitted in its own ring: the published radius is a later one
    print(f"\n{tier.name}, k = {tier.k}, by {source}: {took * 1e3:.1f} ms a point")
    if counts:
        low, middle = np.percentile(counts, [5, 50])
        share = np.mean(np.array(counts) >= tier.k)
        print(f"  suspects: least {min(counts)}, 5 % {low:.0f}, median {middle:.0f}; at least k for {share:.1%}")
        print(f"  displaced by {np.median(metres):,.0f} m in the median, {np.percentile(metres, 95):,.0f} m at 95 %")
    if least:
        low, middle = np.percentile(least, [5, 50])
        print(f"  the likeliest suspect is one in: least {min(least):.0f}, 5 % {low:.0f}, median {middle:.0f}")
    print(f"  ring widened {widened}, not shown {incidents - len(counts)} of {incidents}")
    if source == "points":
        attacked(
            county,
            tier,
            by,
            attacker,
            [index for index, point in zip(chosen, points, strict=True) if point is not None and index in attacker.suspects(point)],
        )


def attacked(county: County, tier: Tier, by: Households, attacker: Attacker, addresses: list[int]) -> None:
    for name, is_per_incident in (("keyed by place", False), ("keyed by incident (not ours)", True)):
        metres, nearer, left, many = [], [], [], []
        for index in addresses[: max(8, len(addresses) // 4)]:
            home, chance = county.homes[index], random.Random(index)
            seen = set()
            for incident in range(INCIDENTS_AN_ADDRESS):
                key = hashlib.sha256(KEY + incident.to_bytes(2, "big")).digest() if is_per_incident else KEY
                lat = home[0] + chance.gauss(0, SCATTER_M) / METRES
                lon = home[1] + chance.gauss(0, SCATTER_M) / METRES / math.cos(math.radians(home[0]))
                point = county.shown(lat, lon, tier, by, key)
                if point is not None:
                    seen.add(point)
            guess = sum(one.lat for one in seen) / len(seen), sum(one.lon for one in seen) / len(seen)
            metres.append(metres_between(*guess, *home))
            nearer.append(attacker.nearer(guess, home))
            many.append(len(seen))
            if not is_per_incident:
                left.append(len(set.intersection(*(attacker.suspects(one, scatter=True) for one in seen))))
        print(f"  averaging, {name}: {np.mean(many):.1f} points an address")
        print(f"    {np.median(metres):,.0f} m off, {np.median(nearer):.0f} homes nearer (medians)")
        if left:
            low, middle = np.percentile(left, [5, 50])
            print(f"    intersecting: suspects left 5 % {low:.0f}, median {middle:.0f}; one point only: {np.mean(np.array(many) == 1):.0%}")


if __name__ == "__main__":
    main()
