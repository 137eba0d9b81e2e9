"""Reads what a web form posts: one record, its fields as texts."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_plus

from spikewatch.ingest.domain.record import RawRecord
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["FORM", "form_record"]

FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 200
_LONGEST: Final = 1 << 20  # characters of a form: unescaping takes a second and a gigabyte for ten million
_EXAMPLE: Final = "occurred_at=2026-05-01T14%3A03%3A00-04%3A00&zip=19401&outcome=nonfatal&reversal_given=yes"
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


def form_record(text: str, limit: int) -> Iterator[RawRecord]:
    """Cut the one record of a form. A field that comes several times, as check boxes do, becomes a list.

    Raises:
        Rejected: it is no form, holds an escape that stands for nothing, or text that is no UTF-8 once it is unescaped.
    """
    del limit  # a form is one record
    body = text.strip()
    if len(body) > _LONGEST:
        raise Rejected(Fault.TOO_LARGE, None, "is too long for one report", f"a form of at most {_LONGEST:,} characters", _EXAMPLE)
    if body.count("&") >= _MOST_FIELDS:
        raise _malformed("has too many fields", f"at most {_MOST_FIELDS} fields, name=value&…")
    escape = _BROKEN_ESCAPE.search(body)
    if escape is not None:
        problem = f"has a % without two hexadecimal digits after it (character {escape.start() + 1})"
        raise _malformed(problem, "each % of a value as %25")
    fields: dict[str, object] = {}
    for number, pair in enumerate(body.split("&"), start=1):
        if not pair:
            continue  # nothing between two marks, or after the last one, says nothing
        name, mark, value = pair.partition("=")
        if not mark:
            raise _malformed(f"has no = in field {number}", "name=value&…")
        try:
            key, said = unquote_plus(name, errors="strict").strip().lower(), unquote_plus(value, errors="strict")
        except UnicodeDecodeError:
            problem = f"is not UTF-8 once it is unescaped (field {number})"
            raise Rejected(Fault.WRONG_ENCODING, None, problem, "a form in UTF-8", '<form accept-charset="utf-8">') from None
        before = fields.get(key)
        fields[key] = said if before is None else [*before, said] if isinstance(before, list) else [before, said]
    yield RawRecord(0, 1, text, fields)


def _malformed(problem: str, expected: str) -> Rejected:
    return Rejected(Fault.MALFORMED, None, "is not a form: " + problem, expected, _EXAMPLE)
