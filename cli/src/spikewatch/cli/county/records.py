"""What the agencies send: every record of a story in the order of sending, with what became of the truth on the way."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Final

from spikewatch.cli.county.agencies import AGENCIES, Agency, Lag
from spikewatch.cli.county.broken import broken_cad, broken_statutory
from spikewatch.cli.county.forms import cad_row, csv_line, json_line, statutory_fields
from spikewatch.cli.county.geography import NEIGHBOURHOODS, crossing, point_in
from spikewatch.cli.county.overdoses import Overdose, Story, poisson

__all__ = ["Kind", "SentRecord", "sent_records"]

_OTHER_TITLES: Final = (
    "EMS: FALL VICTIM",
    "EMS: RESPIRATORY EMERGENCY",
    "EMS: CARDIAC EMERGENCY",
    "Fire: FIRE ALARM",
    "Traffic: VEHICLE ACCIDENT -",
    "Traffic: DISABLED VEHICLE -",
)


class Kind(StrEnum):
    """What a record is, by the truth."""

    FIRST = "first"  # what an agency says for the first time about one overdose
    RESEND = "resend"  # the same bytes again
    CORRECTION = "correction"  # the same record id with other content
    MALFORMED = "malformed"
    OTHER_CALL = "other_call"  # a call about something else


@dataclass(frozen=True, slots=True)
class SentRecord:
    """One record as it leaves an agency: ``line`` is a JSON line or a CSV row, without its end.

    ``stated_at`` is the event time it states (or stated, before it was spoilt), ``sent_at`` the moment of sending.
    """

    agency: Agency
    sent_at: datetime
    stated_at: datetime
    kind: Kind
    line: str
    overdose: int | None = None
    fault: str | None = None


def _draw(lag: Lag, random: Random) -> timedelta:
    return timedelta(seconds=round(lag.median.total_seconds() * lag.spread ** random.gauss(0, 1)))


def _sees(agency: Agency, overdose: Overdose) -> bool:
    if agency.cities and overdose.place.city not in agency.cities:
        return False
    return agency.sees == "all" or (agency.sees == "fatal") == overdose.fatal


def _witnesses(overdose: Overdose, random: Random) -> list[Agency]:
    seen = [agency for agency in AGENCIES if random.random() < agency.share and _sees(agency, overdose)]
    # Every overdose of the story is somebody's record: what no agency saw, no system could find.
    return seen or [AGENCIES[1]]


def sent_records(story: Story, happened: list[Overdose]) -> list[SentRecord]:
    """Return every record that is sent by the end of the story, in order of sending."""
    random = Random(f"records-{story.seed}")  # noqa: S311  # a simulation, no secret
    records: list[SentRecord] = []
    called: set[int] = set()
    for overdose in happened:
        for agency in _witnesses(overdose, random):
            if agency.form == "cad_911":
                # A dispatch system writes one call, however many people are found.
                if overdose.incident in called:
                    continue
                called.add(overdose.incident)
            records.extend(_about(story, agency, overdose, random))
    records.extend(_other_calls(story, random))
    sent = [record for record in records if record.sent_at <= story.until]
    return sorted(sent, key=lambda record: (record.sent_at, record.agency.agency_id, record.line))


def _about(story: Story, agency: Agency, overdose: Overdose, random: Random) -> Iterator[SentRecord]:
    stated_at = overdose.occurred_at + _draw(agency.seen_after, random)
    sent_at = stated_at + _draw(agency.sent_after, random)
    # Records of the spike come in time: what a late one does is told by the days before.
    if random.random() < story.late and not overdose.in_spike:
        sent_at += timedelta(days=random.randint(2, 9), seconds=random.randint(0, 3600))
    # Nothing is sent with the stated moment still ahead; a whole second keeps the order in a row's own clock.
    first = _first(agency, overdose, stated_at, max(sent_at, stated_at + timedelta(seconds=1)), random)
    yield first
    if random.random() < story.resend:
        yield replace(first, kind=Kind.RESEND, sent_at=first.sent_at + timedelta(minutes=random.randint(5, 600)))
    # A 911/CAD row has no record id, so it cannot be corrected.
    if agency.form == "statutory" and random.random() < story.correct:
        corrected = json.loads(first.line) | {"revision": 2, "reversal_given": "yes", "reversal_doses": overdose.doses + 1}
        later = first.sent_at + timedelta(hours=random.randint(1, 48))
        yield replace(first, kind=Kind.CORRECTION, sent_at=later, line=json_line(corrected))
    if random.random() < story.malformed:
        yield _malformed(agency, overdose, first, random)


def _record_id(agency: Agency, overdose: Overdose, prefix: str = "") -> str:
    return f"{prefix}{agency.source_type.value.upper()}-{overdose.number:06d}"


def _first(agency: Agency, overdose: Overdose, stated_at: datetime, sent_at: datetime, random: Random) -> SentRecord:
    if agency.form == "cad_911":
        line = csv_line(cad_row(overdose, stated_at, sent_at))
    else:
        is_numbered = random.random() < agency.numbered
        line = json_line(statutory_fields(agency, _record_id(agency, overdose), overdose, stated_at, is_numbered=is_numbered))
    return SentRecord(agency, sent_at, stated_at, Kind.FIRST, line, overdose.number)


def _malformed(agency: Agency, overdose: Overdose, first: SentRecord, random: Random) -> SentRecord:
    """Spoil a record of its own id, so that the good ones still tell the whole truth."""
    sent_at = first.sent_at + timedelta(minutes=random.randint(1, 60))
    if agency.form == "cad_911":
        fault, line = broken_cad(cad_row(overdose, first.stated_at, sent_at), random)
    else:
        fields = statutory_fields(agency, _record_id(agency, overdose, "BAD-"), overdose, first.stated_at)
        fault, line = broken_statutory(fields, random)
    return SentRecord(agency, sent_at, first.stated_at, Kind.MALFORMED, line, None, fault)


def _other_calls(story: Story, random: Random) -> Iterator[SentRecord]:
    dispatch = AGENCIES[0]
    length = story.length.total_seconds()
    for _ in range(sum(poisson(story.other_calls / 24, random) for _ in range(round(length / 3600)))):
        moment = (story.start + timedelta(seconds=random.random() * length)).replace(microsecond=0)
        place = random.choice(NEIGHBOURHOODS)
        lat, lon = point_in(place, random)
        call = Overdose(
            0, 0, moment, place, lat, lon, crossing(place, lat, lon), 0, "", fatal=False, substance="", doses=0, people=0, in_spike=False
        )
        sent_at = moment + max(timedelta(seconds=1), _draw(dispatch.sent_after, random))
        line = csv_line(cad_row(call, moment, sent_at, title=random.choice(_OTHER_TITLES)))
        yield SentRecord(dispatch, sent_at, moment, Kind.OTHER_CALL, line)
