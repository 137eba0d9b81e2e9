"""Makes a reading of one ADT message. Every field that is not named here is never looked at."""

import re
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from spikewatch.contracts.report import QualityNote, Report, Reversal
from spikewatch.contracts.vocabulary import Disposition, Outcome, TimeBasis
from spikewatch.ingest.domain.evidence import NOTHING_FOUND, Found
from spikewatch.ingest.domain.feeds.facts import time_doubts
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.feeds.hl7_adt import moments, tables
from spikewatch.ingest.domain.feeds.hl7_adt.cut import ENCODING_ASSUMED
from spikewatch.ingest.domain.feeds.hl7_adt.er7 import Message, Observations, Segment, parse
from spikewatch.ingest.domain.feeds.hl7_adt.evidence import found as read_evidence
from spikewatch.ingest.domain.feeds.hl7_adt.person import home, victims
from spikewatch.ingest.domain.feeds.reported import reported
from spikewatch.ingest.domain.record import Fields
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.wall_clock import Instant, not_future, zone_named

__all__ = ["facility", "message_type", "read"]


_VERSION: Final = re.compile(r"(?:2(?:\.\d){0,2})?", re.ASCII)  # an empty one is taken for 2.5.1
_TRIGGER: Final = re.compile(r"[A-Z]\d\d", re.ASCII)
_NPI: Final = re.compile(r"[12]\d{9}", re.ASCII)
_NO_REVERSAL: Final = Reversal()
_VISIT_EXAMPLE: Final = "33333_001^^^^VN"


@lru_cache(maxsize=128)
def _doubt(field: str, code: str) -> QualityNote:
    return QualityNote(field=field, code=code)


def message_type(message: Message) -> tuple[str, str]:
    """Return the message code and the trigger event of MSH-9, for example ``ADT`` and ``A04``.

    Raises:
        Rejected: it is no ADT message, or names no trigger.
    """
    head = message.head
    code, trigger = head.word(9, 1).upper(), head.word(9, 2).upper()
    if not code:
        raise Rejected(Fault.MISSING_FIELD, "MSH-9.1", "is missing", "ADT and its trigger event", "ADT^A04^ADT_A01")
    if code != "ADT":
        expected = "ADT with trigger A01, A03, A04 or A08"
        raise Rejected(Fault.UNSUPPORTED_FORMAT, "MSH-9.1", "is a message type that is not read", expected, "ADT^A04^ADT_A01")
    if not trigger:
        event = message.first("EVN")
        trigger = event.code(1).upper() if event is not None else ""
    if not _TRIGGER.fullmatch(trigger):
        problem = "is missing" if not trigger else "is no trigger event"
        fault = Fault.MISSING_FIELD if not trigger else Fault.INVALID_FIELD
        raise Rejected(fault, "MSH-9.2", problem, "A01, A03, A04 or A08", "ADT^A04^ADT_A01")
    return code, trigger


def facility(message: Message) -> tuple[str, str]:
    """Return the name and the id (NPI, OID, CLIA) of the treating facility, EVN-7, else of the sending one, MSH-4."""
    event = message.first("EVN")
    if event is not None and event.raw(7):
        name, identifier = event.word(7, 1), event.word(7, 2)
        if name or identifier:
            return name, identifier
    return message.head.word(4, 1), message.head.word(4, 2)


def read(fields: Fields, source: Source) -> Reading | NotAnOverdose:
    """Make a reading of one message.

    Raises:
        Rejected: it is no ADT message, or names no visit or no usable time.
    """
    message = parse(str(fields["message"]), str(fields["charset"]))
    _, trigger = message_type(message)
    if not _VERSION.fullmatch(message.head.code(12)):
        raise Rejected(Fault.UNSUPPORTED_FORMAT, "MSH-12", "is a version that is not read", "HL7 version 2", "2.5.1")
    if trigger not in tables.COUNTED and trigger not in tables.NO_LONGER:
        return NotAnOverdose()
    mode = message.head.code(11).upper()
    if mode in {"T", "D"}:
        return NotAnOverdose()  # training and debugging: no person behind it
    if mode not in {"P", ""}:
        raise Rejected(Fault.INVALID_FIELD, "MSH-11", "is no processing id", "P for production, T or D for a test", "P")
    visit = message.first("PV1")
    observations = message.observations()
    if trigger in tables.NO_LONGER:
        try:
            taken_back = _report(message, visit, observations, source, NOTHING_FOUND, ())
        except Rejected:
            return NotAnOverdose()  # what cannot be found again cannot be taken back
        return NotAnOverdose(*taken_back)
    found, notes = read_evidence(message, visit, observations)
    if not found.codes and not found.statements:
        return NotAnOverdose()  # it says nothing of why the person came: neither a report nor a correction of one
    if ENCODING_ASSUMED in (stated if isinstance(stated := fields.get("notes"), tuple) else ()):
        notes = (*notes, _doubt("MSH-18", ENCODING_ASSUMED))
    report, revision = _report(message, visit, observations, source, found, notes)
    return Reading(report, revision, found, is_declared=False)


