"""Areas of a point: points per second over all US counties, remembered and not, beside the plain search tree.

    python benchmarks/areas.py [points] [--boundaries FOLDER]

Points are spread evenly over the boxes of the counties, and once more like people: around 300 towns. One core.
With a folder of GeoJSON files (neighbourhoods, districts) their areas are added, and points fall into their box too.
"""

import argparse
import platform
import time
from collections.abc import Callable
from pathlib import Path

import h3
import numpy as np
import shapely

from spikewatch.enrichment.adapters.geojson_geography import geojson_places
from spikewatch.enrichment.adapters.us_geography import us_counties
from spikewatch.enrichment.domain.geography import Atlas, Place

REPEATS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("points", nargs="?", type=int, default=300_000)
    parser.add_argument("--boundaries", type=Path)
    arguments = parser.parse_args()
    places = us_counties()
    extra = geojson_places(arguments.boundaries) if arguments.boundaries else []
    start = time.process_time()
    Atlas([*places, *extra])
    built = time.process_time() - start
    print(f"Python {platform.python_version()}, shapely {shapely.__version__}, {len(places):,} counties, {len(extra):,} areas more")
    print(f"built in {built:.1f} s; {arguments.points:,} points, CPU seconds of one core, best of {REPEATS}")
    print(f"{'':<34}{'points/s':>14}{'us a point':>12}")
    for name, (lats, lons) in sets(places, extra, arguments.points).items():
        print(name)
        measured(places + extra, lats, lons)


def measured(places: list[Place], lats: np.ndarray, lons: np.ndarray) -> None:
    polygons = np.array([place.geometry for place in places], dtype=object)
    ids = [place.area for place in places]
    tree = shapely.STRtree(polygons)

    def plain() -> list[tuple[str, ...]]:
        found: list[list[str]] = [[] for _ in lats]
        for point, polygon in zip(*tree.query(shapely.points(lons, lats), predicate="intersects").tolist(), strict=True):
            found[point].append(ids[polygon])
        return [tuple(sorted(areas)) for areas in found]

    def turned() -> list[tuple[str, ...]]:  # what a spatial join of tables does: a tree of the points, asked with prepared polygons
        found: list[list[str]] = [[] for _ in lats]
        shapely.prepare(polygons)
        points = shapely.STRtree(shapely.points(lons, lats))
        for polygon, point in zip(*points.query(polygons, predicate="intersects").tolist(), strict=True):
            found[point].append(ids[polygon])
        return [tuple(sorted(areas)) for areas in found]

    part = slice(None, max(1, len(lats) // 10))
    few = lats[part].tolist(), lons[part].tolist()
    line("plain STRtree.query(predicate)", len(lats), *timed(plain, 1))
    line("tree of points, prepared polygons", len(lats), *timed(turned, REPEATS))
    line("H3 cell of a point alone", len(few[0]), *timed(lambda: [h3.latlng_to_cell(*at, 7) for at in zip(*few, strict=True)], REPEATS))
    atlas = Atlas(places)
    atlas.areas_at_uncached(lats[part], lons[part])  # indexes inside the prepared polygons are made when first asked
    exact, took = timed(lambda: atlas.areas_at_uncached(lats, lons), REPEATS)
    line("uncached", len(lats), exact, took)
    cold, took = timed(lambda: atlas.areas_at(lats, lons), 1)
    line("first time, learning", len(lats), cold, took)
    warm, took = timed(lambda: atlas.areas_at(lats, lons), REPEATS)
    line("cached", len(lats), warm, took)
    lists = lats.tolist(), lons.tolist()
    line("cached, lists of floats given", len(lats), *timed(lambda: atlas.areas_at(*lists), REPEATS))
    batches = [(lats[at : at + 500], lons[at : at + 500]) for at in range(0, len(lats), 500)]
    line("cached, in batches of 500", len(lats), *timed(lambda: [atlas.areas_at(*batch) for batch in batches], REPEATS))
    nearby = lats + 1e-4, lons - 1e-4
    line("other points 14 m away, first time", len(lats), *timed(lambda: atlas.areas_at(*nearby), 1))
    assert warm == cold == exact
    by_tree = plain()
    differ = sum(one != other for one, other in zip(exact, by_tree, strict=True))
    print(f"{'':<4}{differ} answers differ from the plain tree (points on borders and within 500 m of a shore)")


def line(name: str, count: int, _: object, took: float) -> None:
    print(f"    {name:<34}{count / took:>10,.0f}{took / count * 1e6:>12.2f}")


def timed(work: Callable[[], list], repeats: int) -> tuple[list, float]:
    took, made = [], []
    for _ in range(repeats):
        start = time.process_time()
        made = work()
        took.append(time.process_time() - start)
    return made, min(took)


def sets(places: list[Place], extra: list[Place], count: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    chance = np.random.default_rng(7)
    boxes = shapely.bounds(np.array([place.geometry for place in places], dtype=object))
    # Counties that reach over longitude 180 have a box around the earth, which says nothing of where they are.
    boxes = boxes[boxes[:, 2] - boxes[:, 0] < 20]
    chosen = boxes[chance.integers(len(boxes), size=count)]
    even = chance.uniform(chosen[:, 1], chosen[:, 3]), chance.uniform(chosen[:, 0], chosen[:, 2])
    towns = chance.integers(count, size=300)
    town = towns[chance.integers(300, size=count)]
    people = even[0][town] + chance.normal(0, 0.05, count), even[1][town] + chance.normal(0, 0.05, count)
    made = {"evenly over the counties": even, "around 300 towns": people}
    if extra:
        west, south, east, north = shapely.total_bounds(np.array([place.geometry for place in extra], dtype=object))
        made["in the box of the other areas"] = chance.uniform(south, north, count), chance.uniform(west, east, count)
    return made


if __name__ == "__main__":
    main()
