"""Sound inputs to start from: the generated examples, each record of them alone, and real samples where they are present."""

import gzip
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.feeds.feed import Feed, Source
from spikewatch.ingest.domain.form import FORM
from spikewatch.ingest.domain.rejection import Rejected
from spikewatch_testing.fuzzing.forms import form_of

__all__ = ["ROOT", "Seed", "examples", "seeds", "source_of"]

ROOT = Path(__file__).parents[4]
_SAMPLES = ROOT.parent / "shared" / "data"
_LARGEST = 60_000  # of a seed: larger samples would make each input slow and no stranger
_MOST_ALONE = 60
_LARGEST_ALONE = 16_000

_SUFFIXES = {
    ".csv": ("text/csv",),
    ".json": ("application/json", "application/fhir+json"),
    ".ndjson": ("application/x-ndjson", "application/fhir+ndjson"),
    ".jsonl": ("application/x-ndjson",),
    ".xml": ("application/xml", "text/xml"),
    ".hl7": ("application/hl7-v2", "x-application/hl7-v2+er7", "text/plain"),
    ".xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",),
}
_REAL = {
    "cad_911": ("incidents/montgomery_pa_911.csv.gz",),
    "odin": ("incidents/pa_odin_2018.csv",),
    "hl7_adt": ("hl7/*",),
    "nemsis": ("nemsis/**/*.xml",),
    "statutory": ("incidents/*.xlsx",),
}


@dataclass(frozen=True, slots=True)
class Seed:
    """A sound input; ``is_small`` where it is one record alone."""

    media_type: str
    body: bytes
    is_small: bool = False


def source_of(feed: Feed) -> Source:
    """Return an invented sender of this format."""
    return Source(
        agency_id="fuzz-agency",
        source_type=feed.default_source,
        received_at=datetime(2026, 12, 1, tzinfo=UTC),
        submission_id=UUID(int=1),
        format=feed.name,
        time_zone="America/New_York",
        county_fips="99001",
    )


def examples(name: str) -> Iterator[tuple[str, bytes]]:
    """Yield the generated example files of a format, with their names."""
    script = ROOT / "examples" / "feeds" / name / "generate.py"
    if not script.exists():
        return
    spec = importlib.util.spec_from_file_location(f"generate_{name}", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield from module.files().items()


@lru_cache(maxsize=32)
def seeds(name: str, *, with_samples: bool = True) -> tuple[Seed, ...]:
    """Return the seeds of a format, small ones last; the same on every run over the same files."""
    feed = FEEDS[name]
    whole = [Seed(media, body) for file, body in examples(name) for media in [_media_type(feed, file)] if media is not None]
    if with_samples:
        whole += [seed for pattern in _REAL.get(name, ()) for seed in _samples(feed, pattern)]
    alone: list[Seed] = []
    for seed in whole:
        alone += _each_alone(feed, seed)
    if FORM in feed.splits:
        alone += [form for seed in tuple(alone) for form in _as_form(feed, seed)]
    return (*whole, *alone)


def _samples(feed: Feed, pattern: str) -> Iterator[Seed]:
    for path in sorted(_SAMPLES.glob(pattern))[:20]:
        media = _media_type(feed, path.name.removesuffix(".gz"))
        if not path.is_file() or media is None:
            continue
        body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if len(body) > _LARGEST and media == "text/csv":
            body = body[: body.rindex(b"\n", 0, _LARGEST) + 1]
        if len(body) <= _LARGEST * 4:
            yield Seed(media, body)


def _each_alone(feed: Feed, seed: Seed) -> Iterator[Seed]:
    try:
        records = list(feed.records(seed.body, seed.media_type, limit=1_000))
    except Rejected:
        return
    step = max(1, len(records) // _MOST_ALONE)
    for record in records[::step]:
        body = record.alone()
        if len(body) <= _LARGEST_ALONE:
            yield Seed(record.media_type or seed.media_type, body, is_small=True)


def _as_form(feed: Feed, seed: Seed) -> Iterator[Seed]:
    """Yield one record as the form that would post it: a form has no example file, for it is a line of JSON in other words."""
    for record in feed.records(seed.body, seed.media_type, limit=1):
        body = form_of(record.fields)
        if record.rejected is None and body:
            yield Seed(FORM, body, is_small=True)


def _media_type(feed: Feed, file: str) -> str | None:
    suffix = Path(file).suffix.lower()
    wanted = _SUFFIXES.get(suffix, ())
    found = next((media for media in wanted if media in feed.splits), None)
    if found is None and wanted:
        found = next((media for media in feed.splits if suffix.removeprefix(".") in media), None)
    return found or (next(iter(feed.splits)) if len(feed.splits) == 1 else None)
