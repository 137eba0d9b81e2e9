"""Writes the JSON of reports that share parts: what the readers and the classifier made for many of them is written once.

The bytes are those of ``Report.to_json``. An equal part that is not the same object is only written once more.
"""

from typing import Final

from pydantic_core import to_json

from spikewatch.contracts.report import Report

__all__ = ["report_json"]

_SHARED: Final = {"drugs", "reversal", "victims", "case_definition_hits", "case_definitions", "evidence", "quality"}
# Before these members the shared ones stand. A comma, a quote, a name, a quote and a colon in a row are never part of a text.
_AFTER_PERSON: Final = b',"disposition":'
_AFTER_FINDINGS: Final = b',"withdrawn":'
_AFTER_DOUBTS: Final = b',"submission_id":'
_MOST: Final = 8_192
_written: Final[dict[int, tuple[object, bytes]]] = {}  # by what the object is: it is held, so that no other takes its number
_write: Final = Report.__pydantic_serializer__.to_json


def report_json(report: Report) -> bytes:
    """Return the wire form of a report: UTF-8 JSON without absent fields."""
    own = _write(report, exclude_none=True, exclude=_SHARED)
    first = own.index(_AFTER_PERSON)
    second = own.index(_AFTER_FINDINGS, first)
    third = own.index(_AFTER_DOUBTS, second)
    evidence = report.evidence
    return b"".join(
        (
            *(own[:first], b',"drugs":', _part(report.drugs), b',"reversal":', _part(report.reversal)),
            *(b',"victims":', _part(report.victims), own[first:second]),
            *(b',"case_definition_hits":', _part(report.case_definition_hits)),
            *(b',"case_definitions":', _part(report.case_definitions)),
            *((b',"evidence":', _part(evidence)) if evidence is not None else ()),
            *(own[second:third], b',"quality":[', b",".join(map(_part, report.quality)), b"]", own[third:]),
        )
    )


def _part(value: object) -> bytes:
    known = _written.get(id(value))
    if known is not None:
        return known[1]
    made = to_json(value, exclude_none=True)
    if len(_written) >= _MOST:
        _written.clear()
    _written[id(value)] = (value, made)
    return made
