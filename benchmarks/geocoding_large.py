"""How long one address takes in an index of sixty towns that all have the same streets, when nobody tells the city.

    python benchmarks/geocoding_large.py

111,600 segments of invented towns, 31 street names in every one of them: each name is one of sixty places. CPU time of each call, the
first call for a pair of streets apart from later ones.
"""

import random
import time
from collections.abc import Iterator, Sequence

from spikewatch.enrichment.domain.geocoding.compile import compiled
from spikewatch.enrichment.domain.geocoding.geocoder import Geocoder
from spikewatch.enrichment.domain.geocoding.records import StreetSegment, Vintage

TOWNS, BLOCKS, STEP = 60, 30, 0.0015
COMMON = [
    *("Main St", "High St", "Market St", "Oak Ave", "Elm St", "Church St", "Park Ave", "Washington St", "Maple Ave", "Spring St"),
    *(
        f"{start}{end} {kind}"
        for start in ("Lin", "Har", "Bro", "Cal", "Wes", "Mor", "Ash")
        for end, kind in (("ton", "Ave"), ("wood", "Dr"), ("field", "Rd"))
    ),
]


def main() -> None:
    """Print the table."""
    segments = list(_towns(random.Random(1)))
    geocoder = Geocoder(compiled(segments, vintages=[Vintage("Invented towns", "2026", "street", len(segments))]))
    crossings = [f"{one} & {other}".upper() for one in COMMON for other in COMMON if one != other]
    houses = [f"{number} {name}".upper() for name in COMMON for number in range(101, 2900, 140)]
    print(f"{len(segments):,} segments\n\n{'strings':32}{'n':>6}{'p50 us':>9}{'p99 us':>9}{'most us':>9}")
    for name, texts in (("crossings", crossings), ("houses", houses)):
        _print(f"{name}, first call", geocoder, texts)
        _print(f"{name}, later calls", geocoder, texts)


def _print(name: str, geocoder: Geocoder, texts: Sequence[str]) -> None:
    taken = []
    for text in texts:
        started = time.thread_time()
        geocoder.geocode(text)
        taken.append((time.thread_time() - started) * 1e6)
    taken.sort()
    print(f"{name:32}{len(taken):>6}{taken[len(taken) // 2]:>9.0f}{taken[int(len(taken) * 0.99)]:>9.0f}{taken[-1]:>9.0f}")


def _towns(chance: random.Random) -> Iterator[StreetSegment]:
    for town in range(TOWNS):
        south, west = 39.0 + town // 8 * 0.08, -84.0 + town % 8 * 0.08
        zip5, city = f"{45100 + town}", f"Town {town}"
        names = [*COMMON, *(f"{city} {number} Way" for number in range(31))]
        chance.shuffle(names)
        for at, name in enumerate(names):
            row = at % 31 * STEP
            for block in range(BLOCKS):
                near, far = block * STEP, (block + 1) * STEP
                line = (
                    ((west + near, south + row), (west + far, south + row))
                    if at < 31
                    else ((west + row, south + near), (west + row, south + far))
                )
                first = block * 100
                yield StreetSegment(name, line, first + 1, first + 99, first + 2, first + 98, zip5, zip5, city, city)


if __name__ == "__main__":
    main()
