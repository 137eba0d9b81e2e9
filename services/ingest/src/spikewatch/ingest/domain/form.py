"""Reads what a web form posts: one record, its fields as texts."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl

from spikewatch.ingest.domain.record import RawRecord
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["FORM", "form_record"]

FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 200
_EXAMPLE: Final = "occurred_at=2026-05-01T14%3A03%3A00-04%3A00&zip=19401&outcome=nonfatal&reversal_given=yes"


def form_record(text: str, limit: int) -> Iterator[RawRecord]:
    """Cut the one record of a form. A field that comes several times, as check boxes do, becomes a list."""
    del limit  # a form is one record
    try:
        pairs = parse_qsl(text.strip(), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:  # also what is no UTF-8 once it is unescaped
        raise Rejected(Fault.MALFORMED, None, "is not a form", f"at most {_MOST_FIELDS} fields, name=value&…", _EXAMPLE) from None
    fields: dict[str, object] = {}
    for name, value in pairs:
        key = name.strip().lower()
        before = fields.get(key)
        fields[key] = value if before is None else [*before, value] if isinstance(before, list) else [before, value]
    yield RawRecord(0, 1, text, fields)
