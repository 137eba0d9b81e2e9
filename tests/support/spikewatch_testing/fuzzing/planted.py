"""Identifiers that must never come out, and every place of an input where one can be put."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from xml.sax.saxutils import escape

from spikewatch_testing.fuzzing.forms import form_values

__all__ = ["BIRTHDAY", "NAME", "PLANTED", "VALUES", "leaks", "places", "report_leaks"]

# A name, a birth date in two forms, a phone, a social security number, record numbers, an e-mail, a person's street.
NAME, BORN, BIRTHDAY, PHONE, NUMBER = "Zebulon Quillfeather", "1957-03-11", "03/11/1957", "(610) 555-0143", "078-05-1120"
MRN, CHART, MAIL = "MRN 88442211", "MRN88442211", "zq.quillfeather@example.org"
CARE_OF = "C/O ZEBULON QUILLFEATHER"
SURNAME = "Quillfeather"
VALUES = (
    NAME, SURNAME, BORN, BIRTHDAY, PHONE, NUMBER, MRN, CHART, MAIL, f"100 Main St {CARE_OF}",
    f"{NAME} {BORN} {PHONE} {NUMBER} {MRN} {MAIL}",
)  # fmt: skip
# What is looked for, in small letters.
PLANTED = ("quillfeather", "1957-03-11", "03/11/1957", "555-0143", "078-05-1120", "88442211")
# The texts of a report that name a place: a person's name in one cannot be told from a street's or a town's.
_PLACE_TEXTS = ("address", "intersection", "city")

Plant = Callable[[str], bytes]


def leaks(text: str) -> list[str]:
    """Return the planted identifiers that a text holds."""
    lowered = text.lower()
    return [planted for planted in PLANTED if planted in lowered]


def report_leaks(report: dict[str, object], *, value: str | None = None) -> list[str]:
    """Return those that a report holds where it must not.

    A bare name in the text of a place is the one limit that is documented; with a mark before it, or beside any other
    identifier, nothing may stay.
    """
    location = dict(report.get("location") or {})  # type: ignore[call-overload]
    texts = {name: location.pop(name, None) for name in _PLACE_TEXTS}
    found = leaks(json.dumps(report | {"location": location}, ensure_ascii=False))
    in_places = leaks(" ".join(text for text in texts.values() if text))
    is_bare_name = value is None or value == SURNAME or NAME in value
    return found + [planted for planted in in_places if not (is_bare_name and planted == "quillfeather")]


def places(body: bytes, media_type: str) -> Iterator[tuple[str, Plant]]:
    """Yield every value of an input, with what puts another text in its place."""
    if "spreadsheetml" in media_type:
        yield from _cells_of_workbook(body)
    elif "ndjson" in media_type:
        lines = body.decode().splitlines()
        for number, line in enumerate(lines):
            for where, plant in _json_values(line):
                yield f"line {number} {where}", partial(_on_line, lines, number, plant)
    elif "json" in media_type:
        yield from _json_values(body.decode())
    elif "xml" in media_type:
        yield from _xml_values(body.decode())
    elif "csv" in media_type:
        yield from _cells(body.decode("utf-8-sig"))
    elif "form" in media_type:
        yield from form_values(body.decode())
    else:
        yield from _hl7_values(body.decode())


def _on_line(lines: list[str], number: int, plant: Plant, text: str) -> bytes:
    return "\n".join([*lines[:number], plant(text).decode(), *lines[number + 1 :]]).encode()


def _json_values(text: str) -> Iterator[tuple[str, Plant]]:
    try:
        value = json.loads(text)
    except ValueError:
        return
    for path in _paths(value):
        yield "/".join(map(str, path)), lambda planted, path=path: json.dumps(_replaced(value, path, planted)).encode()
        if path and isinstance(path[-1], str):
            yield "/".join(map(str, path)) + " (name)", lambda planted, path=path: json.dumps(_renamed(value, path, planted)).encode()


def _paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in members:
        yield (*path, name)
        yield from _paths(part, (*path, name))


def _replaced(value: object, path: tuple[str | int, ...], planted: str) -> object:
    if not path:
        return planted
    if isinstance(value, dict):
        return {name: _replaced(part, path[1:], planted) if name == path[0] else part for name, part in value.items()}
    assert isinstance(value, list)
    return [_replaced(part, path[1:], planted) if number == path[0] else part for number, part in enumerate(value)]


def _renamed(value: object, path: tuple[str | int, ...], planted: str) -> object:
    if isinstance(value, dict):
        if len(path) == 1:
            return {planted if name == path[0] else name: part for name, part in value.items()}
        return {name: _renamed(part, path[1:], planted) if name == path[0] else part for name, part in value.items()}
    assert isinstance(value, list)
    return [_renamed(part, path[1:], planted) if number == path[0] else part for number, part in enumerate(value)]


def _cells(text: str) -> Iterator[tuple[str, Plant]]:
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error:
        return
    for at, row in enumerate(rows):
        for column in range(len(row) + 1):  # one beyond: a cell too many
            yield f"row {at} column {column}", lambda planted, at=at, column=column: _written(rows, at, column, planted)


def _written(rows: list[list[str]], at: int, column: int, planted: str) -> bytes:
    out = io.StringIO()
    changed = [*rows[at][:column], planted, *rows[at][column + 1 :]]
    csv.writer(out).writerows([*rows[:at], changed, *rows[at + 1 :]])
    return out.getvalue().encode()


def _hl7_values(text: str) -> Iterator[tuple[str, Plant]]:
    segments = re.split(r"\r\n|\r|\n", text)
    for at, segment in enumerate(segments):
        fields = segment.split("|")
        for number in range(0 if at else 2, len(fields)):
            parts = fields[number].split("^")
            for part in range(len(parts)):
                yield f"segment {at} field {number} component {part + 1}", partial(_in_segment, segments, at, number, part)


def _in_segment(segments: list[str], at: int, number: int, part: int, planted: str) -> bytes:
    fields = segments[at].split("|")
    parts = fields[number].split("^")
    parts[part] = planted
    fields[number] = "^".join(parts)
    return "\r".join([*segments[:at], "|".join(fields), *segments[at + 1 :]]).encode()


def _xml_values(text: str) -> Iterator[tuple[str, Plant]]:
    for number, match in enumerate(re.finditer(r">([^<>]+)</|=\"([^\"<>]*)\"", text)):
        group = 1 if match[1] is not None else 2
        if not match[group].strip():
            continue

        def plant(planted: str, start: int = match.start(group), end: int = match.end(group)) -> bytes:
            return (text[:start] + escape(planted, {'"': "&quot;"}) + text[end:]).encode()

        yield f"value {number}", plant


def _cells_of_workbook(body: bytes) -> Iterator[tuple[str, Plant]]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(body))
    except zipfile.BadZipFile:
        return
    for name in archive.namelist():
        if name.endswith(".xml") and ("sharedStrings" in name or "worksheets" in name):
            part = archive.read(name).decode()
            for match in re.finditer(r"<(?:t|v)(?: [^>]*)?>([^<]*)</", part):

                def plant(planted: str, name: str = name, part: str = part, start: int = match.start(1), end: int = match.end(1)) -> bytes:
                    return _repacked(archive, {name: (part[:start] + escape(planted) + part[end:]).encode()})

                yield f"{name} {match.start(1)}", plant


def _repacked(archive: zipfile.ZipFile, changed: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as written:
        for name in archive.namelist():
            written.writestr(name, changed.get(name) or archive.read(name))
    return out.getvalue()
