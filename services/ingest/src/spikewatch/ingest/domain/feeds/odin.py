"""Police: Pennsylvania ODIN, the long layout (a row for each substance and dose of a victim) and the cleaned one (a row a victim).

The layouts are told apart by their columns. Places are counties: the coordinates are centroids and are not read; nor are
race, ethnicity and the victim's home.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from spikewatch.contracts.identifiers import report_id, report_key
from spikewatch.contracts.report import Location, QualityNote, Report, Reversal, Victims
from spikewatch.contracts.vocabulary import (
    AgeBand,
    Disposition,
    Outcome,
    PlacePrecision,
    ReversalGiver,
    Sex,
    SourceType,
    TimeBasis,
    TimePrecision,
    YesNo,
)
from spikewatch.ingest.domain.csv_rows import ENCODING_ASSUMED, csv_rows
from spikewatch.ingest.domain.evidence import Found, Named
from spikewatch.ingest.domain.feeds.facts import encoding_notes, facts_of
from spikewatch.ingest.domain.feeds.feed import COUNTY_ASSUMED, Feed, Reading, Source
from spikewatch.ingest.domain.feeds.fields import choice, matching, number, required, stated, whole
from spikewatch.ingest.domain.feeds.folding import INCIDENT_VICTIMS, ROWS, folded
from spikewatch.ingest.domain.feeds.synonyms import Synonyms
from spikewatch.ingest.domain.record import Fields, json_lines, json_records, of_text
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.wall_clock import Instant, not_future, read_agency_time, zone_named
from spikewatch.ingest.domain.xlsx_rows import XLSX, xlsx_rows

__all__ = ["FEED", "read"]

_FLAGS: Final = (
    *("ALCOHOL", "BARBITURATES (I.E. AMYTAL, NEMBUTAL, ETC)", "BATH SALTS", "BENZODIAZEPINES (I.E.VALIUM, XANAX, ATIVAN, ETC)"),
    *("CARFENTANIL", "COCAINE/CRACK", "FENTANYL", "FENTANYL ANALOG/OTHER SYNTHETIC OPIOID", "HEROIN", "MARIJUANA", "METHADONE"),
    *("METHAMPHETAMINE", "OTHER", "PHARMACEUTICAL OPIOID", "PHARMACEUTICAL OTHER", "PHARMACEUTICAL STIMULANT", "SUBOXONE"),
    *("SYNTHETIC MARIJUANA", "UNKNOWN"),
)
_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "incident_id": (),
    "victim_id": (),
    "incident_date": (),
    "incident_time": (),
    "incident_county_fips_code": ("incident county fips",),
    "incident_state": (),
    "gender_desc": ("gender",),
    "age_range": (),
    "naloxone_administered": (),
    "administration_id": (),
    "dose_count": (),
    "dose_unit": (),
    "dose_desc": (),
    "response_time_desc": (),
    "survive": (),
    "response_desc": (),
    "revive_action_desc": (),
    "third_party_admin_desc": (),
    "susp_od_drug_desc": (),
    **dict.fromkeys(_FLAGS, ()),
}
_SET: Final = frozenset({"1", "1.0", "Y", "y", "True", "TRUE", "true"})
_SYNONYMS: Final = Synonyms(_COLUMNS)
_REQUIRED: Final = ("incident_id", "victim_id", "incident_date", "survive", "naloxone_administered")
_HEADER: Final = "incident_id,incident_date,incident_time,victim_id,susp_od_drug_desc,naloxone_administered,dose_count,survive"
_ID: Final = re.compile(r"(?=\D*\d)[A-Za-z0-9][A-Za-z0-9._:-]{0,47}", re.ASCII)  # without a digit it may be a name
_COUNTY: Final = re.compile(r"(?:\d{1,3}|42\d{3})(?:\.0)?", re.ASCII)
_STATE: Final = "42"
_YES_NO: Final = {"y": YesNo.YES, "yes": YesNo.YES, "n": YesNo.NO, "no": YesNo.NO, "u": YesNo.UNKNOWN, "unknown": YesNo.UNKNOWN}
_OUTCOMES: Final = {"y": Outcome.NONFATAL, "n": Outcome.FATAL, "u": Outcome.UNKNOWN}
_SEXES: Final = {"male": Sex.MALE, "female": Sex.FEMALE, "unknown": Sex.UNKNOWN, "m": Sex.MALE, "f": Sex.FEMALE}
_BAND: Final = re.compile(r"(\d{1,3})\s*-\s*(\d{1,3}|\*)")
_BANDS: Final = {int(band.value.split("-")[0].rstrip("+")): band for band in AgeBand}
_OPEN: Final = "*"
_BAND_DROPPED: Final = QualityNote(field="victims.age_band", code="not_within_one_band")
_ACTIONS: Final = (
    ("arrest", Disposition.ARREST),
    ("hospital", Disposition.TRANSPORTED),
    ("transported to treatment", Disposition.TREATMENT),
    ("released", Disposition.RELEASED),
    ("verbally referred", Disposition.RELEASED),
)
_GIVERS: Final = (
    (re.compile(r"\bems\b|medic|ambulance|\bemt\b"), ReversalGiver.EMS),
    (re.compile(r"\bfire"), ReversalGiver.FIRE),
    (re.compile(r"police|officer|trooper|sheriff|\bpd\b|probation|parole"), ReversalGiver.POLICE),
    (re.compile(r"hospital|nurse|doctor|clinic"), ReversalGiver.HOSPITAL),
    (re.compile(r"family|friend|bystander|layperson|lay person|civilian|relative|parent|spouse|roommate|citizen"), ReversalGiver.LAYPERSON),
    (re.compile(r"\bself\b|victim"), ReversalGiver.SELF),
)
_MOST_DOSES: Final = 99


def read(fields: Fields, source: Source) -> Reading:
    """Make a reading of one victim: the rows that ``folded`` brought together.

    Raises:
        Rejected: a field is missing or wrong.
    """
    raws = fields.get(ROWS)
    rows: Sequence[Fields] = raws if isinstance(raws, list) else [_SYNONYMS.renamed(fields)]
    first = rows[0]
    instant = _time(first, source)
    for name, example in (("incident_id", "58"), ("victim_id", "34"), ("naloxone_administered", "Y"), ("survive", "Y")):
        required(first, name, "a value in every row", example)
    incident = matching(first, "incident_id", _ID, "the row id of the incident", "58")
    victim = matching(first, "victim_id", _ID, "the row id of the victim, no person's number", "34")
    record = f"{incident}/{victim}"
    outcome = _worst([choice(row, "survive", _OUTCOMES, Outcome.UNKNOWN) for row in rows])
    reversal = _reversal(rows)
    victims, doubts = _victims(first, fields)
    location, place_doubts = _location(first, source)
    notes = encoding_notes(raws[0] if isinstance(raws, list) else fields)
    return Reading(
        Report(
            report_id=report_id(source.agency_id, record, 1),
            report_key=report_key(source.agency_id, record),
            source_agency_id=source.agency_id,
            source_record_id=record,
            revision=1,
            source_type=source.source_type,
            occurred_at=instant.at,
            occurred_at_basis=TimeBasis.REPORTED,
            occurred_at_precision=instant.precision,
            received_at=source.received_at,
            location=location,
            outcome=outcome,
            reversal=reversal,
            victims=victims,
            disposition=_disposition(rows),
            incident_number=incident,
            quality=(*(QualityNote(field="occurred_at", code=code) for code in instant.notes), *place_doubts, *doubts, *notes),
            submission_id=source.submission_id,
            submission_format=source.format,
            trace_id=source.trace_id,
        ),
        found=Found(names=_names(rows), facts=facts_of(outcome, reversal)),
    )


def _time(row: Fields, source: Source) -> Instant:
    day = required(row, "incident_date", "the date of the incident", "01/31/2018")
    clock = stated(row, "incident_time")
    if not isinstance(day, str) or not (clock is None or isinstance(clock, str)):
        raise Rejected(Fault.INVALID_FIELD, "incident_date", "is not a text", "the date of the incident", "01/31/2018")
    is_filler = clock in {"00:00:00", "00:00", "0:00", "0:00:00"}
    instant = read_agency_time(day, clock, zone_named(source.time_zone), "incident_date")
    not_future(instant, source.received_at, "incident_date")
    if is_filler:  # an eighth of the public file has midnight sharp
        return Instant(instant.at, TimePrecision.DATE, instant.notes)
    is_minute = instant.precision is TimePrecision.SECOND and clock is not None and clock.endswith(":00")
    return Instant(instant.at, TimePrecision.MINUTE, instant.notes) if is_minute else instant


def _location(row: Fields, source: Source) -> tuple[Location, tuple[QualityNote, ...]]:
    code = matching(row, "incident_county_fips_code", _COUNTY, "the county's FIPS code, three digits or five", "091")
    if code is None:
        county, doubts = source.county_fips, (COUNTY_ASSUMED,) if source.county_fips else ()
    else:
        digits = code.removesuffix(".0")
        county, doubts = digits if len(digits) == 5 else _STATE + digits.zfill(3), ()
    return Location(precision=PlacePrecision.COUNTY if county else PlacePrecision.NONE, county_fips=county), doubts


def _worst(outcomes: Sequence[Outcome]) -> Outcome:
    return next((outcome for outcome in (Outcome.FATAL, Outcome.NONFATAL) if outcome in outcomes), Outcome.UNKNOWN)


def _reversal(rows: Sequence[Fields]) -> Reversal:
    given = [choice(row, "naloxone_administered", _YES_NO, YesNo.UNKNOWN) for row in rows]
    is_given = YesNo.YES in given
    if not is_given:
        return Reversal(given=YesNo.NO if YesNo.NO in given else YesNo.UNKNOWN)
    # A row comes once for each substance: its administration counts once.
    doses: dict[object, Fields] = {}
    for row in rows:
        key = stated(row, "administration_id")
        if key is not None:
            doses.setdefault(str(key), row)
    counts = [whole(row, "dose_count", 0, _MOST_DOSES, "1") for row in doses.values()]
    known = [count for count in counts if count is not None]
    responses = {found for row in (doses.values() or rows) if (found := _response(row)) is not None}
    return Reversal(
        given=YesNo.YES,
        drug="naloxone",
        doses=min(sum(known), _MOST_DOSES) if known and len(known) == len(counts) else None,
        **_amount(list(doses.values()), counts),
        by=_giver(rows),
        response="improved" if "improved" in responses else next(iter(responses), None),
    )


def _amount(administrations: Sequence[Fields], counts: Sequence[int | None]) -> Mapping[str, object]:
    """Return the milligrams of all doses where every administration states its own; 0 stands for unknown."""
    total = 0.0
    for row, count in zip(administrations, counts, strict=True):
        each = number(row, "dose_unit", 0, 1000, "4")
        unit = stated(row, "dose_desc")
        if not count or not each or not isinstance(unit, str) or unit.lower() != "mg":
            return {}
        total += count * each
    return {"dose_amount": total, "unit": "mg"} if total else {}


def _giver(rows: Sequence[Fields]) -> ReversalGiver:
    """Return who gave it: the agency that reports is the police, where it names nobody else."""
    for row in rows:
        third = stated(row, "third_party_admin_desc") if "third_party_admin_desc" in row else None
        if isinstance(third, str):
            text = third.lower()
            return next((giver for pattern, giver in _GIVERS if pattern.search(text)), ReversalGiver.UNKNOWN)
    return ReversalGiver.POLICE


def _response(row: Fields) -> str | None:
    said = stated(row, "response_desc") if "response_desc" in row else None
    text = said.lower() if isinstance(said, str) else ""
    after = stated(row, "response_time_desc") if "response_time_desc" in row else None
    delay = after.lower() if isinstance(after, str) else ""
    if text.startswith("no response") or delay.startswith("did not work"):
        return "unchanged"
    return "improved" if text.startswith(("responsive", "combative")) or delay[:1] in {"<", ">", "1", "3"} else None


def _disposition(rows: Sequence[Fields]) -> Disposition:
    for row in rows:
        action = stated(row, "revive_action_desc") if "revive_action_desc" in row else None
        text = action.lower() if isinstance(action, str) else ""
        for start, meaning in _ACTIONS:
            if text.startswith(start):
                return meaning
    return Disposition.UNKNOWN


def _victims(row: Fields, fields: Fields) -> tuple[Victims, tuple[QualityNote, ...]]:
    counted = fields.get(INCIDENT_VICTIMS)
    band, doubts = _band(stated(row, "age_range"))
    count = min(counted, 500) if isinstance(counted, int) else None
    return Victims(count=count, age_band=band, sex=choice(row, "gender_desc", _SEXES, Sex.UNKNOWN)), doubts


def _band(value: object | None) -> tuple[AgeBand | None, tuple[QualityNote, ...]]:
    """Return the band of ours that a band of theirs lies in; ``80 - *`` lies in none."""
    if value is None or (isinstance(value, str) and value.lower() == "unknown"):
        return None, ()
    found = _BAND.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Rejected(Fault.INVALID_FIELD, "age_range", "is not a band of ages", "a band of ages, or Unknown", "30 - 39")
    low, high = int(found[1]), None if found[2] == _OPEN else int(found[2])
    band = _BANDS.get(low - low % 10) if low < 90 else AgeBand.A90_PLUS
    fits = (band is AgeBand.A90_PLUS) or (high is not None and low <= high and high // 10 == low // 10)
    return (band, ()) if fits else (None, (_BAND_DROPPED,))


def _names(rows: Sequence[Fields]) -> tuple[Named, ...]:
    named: dict[str, None] = {}
    for row in rows:
        value = stated(row, "susp_od_drug_desc") if "susp_od_drug_desc" in row else None
        if isinstance(value, str):
            named[value] = None
        for flag in _FLAGS:
            if row.get(flag, "0") != "0" and str(stated(row, flag)) in _SET:
                named[flag] = None
    return tuple(Named(name) for name in named)


def _keys(row: Fields) -> tuple[str, str, Fields] | None:
    renamed = _SYNONYMS.renamed(row)
    incident, victim = stated(renamed, "incident_id"), stated(renamed, "victim_id")
    if incident is None or victim is None:
        return None
    if ENCODING_ASSUMED in row:
        renamed[ENCODING_ASSUMED] = row[ENCODING_ASSUMED]
    return str(incident), str(victim), renamed


def _lacking(names: Sequence[str]) -> Sequence[str]:
    meanings = _SYNONYMS.meanings(names)
    return [name for name in _REQUIRED if name not in meanings]


FEED: Final = Feed(
    name="odin",
    summary="police: Pennsylvania ODIN, the long and the cleaned layout",
    splits={
        "text/csv": folded(csv_rows(required=_lacking, header=_HEADER, reads=_SYNONYMS), _keys),
        "application/json": folded(of_text(json_records), _keys, is_json=True),
        "application/x-ndjson": folded(of_text(json_lines), _keys, is_json=True),
        XLSX: folded(xlsx_rows(required=_lacking, header=_HEADER, reads=_SYNONYMS), _keys),
    },
    read=read,
    default_source=SourceType.POLICE,
)
