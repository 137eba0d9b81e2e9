"""The health of a feed: whether it still flows, how late it is, how much of it is refused, and how complete it is."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from spikewatch.contracts.contract import AgencyId, AreaId, Contract, Interval, ShortText, UtcDatetime

__all__ = ["FeedHealth", "FeedState", "FieldShare", "ReasonCount"]

Share = Annotated[float, Field(ge=0, le=1)]


class FeedState(StrEnum):
    """Whether a feed flows. A count below a silent feed is not low: it is unknown."""

    LEARNING = "learning"
    FLOWING = "flowing"
    SILENT = "silent"


class ReasonCount(Contract):
    """How many records were refused for one reason of the dead letters."""

    reason: ShortText
    records: int = Field(ge=0)


class FieldShare(Contract):
    """The share of new reports that state one field."""

    field: ShortText
    share: Share


class FeedHealth(Contract):
    """What is known about one feed: all that one agency sends in one format. Counts are of the window, by day of receipt (UTC)."""

    feed: ShortText = Field(description="Agency and format, agency/format.")
    agency_id: AgencyId
    format: ShortText
    areas: tuple[AreaId, ...] = Field(default=(), description="Those the agency covers: where a count is unknown while the feed is silent.")
    version: int = Field(ge=1, description="Counts the changes of this record.")
    state: FeedState
    since: UtcDatetime = Field(description="When the feed came into this state: a silent one, when it last sent.")
    first_received_at: UtcDatetime
    last_received_at: UtcDatetime
    last_occurred_at: UtcDatetime | None = Field(default=None, description="The latest overdose that the feed told of.")
    usual_gap_s: float | None = Field(default=None, ge=0, description="The longest usual pause between two submissions, learnt.")
    declared_gap_s: float | None = Field(default=None, gt=0, description="How often the agency says that it sends; it outranks the learnt.")
    silent_after: UtcDatetime | None = Field(default=None, description="When it counts as silent unless something comes.")
    window: Interval
    submissions: int = Field(default=0, ge=0)
    records: int = Field(default=0, ge=0)
    reports: int = Field(default=0, ge=0)
    duplicates: int = Field(default=0, ge=0)
    not_an_overdose: int = Field(default=0, ge=0)
    rejected: int = Field(default=0, ge=0)
    rejected_by_reason: tuple[ReasonCount, ...] = ()
    error_rate: Share | None = Field(default=None, description="Share of the records that were refused; None without records.")
    new_reports: int = Field(default=0, ge=0, description="First revisions: lateness and completeness are theirs.")
    later_than_24_h: int = Field(default=0, ge=0, description="New reports received more than 24 hours after the overdose.")
    later_than_72_h: int = Field(default=0, ge=0, description="New reports received more than 72 hours after the overdose.")
    completeness: tuple[FieldShare, ...] = Field(default=(), description="Of every field that is watched; empty without new reports.")
