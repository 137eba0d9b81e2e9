"""Judges the alerts of a demo: was the known spike found, do the counts fit those of the incidents, does the trace hold together."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from spikewatch.cli.demonstration.census import Census, Check, peak
from spikewatch.cli.demonstration.scenario import Scenario
from spikewatch.cli.stack.trace_store import TraceStore
from spikewatch.cli.stack.trace_tree import Span, find_trace
from spikewatch.contracts.alert import Alert, AlertStatus

__all__ = ["alert_checks", "alert_to_show", "trace_ids", "whole_trace"]

_DAILY_RULE: Final = "odmap-24h"
_THRESHOLD: Final = "threshold"
_STAGES: Final = frozenset({"ingest", "enrichment", "alerts"})
# Two people who are found within an hour and 250 m of each other may be taken for one: the spike is found all the same.
_FOUND: Final = 0.8
_POLL_S: Final = 0.5
_MOST_CANDIDATES: Final = 20


def alert_checks(found: Census, scenario: Scenario) -> list[Check]:
    """Return what must be true of the alerts: the known spike has one, and the daily rule saw the highest day of each county."""
    listed = []
    if scenario.spike is not None:
        listed.append(
            Check(
                f"the spike of {scenario.spike['overdoses']} overdoses in {scenario.spike['area']} was found",
                any(_is_of_spike(alert, scenario) for alert in found.alerts.values()),
            )
        )
    for county in sorted({area for incident in found.incidents.values() for area in incident.areas if area.startswith("county:")}):
        highest = peak(found, county)
        daily = [
            alert
            for alert in found.alerts.values()
            if alert.area == county and alert.rule.rule_id == _DAILY_RULE and alert.status is not AlertStatus.RETRACTED
        ]
        threshold = next((float(alert.rule.parameters[_THRESHOLD]) for alert in daily), None)
        if threshold is not None:
            told = max(alert.observed for alert in daily)
            listed.append(Check(f"the highest 24 hours of {county} hold {highest} overdoses, its alert says {told}", told == highest))
    return listed


def _is_of_spike(alert: Alert, scenario: Scenario) -> bool:
    spike = scenario.spike
    if spike is None or alert.status is AlertStatus.RETRACTED or alert.area not in spike["areas"]:
        return False
    overlaps = alert.window.start < datetime.fromisoformat(spike["until"]) and alert.window.end >= datetime.fromisoformat(spike["from"])
    return bool(overlaps and alert.observed >= _FOUND * spike["overdoses"])


def alert_to_show(found: Census, scenario: Scenario) -> Alert | None:
    """Return the alert worth showing whole: that of the known spike in the smallest area, else the daily one with the highest count."""
    kinds = ("neighborhood", "zip", "city", "county")
    of_spike = [alert for alert in found.alerts.values() if _is_of_spike(alert, scenario)]
    if of_spike:
        return min(of_spike, key=lambda alert: (kinds.index(alert.area.partition(":")[0]), alert.rule.rule_id))
    # Without a known spike the daily rule's, because its count is the easiest to check by hand.
    return max(
        found.alerts.values(),
        key=lambda alert: (alert.rule.rule_id == _DAILY_RULE, alert.observed, alert.window.end, alert.area),
        default=None,
    )


def trace_ids(alert: Alert) -> list[str]:
    """Return the traces of the submissions that led to an alert, the newest incident's first, each once."""
    newest = sorted(alert.contributors, key=lambda each: each.occurred_at, reverse=True)
    return list(dict.fromkeys(reference.trace_id for each in newest for reference in each.reports if reference.trace_id))


async def whole_trace(path: Path, candidates: Sequence[str], *, timeout: float) -> tuple[str, list[Span]] | None:
    """Return the first of the traces that crosses all stages, with its spans; wait for exporters up to ``timeout`` seconds."""
    give_up = time.monotonic() + timeout
    while True:
        store = TraceStore(path)
        try:
            for trace_id in candidates[:_MOST_CANDIDATES]:
                spans = find_trace(store, trace_id)
                if {span.service for span in spans} >= _STAGES:
                    return trace_id, spans
        finally:
            store.close()
        if time.monotonic() > give_up:
            return None
        await asyncio.sleep(_POLL_S)
