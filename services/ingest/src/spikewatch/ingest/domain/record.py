"""Cuts the bytes of a submission into records; one bad record never spoils the others.

Each record keeps its original bytes, so that a refused one can wait alone and be replayed alone.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final, NoReturn

from spikewatch.ingest.domain.json_lists import list_name, without_feature
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["Fields", "RawRecord", "Split", "TextSplit", "as_text", "json_lines", "json_records", "of_text", "over_limit"]

Fields = Mapping[str, object]
"""One record's fields by name. CSV gives texts, JSON any JSON value, other formats what their ``read`` understands."""

_MAX_DEPTH: Final = 16  # the deepest dictionary of ours has two levels; deeper nesting is a mistake or an attack
_BOM: Final = "\ufeff"
_JSON_EXAMPLE: Final = '{"occurred_at": "2026-05-01T14:03:00-04:00", "outcome": "nonfatal", …}'
_BLANK: Final = " \t\r\n"


@dataclass(slots=True)  # not frozen: that costs five times as much to make, a million times
class RawRecord:
    """One record of a submission.

    Attributes:
        index: its place among the records, from 0.
        line: the line it starts on, from 1.
        fields: its fields; empty when ``rejected`` is set.
        original: its text as sent.
        preface: what must stand before it when it travels alone (a CSV's header line).
        postface: what must stand after it when it travels alone (an XML document's closing tags).
        media_type: of the record when it travels alone; None: as the submission's (a spreadsheet's row travels as CSV).
        rejected: why it could not even be cut into fields.
        is_skipped: it is sound but no record, such as a header that stands in the middle; it is accounted for as no overdose.
    """

    index: int
    line: int
    original: str
    fields: Fields = field(default_factory=dict)
    preface: str = ""
    rejected: Rejected | None = None
    postface: str = ""
    media_type: str | None = None
    is_skipped: bool = False

    def alone(self) -> bytes:
        """Return this record as a submission of its own; bytes that were no UTF-8 are those that came."""
        return (self.preface + self.original + self.postface).encode("utf-8", "surrogateescape")


Split = Callable[[BinaryIO, int], Iterator[RawRecord]]
"""Cuts a stream of bytes into at most so many records, as lazily as the format allows.

What breaks off after the first record ends with a record that is ``rejected``: those before it stand.

Raises:
    Rejected: the bytes as a whole cannot be cut, or hold more records than the limit.
"""

TextSplit = Callable[[str, int], Iterator[RawRecord]]
"""The same for a format whose whole text is held in memory."""


def of_text(split: TextSplit) -> Split:
    """Return a splitter of bytes that reads all of them as text first."""

    def cut(stream: BinaryIO, limit: int) -> Iterator[RawRecord]:
        return split(as_text(stream.read()), limit)

    return cut


