"""A decedent's case as a report of a medical examiner: MDI and VRDR Observations, toxicology, or both."""

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from typing import Final

from spikewatch.contracts.report import Code, Location, QualityNote
from spikewatch.contracts.vocabulary import Confirmation, DrugBasis, Outcome, PlacePrecision, SourceType, TimeBasis, TimePrecision
from spikewatch.ingest.domain.evidence import Found, Statement
from spikewatch.ingest.domain.feeds.feed import COUNTY_ASSUMED, NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.feeds.fhir.element import Element, codes, instant, moment, words
from spikewatch.ingest.domain.feeds.fhir.graph import Belongings
from spikewatch.ingest.domain.feeds.fhir.person import one_of_kind, victim
from spikewatch.ingest.domain.feeds.fhir.report import report_of, revision
from spikewatch.ingest.domain.feeds.fhir.toxicology import toxicology
from spikewatch.ingest.domain.feeds.fields import free_text
from spikewatch.ingest.domain.feeds.reported import location_of
from spikewatch.ingest.domain.identifying import is_identifying
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.wall_clock import Instant, not_future

__all__ = ["read_case"]

_DEATH, _MANNER, _INJURY, _CAUSE, _OTHER = "81956-5", "69449-7", "11374-6", "69453-9", "69441-6"
_CODED: Final = {
    "80358-5": "underlying_cause",
    "80359-3": "underlying_cause",
    "80356-9": "contributing_cause",
    "80357-7": "contributing_cause",
}
_MANNERS: Final = {
    "7878000": "manner_accident", "44301001": "manner_suicide", "27935005": "manner_homicide", "38605008": "manner_natural",
    "65037004": "manner_undetermined", "185973002": "manner_pending",
}  # fmt: skip
_MANNER_WORDS: Final = (
    ("accident", "manner_accident"), ("suicide", "manner_suicide"), ("homicide", "manner_homicide"), ("natural", "manner_natural"),
    ("undetermined", "manner_undetermined"), ("not be determined", "manner_undetermined"), ("pending", "manner_pending"),
)  # fmt: skip
_VOID: Final = frozenset({"entered-in-error", "cancelled"})
_PRONOUNCED: Final = "80616-6"
_MONTH: Final = timedelta(days=31)
_LONGEST_WAY: Final = timedelta(days=366)  # from the injury to the death; a longer one is a date that stands for "unknown"
_NUMBER: Final = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9._:/#-]{0,39}", re.ASCII)
_ZIP: Final = re.compile(r"(\d{5})(?:-?\d{4})?", re.ASCII)
_COUNTY: Final = re.compile(r"\d{5}", re.ASCII)
_CITY: Final = re.compile(r"[^\W\d_](?:[^\W\d_]|[ .'-]){0,63}")
_EXAMPLE: Final = "2026-05-01T14:03:00-04:00"


def read_case(record: Belongings, source: Source) -> Reading | NotAnOverdose:
    """Make a reading of a decedent's case.

    Raises:
        Rejected: an element is missing or wrong.
    """
    root = record.root.element
    patient = one_of_kind(record, "Patient")
    known = list(_observations(record))
    when, basis, time_doubts = _time(record, known, patient, source)
    person, doubts = victim(patient, when.at, [observation for _, observation in known])
    location, place_doubts = _location(record, known, patient, source)
    found, confirmation = _found(record, known)
    report = report_of(
        record,
        source,
        occurred=when,
        basis=basis,
        location=location,
        outcome=Outcome.FATAL,
        victims=person,
        quality=(*time_doubts, *doubts, *place_doubts),
        confirmation=confirmation,
        incident_number=_case_number(record),
    )
    if source.source_type is not SourceType.LAB:
        report = report.changed(source_type=SourceType.ME)
    number = revision(record)
    return NotAnOverdose(report, number) if root.text("status") in _VOID else Reading(report, number, found, is_declared=False)


def _observations(record: Belongings) -> Iterator[tuple[str, Element]]:
    """Yield each valid Observation with the code that says what it is."""
    for observation in record.of_kind("Observation"):
        if observation.text("status") not in _VOID:
            yield next((code.code for code in codes(observation.child("code"), "case")), ""), observation


