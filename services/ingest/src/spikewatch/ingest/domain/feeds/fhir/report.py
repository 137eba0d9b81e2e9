"""What Encounters and cases share: the record's id, its revision, and the report around them."""

import re
from typing import Final

from spikewatch.contracts.report import Location, QualityNote, Report, Reversal, Victims
from spikewatch.contracts.vocabulary import Confirmation, Disposition, Outcome, TimeBasis
from spikewatch.ingest.domain.feeds.facts import time_doubts
from spikewatch.ingest.domain.feeds.feed import Source
from spikewatch.ingest.domain.feeds.fhir.element import Element, seconds_since_2000
from spikewatch.ingest.domain.feeds.fhir.graph import Belongings
from spikewatch.ingest.domain.feeds.reported import reported
from spikewatch.ingest.domain.wall_clock import Instant

__all__ = ["report_of", "revision"]

_ERROR: Final = "entered-in-error"
_NO_REVERSAL: Final = Reversal()
_VERSION: Final = re.compile(r'(?:W/")?([1-9]\d{0,8})"?', re.ASCII)


def _record_id(record: Belongings, source: Source) -> str:
    """Return the record's id: a hash, because the identifier may be a person's number.

    Raises:
        Rejected: an identifier is not as FHIR has it.
    """
    root = record.root
    kind = "case" if root.kind != "Encounter" else "Encounter"
    if root.kind == "Composition":  # its own identifier is the document's, made anew each time; the case's is its tracking number
        numbers = [part.child("valueIdentifier") for part in root.element.each("extension") if part.child("valueIdentifier").is_stated]
        if numbers and numbers[0].text("value"):
            return _hashed(source, kind, numbers[0])
    identifiers = [part for part in _identifiers(root.element) if part.text("use") != "old" and part.text("value")]
    for use in ("official", "usual"):
        chosen = next((part for part in identifiers if part.text("use") == use), None)
        if chosen is not None:
            return _hashed(source, kind, chosen)
    if identifiers:
        return _hashed(source, kind, identifiers[0])
    identity = root.element.text("id")
    if identity is not None:
        return source.hashed_id("fhir", kind, ascii(identity))
    if root.url is not None and not root.url.startswith("urn:uuid:"):  # those are made anew for each Bundle
        return source.hashed_id("fhir", kind, ascii(root.url))
    told = (root.element.at("subject", "reference"), root.element.at("period", "start"), root.element.child("effectiveDateTime"))
    return source.hashed_id("fhir", kind, *(ascii(part.value) for part in told))


def _identifiers(root: Element) -> list[Element]:
    identifier = root.child("identifier")
    return [identifier] if isinstance(identifier.value, dict) else list(root.each("identifier"))  # a Composition has one


def _hashed(source: Source, kind: str, identifier: Element) -> str:
    # ascii() writes half characters as escapes.
    return source.hashed_id("fhir", kind, ascii(identifier.text("system")), ascii(identifier.text("value")))


def revision(record: Belongings) -> int | None:
    """Return the order that the source gives: the latest lastUpdated of what belongs to the record, else its version.

    Raises:
        Rejected: a time or version is none.
    """
    times = [seconds_since_2000(part.element.at("meta", "lastUpdated")) for part in (record.root, *record.others)]
    latest = max((time for time in times if time is not None), default=None)
    if latest is not None:
        return latest
    version = _VERSION.fullmatch(record.root.element.child("meta").text("versionId") or "")
    return int(version[1]) if version else seconds_since_2000(Element(record.group.timestamp, "Bundle.timestamp"))


def report_of(
    record: Belongings,
    source: Source,
    *,
    occurred: Instant,
    basis: TimeBasis,
    location: Location,
    outcome: Outcome,
    victims: Victims,
    quality: tuple[QualityNote, ...],
    disposition: Disposition = Disposition.UNKNOWN,
    reversal: Reversal | None = None,
    confirmation: Confirmation = Confirmation.SUSPECTED,
    incident_number: str | None = None,
) -> Report:
    """Return the report, revision 1 where the source gives no order; one entered in error is withdrawn.

    Raises:
        Rejected: identifier, version or status is none.
    """
    number = revision(record)
    return reported(
        source,
        _record_id(record, source),
        number,
        occurred,
        basis=basis,
        location=location,
        outcome=outcome,
        confirmation=confirmation,
        reversal=reversal or _NO_REVERSAL,
        victims=victims,
        disposition=disposition,
        incident_number=incident_number,
        is_withdrawn=record.root.element.text("status") == _ERROR,
        quality=(*time_doubts(occurred.notes), *quality),
    )
