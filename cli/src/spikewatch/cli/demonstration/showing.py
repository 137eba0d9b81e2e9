"""Shows what a demo found, for people at a terminal: figures that add up, incidents, alerts, one trace, and how to go on."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from spikewatch.cli.demonstration.census import Census, Check
from spikewatch.cli.demonstration.scenario import Scenario
from spikewatch.contracts.alert import Alert, AlertStatus
from spikewatch.contracts.incident import Incident

__all__ = ["next_steps", "show_alert", "show_alerts", "show_checks", "show_incidents", "show_stages", "show_trace"]

_ALERTS_LISTED = 12
_INCIDENTS_LISTED = 8
_TRACE_LINES = 60


def show_stages(console: Console, found: Census, outcomes: Mapping[str, int], sent: int) -> None:
    """Show how many records each stage took and what came out."""
    table = Table(title="What became of the records", title_justify="left", header_style="bold")
    table.add_column("stage")
    table.add_column("count", justify="right")
    table.add_column("of which")
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(found.dead_letters.items()))
    corrected = len(found.reports) - len(found.report_keys)
    precisions = Counter(located.position.precision.value if located.position else "no place" for located in found.located.values())
    rows = [
        ("records sent", sent, f"in {found.submissions:,} submissions"),
        ("  reports", outcomes.get("report", 0), f"{len(found.report_keys):,} records, {corrected:,} corrections of them"),
        ("  duplicates", outcomes.get("duplicate", 0), "sent again with the same content"),
        ("  dead letters", outcomes.get("rejected", 0), reasons),
        ("  not an overdose", outcomes.get("not_an_overdose", 0), "calls about something else"),
        ("located", len(found.located), ", ".join(f"{count} {name}" for name, count in precisions.most_common())),
        ("incidents", len(found.incidents), f"{found.overdoses:,} overdoses"),
        ("contributions", found.contributions.total(), ", ".join(f"{count} {kind}" for kind, count in found.contributions.most_common())),
        ("alerts", len(found.alerts), ", ".join(f"{n} {s}" for s, n in Counter(a.status.value for a in found.alerts.values()).items())),
    ]
    for stage, count, of_which in rows:
        table.add_row(stage, f"{count:,}", of_which)
    console.print(table)


def show_checks(console: Console, listed: Iterable[Check]) -> None:
    """Show each claim and whether it holds."""
    for check in listed:
        console.print(f"  [green]✓[/] {check.claim}" if check.is_true else f"  [bold red]✗ {check.claim}[/]")
    console.print()


def show_incidents(console: Console, found: Census, scenario: Scenario) -> None:
    """Show the newest incidents that several reports are about, and what was found of what truly happened."""
    several = [incident for incident in found.incidents.values() if _reports(incident) > 1]
    newest = sorted(several, key=lambda incident: incident.occurred_at)[-_INCIDENTS_LISTED:]
    table = Table(title=f"The newest of {len(several):,} incidents with several reports", title_justify="left", header_style="bold")
    for column in (f"occurred ({scenario.zone.key})", "area", "overdoses", "reports", "told by"):
        table.add_column(column, justify="right" if column in {"overdoses", "reports"} else "left")
    for incident in newest:
        agencies = sorted({reference.source_agency_id for overdose in incident.overdoses for reference in overdose.reports})
        area = next((area for area in incident.areas if not area.startswith(("state:", "county:", "h3:"))), "")
        table.add_row(
            f"{incident.occurred_at:%Y-%m-%d %H:%M}", area, str(len(incident.overdoses)), str(_reports(incident)), ", ".join(agencies)
        )
    if newest:
        console.print(table)
    if scenario.overdoses is not None:
        share = found.overdoses / scenario.overdoses
        console.print(
            f"{len(found.report_keys):,} reports were recognised as [bold]{found.overdoses:,} overdoses[/]; "
            f"in truth there were {scenario.overdoses:,} ({share:.1%}).\n"
            "Reports are matched by their times, places, calls and people: one that tells too little stays an overdose of its own.\n"
        )


def _reports(incident: Incident) -> int:
    return sum(len(overdose.reports) for overdose in incident.overdoses)


def show_alerts(console: Console, alerts: Sequence[Alert], scenario: Scenario) -> None:
    """Show all alerts: the highest counts first, what was taken back last."""
    table = Table(title=f"Alerts: {len(alerts):,}", title_justify="left", header_style="bold")
    for column in ("area", "rule", "status", "observed", "expected", f"window ends ({scenario.zone.key})"):
        table.add_column(column, justify="right" if column in {"observed", "expected"} else "left")
    ranked = sorted(alerts, key=lambda alert: (alert.status is AlertStatus.RETRACTED, -alert.observed, alert.window.end, alert.area))
    for alert in ranked[:_ALERTS_LISTED]:
        expected = "" if alert.expected is None else f"{alert.expected:.1f}"
        ends = f"{alert.window.end.astimezone(scenario.zone):%Y-%m-%d %H:%M}"
        table.add_row(alert.area, alert.rule.rule_id, alert.status.value, str(alert.observed), expected, ends)
    console.print(table)
    if len(ranked) > _ALERTS_LISTED:
        console.print(f"and {len(ranked) - _ALERTS_LISTED:,} more with lower counts.")


def show_alert(console: Console, alert: Alert) -> None:
    """Show one alert as its receivers get it: what, why, and whom to call."""
    lines = [alert.explanation, ""]
    lines.append(f"rule      {alert.rule.rule_id} version {alert.rule.version}: {alert.rule.description}")
    lines.append(f"window    {alert.window.start:%Y-%m-%d %H:%M} to {alert.window.end:%Y-%m-%d %H:%M} UTC, observed {alert.observed}")
    if alert.expected is not None:
        lines.append(f"expected  {alert.expected:.2f}" + ("" if alert.probability is None else f", probability {alert.probability:.2g}"))
    agencies = Counter(reference.source_agency_id for each in alert.contributors for reference in each.reports)
    told = ", ".join(f"{name} {count}" for name, count in agencies.most_common())
    lines.append(f"built on  {len(alert.contributors) + alert.contributors_omitted} incidents; reports by {told}")
    lines += [f"tell      {who.organization}, {who.role}: {who.phone or ''} {who.email or ''}".rstrip() for who in alert.contacts]
    title = f"{alert.status.value} alert for {alert.area_name or alert.area}"
    console.print(Panel("\n".join(lines), title=title, title_align="left", expand=False, border_style="red"), markup=False)


def show_trace(console: Console, trace_id: str, lines: Sequence[str]) -> None:
    """Show a drawn trace; the trace of a large submission is cut."""
    console.print(f"\n[bold]One trace, from the agency's request to the alert[/] ({trace_id})", highlight=False)
    for line in lines[:_TRACE_LINES]:
        console.print(f"  {line}", markup=False, highlight=False, overflow="ellipsis", no_wrap=True)
    if len(lines) > _TRACE_LINES:
        console.print(f"  … and {len(lines) - _TRACE_LINES:,} spans more", highlight=False)


def next_steps(console: Console, *, folder: str, is_kept: bool, url: str | None, bootstrap: str, agency: str) -> None:
    """Show how to go on."""
    console.print("[bold]How to go on[/]")
    if not is_kept:
        steps = [
            ("make demo KEEP=1", "leave it running and send records of your own"),
            ("make demo FEED=calls.csv.gz", "replay a real 911/CAD file (lat,lng,desc,zip,title,timeStamp,twp,addr,e)"),
            ("spikewatch up", "start an empty stack"),
            ("spikewatch simulate -o county", "write the fictional county's feeds as files"),
        ]
    else:
        steps = [
            (f"SPIKEWATCH_URL={url} SPIKEWATCH_KEY=$(cat {folder}/keys/{agency}.key) sh examples/agency/send.sh", "send a report"),
            (f"KAFKA_BOOTSTRAP={bootstrap} python examples/consumer/alerts.py", "follow the alerts"),
            (f"spikewatch status --folder {folder}", "what runs where"),
            (f"spikewatch dlq ls --bootstrap {bootstrap}", "the records that were refused, and why"),
            (f"spikewatch trace latest --folder {folder}", "a trace across all services"),
        ]
    for command, meaning in steps:
        console.print(f"  {command}\n      {meaning}", markup=False, highlight=False, soft_wrap=True)
