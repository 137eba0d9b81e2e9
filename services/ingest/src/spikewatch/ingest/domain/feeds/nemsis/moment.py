"""Which of a record's times is the best one of the overdose itself."""

from typing import Final

from spikewatch.contracts.report import QualityNote
from spikewatch.contracts.vocabulary import TimeBasis, TimePrecision
from spikewatch.ingest.domain.feeds.feed import Source
from spikewatch.ingest.domain.feeds.nemsis.elements import APPROXIMATE, Pcr
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.wall_clock import Instant, not_future, read_instant, zone_named

__all__ = ["best_moment"]

_CANDIDATES: Final = (
    ("eTimes.01", TimeBasis.PSAP_CALL),
    ("eTimes.03", TimeBasis.DISPATCH),
    ("eTimes.02", TimeBasis.DISPATCH),
    ("eSituation.01", TimeBasis.SYMPTOM_ONSET),
    ("eTimes.05", TimeBasis.DISPATCH),
    ("eTimes.06", TimeBasis.ON_SCENE),
    ("eTimes.07", TimeBasis.ON_SCENE),
    ("eTimes.09", TimeBasis.ON_SCENE),
    ("eTimes.11", TimeBasis.ARRIVAL),
    ("eTimes.13", TimeBasis.REPORTED),
)
_EXAMPLE: Final = "2026-05-01T14:03:00-04:00"


def best_moment(pcr: Pcr, source: Source) -> tuple[Instant, TimeBasis, list[QualityNote]]:
    """Return the first usable of the call, the dispatch, the onset, the arrival at the scene and so on, with its basis.

    The onset comes after the dispatch because crews estimate it; where it is all there is it counts, and one that is marked
    approximate is known to the hour only. A time that cannot be used is passed over, and noted, where another one can.

    Raises:
        Rejected: none can be used.
    """
    zone = zone_named(source.time_zone)
    first: Rejected | None = None
    for name, basis in _CANDIDATES:
        for value in pcr.stated(name):
            try:
                instant = _with_clock(read_instant(value.text, zone, name), name)
                not_future(instant, source.received_at, name)
            except Rejected as rejected:
                first = first or rejected
                continue
            notes = [QualityNote(field="occurred_at", code=code) for code in instant.notes]
            if value.text.endswith("Z"):
                notes.append(QualityNote(field="occurred_at", code="offset_written_z"))
            if first is not None:
                notes.append(QualityNote(field="occurred_at", code=f"{first.field}_unusable"))
            if value.pn == APPROXIMATE:
                notes.append(QualityNote(field="occurred_at", code="approximate"))
                instant = instant._replace(precision=TimePrecision.HOUR)
            return instant, basis, notes
    if first is not None:
        raise first
    raise Rejected(Fault.MISSING_FIELD, "eTimes.01", "is missing, and so is every other time", "a date and time with its offset", _EXAMPLE)


def _with_clock(instant: Instant, name: str) -> Instant:
    if instant.precision is TimePrecision.DATE:
        raise Rejected(Fault.INVALID_FIELD, name, "is a day without a time", "a date and time with its offset", _EXAMPLE)
    return instant
