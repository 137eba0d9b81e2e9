"""Folds the rows of one person into one record, also when they do not stand together, in bounded memory."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from sys import maxsize
from typing import BinaryIO, Final

from spikewatch.ingest.domain.record import Fields, RawRecord, Split, over_limit
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["INCIDENT_VICTIMS", "ROWS", "Keys", "folded"]

ROWS: Final = "rows"
"""The field that holds a person's rows."""
INCIDENT_VICTIMS: Final = "incident_victims"
"""The field that holds how many people the file has in the same incident."""

_MOST_OPEN: Final = 20_000  # people whose rows are waited for: 20,000 of six rows take about 60 MB
_MOST_ROWS: Final = 200  # of one person: 7 substances by a few doses
_NDJSON: Final = "application/x-ndjson"

Keys = Callable[[Fields], tuple[str, str, Fields] | None]
"""Returns a row's incident, its person, and the fields to keep of it, or None where it names no person."""


@dataclass(slots=True)
class _Person:
    first: RawRecord
    rows: list[Fields]
    originals: list[str]


def folded(split: Split, keys: Keys, *, is_json: bool = False) -> Split:
    """Return a splitter whose records are people.

    Rows of one person are brought together as long as fewer than 20,000 others stand between them; a row that comes later still is
    refused alone. Rows that name nobody stay records of their own.
    """

    def cut(stream: BinaryIO, limit: int) -> Iterator[RawRecord]:
        for index, raw in enumerate(_people(split(stream, maxsize), keys, is_json=is_json)):
            if index >= limit:
                raise over_limit(limit)
            raw.index = index
            yield raw

    return cut


def _people(raws: Iterator[RawRecord], keys: Keys, *, is_json: bool) -> Iterator[RawRecord]:
    waiting: OrderedDict[tuple[str, str], _Person] = OrderedDict()
    gone: set[int] = set()
    incidents: dict[str, int] = {}
    for raw in raws:
        found = None if raw.rejected is not None or raw.is_skipped else keys(raw.fields)
        if found is None:
            yield raw
            continue
        incident, victim, fields = found
        key = incident, victim
        person = waiting.get(key)
        if person is not None:
            if len(person.rows) >= _MOST_ROWS:
                yield _refused(raw, "is one row too many of one person", f"at most {_MOST_ROWS} rows of one victim")
            else:
                person.rows.append(fields)
                person.originals.append(raw.original)
            continue
        if gone and hash(key) in gone:
            yield _refused(raw, "belongs to a person whose other rows stand far above", "the rows of one victim near each other")
            continue
        waiting[key] = _Person(raw, [fields], [raw.original])
        incidents[incident] = incidents.get(incident, 0) + 1
        if len(waiting) > _MOST_OPEN:
            oldest, done = waiting.popitem(last=False)
            gone.add(hash(oldest))
            yield _record(done, incidents.get(oldest[0], 1), is_json=is_json)
    for key, done in waiting.items():
        yield _record(done, incidents.get(key[0], 1), is_json=is_json)


def _record(person: _Person, victims: int, *, is_json: bool) -> RawRecord:
    raw = person.first
    raw.fields = {ROWS: person.rows, INCIDENT_VICTIMS: victims}
    if is_json:
        raw.original = "\n".join(part.replace("\r", " ").replace("\n", " ") for part in person.originals)
        raw.preface, raw.media_type = "", _NDJSON
    elif len(person.originals) > 1:
        raw.original = "".join(part if part.endswith(("\n", "\r")) else part + "\n" for part in person.originals)
    return raw


def _refused(raw: RawRecord, problem: str, expected: str) -> RawRecord:
    rejected = Rejected(Fault.MALFORMED, "victim_id", problem, expected, "sort the file by incident and victim")
    return RawRecord(raw.index, raw.line, raw.original, {}, raw.preface, rejected, raw.postface, raw.media_type)