def _time(
    record: Belongings, known: list[tuple[str, Element]], patient: Element | None, source: Source
) -> tuple[Instant, TimeBasis, tuple[QualityNote, ...]]:
    """Return when the overdose happened: the injury, else the death, else when the laboratory's sample was taken.

    Raises:
        Rejected: no time is stated, or the only one is wrong.
    """
    at_last = (moment(patient, "deceasedDateTime"),) if patient is not None else ()
    death = _stated(chain(_times(known, _DEATH), at_last, _pronounced(known)))
    died = instant(death, source.time_zone) if death is not None else None
    if died is not None and death is not None:
        not_future(died, source.received_at, death.path)
    injury = _stated(_times(known, _INJURY))
    if injury is not None:
        try:
            injured = instant(injury, source.time_zone)
            not_future(injured, source.received_at, injury.path)
        except Rejected:
            if died is None:
                raise
            return died, TimeBasis.DEATH, (QualityNote(field="occurred_at", code="injury_time_unusable"),)
        if died is None or _leads_to(injured, died):
            return injured, TimeBasis.INJURY, ()
        return died, TimeBasis.DEATH, (QualityNote(field="occurred_at", code="injury_time_unusable"),)
    if died is not None:
        return died, TimeBasis.DEATH, ()
    sample = next(
        (part for kind in ("DiagnosticReport",) for report in record.of_kind(kind) for part in _moments(report) if part.is_stated), None
    )
    if sample is None:
        record.root.element.fail(
            "states no time of injury or death", "an Observation 11374-6 or 81956-5 with a time", _EXAMPLE, Fault.MISSING_FIELD
        )
    taken = instant(sample, source.time_zone)
    not_future(taken, source.received_at, sample.path)
    return taken, TimeBasis.REPORTED, (QualityNote(field="occurred_at", code="sample_time_used"),)


def _leads_to(injured: Instant, died: Instant) -> bool:
    """Tell whether an injury is the better time: it came before the death, not too long, and is not the vaguer one of the two."""
    if injured.precision is TimePrecision.MONTH and died.precision is not TimePrecision.MONTH:
        return False
    latest = died.at + (_MONTH if died.precision is TimePrecision.MONTH else timedelta())  # a month is told by its first day
    return timedelta(days=-1) < latest - injured.at and died.at - injured.at <= _LONGEST_WAY


def _times(known: list[tuple[str, Element]], wanted: str) -> Iterator[Element]:
    for code, observation in known:
        if code == wanted:
            yield moment(observation, "valueDateTime")
            yield from _moments(observation)


def _pronounced(known: list[tuple[str, Element]]) -> Iterator[Element]:
    """Yield when the person was pronounced dead: all that is said where nobody saw the death."""
    for code, observation in known:
        for component in observation.each("component") if code == _DEATH else ():
            if any(one.code == _PRONOUNCED for one in codes(component.child("code"), "case")):
                yield moment(component, "valueDateTime")


def _moments(resource: Element) -> Iterator[Element]:
    yield moment(resource, "effectiveDateTime")
    yield resource.at("effectivePeriod", "start")


def _stated(elements: Iterator[Element]) -> Element | None:
    return next((element for element in elements if element.is_stated), None)


def _location(
    record: Belongings, known: list[tuple[str, Element]], patient: Element | None, source: Source
) -> tuple[Location, tuple[QualityNote, ...]]:
    """Return the place of the injury, else that of the death. A street that is the person's home is left out.

    Raises:
        Rejected: a Location is not as FHIR has it.
    """
    place = next((found for wanted in (_INJURY, _DEATH) for found in _named_place(record, known, wanted)), None)
    place = place or _profiled(record, "injury-location") or _profiled(record, "death-location")
    if place is None:
        county = source.county_fips
        return location_of(precision=PlacePrecision.COUNTY if county else PlacePrecision.NONE, county_fips=county), (
            COUNTY_ASSUMED,
        ) if county else ()
    address, position = place.child("address"), place.child("position")
    lat, lon = position.number("latitude"), position.number("longitude")
    has_point = lat is not None and lon is not None and abs(lat) <= 90 and abs(lon) <= 180
    if (lat is None) != (lon is None) or (lat is not None and not has_point):
        position.fail("is no place on Earth", "latitude and longitude in degrees", '{"latitude": 40.1209, "longitude": -75.3399}')
    zip5, city = _ZIP.fullmatch(address.text("postalCode") or ""), address.text("city") or ""
    line = " ".join(part for part in (part.value for part in address.each("line")) if isinstance(part, str))
    doubts: tuple[QualityNote, ...] = ()
    if line and _is_home(line, patient):
        line, doubts = "", (QualityNote(field="location.address", code="home_place"),)
    text, was_removed = free_text({"address": line}, "address", "100 Main St") if line else (None, False)
    if was_removed:
        doubts = (*doubts, QualityNote(field="location.address", code="identifier_removed"))
    district = address.text("district") or ""
    county = district if _COUNTY.fullmatch(district) else source.county_fips
    if county is not None and county != district:
        doubts = (*doubts, COUNTY_ASSUMED)
    city = city if _CITY.fullmatch(city) and not is_identifying(city) else ""
    at_home = bool(doubts) and doubts[0].code == "home_place"
    if has_point and not at_home:
        precision = PlacePrecision.POINT
    elif zip5:
        precision = PlacePrecision.ZIP
    else:
        precision = PlacePrecision.CITY if city else PlacePrecision.COUNTY if county else PlacePrecision.NONE
    return (
        location_of(
            lat=lat if has_point and not at_home else None,
            lon=lon if has_point and not at_home else None,
            precision=precision,
            address=text,
            city=city or None,
            zip5=zip5[1] if zip5 else None,
            county_fips=county,
        ),
        doubts,
    )


