"""An alert with everything that explains it."""

from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import Field

from spikewatch.contracts.contract import AgencyId, AreaId, Contract, FreeText, Interval, ShortText, UtcDatetime
from spikewatch.contracts.incident import ReportReference

__all__ = [
    "Alert",
    "AlertChange",
    "AlertContact",
    "AlertStatus",
    "Contributor",
    "Outline",
    "RelatedAlert",
    "Reporting",
    "RuleReference",
    "SilentFeed",
    "StepsTogether",
    "Transition",
    "WindowCount",
]


class AlertStatus(StrEnum):
    """Where the alert stands."""

    OPEN = "open"
    CLOSED = "closed"
    RETRACTED = "retracted"


class AlertChange(StrEnum):
    """What the newest version of an alert did."""

    OPENED = "opened"
    UPDATED = "updated"
    REVIEWED = "reviewed"
    CLOSED = "closed"
    RETRACTED = "retracted"


class RuleReference(Contract):
    """The rule that raised the alert, as it stood."""

    rule_id: ShortText
    version: int = Field(ge=1)
    kind: ShortText
    description: FreeText
    parameters: dict[str, float | int | str] = Field(default_factory=dict)


class WindowCount(Contract):
    """A count of overdoses in a span of event time."""

    window: Interval
    count: int = Field(ge=0)


class Contributor(Contract):
    """An incident inside the window, with the traces that lead back to each agency's submission."""

    incident_id: UUID
    occurred_at: UtcDatetime
    overdoses: int = Field(ge=1)
    reports: tuple[ReportReference, ...] = ()


class AlertContact(Contract):
    """An institution's desk that answers for the area; never a private person's address."""

    name: ShortText = Field(description="Resource name in the directory, agencies/a/contacts/c.")
    organization: ShortText
    role: ShortText
    email: ShortText | None = None
    phone: ShortText | None = None


class SilentFeed(Contract):
    """A feed that covers the area and had stopped before the window's end: what it would have told is not in the counts."""

    feed: ShortText = Field(description="Agency and format, agency/format.")
    agency_id: AgencyId
    since: UtcDatetime = Field(description="When it last sent.")


class Reporting(Contract):
    """How much of the window had been reported when it was judged, and what its count will come to."""

    share: float = Field(
        ge=0, lt=1, description="Of the window's overdoses, as the area's feeds usually report them and without the silent."
    )
    expected: float = Field(ge=0, description="Overdoses in the window when all is reported.")
    low: float = Field(ge=0, description="Lower bound of the 90 % that hold it.")
    high: float = Field(ge=0, description="Upper bound of the 90 % that hold it.")
    silent: tuple[ShortText, ...] = Field(
        default=(), description="Feeds, agency/source type, whose part of the newest days counts as not reported."
    )


class StepsTogether(Contract):
    """The days or weeks up to an alert's window that stand out together more than that window alone."""

    window: Interval = Field(description="From the start of the first of them to the end of the alert's window.")
    observed: int = Field(ge=0, description="Overdoses in them.")
    expected: float = Field(ge=0)


class RelatedAlert(Contract):
    """Another alert about most of the same incidents: one story, told for another area."""

    alert_id: UUID
    area: AreaId
    rule_id: ShortText
    shared: int = Field(ge=1, description="Contributors that both name.")


class Outline(Contract):
    """Where a cluster lies, as a polygon of GeoJSON: the hull around whole map cells, so that it shows no single place."""

    type: Literal["Polygon"] = "Polygon"
    coordinates: tuple[tuple[tuple[float, float], ...], ...] = Field(
        min_length=1,
        max_length=1,
        description="One ring of longitude and latitude in degrees, counter-clockwise, the first point again at the end.",
    )

    @property
    def ring(self) -> tuple[tuple[float, float], ...]:
        """The ring around the cluster."""
        return self.coordinates[0]


class Transition(Contract):
    """One step in the life of the alert."""

    at: UtcDatetime = Field(description="Event time that decided the step.")
    recorded_at: UtcDatetime = Field(description="Wall clock of the service that took it.")
    change: AlertChange
    observed: int = Field(ge=0)
    reason: FreeText


class Alert(Contract):
    """The current state of an alert, with its history."""

    alert_id: UUID
    version: int = Field(ge=1)
    status: AlertStatus
    change: AlertChange
    area: AreaId
    area_name: ShortText | None = None
    rule: RuleReference
    tier: ShortText | None = Field(default=None, description="The rule's most severe tier that the window reaches.")
    audience: tuple[ShortText, ...] = Field(default=(), description="Who may be told, as the rule says.")
    opened_at: UtcDatetime = Field(description="Event time at which the rule was first met.")
    last_met_at: UtcDatetime = Field(description="Newest event time at which the rule was met.")
    closed_at: UtcDatetime | None = None
    window: Interval = Field(description="The window of the highest count.")
    observed: int = Field(ge=0, description="Overdoses in that window.")
    expected: float | None = Field(default=None, ge=0)
    threshold: float | None = Field(
        default=None,
        description="What the count is held against; of a detector the least count that raises the alert after the days before.",
    )
    probability: float | None = Field(default=None, ge=0, le=1, description="Chance of at least so many if nothing were unusual.")
    dispersion: float | None = Field(
        default=None, ge=0, description="Variance over mean of the area's counts, as the rule learnt it; chance alone gives 1."
    )
    together: StepsTogether | None = Field(
        default=None,
        description="The days or weeks that the alert and its probability are about, where that is more than the window; None else.",
    )
    recurrence_days: float | None = Field(
        default=None,
        ge=1,
        description="Once in so many days chance alone brings one so unusual, in all areas that the rule judges together.",
    )
    outline: Outline | None = Field(default=None, description="Of a cluster: where in the area it lies; None for the whole area.")
    reporting: Reporting | None = Field(
        default=None, description="The correction for reports that are still to come; None: the rule makes none, or all is reported."
    )
    related: tuple[RelatedAlert, ...] = Field(
        default=(), description="Alerts of other areas about most of the same incidents, the most specific area first."
    )
    explained_by: UUID | None = Field(
        default=None, description="Of this and the related alerts the one with the most specific area; None if this is it."
    )
    baseline: tuple[WindowCount, ...] = ()
    contributors: tuple[Contributor, ...] = ()
    contributors_omitted: int = Field(default=0, ge=0, description="Incidents of the window that the list leaves out for size.")
    contacts: tuple[AlertContact, ...] = ()
    silent_feeds: tuple[SilentFeed, ...] = Field(
        default=(), description="As known when this version was written; the longest silent first."
    )
    explanation: str = Field(max_length=2000, description="The same in one paragraph for a person.")
    picture: str | None = Field(
        default=None,
        max_length=20_000,
        description="The counts before and the alert's own as a small SVG; None where no baseline is known.",
    )
    history: tuple[Transition, ...] = ()
