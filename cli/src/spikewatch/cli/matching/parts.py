"""How a reviewer names reports: an incident, ``INCIDENT/2`` its second overdose, ``INCIDENT:3`` its third report, or a report key."""

import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.matching.review_client import ReviewClient
from spikewatch.contracts.decision import DecisionLevel
from spikewatch.enrichment.domain.incident_explanation import IncidentExplanation

__all__ = ["Part", "named_part"]

_NAMED: Final = re.compile(r"([0-9A-Fa-f-]{32,36})(?:([/:])(\d{1,4}))?")


@dataclass(frozen=True, slots=True)
class Part:
    """Some reports of an incident; ``level`` is what they are: all of it, one overdose of it, or (None) one report."""

    incident: IncidentExplanation
    reports: frozenset[UUID]
    level: DecisionLevel | None

    def rest(self, level: DecisionLevel) -> frozenset[UUID]:
        """Return the other reports of its incident, or of the overdoses its reports are in."""
        told = self.incident.reports
        if level is DecisionLevel.INCIDENT:
            return frozenset(one.report_key for one in told) - self.reports
        people = {one.overdose for one in told if one.report_key in self.reports}
        return frozenset(one.report_key for one in told if one.overdose in people) - self.reports


def named_part(text: str, client: ReviewClient) -> Part:
    """Return what a reviewer names.

    Raises:
        CannotRun: it is no such name, or there is no such thing.
    """
    named = _NAMED.fullmatch(text)
    try:
        identity = UUID(named[1]) if named else None
    except ValueError:
        identity = None
    if named is None or identity is None:
        raise CannotRun("name an INCIDENT, its second overdose as INCIDENT/2, its third report as INCIDENT:3, or give a report key")
    incident = client.explain(identity)
    if named[2] is None:
        own = {one.report_key for one in incident.reports}
        return Part(incident, frozenset({identity}), None) if identity in own else Part(incident, frozenset(own), DecisionLevel.INCIDENT)
    number = int(named[3])
    if named[2] == "/":
        reports = frozenset(one.report_key for one in incident.reports if one.overdose == number)
        if not reports:
            raise CannotRun(f"the incident has no overdose {number}; `spikewatch incident show {identity}` numbers them")
        return Part(incident, reports, DecisionLevel.OVERDOSE)
    reports = frozenset(one.report_key for one in incident.reports if one.number == number)
    if not reports:
        raise CannotRun(f"the incident has no report {number}; `spikewatch incident show {identity}` numbers them")
    return Part(incident, reports, None)
