"""Patient care reports of the generated example, changed element by element, and what the feed makes of them."""

import runpy
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from spikewatch.contracts.vocabulary import SourceType
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.feeds.nemsis import FEED
from spikewatch.ingest.domain.record import RawRecord
from spikewatch.ingest.domain.rejection import Rejected
from spikewatch_testing.fuzzing.seeds import ROOT

__all__ = ["EXAMPLE", "NIL", "NOW", "SOURCE", "codes", "negated", "notes", "reading", "records", "refused", "result"]

NOW = datetime(2026, 10, 1, tzinfo=UTC)
SOURCE = Source("cedar-ems", SourceType.EMS, NOW, UUID(int=1), "nemsis", county_fips="99001")


EXAMPLE = SimpleNamespace(**runpy.run_path(str(ROOT / "examples" / "feeds" / "nemsis" / "generate.py")))
NIL = EXAMPLE.NR


def negated(value: str, pn: str) -> Any:
    return EXAMPLE.Negated(value, pn)


def records(body: str | bytes) -> list[RawRecord]:
    return list(FEED.records(body.encode() if isinstance(body, str) else body, "application/xml", limit=100))


def result(source: Source = SOURCE, **options: Any) -> Reading | NotAnOverdose:
    [record] = records(EXAMPLE.document(EXAMPLE.header(EXAMPLE.report(1, **options))))
    assert record.rejected is None
    return FEED.read(record.fields, source)


def reading(source: Source = SOURCE, **options: Any) -> Reading:
    found = result(source, **options)
    assert isinstance(found, Reading)
    return found


def refused(source: Source = SOURCE, **options: Any) -> Rejected:
    with pytest.raises(Rejected) as caught:
        result(source, **options)
    return caught.value


def notes(found: Reading) -> set[tuple[str, str]]:
    return {(note.field, note.code) for note in found.report.quality}


def codes(found: Reading, role: str) -> list[str]:
    return [code.code for code in found.found.codes if code.role == role]
