"""The topics, declared once as data in ``topics/*.yaml``; creation, AsyncAPI, access rules and docs derive from it."""

from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from spikewatch.contracts.alert import Alert
from spikewatch.contracts.contract import Contract
from spikewatch.contracts.contribution import Contribution
from spikewatch.contracts.decision import Decision
from spikewatch.contracts.directory import DirectoryRecord
from spikewatch.contracts.feed_health import FeedHealth
from spikewatch.contracts.incident import Incident
from spikewatch.contracts.report import LocatedReport, Report

__all__ = [
    "ALERTS",
    "ALL",
    "CONTRIBUTIONS",
    "DECISIONS",
    "DIRECTORY",
    "FEEDS",
    "INCIDENTS",
    "LOCATED",
    "REPORTS",
    "SUBMISSIONS",
    "EventType",
    "Topic",
    "dead_letter_topic",
    "every_topic",
    "service_of",
]

_MODELS: Final[dict[str, type[BaseModel] | None]] = {
    "bytes": None,
    "Report": Report,
    "LocatedReport": LocatedReport,
    "Incident": Incident,
    "Contribution": Contribution,
    "Alert": Alert,
    "DirectoryRecord": DirectoryRecord,
    "FeedHealth": FeedHealth,
    "Decision": Decision,
}
# A dead letter carries its source record whole, plus the reason headers.
_DEAD_LETTER_HEADROOM = 65_536
_DEAD_LETTER_DAYS = 90
_DEAD_LETTER_PARTITIONS = 1
_DAY_MS = 86_400_000
# A compacted topic is re-read from its start by a new instance; one that was away for less than this still sees every tombstone.
_TOMBSTONE_DAYS = 7
# The broker's limit counts a record batch with its headers, the declaration counts a value.
_BATCH_OVERHEAD_BYTES = 4_096


class EventType(StrEnum):
    """``ce_type`` of every event on the bus."""

    SUBMISSION_RECEIVED = "org.spikewatch.submission.received.v1"
    REPORT_NORMALISED = "org.spikewatch.report.normalised.v1"
    REPORT_LOCATED = "org.spikewatch.report.located.v1"
    INCIDENT_CHANGED = "org.spikewatch.incident.changed.v1"
    INCIDENT_RETRACTED = "org.spikewatch.incident.retracted.v1"
    MATCH_DECIDED = "org.spikewatch.match.decided.v1"
    CONTRIBUTION_CHANGED = "org.spikewatch.contribution.changed.v1"
    CONTRIBUTION_WITHDRAWN = "org.spikewatch.contribution.withdrawn.v1"
    ALERT_OPENED = "org.spikewatch.alert.opened.v1"
    ALERT_UPDATED = "org.spikewatch.alert.updated.v1"
    ALERT_REVIEWED = "org.spikewatch.alert.reviewed.v1"
    ALERT_CLOSED = "org.spikewatch.alert.closed.v1"
    ALERT_RETRACTED = "org.spikewatch.alert.retracted.v1"
    DIRECTORY_CHANGED = "org.spikewatch.directory.record.changed.v1"
    FEED_HEALTH = "org.spikewatch.feed.health.v1"
    DIRECTORY_DELETED = "org.spikewatch.directory.record.deleted.v1"


class Topic(BaseModel):
    """One declared topic."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z]+(\.[a-z0-9-]+)+$")
    summary: str
    owner: str
    key: str
    key_example: str
    partitioned_by: Literal["key", "area"]
    content: str
    event_types: tuple[str, ...] = ()
    producers: tuple[str, ...]
    consumers: tuple[str, ...] = Field(description="Consumer groups of ours; each has a dead-letter topic.")
    readers: tuple[str, ...] = Field(default=(), description="Who else may read: services that read it whole without a group, subscribers.")
    partitions: int = Field(ge=1)
    retention_days: int | None = Field(description="None: for ever (compacted).")
    cleanup: Literal["delete", "compact"]
    max_message_bytes: int
    personal: str

    @property
    def model(self) -> type[Contract] | type[DirectoryRecord] | None:
        """The pydantic model of the value; None where the value is bytes."""
        return _MODELS[self.content]  # type: ignore[return-value]  # every value of the table is one of these

    @property
    def configuration(self) -> dict[str, str]:
        """The topic's settings on the broker, under Kafka's own names; what creation, Strimzi and AsyncAPI all say."""
        retention = -1 if self.retention_days is None else self.retention_days * _DAY_MS
        most = self.max_message_bytes + _BATCH_OVERHEAD_BYTES
        settings = {"cleanup.policy": self.cleanup, "max.message.bytes": str(most), "retention.ms": str(retention)}
        if self.cleanup == "compact":
            settings["delete.retention.ms"] = str(_TOMBSTONE_DAYS * _DAY_MS)
        return settings

    def dead_letter(self, group: str) -> "Topic":
        """Return the declaration of this topic's dead-letter topic for one consumer group.

        It belongs to the service that consumes, which is not always the one that owns the source.

        Raises:
            ValueError: the group is not declared as a consumer of this topic.
        """
        if group not in self.consumers:
            message = f"{group} is not declared as a consumer of {self.name}; declared: {', '.join(self.consumers) or 'none'}"
            raise ValueError(message)
        return Topic(
            name=f"{self.name}.{group}.dlq",
            summary=f"Records of {self.name} that {group} could not process, byte for byte, with the reason in headers.",
            owner=service_of(group),
            key=self.key,
            key_example=self.key_example,
            partitioned_by="key",
            content="bytes",
            producers=(service_of(group),),
            consumers=(),
            partitions=_DEAD_LETTER_PARTITIONS,
            retention_days=_DEAD_LETTER_DAYS,
            cleanup="delete",
            max_message_bytes=self.max_message_bytes + _DEAD_LETTER_HEADROOM,
            personal=self.personal,
        )


def _load(name: str) -> Topic:
    text = files("spikewatch.contracts").joinpath("topics", f"{name}.yaml").read_text(encoding="utf-8")
    return Topic.model_validate(yaml.safe_load(text))


SUBMISSIONS: Final = _load("overdose.submissions.v1")
REPORTS: Final = _load("overdose.reports.v1")
LOCATED: Final = _load("overdose.reports.located.v1")
INCIDENTS: Final = _load("overdose.incidents.v1")
DECISIONS: Final = _load("overdose.decisions.v1")
CONTRIBUTIONS: Final = _load("overdose.contributions.v1")
ALERTS: Final = _load("overdose.alerts.v1")
FEEDS: Final = _load("overdose.feeds.v1")
DIRECTORY: Final = _load("directory.records.v1")
ALL: Final = (SUBMISSIONS, REPORTS, LOCATED, INCIDENTS, DECISIONS, CONTRIBUTIONS, ALERTS, FEEDS, DIRECTORY)


def service_of(group: str) -> str:
    """Return the service a consumer group belongs to: ``enrichment`` of ``enrichment-locate``."""
    return group.partition("-")[0]


@cache
def dead_letter_topic(topic: str, group: str) -> str:
    """Return the name of a topic's dead-letter topic for one consumer group."""
    return next(declared for declared in ALL if declared.name == topic).dead_letter(group).name


def every_topic() -> tuple[Topic, ...]:
    """Return all declared topics, each followed by its dead-letter topics."""
    return tuple(part for topic in ALL for part in (topic, *(topic.dead_letter(group) for group in topic.consumers)))