def _named_place(record: Belongings, known: list[tuple[str, Element]], wanted: str) -> Iterator[Element]:
    for code, observation in known:
        for extension in observation.each("extension") if code == wanted else ():
            if (extension.text("url") or "").lower().endswith("observation-location"):
                place = record.follow(extension.child("valueReference"), observation)
                if place is not None:
                    yield place


def _profiled(record: Belongings, ending: str) -> Element | None:
    for place in record.of_kind("Location"):
        if any(isinstance(name.value, str) and name.value.lower().endswith(ending) for name in place.child("meta").each("profile")):
            return place
    return None


def _is_home(line: str, patient: Element | None) -> bool:
    said = "".join(filter(str.isalnum, line.lower()))
    for address in patient.each("address") if patient is not None else ():
        own = " ".join(part.value for part in address.each("line") if isinstance(part.value, str))
        if "".join(filter(str.isalnum, own.lower())) == said:
            return True
    return False


def _case_number(record: Belongings) -> str | None:
    """Return the number by which examiner and laboratory know the case, when it looks like a number."""
    for resource in (record.root.element, *record.of_kind("DiagnosticReport"), *record.of_kind("Composition")):
        for extension in resource.each("extension"):
            if (extension.text("url") or "").endswith("Extension-tracking-number"):
                number = extension.child("valueIdentifier").text("value") or ""
                if _NUMBER.fullmatch(number) and not is_identifying(number):
                    return number
    return None


def _found(record: Belongings, known: list[tuple[str, Element]]) -> tuple[Found, Confirmation]:
    found: list[Code] = []
    statements: list[Statement] = []
    facts = {"dead"}
    for code, observation in known:
        value = observation.child("valueCodeableConcept")
        text = observation.text("valueString")
        texts = [text] if text is not None else words(value)
        if code == _CAUSE:
            statements += [Statement("cause_of_death", said, DrugBasis.TOXICOLOGY) for said in texts]
            found += codes(value, "contributing_cause")
        elif code == _OTHER:
            statements += [Statement("other_conditions", said, DrugBasis.TOXICOLOGY) for said in texts]
        elif code == _INJURY:
            statements += [Statement("injury_description", said, DrugBasis.SUSPECTED) for said in texts]
        elif code in _CODED:
            found += codes(value, _CODED[code])
        elif code == _MANNER:
            stated = [_MANNERS[code.code] for code in codes(value, "manner") if code.code in _MANNERS]
            said = " ".join(texts).lower()
            stated = stated or [fact for word, fact in _MANNER_WORDS if word in said]
            facts.update(stated[:1])
    for condition in record.of_kind("Condition"):
        profiles = [part.value for part in condition.child("meta").each("profile") if isinstance(part.value, str)]
        if any("condition-contributing-to-death" in name.lower() for name in profiles):
            statements += [Statement("other_conditions", said, DrugBasis.TOXICOLOGY) for said in words(condition.child("code"))]
        elif any("cause-of-death" in name.lower() for name in profiles):
            statements += [Statement("cause_of_death", said, DrugBasis.TOXICOLOGY) for said in words(condition.child("code"))]
    lab = toxicology(record)
    is_settled = any(statement.role == "cause_of_death" for statement in statements) and "manner_pending" not in facts
    confirmation = Confirmation.CONFIRMED if is_settled else Confirmation.PROBABLE if lab.names else Confirmation.SUSPECTED
    return (
        Found(tuple(dict.fromkeys((*found, *lab.codes))), lab.names, tuple(dict.fromkeys(statements)), frozenset(facts)),
        confirmation,
    )
