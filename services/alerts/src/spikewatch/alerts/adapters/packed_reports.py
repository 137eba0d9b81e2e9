"""The reports of overdoses as bytes: a third of what the same takes as fields of a document, written and read in a third of the time.

After a byte for the form, each overdose: how many reports, and of each its three ids, what follows, and the texts with their lengths.
"""

from struct import Struct
from typing import Final
from uuid import UUID

from spikewatch.alerts.domain.contributed import ReportRow

__all__ = ["packed", "unpacked"]

_FORM: Final = b"\x01"
_NUMBER: Final = Struct("<H")
# what follows, when it came first, and the lengths of the agency's id, the kind of source and the trace
_REPORT: Final = Struct("<16s16s16sBqHHH")
_HAS_TRACE, _TRACE_IS_HEX, _HAS_RECEIVED = 1, 2, 4
_TRACE_DIGITS: Final = 32

Reports = tuple[tuple[ReportRow, ...], ...]
"""For each overdose its reports."""


def packed(reports: Reports) -> bytes:
    """Return the reports of some overdoses as bytes."""
    parts = [_FORM]
    for rows in reports:
        parts.append(_NUMBER.pack(len(rows)))
        for report, key, agency, source, submission, trace, received in rows:
            told, follows = _trace(trace)
            named, kind = agency.encode(), source.encode()
            if received is not None:
                follows |= _HAS_RECEIVED
            ids = (report.bytes, key.bytes, submission.bytes)
            parts += (_REPORT.pack(*ids, follows, received or 0, len(named), len(kind), len(told)), named, kind, told)
    return b"".join(parts)


def _trace(trace: str | None) -> tuple[bytes, int]:
    if trace is None:
        return b"", 0
    if len(trace) == _TRACE_DIGITS and trace.isascii() and trace.isalnum() and trace == trace.lower():
        try:
            return bytes.fromhex(trace), _HAS_TRACE | _TRACE_IS_HEX
        except ValueError:
            pass
    return trace.encode(), _HAS_TRACE


def unpacked(told: bytes) -> Reports:
    """Return the reports that were packed.

    Raises:
        ValueError: a newer version packed them in another form.
    """
    if told[:1] != _FORM:
        raise ValueError("reports are packed in a form that this version does not read")
    place, overdoses = 1, []
    while place < len(told):
        (number,) = _NUMBER.unpack_from(told, place)
        place += _NUMBER.size
        rows: list[ReportRow] = []
        for _ in range(number):
            report, key, submission, follows, received, named, kind, traced = _REPORT.unpack_from(told, place)
            agency_at = place + _REPORT.size
            source_at = agency_at + named
            trace_at = source_at + kind
            place = trace_at + traced
            rows.append(
                (
                    UUID(bytes=report),
                    UUID(bytes=key),
                    told[agency_at:source_at].decode(),
                    told[source_at:trace_at].decode(),
                    UUID(bytes=submission),
                    _read_trace(told[trace_at:place], follows),
                    received if follows & _HAS_RECEIVED else None,
                )
            )
        overdoses.append(tuple(rows))
    return tuple(overdoses)


def _read_trace(told: bytes, follows: int) -> str | None:
    if not follows & _HAS_TRACE:
        return None
    return told.hex() if follows & _TRACE_IS_HEX else told.decode()
