"""The written places of reports, searched for together: an address, and the corner where it says more."""

from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

from spikewatch.contracts.report import Report
from spikewatch.contracts.vocabulary import PlacePrecision
from spikewatch.enrichment.domain.geocoding.answer import Answer, Query

__all__ = ["RANK", "AddressSearch", "addressed"]

RANK: Final = {precision: rank for rank, precision in enumerate(PlacePrecision)}  # declared best first
"""Of each precision its place on the ladder: 0 is the most exact."""


class AddressSearch(Protocol):
    """Finds written places: one index of streets, or several that answer as one."""

    def geocode_many(self, queries: Sequence[Query]) -> Sequence[Answer]:
        """Return the answer to each query, in the same order."""
        ...


def addressed(reports: Sequence[Report], search: AddressSearch) -> dict[UUID, Answer]:
    """Return what is known of the written place of each report that has one, by report id; of two places the better known."""
    asked: list[UUID] = []
    queries: list[Query] = []
    for report in reports:
        place = report.location
        # Without a street the city still says more than the county does, where no ZIP code is told.
        written = [text for text in (place.address, place.intersection) if text] or ([""] if place.city and not place.zip5 else [])
        for text in written:
            asked.append(report.report_id)
            queries.append(Query(text, city=place.city, zip5=place.zip5, county=place.county_fips))
    found: dict[UUID, Answer] = {}
    for key, answer in zip(asked, search.geocode_many(queries), strict=True):
        rival = found.get(key)
        if rival is None or RANK[answer.precision] < RANK[rival.precision]:
            found[key] = answer
    return found
