"""From records to use cases and back to messages; no rules here."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from spikewatch.chassis.kafka.message import Event, Message
from spikewatch.chassis.kafka.subscription import Handler
from spikewatch.chassis.outcome import Drop, Emit, Outcome
from spikewatch.contracts import topics
from spikewatch.contracts.report import LocatedReport, Report
from spikewatch.contracts.topics import EventType
from spikewatch.enrichment.service import LocateReports, MatchReports, Publication

__all__ = ["MERGED_INTO", "incident_message", "locate_handler", "located_message", "match_handler"]

MERGED_INTO: Final = "ce_mergedinto"
"""The header of a tombstone that names the incident which its reports are part of now."""

_SOURCE: Final = "/services/enrichment"
_NOTHING: Final = Drop("tombstone")


def locate_handler(use_case: LocateReports) -> Handler[Report]:
    """Return the handler of ``overdose.reports.v1``: one located report for each report."""

    async def handle(batch: Sequence[Event[Report]]) -> Sequence[Outcome]:
        located = iter(use_case.locate([event.body for event in batch if event.body is not None]))
        return [_NOTHING if event.body is None else Emit((located_message(next(located)),)) for event in batch]

    return handle


def match_handler(use_case: MatchReports) -> Handler[LocatedReport]:
    """Return the handler of ``overdose.reports.located.v1``.

    An incident that several records of the batch touched is sent once, with the outcome of the last of them.
    """

    async def handle(batch: Sequence[Event[LocatedReport]]) -> Sequence[Outcome]:
        positions: dict[UUID, list[int]] = defaultdict(list)
        for index, event in enumerate(batch):
            if event.body is not None:
                positions[event.body.report.report_key].append(index)
        messages: dict[int, list[Message]] = defaultdict(list)
        for publication in await use_case.apply([event.body for event in batch if event.body is not None]):
            *others, last = sorted(index for key in publication.causes for index in positions[key])
            messages[last].append(incident_message(publication, tuple(others)))
        return [_NOTHING if event.body is None else Emit(tuple(messages.get(index, ()))) for index, event in enumerate(batch)]

    return handle


def located_message(located: LocatedReport) -> Message:
    """Return the message of ``overdose.reports.located.v1`` that says where a report is placed."""
    report = located.report
    return Message.of(
        topics.LOCATED,
        located,
        key=located.place_key,
        event_type=EventType.REPORT_LOCATED,
        subject=report.report_key,
        # One that was placed anew is another event of the same revision.
        version=report.revision if not located.geodata_version else f"{report.revision}.{located.geodata_version}",
        source=_SOURCE,
        time=report.received_at,
    )


def incident_message(publication: Publication, others: tuple[int, ...]) -> Message:
    """Return the message of ``overdose.incidents.v1`` that tells an incident's state; ``others`` are further records it follows from."""
    incident = publication.incident
    event_type = EventType.INCIDENT_CHANGED if incident.active else EventType.INCIDENT_RETRACTED
    message = Message.of(
        topics.INCIDENTS,
        None if incident.body is None else _Raw(incident.body),
        key=str(incident.incident_id),
        event_type=event_type,
        subject=incident.incident_id,
        version=incident.version,
        source=_SOURCE,
        time=incident.occurred_at,
        also_caused_by=others,
    )
    if incident.merged_into is not None:
        message.headers = ((MERGED_INTO, str(incident.merged_into).encode()),)
    return message


class _Raw:
    """A body that is already in its wire form, so that publishing it again repeats it byte for byte."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def to_json(self) -> bytes:
        """Return the wire form."""
        return self._body
