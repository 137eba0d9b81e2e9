"""HL7 v2 ADT messages of emergency departments (PHIN syndromic surveillance, v2.5.1): one visit is one report with revisions.

All messages of a visit, whatever their order, end in the report that the latest of them states: a message's own time is its
revision. Case definitions decide what is an overdose; a message that gives neither complaint nor diagnosis changes nothing.
"""

from typing import Final

from spikewatch.contracts.vocabulary import SourceType
from spikewatch.ingest.domain.feeds.feed import Feed
from spikewatch.ingest.domain.feeds.hl7_adt.cut import messages
from spikewatch.ingest.domain.feeds.hl7_adt.reading import read

__all__ = ["FEED", "MEDIA_TYPE"]

MEDIA_TYPE: Final = "application/hl7-v2"

FEED: Final = Feed(
    name="hl7_adt",
    summary="HL7 v2 ADT messages of a hospital, one, several or a batch file",
    splits={MEDIA_TYPE: messages, "x-application/hl7-v2+er7": messages, "text/plain": messages},
    read=read,
    default_source=SourceType.ED,
)
