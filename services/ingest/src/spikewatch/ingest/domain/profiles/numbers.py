"""Reads the numbers by which an agency knows its records, by a profile."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from spikewatch.contracts.report import QualityNote
from spikewatch.ingest.domain.feeds.feed import Source
from spikewatch.ingest.domain.identifying import is_identifying, is_number
from spikewatch.ingest.domain.profiles.cells import NOT_RECOGNISED, Cells, Doubts, value
from spikewatch.ingest.domain.profiles.model import Profile, RecordId
from spikewatch.ingest.domain.record import Fields
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["own_number", "record_id"]

_RECORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/#-]{0,63}", re.ASCII)
# As nearly all are: nothing that is a person's has so few marks, a year or two letters before it at most.
_is_plain: Final = re.compile(r"(?:[A-Za-z]{1,2}-?)?\d{1,29}(?:-\d{1,29})?", re.ASCII).fullmatch
_WHOLE_FLOAT: Final = re.compile(r"(\d{1,18})\.0", re.ASCII)
_LONGEST: Final = 128  # characters: the contract's longest id
_EXPECTED: Final = "letters, digits and ._:/#-, at most 64, no person's number"
_EXAMPLE: Final = "2026-004711"


def record_id(cells: Cells, spec: RecordId) -> Callable[[Fields, Source], str]:
    """Return what makes the record id of a row; it raises ``Rejected`` where the columns give none."""
    readers = [cells.text((column,)) for column in spec.columns]
    field = ", ".join(spec.columns)[:200]
    if spec.hash:
        return _hashed(readers, field)

    def part(row: Fields, cell: Callable[[Fields], str | None]) -> str:
        text = cell(row)
        if text is None:
            raise Rejected(Fault.MISSING_FIELD, field, "is missing", _EXPECTED, _EXAMPLE)
        return text if _is_plain(text) else _checked(text, field)

    if len(readers) == 1:
        only = readers[0]
        return lambda row, _source: part(row, only)

    def joined(row: Fields, source: Source) -> str:
        parts = [part(row, cell) for cell in readers]
        together = "/".join(parts)
        return together if len(together) <= _LONGEST else source.hashed_id(*parts)

    return joined


def _hashed(readers: Sequence[Callable[[Fields], str | None]], field: str) -> Callable[[Fields, Source], str]:
    def read(row: Fields, source: Source) -> str:
        parts = [cell(row) or "" for cell in readers]
        # Case and blanks are not what makes a row another one.
        together = "".join(parts)
        if not together:
            raise Rejected(Fault.MISSING_FIELD, field, "is missing", "at least one of the columns of the record id", _EXAMPLE)
        if "  " in together or not together.isprintable():  # no other blank than the usual one can be printed
            parts = [" ".join(part.split()) for part in parts]
        return source.hashed_id(*[part.lower() for part in parts])

    return read


def _checked(text: str, field: str) -> str:
    if match := _WHOLE_FLOAT.fullmatch(text):
        text = match[1]  # 44212.0: a spreadsheet's way to write 44212
    if not _RECORD.fullmatch(text):
        raise Rejected(Fault.INVALID_FIELD, field, "is not of the expected form", _EXPECTED, _EXAMPLE)
    if is_identifying(text) or not is_number(text):
        raise Rejected(Fault.INVALID_FIELD, field, "is no number, or looks like a personal identifier", _EXPECTED, _EXAMPLE)
    return text


def own_number(cells: Cells, profile: Profile, field: str) -> Callable[[Fields, str, Doubts], str | None] | None:
    """Return what reads a number of the agency's, given the row's record id; None where the profile does not map it."""
    spec = getattr(profile, field)
    if spec is None:
        return None
    reader = value(cells, spec, field)
    noted = QualityNote(field=field, code=NOT_RECOGNISED)

    def read(row: Fields, record: str, doubts: Doubts) -> str | None:
        text = reader(row, doubts)
        if text is record:  # one cell for both, which was checked as the record id
            return record
        if not isinstance(text, str):
            return None
        if _is_plain(text):
            return text
        if not _RECORD.fullmatch(text) or is_identifying(text) or not is_number(text):
            doubts.append(noted)
            return None
        return text

    return read
