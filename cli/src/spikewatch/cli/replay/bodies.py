"""Cuts a feed's file into bodies of a few hundred records each, every record's bytes as they were.

It never judges a record: what cannot be read here is sent as it is, so that the gateway says what is wrong with it.
"""

import codecs
import csv
import gzip
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, BinaryIO, Final
from zoneinfo import ZoneInfo

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.files.media_types import media_type
from spikewatch.cli.files.opened import opened
from spikewatch.ingest.domain.feeds.feed import Feed
from spikewatch.ingest.domain.record import RawRecord
from spikewatch.ingest.domain.rejection import Rejected

__all__ = ["Body", "bodies", "read_bodies"]

_CSV: Final = "text/csv"
_JSON: Final = "application/json"
_JSON_LINES: Final = "application/x-ndjson"
_MAX_LINES: Final = 50  # of one CSV row: a quote that is never closed must not swallow the file
# Formats whose every line or element is a record: cut without being understood, with the event time for the pace.
_ROW_BY_ROW: Final = frozenset({"statutory", "cad_911"})
_BY_LINES: Final = frozenset({_CSV, _JSON, _JSON_LINES})
_JOINED: Final = frozenset({_CSV, "application/xml", "text/xml", "application/hl7-v2"})
_MOST_BYTES: Final = 512_000  # of one body, half of what the gateway takes by default
_TIME_FIELDS: Final = ("occurred_at", "timeStamp")


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of one request.

    Attributes:
        newest: the latest event time in it, as far as it can be read.
        lines: the line of the file on which each record starts, from 1; empty where lines say nothing.
    """

    content: bytes
    content_type: str
    records: int
    newest: datetime | None = None
    lines: tuple[int, ...] = ()


_Part = tuple[int, bytes]
"""One record's bytes and the line on which it starts."""


@contextmanager
def _opened(path: str) -> Iterator[IO[bytes]]:
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        with gzip.open(path) if path.endswith(".gz") else Path(path).open("rb") as file:
            yield file  # type: ignore[misc]  # a GzipFile reads like any binary file
    except gzip.BadGzipFile:
        raise CannotRun(f"{path} is not gzip, though its name says so; rename it or compress it.") from None
    except (OSError, EOFError) as error:
        raise CannotRun(f"{path} cannot be read ({getattr(error, 'strerror', None) or 'it breaks off'}); check the path.") from None


def read_bodies(path: str, *, records: int, zone: ZoneInfo, feed: Feed | None = None) -> Iterator[Body]:
    """Yield the bodies of one file (``-``: standard input).

    Args:
        path: the file; its extension tells what it is, or its first bytes.
        records: of one body at most.
        zone: of times without one.
        feed: the format, which tells the media types it comes in and cuts what lines do not; None: a table or JSON.

    Raises:
        CannotRun: the file cannot be read.
    """
    if feed is None:
        kind = path.removesuffix(".gz").rpartition(".")[2].lower()
        content_type = {"csv": _CSV, "json": _JSON}.get(kind, _JSON_LINES)
        with _opened(path) as file:
            yield from bodies(file, content_type, records=records, zone=zone)
        return
    with opened(path) as known:
        content_type = media_type(path, known.start, feed.splits)
        if feed.name in _ROW_BY_ROW and content_type in _BY_LINES and _is_utf8_table(content_type, known.start):
            yield from bodies(known.stream, content_type, records=records, zone=zone)
        else:
            yield from _cut_bodies(known.stream, content_type, feed, records)


def _is_utf8_table(content_type: str, start: bytes) -> bool:
    """Tell whether lines can be cut as they are: a table in UTF-16 cannot."""
    return content_type != _CSV or not (start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in start[:64])


def _cut_bodies(stream: BinaryIO, content_type: str, feed: Feed, records: int) -> Iterator[Body]:
    """Yield bodies of whole records as the format itself cuts them, each small enough for the gateway.

    What it cannot cut is sent as it is, so that the gateway says what is wrong with it.
    """
    cut = feed.records(stream, content_type, limit=sys.maxsize)
    held: list[RawRecord] = []
    size = 0
    try:
        for record in cut:
            if record.is_skipped:
                continue
            part = len(record.original)
            alike = not held or (record.preface, record.postface, record.media_type) == (
                held[0].preface,
                held[0].postface,
                held[0].media_type,
            )
            if held and (not alike or len(held) >= records or size + part > _MOST_BYTES or not _joins(content_type, held[0])):
                yield _body_of(held, content_type)
                held, size = [], 0
            held.append(record)
            size += part
    except Rejected as rejected:
        if not held:
            raise CannotRun(f"the file cannot be cut into records: {rejected}") from None
    if held:
        yield _body_of(held, content_type)


