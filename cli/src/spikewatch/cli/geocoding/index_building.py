"""Builds indexes of what is read, with a bar, and tells how large they are."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.progress import Progress, say
from spikewatch.enrichment.adapters.geodata.by_county import packed_by_county
from spikewatch.enrichment.adapters.geodata.index_file import vintages_of, write_index
from spikewatch.enrichment.adapters.geodata.open_geocoder import ENDING
from spikewatch.enrichment.adapters.geodata.sources import Reading
from spikewatch.enrichment.domain.geocoding.compile import compiled
from spikewatch.enrichment.domain.geocoding.packed import Packed

__all__ = ["Built", "build_indexes", "require_writable"]


@dataclass(frozen=True, slots=True)
class Built:
    """An index that was written.

    Attributes:
        path: where.
        bytes: its size.
        segments: pieces of streets in it.
        points: addresses in it.
        others: landmarks, areas and aliases that its sources gave.
        unusable: segments that its sources gave and the geocoder cannot use, because their name says nothing or they have no length.
    """

    path: Path
    bytes: int
    segments: int
    points: int
    others: int
    unusable: int

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return asdict(self) | {"path": str(self.path)}


def require_writable(output: Path, sources: Sequence[Path], *, each_county: bool) -> None:
    """Check before minutes of reading that an index can be written there.

    Raises:
        CannotRun: ``output`` is of the wrong kind or one of the ``sources``, or its folder is missing.
    """
    if any(one.exists() and output.exists() and output.samefile(one) for one in sources):
        raise CannotRun(f"{output} is one of the files that are read; name another file for the index")
    if output.is_dir() is not each_county and output.exists():
        told = (
            "is a file; --each-county writes a folder of indexes" if each_county else "is a folder; name a file in it, or add --each-county"
        )
        raise CannotRun(f"{output} {told}")
    if not output.absolute().parent.is_dir():
        raise CannotRun(f"{output} cannot be written: its folder does not exist; make it first")


def build_indexes(reading: Reading, output: Path, *, each_county: bool) -> list[Built]:
    """Read everything and write the index, or one for each county.

    Raises:
        CannotRun: nothing that was read is of use.
        GeodataUnusable: a file breaks off.
        IndexUnusable: an index cannot be written.
    """
    if not each_county:
        with Progress("read", reading.size, unit="bytes") as progress:
            reading.tick = _showing(reading, progress)
            packed = compiled(
                reading.segments(), reading.points(), reading.landmarks(), reading.places(), reading.aliases(), vintages=reading.vintages
            )
            progress.reach(reading.done)
        _require_some(reading)
        return [_write(output, packed)]
    output.mkdir(exist_ok=True)
    built: list[Built] = []
    with Progress("read", reading.size, unit="bytes") as progress:
        reading.tick = _showing(reading, progress)
        for code, county in packed_by_county(reading):
            built.append(_write(output / f"{code}{ENDING}", county))
    _require_some(reading)
    return built


def _showing(reading: Reading, progress: Progress) -> Callable[[], None]:
    def show() -> None:
        before = progress.done
        progress.reach(reading.done)
        if before < reading.size <= reading.done:
            progress.message("all is read; the index is being packed")

    return show


def _require_some(reading: Reading) -> None:
    if not reading.report.kept:
        for line in reading.report.lines():
            say(line)
        raise CannotRun(
            "no row could be used, so no index is written; see what each file was taken for above, and say better with --kind or --map"
        )


def _write(path: Path, packed: Packed) -> Built:
    # Of two indexes the one that was built later places what is stored (docs/adr/0014-versions-of-geodata.md).
    write_index(path, packed._replace(facts={**packed.facts, "built_at": int(time.time())}))
    given: Counter[str] = Counter()
    for vintage in vintages_of(packed):
        given[vintage.kind] += vintage.records
    segments, points = len(packed.arrays["left_from"]), len(packed.arrays["point_number"])
    others = given.total() - given["street"] - given["point"]
    return Built(path, path.stat().st_size, segments, points, others, given["street"] - segments)
