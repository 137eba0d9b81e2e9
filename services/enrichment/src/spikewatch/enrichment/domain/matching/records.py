"""The compact record that is compared, made from a row of a table or from a located report, and which revision of it stands."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, time
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

from spikewatch.contracts.identifiers import report_key
from spikewatch.contracts.report import LocatedReport, Position, Report
from spikewatch.contracts.vocabulary import AgeBand, Disposition, DrugClass, Outcome, PlacePrecision, Sex, SourceType, TimePrecision, YesNo
from spikewatch.enrichment.domain.matching import address, codes

__all__ = ["Compared", "Unreadable", "newest", "of_located", "of_report", "of_row", "revision_of"]

T = TypeVar("T")

_ROUGH: Final = frozenset({"day", "date", "month"})
_MIDNIGHT: Final = time()
_MEANING: Final = frozenset("123456789")
_SHORTEST_NUMBER: Final = 3  # "0", "-" and "NA" are fillers; a filler would join every report of a county
_OLDEST: Final = 130
_ESTIMATING: Final = frozenset({SourceType.CAD, SourceType.POLICE, SourceType.FIRE})  # an age as it was told or looked


class Unreadable(Exception):  # noqa: N818  # named by its consequence
    """A row that cannot be compared; ``field``, ``problem``, ``expected`` and ``example`` say why, never the value itself."""

    def __init__(self, field: str, problem: str, expected: str, example: str) -> None:
        super().__init__(f"{field} {problem}; expected {expected}, for example {example}")
        self.field = field
        self.problem = problem
        self.expected = expected
        self.example = example


class Compared(NamedTuple):  # the cheapest to make, to keep and to turn into columns: there is one for every row
    """What of one report is compared. Words are numbers of the lists in ``codes``, -1 or 0 for not stated.

    ``seconds`` is event time since 1970; ``is_rough`` when only its date is to be believed. ``revision`` grows with each
    correction. ``region`` bounds the search for reports that state no place; all reports of one table share it.
    """

    key: UUID
    revision: tuple[float, str]
    seconds: float
    is_rough: bool
    kind: int
    agency: str
    region: str = ""
    lat: float = 0.0
    lon: float = 0.0
    place_class: int = 0
    age_low: int = -1
    age_high: int = -1
    is_age_rough: bool = False
    sex: int = 0
    race: int = 0
    outcome: int = 0
    disposition: int = 0
    drug: int = 0
    naloxone: int = -1
    doses: int = -1
    hospital: str = ""
    zip5: str = ""
    cad: str = ""
    house: int = -1
    unit: str = ""
    street: str = ""
    withdrawn: bool = False

    @property
    def order(self) -> tuple[float, UUID]:
        """The canonical order, which no arrival order can change."""
        return self.seconds, self.key


def newest(records: Iterable[Compared]) -> list[Compared]:
    """Return of each report its highest revision, in canonical order, without what is withdrawn. The order given has no influence."""
    standing: dict[UUID, Compared] = {}
    for record in records:
        other = standing.get(record.key)
        # Of two that claim to be one revision and differ, the same one must stand in any order.
        if other is None or record.revision > other.revision or (record.revision == other.revision and record > other):
            standing[record.key] = record
    return sorted((record for record in standing.values() if not record.withdrawn), key=lambda one: (one.seconds, one.key.int))


def of_row(row: Mapping[str, str]) -> Compared:
    """Return the record of a row of a table of reports (docs/matching lists its columns). Times without an offset are UTC.

    Raises:
        Unreadable: the agency, the record's number or the time is missing or is none.
    """
    get = row.get
    agency = (get("agency") or "").strip()
    if not agency:
        raise Unreadable("agency", "is missing", "the agency or its kind", "EMS")
    number = (get("agency_record_no") or "").strip() or (get("report_id") or "").strip()
    if not number:
        raise Unreadable("agency_record_no", "is missing, and report_id, too", "the number that the agency gave the record", "EM105454")
    moment = _moment(get("event_time") or "", "event_time")
    received = get("received_at") or ""
    kind = _kind(agency)
    precision = (get("time_precision") or "").strip().lower()
    lat, lon = _number(row, "lat", 90.0), _number(row, "lon", 180.0)
    place_class = codes.PLACE_CLASS_OF.get((get("geo_precision") or "").strip().lower(), 1 if lat is not None else 0)
    if lat is None or lon is None:
        lat = lon = 0.0
        place_class = 0
    age = _whole(get("age") or "")
    written = get("address_text") or ""
    house, unit, street = address.stated(written) if written else address.NOWHERE
    naloxone = _whole(get("naloxone") or "")
    return Compared(
        report_key(agency.lower(), number),
        (_moment(received, "received_at").timestamp() if received else 0.0, get("report_id") or ""),
        moment.timestamp(),
        precision in _ROUGH or (precision != "second" and moment.time() == _MIDNIGHT),  # on the clock of whoever wrote it
        kind,
        agency,
        "",
        lat,
        lon,
        place_class,
        age,
        age,
        (get("age_approx") or "").strip() in {"1", "true", "yes"},
        _code("sex", get("sex") or ""),
        _code("race", get("race") or ""),
        _code("outcome", get("outcome") or ""),
        _code("disposition", get("disposition") or ""),
        _code("drug", get("drug") or ""),
        naloxone if naloxone in {0, 1} else -1,
        _whole(get("naloxone_doses") or ""),
        _folded(get("hospital") or ""),
        (get("zip") or "").strip()[:5],
        _meaningful(get("cad_no") or ""),
        house,
        unit,
        street,
    )


def of_located(located: LocatedReport) -> Compared:
    """Return the record of a located report."""
    return _of_report(located.report, located.position, located.place_key, located.geodata_version)


def of_report(report: Report) -> Compared:
    """Return the record of a report that nobody placed: its own position counts, else it has none."""
    at = report.location
    region = at.county_fips or ""
    if at.lat is None or at.lon is None:
        return _of_report(report, None, region, 0)
    precision = PlacePrecision.POINT if at.precision is PlacePrecision.NONE else at.precision
    return _of_report(report, Position(lat=at.lat, lon=at.lon, precision=precision, radius_m=0, method="reported"), region, 0)


def _of_report(report: Report, position: Position | None, region: str, geodata_version: int) -> Compared:
    victims, reversal, at, precision = report.victims, report.reversal, report.location, report.occurred_at_precision
    low, high = (victims.age, victims.age) if victims.age is not None else _BANDS[victims.age_band]
    written = at.address or at.intersection
    house, unit, street = address.stated(written) if written else address.NOWHERE
    lat, lon, place_class = (0.0, 0.0, 0) if position is None else (position.lat, position.lon, codes.PLACE_CLASS_OF[position.precision])
    return Compared(
        report.report_key,
        revision_of(report.revision, geodata_version),
        report.occurred_at.timestamp(),
        precision is TimePrecision.DATE or precision is TimePrecision.MONTH,
        _KINDS[report.source_type],
        report.source_agency_id,
        region,
        lat,
        lon,
        place_class,
        low,
        high,
        low != high or report.source_type in _ESTIMATING,
        _SEXES[victims.sex],
        0,
        _OUTCOMES[report.outcome],
        _DISPOSITIONS[report.disposition],
        # Classes of one report may nest: the substance says more than its family.
        min([_DRUGS[drug.drug_class] for drug in report.drugs])[1] if report.drugs else 0,
        _GIVEN[reversal.given],
        -1 if reversal.doses is None else reversal.doses,
        _folded(report.destination) if report.destination else "",
        at.zip5 or "",
        _meaningful(report.cad_number) if report.cad_number else "",
        house,
        unit,
        street,
        report.withdrawn,
    )


@lru_cache(1024)
def revision_of(revision: int, geodata_version: int) -> tuple[float, str]:
    """Return what of two placings of two revisions of a report says which stands: the greater."""
    return float(revision), f"{geodata_version:020d}"


_LISTS: Final = {
    "sex": codes.SEXES,
    "race": codes.RACES,
    "outcome": codes.OUTCOMES,
    "disposition": codes.DISPOSITIONS,
    "drug": codes.DRUGS,
}


def _remembered(size: int) -> Callable[[Callable[..., T]], Callable[..., T]]:
    return lru_cache(size)


@_remembered(256)
def _code(field: str, text: str) -> int:
    # An outcome that is unknown is none that two reports could agree on: some agencies write the word, others leave it out.
    is_stated = text and not (field == "outcome" and text.strip().lower() == "unknown")
    return codes.code_of(_LISTS[field], text) if is_stated else 0


@_remembered(1024)
def _kind(agency: str) -> int:
    return codes.kind_of(agency)


@_remembered(4096)
def _folded(text: str) -> str:
    return " ".join(text.upper().split())


@_remembered(512)
def _whole(text: str) -> int:
    try:
        value = int(float(text)) if text.strip() else -1
    except (ValueError, OverflowError):
        return -1  # a word where a number belongs says nothing; it does not make the row useless
    return value if 0 <= value <= _OLDEST else -1


def _number(row: Mapping[str, str], field: str, most: float) -> float | None:
    text = row.get(field)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if -most <= value <= most else None


def _moment(text: str, field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        problem = "is no time" if text.strip() else "is missing"
        raise Unreadable(field, problem, "an ISO 8601 time", "2026-05-01T13:45:00Z") from None


def _meaningful(text: str) -> str:
    # Computer-aided dispatch numbers are typed with and without separators.
    folded = text.upper() if text.isalnum() else "".join(filter(str.isalnum, text.upper()))
    return folded if len(folded) >= _SHORTEST_NUMBER and not _MEANING.isdisjoint(folded) else ""


def _band(band: AgeBand) -> tuple[int, int]:
    if band is AgeBand.A90_PLUS:
        return 90, _OLDEST
    low, _, high = band.value.partition("-")
    return int(low), int(high)


def _drug(drug: DrugClass) -> tuple[int, int]:
    """Return a class's place among those of a report, least for the one that counts, and its number; what is not known gives way to all."""
    number = codes.DRUGS.index(drug)
    if drug is DrugClass.UNKNOWN:
        return 2 * len(codes.DRUGS), 0
    return number + (len(codes.DRUGS) if drug in {DrugClass.OPIOID, DrugClass.STIMULANT} else 0), _code("drug", drug)


# The words of a located report are few: what each of them is compared as is looked up.
_KINDS: Final = {kind: codes.KIND_CODE.get(kind, codes.KIND_CODE["other"]) for kind in SourceType}
_SEXES: Final = {sex: _code("sex", sex) for sex in Sex}
_OUTCOMES: Final = {outcome: _code("outcome", outcome) for outcome in Outcome}
_DISPOSITIONS: Final = {disposition: _code("disposition", disposition) for disposition in Disposition}
_DRUGS: Final = {drug: _drug(drug) for drug in DrugClass}
_GIVEN: Final = {YesNo.YES: 1, YesNo.NO: 0, YesNo.UNKNOWN: -1}
_BANDS: Final = {None: (-1, -1)} | {band: _band(band) for band in AgeBand}
