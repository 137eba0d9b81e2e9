"""Counts what every stage holds, from the topics themselves, and checks that the figures add up."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, TypeVar

from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.kafka.message import Record
from spikewatch.chassis.kafka.reader import read_all
from spikewatch.chassis.outcome import Reason
from spikewatch.contracts import topics
from spikewatch.contracts.alert import Alert
from spikewatch.contracts.incident import Incident
from spikewatch.contracts.report import LocatedReport, Report

__all__ = ["Census", "Check", "census", "checks", "peak"]

T = TypeVar("T")
Read = Callable[[str], AsyncIterator[Record]]
_REASON: Final = "dlq-reason"
_DAY: Final = timedelta(hours=24)


@dataclass
class Census:
    """What the topics hold: each fact counted once, however often it was delivered."""

    submissions: int = 0
    reports: dict[str, Report] = field(default_factory=dict)  # by id, every revision
    located: dict[str, LocatedReport] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    contributions: Counter[str] = field(default_factory=Counter)  # by kind of area
    alerts: dict[str, Alert] = field(default_factory=dict)
    dead_letters: Counter[str] = field(default_factory=Counter)  # by reason, those of the submissions
    other_dead_letters: int = 0

    @property
    def report_keys(self) -> set[str]:
        """The reports, whatever their number of revisions."""
        return {str(report.report_key) for report in self.reports.values()}

    @property
    def overdoses(self) -> int:
        """How many overdoses the incidents hold."""
        return sum(len(incident.overdoses) for incident in self.incidents.values())


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be true, in words for people."""

    claim: str
    is_true: bool


def kafka_read(connection: KafkaConnection) -> Read:
    """Return a reader of whole topics."""
    return lambda topic: read_all(connection, topic)


async def census(read: Read) -> Census:
    """Read every topic from its start to its present end."""
    found = Census()
    found.submissions = len({record.header("ce_id") async for record in read(topics.SUBMISSIONS.name)})
    async for record in read(topics.REPORTS.name):
        report = Report.model_validate_json(record.value or b"")
        found.reports[str(report.report_id)] = report
    async for record in read(topics.LOCATED.name):
        located = LocatedReport.model_validate_json(record.value or b"")
        found.located[str(located.report.report_id)] = located
    found.incidents = {key: Incident.model_validate_json(value) for key, value in (await _newest(read, topics.INCIDENTS.name)).items()}
    found.alerts = {key: Alert.model_validate_json(value) for key, value in (await _newest(read, topics.ALERTS.name)).items()}
    found.contributions.update(key.partition(":")[0] for key in await _newest(read, topics.CONTRIBUTIONS.name))
    for topic in topics.ALL:
        for group in topic.consumers:
            letters = await _letters(read, topic.dead_letter(group).name)
            if topic is topics.SUBMISSIONS:
                found.dead_letters.update(letters.values())
            else:
                found.other_dead_letters += len(letters)
    return found


async def _newest(read: Read, topic: str) -> Mapping[str, bytes]:
    """Return the newest value of each key; a key that ends in a tombstone is gone."""
    state: dict[str, bytes] = {}
    async for record in read(topic):
        key = (record.key or b"").decode()
        if record.value is None:
            state.pop(key, None)
        else:
            state[key] = record.value
    return state


async def _letters(read: Read, topic: str) -> Mapping[bytes, str]:
    """Return the reason of each letter by the id of the record that it holds, so that a letter written twice counts once."""
    found = {}
    async for record in read(topic):
        identity = record.header("ce_id") or f"{record.partition}/{record.offset}".encode()
        found[identity] = (record.header(_REASON) or Reason.UNEXPECTED_ERROR.encode()).decode()
    return found


def peak(found: Census, area: str) -> int:
    """Return the highest number of overdoses of an area within any 24 hours, counted from the incidents alone."""
    moments = sorted(
        overdose.occurred_at for incident in found.incidents.values() if area in incident.areas for overdose in incident.overdoses
    )
    highest = first = 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - _DAY:
            first += 1
        highest = max(highest, last - first + 1)
    return highest


def checks(found: Census, outcomes: Mapping[str, int], *, sent: int, about_overdoses: int | None) -> list[Check]:
    """Return what must be true of the figures.

    Args:
        found: what the topics hold.
        outcomes: what the receipts say became of the records, by result.
        sent: how many records were sent.
        about_overdoses: how many of them were about an overdose, if that is known.
    """
    reports, duplicates = outcomes.get("report", 0), outcomes.get("duplicate", 0)
    letters, others = outcomes.get("rejected", 0), outcomes.get("not_an_overdose", 0)
    in_incidents = Counter(
        str(reference.report_key)
        for incident in found.incidents.values()
        for overdose in incident.overdoses
        for reference in overdose.reports
    )
    parts = f"{reports:,} reports + {duplicates:,} duplicates + {letters:,} dead letters + {others:,} not an overdose"
    listed = [
        Check(f"{sent:,} records sent = {parts}", sent == reports + duplicates + letters + others),
        Check(f"{reports:,} report revisions by the receipts = {len(found.reports):,} on the topic", reports == len(found.reports)),
        Check(f"{letters:,} refused by the receipts = {found.dead_letters.total():,} dead letters", letters == found.dead_letters.total()),
        Check(f"{len(found.reports):,} reports = {len(found.located):,} located reports", found.reports.keys() == found.located.keys()),
        Check(
            f"each of the {len(found.report_keys):,} reports stands in exactly one overdose",
            in_incidents.keys() == found.report_keys and set(in_incidents.values()) <= {1},
        ),
        Check("nothing was dead-lettered behind the first stage", found.other_dead_letters == 0),
    ]
    if about_overdoses is not None:
        told = reports + duplicates + letters
        listed.append(
            Check(f"{about_overdoses:,} records about an overdose were sent, {told:,} were taken as such", told == about_overdoses)
        )
    return listed
