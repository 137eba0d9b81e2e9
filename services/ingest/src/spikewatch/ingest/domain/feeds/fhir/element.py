"""Walks the elements of a FHIR resource. Every failure names the path of the element, never what stands there."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, NoReturn

from spikewatch.contracts.report import Code
from spikewatch.contracts.vocabulary import TimePrecision
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.wall_clock import Instant, local, read_instant, zone_named

__all__ = ["Element", "codes", "instant", "moment", "seconds_since_2000", "words"]

_MOST_REPEATS: Final = 1_000  # of one element; the largest real one, the results of a toxicology report, has a few dozen
_LONGEST_TEXT: Final = 10_000  # a text is read for terms; what stands beyond is not
_TIME: Final = "2026-05-01T14:03:00-04:00"
_MONTH: Final = re.compile(r"(\d{4})-(\d\d)", re.ASCII)
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?", re.ASCII)
_PARTIAL: Final = ("partialdatetime", "partialdate")  # how the URLs of the extensions end, in every version of the guides
_EPOCH: Final = datetime.fromisoformat("2000-01-01T00:00:00+00:00")

# The systems of codes by the URI that FHIR gives them, or by the OID that older senders write.
_SYSTEMS: Final[Mapping[str, str]] = {
    "http://hl7.org/fhir/sid/icd-10-cm": "icd10cm",
    "urn:oid:2.16.840.1.113883.6.90": "icd10cm",
    "http://hl7.org/fhir/sid/icd-10": "icd10",
    "urn:oid:2.16.840.1.113883.6.3": "icd10",
    "http://hl7.org/fhir/sid/icd-9-cm": "icd9cm",
    "http://hl7.org/fhir/sid/icd-9": "icd9cm",
    "urn:oid:2.16.840.1.113883.6.103": "icd9cm",
    "http://snomed.info/sct": "snomed",
    "urn:oid:2.16.840.1.113883.6.96": "snomed",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "rxnorm",
    "urn:oid:2.16.840.1.113883.6.88": "rxnorm",
    "http://loinc.org": "loinc",
    "urn:oid:2.16.840.1.113883.6.1": "loinc",
}
# What a code looks like: a sender that writes a text, or a person's number, into it is not taken at its word.
_FORMS: Final[Mapping[str, re.Pattern[str]]] = {
    "icd10cm": re.compile(r"[A-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?", re.ASCII),
    "icd10": re.compile(r"[A-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?", re.ASCII),
    "icd9cm": re.compile(r"[EV]?\d{2,3}(?:\.?\d{1,2})?", re.ASCII),
    "snomed": re.compile(r"\d{6,18}", re.ASCII),
    "rxnorm": re.compile(r"\d{1,8}", re.ASCII),
    "loinc": re.compile(r"\d{1,5}-\d", re.ASCII),
}


@dataclass(frozen=True, slots=True)
class Element:
    """A JSON value and its path, for example ``Bundle.entry[3].resource.period.start``."""

    value: object
    path: str

    def fail(self, problem: str, expected: str, example: str, fault: Fault = Fault.INVALID_FIELD) -> NoReturn:
        """Refuse the record because of this element.

        Raises:
            Rejected: always.
        """
        raise Rejected(fault, self.path, problem, expected, example)

    @property
    def is_stated(self) -> bool:
        """Whether there is a value."""
        return self.value is not None and self.value != ""

    def child(self, name: str) -> "Element":
        """Return an element of this one; its value is None where it is absent.

        Raises:
            Rejected: this is no object.
        """
        if self.value is None:
            return Element(None, f"{self.path}.{name}")
        if not isinstance(self.value, dict):
            self.fail("is not a JSON object", "an object as FHIR R4 defines it", "{}")
        return Element(self.value.get(name), f"{self.path}.{name}")

    def at(self, *names: str) -> "Element":
        """Return an element further down."""
        found = self
        for name in names:
            found = found.child(name)
        return found

    def each(self, name: str) -> Iterator["Element"]:
        """Yield the repeats of an element of this one.

        Raises:
            Rejected: it is no list, or one too long to be true.
        """
        found = self.child(name)
        if found.value is None:
            return
        if not isinstance(found.value, list):
            found.fail("is not a list", "a list, also where there is one of it", "[…]")
        if len(found.value) > _MOST_REPEATS:
            found.fail("has too many repeats", f"at most {_MOST_REPEATS}", "[…]", Fault.TOO_LARGE)
        for number, value in enumerate(found.value):
            if value is not None:
                yield Element(value, f"{found.path}[{number}]")

    def text(self, name: str) -> str | None:
        """Return a text of this element, cut at 10,000 characters; None where it is absent or blank.

        Raises:
            Rejected: it is no text.
        """
        found = self.child(name)
        if found.value is None:
            return None
        if not isinstance(found.value, str):
            found.fail("is not a text", "a JSON string", '"finished"')
        return found.value[:_LONGEST_TEXT].strip() or None

    def number(self, name: str) -> float | None:
        """Return a number of this element; None where it is absent.

        Raises:
            Rejected: it is no number, or a huge one.
        """
        found = self.child(name)
        if found.value is None:
            return None
        value = found.value
        if isinstance(value, bool) or not isinstance(value, int | float) or not -1e12 < value < 1e12:
            found.fail("is not a number", "a JSON number", "34")
        return float(value)


def codes(concept: Element, role: str) -> list[Code]:
    """Return the codes of a CodeableConcept that are in a known system and look like its codes."""
    found = []
    for coding in concept.each("coding"):
        system = (coding.text("system") or "").removesuffix("/")
        name = _SYSTEMS.get(system) or ("snomed" if system.startswith("http://snomed.info/sct/") else None)
        code = coding.text("code")
        if name is not None and code is not None and _FORMS[name].fullmatch(code.upper()):
            found.append(_coded(name, code.upper(), role))
    return found


@lru_cache(maxsize=4_096)
def _coded(system: str, code: str, role: str) -> Code:
    return Code(system=system, code=code, role=role)


def words(concept: Element) -> list[str]:
    """Return the texts of a CodeableConcept: its own, else those displayed with its codes."""
    text = concept.text("text")
    if text is not None:
        return [text]
    return [display for coding in concept.each("coding") if (display := coding.text("display")) is not None]


def moment(owner: Element, name: str) -> Element:
    """Return a dateTime of an element; where it is known in part, what its extension says: a month, a day, or a day and a time."""
    found, beside = owner.child(name), owner.child(f"_{name}")
    if found.is_stated or not isinstance(beside.value, dict):
        return found
    for extension in beside.each("extension"):
        if (extension.text("url") or "").lower().replace("-", "").endswith(_PARTIAL):
            parts = {
                (part.text("url") or "").rpartition("/")[2].lower().removeprefix("date-"): part for part in extension.each("extension")
            }
            return Element(_put_together(parts), beside.path)
    return found


def _put_together(parts: Mapping[str, Element]) -> str | None:
    """Return year, month, day and time as one text, as far as they are known without a gap; a year alone says too little."""
    year, month, day = (parts[name].number("valueUnsignedInt") if name in parts else None for name in ("year", "month", "day"))
    if year is None or month is None:
        return None
    text = f"{int(year):04}-{int(month):02}"
    if day is None:
        return text
    clock = parts["time"].text("valueTime") if "time" in parts else None
    return f"{text}-{int(day):02}" + (f"T{clock}" if clock is not None and _CLOCK.fullmatch(clock) else "")


def instant(element: Element, time_zone: str | None) -> Instant:
    """Read a FHIR dateTime.

    Raises:
        Rejected: it is none, only a year, or has no offset where the agency has no zone.
    """
    text = element.value
    if not isinstance(text, str):
        element.fail("is not a time", "a FHIR dateTime", _TIME)
    month = _MONTH.fullmatch(text)
    if month is None:
        return read_instant(text, zone_named(time_zone), element.path)
    if not 1 <= int(month[2]) <= 12 or month[1] == "0000":
        element.fail("names a month that does not exist", "a FHIR dateTime", _TIME)
    return local(datetime(int(month[1]), int(month[2]), 1), zone_named(time_zone), element.path, TimePrecision.MONTH)  # noqa: DTZ001  # local places it


def seconds_since_2000(element: Element) -> int | None:
    """Return a FHIR instant as whole seconds since 2000-01-01 UTC; None where it is absent.

    Raises:
        Rejected: it is no instant.
    """
    if not element.is_stated:
        return None
    seconds = int((instant(element, "Etc/UTC").at - _EPOCH).total_seconds())
    return seconds if seconds > 0 else None
