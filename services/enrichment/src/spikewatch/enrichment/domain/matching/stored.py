"""The compared fields of a report as they are kept: a list in JSON, a fifth of the located report and ten times as fast to read."""

import json
from typing import Final
from uuid import UUID

from spikewatch.enrichment.domain.matching.records import Compared, revision_of

__all__ = ["FORMAT", "packed", "unpacked"]

FORMAT: Final = 3
"""What ``packed`` writes, and by which blocks it is found.

A report kept in another format counts as not known: a replay of the located reports writes it anew.
"""

_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def packed(record: Compared) -> bytes:
    """Return what is compared of a report that stands; its key and revision are kept beside it."""
    return _encode(
        [
            record.seconds,
            int(record.is_rough),
            record.kind,
            record.agency,
            record.region,
            record.lat,
            record.lon,
            record.place_class,
            record.age_low,
            record.age_high,
            int(record.is_age_rough),
            record.sex,
            record.race,
            record.outcome,
            record.disposition,
            record.drug,
            record.naloxone,
            record.doses,
            record.hospital,
            record.zip5,
            record.cad,
            record.house,
            record.unit,
            record.street,
        ]
    ).encode()


def unpacked(key: UUID, state: tuple[int, int], kept: bytes) -> Compared:
    """Return the record again, given its revision and the version of the geodata that placed it."""
    return Compared(key, revision_of(*state), *json.loads(kept))
