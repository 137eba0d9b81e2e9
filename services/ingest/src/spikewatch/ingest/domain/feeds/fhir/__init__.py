"""FHIR R4: hospital Encounters with their Conditions and Observations, and decedents' cases with toxicology (MDI).

An allow-list of elements: names, telecoms, streets of persons, notes and attachments are never looked at.
"""

from typing import Final

from spikewatch.contracts.vocabulary import SourceType
from spikewatch.ingest.domain.feeds.feed import Feed, NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.feeds.fhir.bundle import split_json, split_lines
from spikewatch.ingest.domain.feeds.fhir.case import read_case
from spikewatch.ingest.domain.feeds.fhir.encounter import read_encounter
from spikewatch.ingest.domain.feeds.fhir.graph import Belongings
from spikewatch.ingest.domain.record import Fields
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["FEED", "read"]


def read(fields: Fields, source: Source) -> Reading | NotAnOverdose:
    """Make a reading of one Encounter or one case.

    Raises:
        Rejected: an element is missing or wrong.
    """
    record = fields.get("record")
    if not isinstance(record, Belongings):
        raise Rejected(Fault.MALFORMED, "Bundle", "is no record of FHIR", "a Bundle with an Encounter", '{"resourceType": "Bundle", …}')
    return read_encounter(record, source) if record.root.kind == "Encounter" else read_case(record, source)


FEED: Final = Feed(
    name="fhir",
    summary="FHIR R4 Bundles: hospital encounters, medical examiners' cases, toxicology",
    splits={
        "application/fhir+json": split_json,
        "application/json": split_json,
        "application/fhir+ndjson": split_lines,
        "application/x-ndjson": split_lines,
    },
    read=read,
    default_source=SourceType.ED,
)
