"""Puts a report together out of what the readers of a feed made, each value of the contract's type and within its bounds already."""

from spikewatch.contracts.contract import unchecked
from spikewatch.contracts.identifiers import report_id, report_key
from spikewatch.contracts.report import Location, QualityNote, Report, Reversal, Victims
from spikewatch.contracts.vocabulary import Confirmation, Disposition, Outcome, TimeBasis
from spikewatch.ingest.domain.feeds.feed import Source
from spikewatch.ingest.domain.wall_clock import Instant

__all__ = ["location_of", "reported"]

location_of = unchecked(Location)
"""Makes a location of values that are read already: checking them once more costs as much as reading them."""


def reported(  # noqa: PLR0913  # what a report says
    source: Source,
    record: str,
    revision: int | None,
    instant: Instant,
    *,
    basis: TimeBasis,
    location: Location,
    outcome: Outcome,
    reversal: Reversal,
    victims: Victims,
    disposition: Disposition,
    quality: tuple[QualityNote, ...],
    confirmation: Confirmation = Confirmation.SUSPECTED,
    destination: str | None = None,
    incident_number: str | None = None,
    cad_number: str | None = None,
    is_withdrawn: bool = False,
    profile: str | None = None,
) -> Report:
    """Return the report of a record; what is known from outside it is checked in the source's frame, nothing else is checked again.

    Args:
        source: who sent it, when, and as part of what.
        record: the agency's id of it, at most 128 characters.
        revision: the one that the record states, if any.
        instant: the best time of the overdose, in UTC.
        basis: which moment that is.
        location: where it was.
        outcome: what it led to.
        reversal: the reversal drug.
        victims: the person.
        disposition: what became of the person.
        quality: the doubts.
        confirmation: how sure the agency is.
        destination: the facility the person was brought to, at most 128 characters.
        incident_number: the agency's, at most 128 characters.
        cad_number: the dispatch's, likewise.
        is_withdrawn: the agency takes the report back.
        profile: the one that read it; None: the source's.
    """
    agency, number = source.agency_id, revision or 1
    return source.frame.changed(
        report_id=report_id(agency, record, number),
        report_key=report_key(agency, record),
        source_record_id=record,
        revision=number,
        occurred_at=instant.at,
        occurred_at_basis=basis,
        occurred_at_precision=instant.precision,
        location=location,
        outcome=outcome,
        confirmation=confirmation,
        reversal=reversal,
        victims=victims,
        disposition=disposition,
        destination=destination,
        incident_number=incident_number,
        cad_number=cad_number,
        withdrawn=is_withdrawn,
        quality=quality,
        profile=profile or source.profile,
    )
