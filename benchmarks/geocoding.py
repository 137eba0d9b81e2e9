"""How right and how fast the geocoder is, beside a plain parser with an exact dictionary, on strings that nobody tuned for.

    python benchmarks/geocoding.py [--data FOLDER] [--half held|dev|all]

The folder is that of San Francisco's centreline and test strings (`sf_streets.csv.gz`, `*_dev.csv`). Strings are split in two by a hash of
their text: `dev` was looked at while building, `held` never. Businesses are asked twice: of streets alone, and of streets with the 16
landmarks of `geocoding_landmarks.csv`, which were written down from general knowledge, rounded, not from the strings. One process, one
thread, raw strings without ZIP code or city; CPU time, best of three turns after a first one that warms up. The plain parser in the same
run: a regular expression for number and name, names looked up as they stand, no offset from the middle line.
"""

import argparse
import csv
import gzip
import math
import platform
import random
import re
import resource
import statistics
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from spikewatch.enrichment.domain.geocoding.answer import Precision
from spikewatch.enrichment.domain.geocoding.compile import compiled
from spikewatch.enrichment.domain.geocoding.geocoder import Geocoder
from spikewatch.enrichment.domain.geocoding.records import Landmark, StreetSegment, Vintage

TURNS = 3
LANDMARKS = Path(__file__).with_name("geocoding_landmarks.csv")
Placed = tuple[float, float] | None


class Known(NamedTuple):
    """A string and where it lies."""

    text: str
    lat: float
    lon: float


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    folder = Path(__file__).resolve().parents[2] / "shared" / "data" / "geo" / "sf"
    parser.add_argument("--data", type=Path, default=folder, metavar="FOLDER")
    parser.add_argument("--half", choices=("held", "dev", "all"), default="held")
    chosen = parser.parse_args()
    if not (chosen.data / "sf_streets.csv.gz").exists():
        raise SystemExit(f"no sf_streets.csv.gz in {chosen.data.name}: give its folder with --data")
    segments = list(_segments(chosen.data / "sf_streets.csv.gz"))
    before = _resident_mb()
    started = time.process_time()
    vintages = [Vintage("DataSF centreline", "2014", "street", len(segments))]
    packed = compiled(segments, vintages=vintages)
    built = time.process_time() - started
    size = sum(array.nbytes for array in packed.arrays.values())
    started = time.process_time()
    geocoder = Geocoder(packed)
    opened = time.process_time() - started
    print(f"Python {platform.python_version()}, {len(segments):,} segments, {size / len(segments):.1f} bytes a segment packed")
    print(f"compiled in {built:.1f} s, opened in {opened * 1000:.0f} ms")
    named = Geocoder(compiled(segments, landmarks=_landmarks(), vintages=vintages))
    plain = Plain(segments)
    sets = _sets(chosen.data, chosen.half)
    print(f"\n{chosen.half} half; share of all strings\n")
    print(f"{'set':28}{'n':>6}{'matched':>9}{'median m':>10}{'<=100 m':>9}{'>500 m':>8}{'per s':>9}{'p50 us':>8}{'p99 us':>8}")
    for name, rows in sets.items():
        _score(name, rows, lambda text: _place(geocoder, text))
        if name.startswith("businesses"):
            _score("  with landmarks", rows, lambda text: _place(named, text))
        _score("  plain parser", rows, plain.place)
    misspelt = [Known(text, row.lat, row.lon) for rows in sets.values() for row in rows if (text := _misspelt(row.text)) is not None]
    _score("misspelt, all sets", misspelt, lambda text: _place(geocoder, text))
    _score("  plain parser", misspelt, plain.place)
    _reliability(geocoder, sets, misspelt)
    print("\nwith landmarks: answers that are landmarks, and how many lie within the radius")
    _of_landmarks(named, sets["businesses, each once"])
    print(f"\nresident memory of the whole run: {_resident_mb():.0f} MB, of which before the index {before:.0f} MB")


def _place(geocoder: Geocoder, text: str) -> Placed:
    answer = geocoder.geocode(text)
    return None if answer.lat is None or answer.lon is None else (answer.lat, answer.lon)


