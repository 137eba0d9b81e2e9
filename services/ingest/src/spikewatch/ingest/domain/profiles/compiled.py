"""Turns a checked profile into a feed: every decision that does not depend on the row is taken once."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, BinaryIO, Final, NamedTuple

from pydantic import BaseModel

from spikewatch.contracts.report import QualityNote, Reversal, Victims
from spikewatch.contracts.vocabulary import Confirmation, Disposition, Outcome, SourceType, YesNo
from spikewatch.ingest.domain.column_names import ColumnNames, renamed_records, renamed_rows
from spikewatch.ingest.domain.csv_rows import csv_rows, plain
from spikewatch.ingest.domain.feeds.facts import facts_of
from spikewatch.ingest.domain.feeds.feed import Feed, NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.feeds.reported import reported
from spikewatch.ingest.domain.no_record import explained
from spikewatch.ingest.domain.profiles.cells import Cells, Doubts, condition, key_of, keys_of, number
from spikewatch.ingest.domain.profiles.model import COLUMNS, Condition, Flags, Number, Profile, RecordId, Value
from spikewatch.ingest.domain.profiles.numbers import own_number, record_id
from spikewatch.ingest.domain.profiles.people import closed_value, person, reversal
from spikewatch.ingest.domain.profiles.places import location
from spikewatch.ingest.domain.profiles.substances import gatherer
from spikewatch.ingest.domain.profiles.times import occurred
from spikewatch.ingest.domain.record import Fields, RawRecord, Split, json_lines, json_records, of_text
from spikewatch.ingest.domain.rejection import Rejected
from spikewatch.ingest.domain.repeated import repeated
from spikewatch.ingest.domain.xlsx_rows import XLSX, xlsx_rows

__all__ = ["Base", "columns_of", "compile_profile", "missing_columns", "options_of"]

Base = Callable[[Mapping[str, tuple[str, ...]]], Feed]
"""Makes a feed out of the options that a profile gives it."""

_MOST_DOUBTS: Final = 40


def options_of(bases: Mapping[str, tuple[frozenset[str], Base]]) -> Mapping[str, frozenset[str]]:
    """Return the options of each base, as the check of a profile wants them."""
    return {name: options for name, (options, _) in bases.items()}


def compile_profile(profile: Profile, bases: Mapping[str, tuple[frozenset[str], Base]], *, name: str | None = None) -> Feed:
    """Return the feed that a profile describes.

    Args:
        profile: a checked profile.
        bases: the feeds that it may be based on.
        name: the feed's name; ``columns`` or that of the base where it has none of its own.

    Raises:
        Rejected: an option of the base is not right.
    """
    if profile.base != COLUMNS:
        feed = bases[profile.base][1](profile.options)
        return replace(feed, read=_marked(feed.read, profile), default_source=profile.source_type or feed.default_source)
    return Feed(
        name=name or COLUMNS,
        summary=profile.summary or f"the columns of profile {profile.mark}",
        splits=_splits(profile),
        read=_reader(profile),
        default_source=profile.source_type or SourceType.EMS,
    )


def _marked(
    read: Callable[[Fields, Source], Reading | NotAnOverdose], profile: Profile
) -> Callable[[Fields, Source], Reading | NotAnOverdose]:
    mark, zone = profile.mark, profile.time_zone

    @lru_cache(maxsize=4)  # of a submission all records have the same
    def known(source: Source) -> Source:
        return replace(source, profile=mark, time_zone=zone or source.time_zone)

    def marked(fields: Fields, source: Source) -> Reading | NotAnOverdose:
        reading = read(fields, known(source))
        if reading.report is None or reading.report.profile == mark:
            return reading
        return reading._replace(report=reading.report.changed(profile=mark))

    return marked


def _splits(profile: Profile) -> Mapping[str, Split]:
    names, header, missing = ColumnNames(columns_of(profile)), _header(profile), missing_columns(profile)

    def lacking(cells: Sequence[str]) -> Sequence[str]:
        return missing(names.known(cells))

    return {
        "text/csv": renamed_rows(csv_rows(required=lacking, header=header, reads=names), names),
        XLSX: renamed_rows(xlsx_rows(required=lacking, header=header, reads=names), names),
        "application/json": renamed_records(_keyed(of_text(json_records)), names),
        "application/x-ndjson": renamed_records(_keyed(of_text(json_lines)), names),
    }


def columns_of(profile: Profile) -> frozenset[str]:
    """Return the columns that the profile reads; all others never leave the row."""
    found: set[str] = set()
    parts: list[object] = [getattr(profile, name) for name in type(profile).model_fields]
    while parts:
        part = parts.pop()
        if isinstance(part, Flags):
            found.update(key_of(column) for column in part.columns)
        elif isinstance(part, Condition):
            found.add(key_of(part.column))
        elif isinstance(part, BaseModel):
            found.update(key_of(column) for column in getattr(part, "columns", ()))
            parts += [value for name, value in part if name != "columns"]
            if isinstance(part, Number) and part.unit_column is not None:
                found.add(key_of(part.unit_column))
        elif isinstance(part, tuple):
            parts += part
    return frozenset(found)


def _header(profile: Profile) -> str:
    columns = [*(profile.record_id.columns if profile.record_id else ()), *(way.columns[0] for way in profile.occurred_at)]
    return ",".join(dict.fromkeys(columns))[:200]


def missing_columns(profile: Profile) -> Callable[[Collection[str]], list[str]]:
    """Return what tells the columns without which no row could become a report.

    Of a hashed id half of the columns are enough: layouts lose one over the years, and two other tables share fewer.
    """
    identity = profile.record_id or RecordId(columns=("",))
    keys = [key_of(column) for column in identity.columns]
    times = [key_of(way.columns[0]) for way in profile.occurred_at]

    def missing(names: Collection[str]) -> list[str]:
        lacking = [key for key in keys if key not in names]
        if identity.hash and len(lacking) * 2 <= len(keys) and len(lacking) < len(keys):
            lacking = []
        if not any(key in names for key in times):
            lacking += [key for key in times if key not in lacking]
        return lacking

    return missing


def _keyed(split: Split) -> Split:
    """Give records the column names of a CSV: without blanks around them, in lower case."""

    def cut(stream: BinaryIO, limit: int) -> Iterator[RawRecord]:
        for raw in split(stream, limit):
            yield (raw if raw.rejected is not None else replace(raw, fields={plain(name): part for name, part in raw.fields.items()}))

    return cut


def _reader(profile: Profile) -> Callable[[Fields, Source], Reading | NotAnOverdose]:
    cells = Cells(profile.not_stated)
    is_read = condition(cells, profile.rows)
    when = occurred(cells, profile.occurred_at, profile.time_zone)
    where = location(cells, profile.place)
    identity = record_id(cells, profile.record_id or RecordId(columns=("",)))
    gather = gatherer(cells, profile)
    words, who = _words(cells, profile), _who(cells, profile)
    incident_of, cad_of = own_number(cells, profile, "incident_number"), own_number(cells, profile, "cad_number")
    revision = None if profile.revision is None else number(cells, profile.revision, "revision", 1, 1_000_000)
    mark, declared = profile.mark, profile.declared

    def read(row: Fields, source: Source) -> Reading | NotAnOverdose:
        if is_read is not None and not is_read(row):
            return NotAnOverdose()
        doubts: Doubts = []
        try:
            record = identity(row, source)
            moment = when(row, source, doubts)
        except Rejected as rejected:
            raise explained(row, rejected) from None
        place = where(row, source, doubts)
        said = words(row)
        victims, own = who(row)
        found = gather(row, said.facts, doubts)
        doubts += said.doubts
        doubts += own
        incident = None if incident_of is None else incident_of(row, record, doubts)
        cad = None if cad_of is None else cad_of(row, record, doubts)
        which = None if revision is None or (told := revision(row, doubts)) is None else int(told[0])
        report = reported(
            source,
            record,
            which,
            moment.instant,
            basis=moment.basis,
            location=place,
            outcome=said.outcome,
            confirmation=said.confirmation,
            reversal=said.reversal,
            victims=victims,
            disposition=said.disposition,
            incident_number=incident,
            cad_number=cad,
            is_withdrawn=said.is_withdrawn,
            quality=_once(doubts),
            profile=mark,
        )
        return Reading(report, which, found, declared)

    return read


def _once(doubts: Doubts) -> tuple[QualityNote, ...]:
    if len(doubts) < 2 or (len(doubts) == 2 and doubts[0].field != doubts[1].field):
        return tuple(doubts)
    return tuple({(note.field, note.code): note for note in doubts[:_MOST_DOUBTS]}.values())


class _Words(NamedTuple):
    """What the fields with listed words say, and the doubts about them."""

    outcome: Outcome
    confirmation: Confirmation
    disposition: Disposition
    is_withdrawn: bool
    reversal: Reversal
    facts: frozenset[str]
    doubts: tuple[QualityNote, ...]


_CLOSED: Final = ("outcome", "confirmation", "disposition", "withdrawn")


def _words(cells: Cells, profile: Profile) -> Callable[[Fields], _Words]:
    treated = reversal(cells, profile)
    closed: list[tuple[str, Any]] = [(field, closed_value(cells, profile, field)) for field in _CLOSED]  # each gives words of its kind
    specs = (
        spec
        for field in type(profile).model_fields
        if isinstance(spec := getattr(profile, field), Value | Number) and (field in _CLOSED or field.startswith("reversal_"))
    )

    def read(row: Fields) -> _Words:
        doubts: Doubts = []
        stated = {field: reader(row, doubts) for field, reader in closed if reader is not None}
        outcome = stated.get("outcome") or Outcome.UNKNOWN
        given = Reversal() if treated is None else treated(row, doubts)
        return _Words(
            outcome=outcome,
            confirmation=stated.get("confirmation") or Confirmation.SUSPECTED,
            disposition=stated.get("disposition") or Disposition.UNKNOWN,
            is_withdrawn=stated.get("withdrawn") is YesNo.YES,
            reversal=given,
            facts=facts_of(outcome, given),
            doubts=tuple(doubts),
        )

    return repeated(keys_of(*specs), read)


def _who(cells: Cells, profile: Profile) -> Callable[[Fields], tuple[Victims, tuple[QualityNote, ...]]]:
    # Apart from the words, for every combination is remembered.
    read_person = person(cells, profile)

    def read(row: Fields) -> tuple[Victims, tuple[QualityNote, ...]]:
        doubts: Doubts = []
        return read_person(row, doubts), tuple(doubts)

    return repeated(keys_of(profile.age, profile.age_band, profile.sex, profile.count), read)
