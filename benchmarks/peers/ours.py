"""Our geocoder on the same strings: raw, without city, ZIP code or state, one call a string."""

import platform
from collections.abc import Sequence

from benchmarks.peers.centreline import Segment
from benchmarks.peers.results import Compared, Placed, answers_of
from benchmarks.peers.strings import Known
from spikewatch.enrichment.domain.geocoding.compile import compiled
from spikewatch.enrichment.domain.geocoding.geocoder import Geocoder
from spikewatch.enrichment.domain.geocoding.records import Vintage

NAME = "Spikewatch"


def compared(sets: dict[str, list[Known]], pieces: Sequence[Segment]) -> Compared:
    """Pack an index and ask it every set; the best of ten turns counts (a turn of 300 takes 5 ms)."""
    geocoder = Geocoder(
        compiled([piece.for_ours() for piece in pieces], vintages=[Vintage("DataSF centreline", "2014", "street", len(pieces))])
    )

    def place(text: str) -> Placed:
        answer = geocoder.geocode(text)
        return None if answer.lat is None or answer.lon is None else (answer.lat, answer.lon)

    return Compared(f"Python {platform.python_version()}", answers_of(NAME, sets, place, turns=10))
