"""San Francisco's centreline, read once and given to every geocoder."""

import csv
import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from spikewatch.enrichment.domain.geocoding.records import StreetSegment

# "05TH": the city pads numbers so that names sort. Neither TIGER nor OpenStreetMap does, and of the strings some do and some do not.
_PADDED = re.compile(r"\b0+(\d+(?:ST|ND|RD|TH))\b")


class Segment(NamedTuple):
    """A piece of street from crossing to crossing. House numbers are in drawing order, 0 for none; the line is (longitude, latitude)."""

    number: int
    padded: str
    kind: str
    written: str
    left: tuple[int, int]
    right: tuple[int, int]
    nodes: tuple[int, int]
    zip5: str
    line: tuple[tuple[float, float], ...]

    def for_ours(self) -> StreetSegment:
        """Return the record our index is built of, with the name as the city writes it."""
        return StreetSegment(
            self.written, self.line, *self.left, *self.right, left_zip=self.zip5, right_zip=self.zip5,
            from_node=self.nodes[0], to_node=self.nodes[1],
        )  # fmt: skip

    @property
    def name(self) -> str:
        """The name without its type and without padding."""
        return _PADDED.sub(r"\1", self.padded)

    @property
    def names(self) -> tuple[str, ...]:
        """The name without its type in all its forms; peers get each as a name of its own, the one without padding first."""
        return (self.name,) if self.name == self.padded else (self.name, self.padded)


def segments(path: Path) -> Iterator[Segment]:
    """Yield the segments of the gzipped CSV."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as rows:
        for number, row in enumerate(csv.DictReader(rows), start=1):
            left_from, left_to, right_from, right_to = (int(float(row[column] or 0)) for column in ("lf_from", "lf_to", "rt_from", "rt_to"))
            pairs = [pair.split() for pair in row["wkt"].removeprefix("LINESTRING(").removesuffix(")").split(",")]
            yield Segment(
                number, row["street"], row["st_type"], row["fullname"], (left_from, left_to), (right_from, right_to),
                (int(float(row["f_node"])), int(float(row["t_node"]))), row["zip"], tuple((float(lon), float(lat)) for lon, lat in pairs),
            )  # fmt: skip
