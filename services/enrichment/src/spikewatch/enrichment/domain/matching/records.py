"""The compact record that is compared, made from a row of a table or from a located report, and which revision of it stands."""

from collections.abc import Iterable, Mapping
from datetime import time
from functools import lru_cache
from typing import Final, NamedTuple
from uuid import UUID

from spikewatch.contracts.identifiers import report_key
from spikewatch.contracts.report import LocatedReport, Position, Report
from spikewatch.contracts.vocabulary import AgeBand, Disposition, DrugClass, Outcome, PlacePrecision, Sex, SourceType, TimePrecision, YesNo
from spikewatch.enrichment.domain.matching import address, codes
from spikewatch.enrichment.domain.matching.ages import OLDEST, age_of
from spikewatch.enrichment.domain.matching.cells import (
    ESTIMATING,
    NOT_WRITTEN,
    Unreadable,
    code,
    degrees,
    disposition_of,
    drug_of,
    folded,
    given,
    is_rough_age,
    kind_of,
    likely_place_class,
    meaningful,
    moment_of,
    outcome_of,
    place_class_of,
    race_of,
    sex_of,
    whole,
    zip5,
)

__all__ = ["Compared", "Unreadable", "newest", "of_located", "of_report", "of_row", "revision_of"]

_NEVER: Final = 0.0  # came before all that say when they came
_ROUGH: Final = frozenset({"day", "date", "month"})
_MIDNIGHT: Final = time()


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
    if agency in NOT_WRITTEN:
        raise Unreadable("agency", "is missing", "the agency or its kind", "EMS")
    number = (get("agency_record_no") or "").strip()
    if number in NOT_WRITTEN:
        number = (get("report_id") or "").strip()
    if number in NOT_WRITTEN:
        raise Unreadable("agency_record_no", "is missing, and report_id, too", "the number that the agency gave the record", "EM105454")
    moment = moment_of(get("event_time") or "", "event_time")
    came = get("received_at")
    try:
        received = moment_of(came, "received_at").timestamp() if came else _NEVER
    except Unreadable:
        received = _NEVER
    kind = kind_of(agency)
    precision = (get("time_precision") or "").strip().lower()
    lat, lon = degrees(get("lat"), 90.0), degrees(get("lon"), 180.0)
    age_low, age_high, is_vague = age_of(get("age") or "")
    written = get("address_text") or ""
    house, unit, street = address.stated(written) if written else address.NOWHERE
    if lat is None or lon is None or (lat == 0.0 and lon == 0.0):  # of the sea off Africa nobody reports: a blank written as zero
        lat = lon = 0.0
        place_class = 0
    elif (place_class := place_class_of(get("geo_precision") or "")) < 0:
        place_class = likely_place_class(kind, written, house)
    return Compared(
        report_key(agency.lower(), number),
        (received, get("report_id") or ""),
        moment.timestamp(),
        precision in _ROUGH or (precision != "second" and moment.time() == _MIDNIGHT),  # on the clock of whoever wrote it
        kind,
        agency,
        "",
        lat,
        lon,
        place_class,
        age_low,
        age_high,
        is_vague or is_rough_age(get("age_approx") or "", kind),
        sex_of(get("sex") or ""),
        race_of(get("race") or ""),
        outcome_of(get("outcome") or ""),
        disposition_of(get("disposition") or ""),
        drug_of(get("drug") or ""),
        given(get("naloxone") or ""),
        whole(get("naloxone_doses") or ""),
        folded(get("hospital") or ""),
        zip5(get("zip") or ""),
        meaningful(get("cad_no") or ""),
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
    if at.lat is None or at.lon is None or (at.lat == 0.0 and at.lon == 0.0):
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
        low != high or report.source_type in ESTIMATING,
        _SEXES[victims.sex],
        0,
        _OUTCOMES[report.outcome],
        _DISPOSITIONS[report.disposition],
        # Classes of one report may nest: the substance says more than its family.
        min([_DRUGS[drug.drug_class] for drug in report.drugs])[1] if report.drugs else 0,
        _GIVEN[reversal.given],
        -1 if reversal.doses is None else reversal.doses,
        folded(report.destination) if report.destination else "",
        at.zip5 or "",
        meaningful(report.cad_number) if report.cad_number else "",
        house,
        unit,
        street,
        report.withdrawn,
    )


@lru_cache(1024)
def revision_of(revision: int, geodata_version: int) -> tuple[float, str]:
    """Return what of two placings of two revisions of a report says which stands: the greater."""
    return float(revision), f"{geodata_version:020d}"


def _band(band: AgeBand) -> tuple[int, int]:
    if band is AgeBand.A90_PLUS:
        return 90, OLDEST
    low, _, high = band.value.partition("-")
    return int(low), int(high)


def _drug(drug: DrugClass) -> tuple[int, int]:
    """Return a class's place among those of a report, least for the one that counts, and its number; what is not known gives way to all."""
    number = codes.DRUGS.index(drug)
    if drug is DrugClass.UNKNOWN:
        return 2 * len(codes.DRUGS), 0
    return number + (len(codes.DRUGS) if drug in {DrugClass.OPIOID, DrugClass.STIMULANT} else 0), code("drug", drug)


# The words of a located report are few: what each of them is compared as is looked up.
_KINDS: Final = {kind: codes.KIND_CODE.get(kind, codes.KIND_CODE["other"]) for kind in SourceType}
_SEXES: Final = {sex: code("sex", sex) for sex in Sex}
_OUTCOMES: Final = {outcome: code("outcome", outcome) for outcome in Outcome}
_DISPOSITIONS: Final = {disposition: code("disposition", disposition) for disposition in Disposition}
_DRUGS: Final = {drug: _drug(drug) for drug in DrugClass}
_GIVEN: Final = {YesNo.YES: 1, YesNo.NO: 0, YesNo.UNKNOWN: -1}
_BANDS: Final = {None: (-1, -1)} | {band: _band(band) for band in AgeBand}
