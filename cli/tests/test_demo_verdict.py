import io
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from spikewatch.cli.demonstration.census import Census
from spikewatch.cli.demonstration.scenario import Scenario
from spikewatch.cli.demonstration.showing import show_alert, show_alerts, show_trace
from spikewatch.cli.demonstration.verdict import alert_checks, alert_to_show, trace_ids
from spikewatch.contracts.alert import Alert, AlertChange, AlertContact, AlertStatus, Contributor, RuleReference
from spikewatch.contracts.contract import Interval
from spikewatch.contracts.identifiers import incident_id, overdose_id
from spikewatch.contracts.incident import Incident, IncidentChange, Overdose, ReportReference
from spikewatch.contracts.vocabulary import Outcome, SourceType, TimePrecision

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPIKE = {
    "area": "neighborhood:cedar-elm-hill",
    "areas": ["city:99001-westmark", "county:99001", "neighborhood:cedar-elm-hill", "zip:99954"],
    "from": NOON.isoformat(),
    "until": (NOON + 5 * HOUR).isoformat(),
    "overdoses": 14,
}


def scenario(spike: dict[str, object] | None = SPIKE) -> Scenario:
    return Scenario(title="", senders=(), directory=(), bulk=(), live=(), records=0, zone=ZoneInfo("Etc/GMT+3"), spike=spike)


def reference(trace: str) -> ReportReference:
    return ReportReference(
        report_id=UUID(int=1),
        report_key=UUID(int=2),
        source_agency_id="ems",
        source_type=SourceType.EMS,
        submission_id=UUID(int=3),
        trace_id=trace,
    )


def alert(  # the things that the tests vary
    area: str = "county:99001",
    observed: int = 14,
    rule: str = "odmap-24h",
    status: AlertStatus = AlertStatus.OPEN,
    end: datetime = NOON + 5 * HOUR,
) -> Alert:
    traces = [
        Contributor(incident_id=UUID(int=n), occurred_at=NOON + n * HOUR, overdoses=1, reports=(reference(f"{n:032x}"),)) for n in (1, 2)
    ]
    return Alert(
        alert_id=UUID(int=observed),
        version=1,
        status=status,
        change=AlertChange.OPENED,
        area=area,
        rule=RuleReference(rule_id=rule, version=1, kind="fixed_count", description="More than ten.", parameters={"threshold": 10}),
        opened_at=end,
        last_met_at=end,
        window=Interval(start=end - 24 * HOUR, end=end),
        observed=observed,
        contributors=tuple(traces),
        contacts=(AlertContact(name="agencies/a/contacts/c", organization="Health [Department]", role="duty_desk", phone="+1-555-0100"),),
        explanation="14 suspected overdoses in 24 h.",
    )


def holding(*alerts: Alert, overdoses: int = 0) -> Census:
    found = Census(alerts={str(number): each for number, each in enumerate(alerts)})
    for number in range(overdoses):
        key = UUID(int=100 + number)
        one = Overdose(
            overdose_id=overdose_id(key),
            occurred_at=NOON,
            occurred_at_precision=TimePrecision.SECOND,
            outcome=Outcome.UNKNOWN,
            reports=(reference("0" * 32),),
        )
        found.incidents[str(number)] = Incident(
            incident_id=incident_id(key),
            version=1,
            change=IncidentChange.OPENED,
            occurred_at=NOON,
            place_key="99001",
            areas=("county:99001",),
            overdoses=(one,),
        )
    return found


def test_the_spike_is_found_by_an_alert_of_one_of_its_areas_that_holds_most_of_it() -> None:
    assert all(check.is_true for check in alert_checks(holding(alert("zip:99954", observed=12)), scenario()))


@pytest.mark.parametrize(
    "other",
    [
        alert("zip:99951"),
        alert("zip:99954", observed=11),
        alert(status=AlertStatus.RETRACTED),
        alert(end=NOON - HOUR),
        alert(end=NOON + 48 * HOUR),
    ],
    ids=["other area", "a part of it", "taken back", "before", "long after"],
)
def test_an_alert_of_something_else_does_not_count_as_the_spike(other: Alert) -> None:
    assert [check.is_true for check in alert_checks(holding(other), scenario())] == [False]


def test_the_daily_alert_must_tell_the_highest_24_hours() -> None:
    told = holding(alert(observed=12), overdoses=12)
    assert [check.is_true for check in alert_checks(told, scenario(None))] == [True]
    taken_back = holding(alert(observed=12), alert(observed=15, status=AlertStatus.RETRACTED), overdoses=12)
    assert [check.is_true for check in alert_checks(taken_back, scenario(None))] == [True]
    missed = holding(alert(observed=11), overdoses=12)
    assert [check.is_true for check in alert_checks(missed, scenario(None))] == [False]


def test_the_alert_shown_is_that_of_the_spike_in_the_smallest_area_else_the_highest_daily_one() -> None:
    county, small, daily, higher = (
        alert(),
        alert("zip:99954", rule="poisson-72h"),
        alert(observed=16),
        alert(observed=30, rule="poisson-72h"),
    )
    assert alert_to_show(holding(county, small), scenario()) == small
    assert alert_to_show(holding(daily, higher), scenario(None)) == daily
    assert alert_to_show(holding(), scenario()) is None


def test_traces_come_from_the_newest_contributor_first() -> None:
    assert trace_ids(alert()) == [f"{2:032x}", f"{1:032x}"]


def test_what_is_shown_holds_explanation_contacts_and_the_zone_of_the_scenario() -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    show_alerts(console, [alert(), alert("zip:99951", observed=99, status=AlertStatus.RETRACTED)], scenario())
    show_alert(console, alert())
    show_trace(console, "ab" * 16, [f"span {number}" for number in range(100)])
    text = console.export_text()
    assert "14 suspected overdoses in 24 h." in text
    assert "Health [Department], duty_desk: +1-555-0100" in text
    assert "2026-05-01 14:00" in text  # 17:00 UTC, three hours behind
    assert text.index("county:99001") < text.index("zip:99951")  # what was taken back comes last, however high
    assert "span 59" in text
    assert "and 40 spans more" in text
