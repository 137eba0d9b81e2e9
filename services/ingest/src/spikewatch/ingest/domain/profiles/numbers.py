"""Reads the numbers by which an agency knows its records, by a profile."""

import re
from collections.abc import Callable
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
_WHOLE_FLOAT: Final = re.compile(r"(\d{1,18})\.0", re.ASCII)


def record_id(cells: Cells, spec: RecordId) -> Callable[[Fields, Source], str]:
    """Return what makes the record id of a row; it raises ``Rejected`` where the columns give none."""
    readers = [cells.text((column,)) for column in spec.columns]
    field = ", ".join(spec.columns)[:200]
    expected = "letters, digits and ._:/#-, at most 64, no person's number"

    def hashed(row: Fields, source: Source) -> str:
        parts = [cell(row) or "" for cell in readers]
        if not any(parts):
            raise Rejected(Fault.MISSING_FIELD, field, "is missing", "at least one of the columns of the record id", "2026-004711")
        # Case and blanks are not what makes a row another one.
        return source.hashed_id(*(" ".join(part.lower().split()) for part in parts))

    def plain(row: Fields, source: Source) -> str:
        parts: list[str] = []
        for cell in readers:
            text = cell(row)
            if text is None:
                raise Rejected(Fault.MISSING_FIELD, field, "is missing", expected, "2026-004711")
            if match := _WHOLE_FLOAT.fullmatch(text):
                text = match[1]  # 44212.0: a spreadsheet's way to write 44212
            if not _RECORD.fullmatch(text):
                raise Rejected(Fault.INVALID_FIELD, field, "is not of the expected form", expected, "2026-004711")
            if is_identifying(text) or not is_number(text):
                raise Rejected(Fault.INVALID_FIELD, field, "is no number, or looks like a personal identifier", expected, "2026-004711")
            parts.append(text)
        joined = "/".join(parts)
        return joined if len(joined) <= 128 else source.hashed_id(*parts)  # the contract's longest id

    return hashed if spec.hash else plain


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
        if not _RECORD.fullmatch(text) or is_identifying(text) or not is_number(text):
            doubts.append(noted)
            return None
        return text

    return read
