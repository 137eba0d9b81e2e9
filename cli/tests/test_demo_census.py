from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from spikewatch.chassis.kafka.message import Body, Record
from spikewatch.cli.demonstration.census import Census, Check, census, checks, peak
from spikewatch.contracts import topics
from spikewatch.contracts.identifiers import incident_id, overdose_id, report_id, report_key
from spikewatch.contracts.incident import Incident, IncidentChange, Overdose, ReportReference
from spikewatch.contracts.report import LocatedReport, Location, Report
from spikewatch.contracts.vocabulary import Outcome, SourceType, TimeBasis, TimePrecision

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SUBMISSION = UUID(int=1)
AREAS = ("state:99", "county:99001", "zip:99951")


def report(number: int, revision: int = 1) -> Report:
    record = f"R{number}"
    return Report(
        report_id=report_id("ems", record, revision),
        report_key=report_key("ems", record),
        source_agency_id="ems",
        source_record_id=record,
        revision=revision,
        source_type=SourceType.EMS,
        occurred_at=NOON,
        occurred_at_basis=TimeBasis.ON_SCENE,
        occurred_at_precision=TimePrecision.SECOND,
        received_at=NOON,
        location=Location(),
        submission_id=SUBMISSION,
        submission_format="statutory",
    )


def incident(*numbers: int, at: datetime = NOON) -> Incident:
    overdoses = tuple(
        Overdose(
            overdose_id=overdose_id(report_key("ems", f"R{number}")),
            occurred_at=at,
            occurred_at_precision=TimePrecision.SECOND,
            outcome=Outcome.NONFATAL,
            reports=(
                ReportReference(
                    report_id=report_id("ems", f"R{number}", 1),
                    report_key=report_key("ems", f"R{number}"),
                    source_agency_id="ems",
                    source_type=SourceType.EMS,
                    submission_id=SUBMISSION,
                ),
            ),
        )
        for number in numbers
    )
    return Incident(
        incident_id=incident_id(report_key("ems", f"R{numbers[0]}")),
        version=1,
        change=IncidentChange.OPENED,
        occurred_at=at,
        place_key="99001",
        areas=AREAS,
        overdoses=overdoses,
    )


class Topics:
    """Topics in memory."""

    def __init__(self) -> None:
        self.records: dict[str, list[Record]] = {}

    def add(self, topic: str, key: str, body: Body | None, **headers: str) -> None:
        records = self.records.setdefault(topic, [])
        value = None if body is None else body.to_json()
        pairs = tuple((name, text.encode()) for name, text in headers.items())
        records.append(Record(topic, 0, len(records), key.encode(), value, pairs, NOON))

    async def read(self, topic: str) -> AsyncIterator[Record]:
        for record in self.records.get(topic, []):
            yield record


@pytest.fixture
def bus() -> Topics:
    """Three records sent: two reports (one of them corrected in a later submission), one refused."""
    bus = Topics()
    for name in ("s1", "s2", "s2"):  # one was delivered twice
        bus.add(topics.SUBMISSIONS.name, "ems", report(0), ce_id=name)
    for each in (report(1), report(2), report(2, 2), report(2)):
        bus.add(topics.REPORTS.name, str(each.report_key), each)
        bus.add(topics.LOCATED.name, "99001", LocatedReport(report=each, place_key="99001"))
    bus.add(topics.INCIDENTS.name, "old", incident(2))
    bus.add(topics.INCIDENTS.name, "i", incident(1))
    bus.add(topics.INCIDENTS.name, "i", incident(1, 2))
    bus.add(topics.INCIDENTS.name, "old", None)  # merged into the other
    bus.add(topics.CONTRIBUTIONS.name, "county:99001|i", incident(1, 2))
    letters = topics.SUBMISSIONS.dead_letter("ingest-normalise").name
    for _ in range(2):
        bus.add(letters, "ems", report(3), **{"ce_id": "part-1", "dlq-reason": "future-time"})
    return bus


OUTCOMES = {"report": 3, "duplicate": 1, "rejected": 1, "not_an_overdose": 2}


def broken(found: Census, outcomes: dict[str, int], sent: int = 7, about_overdoses: int | None = 5) -> list[Check]:
    return [check for check in checks(found, outcomes, sent=sent, about_overdoses=about_overdoses) if not check.is_true]


async def test_each_fact_counts_once_however_often_it_was_delivered(bus: Topics) -> None:
    found = await census(bus.read)
    assert found.submissions == 2
    assert len(found.reports) == len(found.located) == 3
    assert len(found.report_keys) == 2
    assert list(found.incidents) == ["i"]
    assert found.overdoses == 2
    assert found.contributions == {"county": 1}
    assert found.dead_letters == {"future-time": 1}
    assert broken(found, OUTCOMES) == []


async def test_a_record_that_is_nowhere_breaks_the_sum(bus: Topics) -> None:
    assert "8 records sent" in broken(await census(bus.read), OUTCOMES, sent=8)[0].claim


@pytest.mark.parametrize("name", ["report", "rejected"])
async def test_receipts_that_say_other_than_the_topics_are_noticed(bus: Topics, name: str) -> None:
    found = await census(bus.read)
    outcomes = OUTCOMES | {name: OUTCOMES[name] + 1, "duplicate": 0}
    assert len(broken(found, outcomes)) == 1


async def test_a_report_that_was_not_located_is_noticed(bus: Topics) -> None:
    found = await census(bus.read)
    found.located.popitem()
    assert ["located" in check.claim for check in broken(found, OUTCOMES)] == [True]


@pytest.mark.parametrize("incidents", [{}, {"i": incident(1)}, {"i": incident(1, 2), "j": incident(2)}])
async def test_a_report_in_no_incident_or_in_two_is_noticed(bus: Topics, incidents: dict[str, Incident]) -> None:
    found = await census(bus.read)
    found.incidents = incidents
    assert ["exactly one overdose" in check.claim for check in broken(found, OUTCOMES)] == [True]


async def test_a_dead_letter_behind_the_first_stage_is_noticed(bus: Topics) -> None:
    bus.add(topics.LOCATED.dead_letter("enrichment-match").name, "99001", report(1), ce_id="x")
    assert len(broken(await census(bus.read), OUTCOMES)) == 1


async def test_overdose_records_that_were_taken_for_something_else_are_noticed(bus: Topics) -> None:
    found = await census(bus.read)
    assert broken(found, OUTCOMES, about_overdoses=6)
    assert broken(found, OUTCOMES, about_overdoses=None) == []


def test_the_peak_is_the_highest_count_within_any_24_hours() -> None:
    hours = [0, 10, 23, 24, 60]  # an overdose a whole day before does not count with the later one
    found = Census(incidents={str(n): incident(n, at=NOON + timedelta(hours=hour)) for n, hour in enumerate(hours)})
    assert peak(found, "county:99001") == 3
    assert peak(found, "county:99002") == 0
