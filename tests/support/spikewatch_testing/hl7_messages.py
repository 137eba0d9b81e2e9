"""HL7 v2 ADT messages of an invented hospital, and what the feed makes of them."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from spikewatch.contracts.vocabulary import SourceType
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.feeds.hl7_adt import FEED, MEDIA_TYPE
from spikewatch.ingest.domain.record import RawRecord
from spikewatch.ingest.domain.rejection import Rejected

__all__ = ["NOW", "SOURCE", "batch", "cut", "message", "notes", "read", "reading", "refused"]

NOW = datetime(2026, 5, 2, 12, tzinfo=UTC)
SOURCE = Source("cedar-hospital", SourceType.ED, NOW, UUID(int=1), "hl7_adt", time_zone="America/New_York")


def message(
    *extra: str,
    trigger: str = "A04",
    made: str = "20260501141000",
    msh: dict[int, str] | None = None,
    pv1: dict[int, str] | None = None,
    pid: dict[int, str] | None = None,
    evn: str = "EVN||20260501140900|||||Cedar Hospital^1234567893^NPI",
    obx: str = "OBX|3|CWE|8661-1^^LN||^^^^^^^^heroin overdose||||||F",
) -> str:
    """A sound message; fields are changed by their number, and ``extra`` segments stand at its end."""

    def segment(name: str, fields: dict[int, str], length: int) -> str:
        return "|".join([name, *(fields.get(number, "") for number in range(1, length + 1))]).rstrip("|")

    head = {3: "Cedar Hospital^1234567893^NPI", 6: made, 8: f"ADT^{trigger}^ADT_A01", 9: "C1", 10: "P", 11: "2.5.1"}
    head |= {number - 1: value for number, value in (msh or {}).items()}
    lines = [
        "MSH|^~\\&|" + segment("", head, 20)[1:].split("|", 1)[1],
        evn,
        segment("PID", {1: "1", 3: "MRN00123456^^^^MR", 5: "Roe^Jane", 8: "F", 11: "^^^^99001-1234^^^^99777", **(pid or {})}, 30),
        segment("PV1", {1: "1", 2: "E", 19: "V-1^^^^VN", 44: "20260501140300", **(pv1 or {})}, 45),
        "OBX|1|CWE|SS003^^PHINQUESTION||261QE0002X^Emergency Care^NUCC||||||F",
        "OBX|2|NM|21612-7^^LN||45|a^^UCUM|||||F",
        obx,
        *extra,
    ]
    return "\r".join(line for line in lines if line) + "\r"


def cut(body: bytes | str, limit: int = 1_000) -> list[RawRecord]:
    return list(FEED.records(body if isinstance(body, bytes) else body.encode(), MEDIA_TYPE, limit=limit))


def read(body: bytes | str, source: Source = SOURCE) -> Reading | NotAnOverdose:
    [record] = cut(body)
    assert record.rejected is None, record.rejected
    return FEED.read(record.fields, source)


def reading(body: bytes | str, source: Source = SOURCE) -> Reading:
    found = read(body, source)
    assert isinstance(found, Reading)
    return found


def refused(body: bytes | str, source: Source = SOURCE) -> Rejected:
    [record] = cut(body)
    if record.rejected is not None:
        return record.rejected
    with pytest.raises(Rejected) as caught:
        FEED.read(record.fields, source)
    return caught.value


def notes(found: Reading) -> set[tuple[str, str]]:
    return {(note.field, note.code) for note in found.report.quality}


def batch(count: int, bts: str = "BTS|2", fts: str = "FTS|1") -> str:
    return "FHS|^~\\&|A\rBHS|^~\\&|A\r" + message() * count + f"{bts}\r{fts}\r"