def _report(
    message: Message,
    visit: Segment | None,
    observations: Observations,
    source: Source,
    found: Found,
    notes: tuple[QualityNote, ...],
) -> tuple[Report, int | None]:
    zone = zone_named(source.time_zone)
    where = facility(message)
    record = _record_id(visit, where, source)
    instant, time_notes, field = _arrival(message, visit, zone)
    not_future(instant, source.received_at, field)
    revision = _revision(message, zone, source.received_at)
    person = message.first("PID")
    location, place_notes = home(message, person, source)
    person_stated, victim_notes = victims(observations, person, instant.at)
    disposition, outcome, end_notes = _end(visit)
    if "dead" in found.facts:
        outcome = Outcome.FATAL
    report = reported(
        source,
        record,
        revision,
        instant,
        basis=TimeBasis.ARRIVAL,
        location=location,
        outcome=outcome,
        reversal=_NO_REVERSAL,
        victims=person_stated,
        disposition=disposition,
        destination=f"npi:{where[1]}" if _is_npi(where[1]) else None,
        quality=(*time_notes, *place_notes, *victim_notes, *end_notes, *notes),
    )
    return report, revision


def _record_id(visit: Segment | None, where: tuple[str, str], source: Source) -> str:
    if visit is None:
        raise Rejected(Fault.MISSING_FIELD, "PV1", "is missing", "a PV1 segment with the visit number", f"PV1|1||…|{_VISIT_EXAMPLE}")
    number = visit.code(19)
    if not number:
        raise Rejected(
            Fault.MISSING_FIELD, "PV1-19.1", "is missing", "the visit number, the same in all messages of a visit", _VISIT_EXAMPLE
        )
    name, identifier = where
    if not (identifier or name):
        raise Rejected(
            Fault.MISSING_FIELD,
            "MSH-4",
            "is missing, as is EVN-7",
            "the facility's name and its NPI or OID",
            "Cedar Hospital^1234567893^NPI",
        )
    # A visit number is a person's: only its keyed hash travels.
    return source.hashed_id("hl7_adt", (identifier or name).upper(), number)


def _arrival(message: Message, visit: Segment | None, zone: ZoneInfo | None) -> tuple[Instant, tuple[QualityNote, ...], str]:
    """Return when the person came: PV1-44, else when the event was recorded, EVN-2; with its doubts and the field."""
    text = visit.code(44) if visit is not None else ""
    refused: Rejected | None = None
    if text:
        try:
            found = _placed(text, zone, "PV1-44")
        except Rejected as rejected:
            if rejected.fault is not Fault.OUT_OF_RANGE:
                raise
            refused = rejected  # a filler such as 1900 or 9999
        else:
            return found, time_doubts(found.notes), "PV1-44"
    event = message.first("EVN")
    recorded = event.code(2) if event is not None else ""
    if not recorded:
        if refused is not None:
            raise refused
        raise Rejected(Fault.MISSING_FIELD, "PV1-44", "is missing, as is EVN-2", "the time of arrival, with its offset", moments.EXAMPLE)
    found = _placed(recorded, zone, "EVN-2")
    codes = ("recorded_time_used", *(("arrival_unusable",) if refused is not None else ()), *found.notes)
    return found, time_doubts(codes), "EVN-2"


def _placed(text: str, zone: ZoneInfo | None, field: str) -> Instant:
    stated = moments.read(text, field)
    if stated.is_year_alone:
        raise Rejected(Fault.OUT_OF_RANGE, field, "says no more than a year", "at least year and month", moments.EXAMPLE)
    return moments.instant(stated, zone, field)


def _revision(message: Message, zone: ZoneInfo | None, received_at: datetime) -> int | None:
    """Return the place of this message among those of its visit: when it was made, MSH-7, else when its event was recorded."""
    event = message.first("EVN")
    for field, text in (("MSH-7", message.head.code(7)), ("EVN-2", event.code(2) if event is not None else "")):
        if not text:
            continue
        stated = moments.read(text, field)
        seconds = moments.seconds_since_2000(stated, zone)
        if seconds is not None:
            # Placing it exactly costs as much as reading it: only a time that looks like the future is worth it.
            is_placed = zone is not None or stated.offset is not None
            if is_placed and seconds > (received_at - moments.EPOCH).total_seconds():
                not_future(moments.instant(stated, zone, field), received_at, field)
            return seconds
    return None


def _end(visit: Segment | None) -> tuple[Disposition, Outcome, list[QualityNote]]:
    stated = visit.code(36) if visit is not None else ""
    found = tables.DISPOSITIONS.get(stated.upper().zfill(2) if stated else "")
    if found is None:
        return Disposition.UNKNOWN, Outcome.UNKNOWN, [_doubt("disposition", "not_recognised")]
    return *found, []


@lru_cache(maxsize=1024)
def _is_npi(text: str) -> bool:
    """Tell whether it is a National Provider Identifier by its check digit (Luhn over 80840 and the number)."""
    if not _NPI.fullmatch(text):
        return False
    total = 24  # what the prefix 80840 adds
    for place, digit in enumerate(reversed(text)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
