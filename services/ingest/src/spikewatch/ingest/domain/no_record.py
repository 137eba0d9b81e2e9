"""Says what a refused row seems to be instead of a record: a table's row of totals, or an object around a list of records."""

import re
from typing import Final

from spikewatch.ingest.domain.record import Fields
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["explained"]

_LONGEST: Final = 60  # characters of a cell that says so
# Total, Grand Total:, TOTAL OVERDOSES, Subtotal for May, Total: 57; a street may be called Total Wine.
_TOTALS: Final = re.compile(
    r"(?:(?:grand|sub|report|overall|monthly|weekly|annual|yearly)[ -]*)?totals?"
    r"(?:\s+(?:overdoses?|ods?|reports?|rows?|records?|incidents?|cases?|count|number|for|of)\b.{0,40})?\s*[:=]?\s*[\d,]*",
    re.IGNORECASE,
)
_OF_A_RECORD: Final = frozenset({Fault.MISSING_FIELD, Fault.INVALID_FIELD, Fault.OUT_OF_RANGE})


def explained(fields: Fields, rejected: Rejected) -> Rejected:
    """Return the rejection, with what the record seems to be where that is known: it is refused all the same."""
    if rejected.fault not in _OF_A_RECORD:
        return rejected
    cells = list(fields.values())
    if any(isinstance(cell, str) and len(cell) <= _LONGEST and _TOTALS.fullmatch(cell.strip()) for cell in cells):
        problem = f"{rejected.problem}; it looks like a row of totals, which may be left out"
        return Rejected(rejected.fault, rejected.field, problem, rejected.expected, rejected.example)
    lists = [cell for cell in cells if isinstance(cell, list) and cell and all(isinstance(one, dict) for one in cell)]
    if lists and rejected.fault is Fault.MISSING_FIELD:
        problem = f"{rejected.problem}; a member of the object holds a list of objects"
        return Rejected(rejected.fault, rejected.field, problem, f"a list of records, or {rejected.expected}", rejected.example)
    return rejected