def _score(name: str, rows: Sequence[Known], place: Callable[[str], Placed]) -> None:
    texts = [row.text for row in rows]
    found = [place(text) for text in texts]
    errors = [_metres(at, row) for at, row in zip(found, rows, strict=True) if at is not None]
    best = min(_taken(lambda: [place(text) for text in texts]) for _ in range(TURNS))
    single = sorted(min(_taken(partial(place, text)) for _ in range(2)) for text in texts)
    total = len(rows)
    print(
        f"{name:28}{total:>6}{len(errors) / total:>9.1%}{statistics.median(errors) if errors else math.nan:>10.1f}"
        f"{sum(error <= 100 for error in errors) / total:>9.2%}{sum(error > 500 for error in errors) / total:>8.2%}"
        f"{total / best:>9,.0f}{single[total // 2] * 1e6:>8.0f}{single[int(total * 0.99)] * 1e6:>8.0f}"
    )


def _taken(run: Callable[[], object]) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started


def _reliability(geocoder: Geocoder, sets: dict[str, list[Known]], misspelt: list[Known]) -> None:
    told: dict[int, list[bool]] = defaultdict(list)
    sure: dict[int, list[float]] = defaultdict(list)
    distinct = {row.text: row for rows in sets.values() for row in rows} | {row.text: row for row in misspelt}
    for row in distinct.values():
        answer = geocoder.geocode(row.text)
        if answer.lat is not None and answer.lon is not None:
            bin_ = min(int(answer.confidence * 10), 9)
            told[bin_].append(_metres((answer.lat, answer.lon), row) <= answer.radius_m)
            sure[bin_].append(answer.confidence)
    print("\nanswers with a confidence of 0.9 and more, different strings     answers   within the radius")
    for name, rows in {**sets, "misspelt, all sets": misspelt}.items():
        answers = [(row, geocoder.geocode(row.text)) for row in {row.text: row for row in rows}.values()]
        kept = [
            _metres((at.lat, at.lon), row) <= at.radius_m
            for row, at in answers
            if at.confidence >= 0.9 and at.lat is not None and at.lon is not None
        ]
        if kept:
            print(f"{name:62}{len(kept):>10,}{sum(kept) / len(kept):>20.3f}")
    print("\nconfidence   answers   mean confidence   within the radius   (different strings, misspelt ones too)")
    for bin_ in sorted(told):
        hits = told[bin_]
        print(f"{bin_ / 10:.1f} - {bin_ / 10 + 0.1:.1f}{len(hits):>11,}{statistics.mean(sure[bin_]):>18.3f}{sum(hits) / len(hits):>20.3f}")


def _of_landmarks(geocoder: Geocoder, rows: Sequence[Known]) -> None:
    answers = [(row, answer) for row in rows if (answer := geocoder.geocode(row.text)).precision is Precision.LANDMARK]
    within = sum(_metres((at.lat, at.lon), row) <= at.radius_m for row, at in answers if at.lat is not None and at.lon is not None)
    print(
        f"businesses, each once: {len(answers)} answers, {within} within, mean confidence {_mean(at.confidence for _, at in answers):.2f}"
    )


def _mean(values: Iterable[float]) -> float:
    every = list(values)
    return statistics.mean(every) if every else math.nan


