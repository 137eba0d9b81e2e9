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
from spikewatch.contracts.directory import DirectoryRecord
from spikewatch.contracts.incident import Incident
from spikewatch.contracts.report import LocatedReport, Report

__all__ = [
    "ALERTS",
    "ALL",
    "CONTRIBUTIONS",
    "DIRECTORY",
    "INCIDENTS",
    "LOCATED",
    "REPORTS",
    "SUBMISSIONS",
    "EventType",
    "Topic",
    "dead_letter_topic",
    "every_topic",
]

_MODELS: Final[dict[str, type[BaseModel] | None]] = {
    "bytes": None,
    "Report": Report,
    "LocatedReport": LocatedReport,
    "Incident": Incident,
    "Contribution": Contribution,
    "Alert": Alert,
    "DirectoryRecord": DirectoryRecord,
}
# A dead letter carries its source record whole, plus the reason headers.
_DEAD_LETTER_HEADROOM = 65_536
_DEAD_LETTER_DAYS = 90
_DEAD_LETTER_PARTITIONS = 1


class EventType(StrEnum):
    """``ce_type`` of every event on the bus."""

    SUBMISSION_RECEIVED = "org.spikewatch.submission.received.v1"
    REPORT_NORMALISED = "org.spikewatch.report.normalised.v1"
    REPORT_LOCATED = "org.spikewatch.report.located.v1"
    INCIDENT_CHANGED = "org.spikewatch.incident.changed.v1"
    INCIDENT_RETRACTED = "org.spikewatch.incident.retracted.v1"
    CONTRIBUTION_CHANGED = "org.spikewatch.contribution.changed.v1"
    CONTRIBUTION_WITHDRAWN = "org.spikewatch.contribution.withdrawn.v1"
    ALERT_OPENED = "org.spikewatch.alert.opened.v1"
    ALERT_UPDATED = "org.spikewatch.alert.updated.v1"
    ALERT_REVIEWED = "org.spikewatch.alert.reviewed.v1"
    ALERT_CLOSED = "org.spikewatch.alert.closed.v1"
    ALERT_RETRACTED = "org.spikewatch.alert.retracted.v1"
    DIRECTORY_CHANGED = "org.spikewatch.directory.record.changed.v1"
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
    partitions: int = Field(ge=1)
    retention_days: int | None = Field(description="None: for ever (compacted).")
    cleanup: Literal["delete", "compact"]
    max_message_bytes: int
    personal: str

    @property
    def model(self) -> type[Contract] | type[DirectoryRecord] | None:
        """The pydantic model of the value; None where the value is bytes."""
        return _MODELS[self.content]  # type: ignore[return-value]  # every value of the table is one of these

    def dead_letter(self, group: str) -> "Topic":
        """Return the declaration of this topic's dead-letter topic for one consumer group.

        Raises:
            ValueError: the group is not declared as a consumer of this topic.
        """
        if group not in self.consumers:
            message = f"{group} is not declared as a consumer of {self.name}; declared: {', '.join(self.consumers) or 'none'}"
            raise ValueError(message)
        return Topic(
            name=f"{self.name}.{group}.dlq",
            summary=f"Records of {self.name} that {group} could not process, byte for byte, with the reason in headers.",
            owner=self.owner,
            key=self.key,
            key_example=self.key_example,
            partitioned_by="key",
            content="bytes",
            producers=(self.owner,),
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
CONTRIBUTIONS: Final = _load("overdose.contributions.v1")
ALERTS: Final = _load("overdose.alerts.v1")
DIRECTORY: Final = _load("directory.records.v1")
ALL: Final = (SUBMISSIONS, REPORTS, LOCATED, INCIDENTS, CONTRIBUTIONS, ALERTS, DIRECTORY)


@cache
def dead_letter_topic(topic: str, group: str) -> str:
    """Return the name of a topic's dead-letter topic for one consumer group."""
    return next(declared for declared in ALL if declared.name == topic).dead_letter(group).name


def every_topic() -> tuple[Topic, ...]:
    """Return all declared topics, each followed by its dead-letter topics."""
    return tuple(part for topic in ALL for part in (topic, *(topic.dead_letter(group) for group in topic.consumers)))