def as_text(body: bytes) -> str:
    """Decode a submission; a byte order mark is dropped.

    Raises:
        Rejected: it is not UTF-8, or empty.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        problem = f"is not UTF-8 (first at byte {error.start})"
        raise Rejected(Fault.WRONG_ENCODING, None, problem, "UTF-8 text", "export the file as UTF-8") from None
    if "\0" in text[:2]:
        # Plain letters in UTF-16 or UTF-32 are also UTF-8, with a NUL beside each.
        raise Rejected(Fault.WRONG_ENCODING, None, "is UTF-16 or UTF-32", "UTF-8 text", "export the file as UTF-8")
    text = text.removeprefix(_BOM)
    if not text.strip(_BLANK):
        raise Rejected(Fault.MALFORMED, None, "is empty", "at least one record", _JSON_EXAMPLE)
    return text


def over_limit(limit: int) -> Rejected:
    """Return the rejection of a submission with too many records."""
    return Rejected(Fault.TOO_LARGE, None, "holds too many records", f"at most {limit} records in one submission", "send it in parts")


def json_records(text: str, limit: int) -> Iterator[RawRecord]:
    """Cut one JSON object, an array of them, or an object around one list of them: ``{"reports": [...]}``."""
    start = _after_blank(text, 0)
    if text[start : start + 1] != "[":
        value, end = _decode(text, start)
        if _after_blank(text, end) != len(text):
            raise _malformed_json("has something after its end")
        name = list_name(value) if isinstance(value, dict) else None
        if name is None:
            yield _json_record(0, 1, text, value)
            return
        del value  # cut again below, one by one
        text, start = _member(text, start, name), 0
    for index, (at, end, value) in enumerate(_elements(text, start)):
        if index >= limit:
            raise over_limit(limit)
        yield _json_record(index, 1, text[at:end], value)


def json_lines(text: str, limit: int) -> Iterator[RawRecord]:
    """Cut JSON lines; blank lines are skipped, a broken line is refused alone."""
    index = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip(_BLANK):
            continue
        if index >= limit:
            raise over_limit(limit)
        try:
            start = _after_blank(line, 0)
            value, end = _decode(line, start)
            if _after_blank(line, end) != len(line):
                raise _malformed_json("has something after its end")
        except Rejected as rejected:
            yield RawRecord(index, number, line, rejected=rejected)
        else:
            yield _json_record(index, number, line, value)
        index += 1


def _elements(text: str, start: int) -> Iterator[tuple[int, int, object]]:
    at = _after_blank(text, start + 1)
    if text[at : at + 1] == "]":
        raise Rejected(Fault.MALFORMED, None, "is an empty array", "at least one record", _JSON_EXAMPLE)
    while True:
        value, end = _decode(text, at)
        yield at, end, value
        at = _after_blank(text, end)
        mark = text[at : at + 1]
        if mark == ",":
            at = _after_blank(text, at + 1)
        elif mark == "]" and _after_blank(text, at + 1) == len(text):
            return
        else:
            raise _malformed_json("has something after its end" if mark == "]" else f"breaks off near character {at}")


def _member(text: str, start: int, name: str) -> str:
    """Return the text of a member of the object that starts there and is sound JSON; of several with that name the last counts."""
    found, at = "", _after_blank(text, start + 1)
    while text[at] != "}":
        key, end = _decode(text, at)
        at = _after_blank(text, _after_blank(text, end) + 1)  # over the colon
        _, end = _decode(text, at)
        if key == name:
            found = text[at:end]
        at = _after_blank(text, end)
        if text[at] == ",":
            at = _after_blank(text, at + 1)
    return found


def _json_record(index: int, line: int, original: str, value: object) -> RawRecord:
    if not isinstance(value, dict):
        rejected = Rejected(Fault.MALFORMED, None, "is not a JSON object", "one object a report", _JSON_EXAMPLE)
        return RawRecord(index, line, original, rejected=rejected)
    # Counting brackets first spares nearly every record the walk.
    if original.count("{") + original.count("[") > _MAX_DEPTH and _deeper_than(value, _MAX_DEPTH):
        rejected = Rejected(Fault.MALFORMED, None, "is nested too deeply", f"at most {_MAX_DEPTH} levels", _JSON_EXAMPLE)
        return RawRecord(index, line, original, rejected=rejected)
    return RawRecord(index, line, original, without_feature(value) if "attributes" in value or "properties" in value else value)


def _deeper_than(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    if levels == 0:
        return True
    return any(_deeper_than(part, levels - 1) for part in (value.values() if isinstance(value, dict) else value))


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant)


def _decode(text: str, at: int) -> tuple[object, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise _malformed_json(f"breaks off near character {error.pos}") from None
    except (ValueError, RecursionError):
        # NaN, a number of thousands of digits, or nesting beyond the decoder's stack.
        raise _malformed_json("holds a number or a nesting that is no record's") from None


def _malformed_json(problem: str) -> Rejected:
    return Rejected(Fault.MALFORMED, None, f"is not JSON: {problem}", "one JSON object, an array of them, or one a line", _JSON_EXAMPLE)


def _after_blank(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANK:
        at += 1
    return at