def _joins(content_type: str, first: RawRecord) -> bool:
    """Tell whether several records can stand in one body, between one preface and one postface."""
    return type(first) is RawRecord and ((first.media_type or content_type) in _JOINED)


def _body_of(held: list[RawRecord], content_type: str) -> Body:
    first = held[0]
    kind = first.media_type or content_type
    if len(held) == 1:
        return Body(first.alone(), kind, 1, None, (first.line,))
    between = "" if kind == _CSV else "\n"
    text = first.preface + between.join(record.original for record in held) + first.postface
    return Body(text.encode("utf-8", "surrogateescape"), kind, len(held), None, tuple(record.line for record in held))


def bodies(file: IO[bytes], content_type: str, *, records: int, zone: ZoneInfo) -> Iterator[Body]:
    """Yield the bodies of an opened file; ``zone`` is that of its times without one."""
    if content_type == _CSV:
        yield from _csv_bodies(file, records, zone)
    elif content_type == _JSON:
        yield from _json_bodies(file.read(), records, zone)
    else:
        lines = ((number, line if line.endswith(b"\n") else line + b"\n") for number, line in enumerate(file, 1) if line.strip())
        yield from _joined(lines, b"", _JSON_LINES, records, lambda line: _time_of_json(line, zone))


def _joined(
    parts: Iterable[_Part], preface: bytes, content_type: str, records: int, time_of: Callable[[bytes], datetime | None]
) -> Iterator[Body]:
    parts = iter(parts)
    while held := list(islice(parts, records)):
        newest: datetime | None = None
        for _, part in held:
            newest = _later(newest, time_of(part))
        content = preface + b"".join(part for _, part in held)
        yield Body(content, content_type, len(held), newest, tuple(line for line, _ in held))


def _json_bodies(content: bytes, records: int, zone: ZoneInfo) -> Iterator[Body]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, list) or not value:
        yield Body(content, _JSON, 1, _time_in(value, zone))
        return
    for first in range(0, len(value), records):
        part = value[first : first + records]
        newest: datetime | None = None
        for record in part:
            newest = _later(newest, _time_in(record, zone))
        yield Body(json.dumps(part, separators=(",", ":")).encode(), _JSON, len(part), newest)


def _csv_bodies(file: IO[bytes], records: int, zone: ZoneInfo) -> Iterator[Body]:
    rows = _csv_rows(file)
    header = next(rows, (1, b""))[1].removeprefix(codecs.BOM_UTF8)
    names = _cells(header)
    column = next((names.index(name) for name in _TIME_FIELDS if name in names), None)

    def time_of(row: bytes) -> datetime | None:
        if column is None:
            return None
        cells = _cells(row)
        return _moment(cells[column], zone) if column < len(cells) else None

    yield from _joined(rows, header, _CSV, records, time_of)


def _cells(row: bytes) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(row.decode(errors="replace"), newline="")), [])
    except csv.Error:
        return []  # a broken row has no time that could be read; the gateway says what is wrong with it


def _csv_rows(file: IO[bytes]) -> Iterator[_Part]:
    """Yield the rows; one with an open quote goes on over the next lines."""
    held: list[bytes] = []
    quotes = 0
    start = 1
    for number, line in enumerate(file, 1):
        if not held:
            if not line.strip():
                continue
            start = number
        held.append(line if line.endswith(b"\n") else line + b"\n")
        quotes += line.count(b'"')
        if quotes % 2 == 0 or len(held) == _MAX_LINES:
            yield start, b"".join(held)
            held, quotes = [], 0
    if held:
        yield start, b"".join(held)


def _time_of_json(line: bytes, zone: ZoneInfo) -> datetime | None:
    try:
        return _time_in(json.loads(line), zone)
    except (ValueError, RecursionError):
        return None


def _time_in(record: object, zone: ZoneInfo) -> datetime | None:
    return _moment(record.get("occurred_at"), zone) if isinstance(record, dict) else None


def _moment(text: object, zone: ZoneInfo) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return max(one, other)