class Plain:
    """The baseline: what a first afternoon gives."""

    _HOUSE = re.compile(r"(\d+)\s+(.+?)\s*$")
    _BLOCK = re.compile(r"(\d+) Block of (.+)$", re.IGNORECASE)

    def __init__(self, segments: Sequence[StreetSegment]) -> None:
        self._of_name: dict[str, list[StreetSegment]] = defaultdict(list)
        self._nodes: dict[str, dict[object, tuple[float, float]]] = defaultdict(dict)
        for segment in segments:
            self._of_name[segment.name].append(segment)
            self._nodes[segment.name] |= {segment.from_node: segment.line[0], segment.to_node: segment.line[-1]}

    def place(self, text: str) -> Placed:
        if (block := self._BLOCK.match(text)) is not None:
            return self._on(block[2].strip(), int(block[1]) + 50)
        one, _, other = text.upper().partition("/")
        if other:
            shared = self._nodes.get(one.strip(), {}).keys() & self._nodes.get(other.strip(), {}).keys()
            if not shared:
                return None
            lon, lat = self._nodes[one.strip()][next(iter(shared))]
            return lat, lon
        house = self._HOUSE.match(text.upper())
        return None if house is None else self._on(house[2], int(house[1]))

    def _on(self, name: str, number: int) -> Placed:
        for segment in self._of_name.get(name, ()):
            for start, end in ((segment.left_from, segment.left_to), (segment.right_from, segment.right_to)):
                low, high = min(start, end), max(start, end)
                if high and low <= number <= high and (number - start) % 2 == 0:
                    share = (number - start) / (end - start) if end != start else 0.5
                    (lon, lat), (end_lon, end_lat) = segment.line[0], segment.line[-1]
                    return lat + (end_lat - lat) * share, lon + (end_lon - lon) * share
        return None


def _metres(at: tuple[float, float], row: Known) -> float:
    return math.hypot(at[0] - row.lat, (at[1] - row.lon) * math.cos(math.radians(row.lat))) * 111_195


def _misspelt(text: str) -> str | None:
    """Make one slip of the keyboard in a word of the name; the same one each time for the same text."""
    chance = random.Random(zlib.crc32(text.encode()))
    words = [found for found in re.finditer(r"[A-Z]{4,}", text) if found[0] not in {"BLOCK", "BLVD"}]
    if not words:
        return None
    found = chance.choice(words)
    word = found[0]
    at = chance.randrange(1, len(word))
    letter = chance.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    slips = (
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[:at] + letter + word[at + 1 :],
        word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :],
    )
    return text[: found.start()] + chance.choice(slips) + text[found.end() :]


def _sets(folder: Path, half: str) -> dict[str, list[Known]]:
    wanted = {"held": (1,), "dev": (0,), "all": (0, 1)}[half]
    sets: dict[str, list[Known]] = defaultdict(list)
    for name, file, columns in (
        ("address points", "sf_eas_address_points_dev.csv", ("address", "latitude", "longitude")),
        ("businesses", "sf_businesses_dev.csv", ("address", "latitude", "longitude")),
        ("fire and ambulance", "sffd_incidents_dev.csv", ("Address", "lat", "lon")),
    ):
        with (folder / file).open(encoding="utf-8", newline="") as rows:
            for row in csv.DictReader(rows):
                text = row[columns[0]]
                if zlib.crc32(text.encode()) & 1 in wanted:
                    kind = name
                    if name == "fire and ambulance":
                        kind = "hundred-blocks" if "Block of" in text else "crossings" if "/" in text else "other calls"
                    sets[kind].append(Known(text, float(row[columns[1]]), float(row[columns[2]])))
    for name in ("address points", "businesses"):
        sets[f"{name}, each once"] = list({row.text: row for row in sets[name]}.values())
    return dict(sets)


def _landmarks() -> list[Landmark]:
    with LANDMARKS.open(encoding="utf-8", newline="") as rows:
        return [Landmark(row["name"], float(row["lat"]), float(row["lon"]), float(row["radius_m"])) for row in csv.DictReader(rows)]


def _segments(path: Path) -> Iterator[StreetSegment]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            numbers = [int(float(row[column] or 0)) for column in ("lf_from", "lf_to", "rt_from", "rt_to")]
            pairs = [pair.split() for pair in row["wkt"].removeprefix("LINESTRING(").removesuffix(")").split(",")]
            line = tuple((float(lon), float(lat)) for lon, lat in pairs)
            nodes = int(float(row["f_node"])), int(float(row["t_node"]))
            yield StreetSegment(
                row["fullname"],
                line,
                numbers[0],
                numbers[1],
                numbers[2],
                numbers[3],
                left_zip=row["zip"],
                right_zip=row["zip"],
                from_node=nodes[0],
                to_node=nodes[1],
            )


def _resident_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
