"""What a back-test prints: a row for each set of rules, rule and area, for people and for programs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from spikewatch.alerts.domain.backtest.verdict import Budget, Verdict
from spikewatch.alerts.domain.instants import moment

__all__ = ["BUDGETS", "as_json", "in_sum", "rows_of"]

BUDGETS: Final = (1.0, 4.0, 12.0, 52.0)
"""Alarms a year for which precision is told, in all areas together."""


def rows_of(name: str, verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """Return a row for each rule and area."""
    return [
        {
            "rules": name,
            "rule": f"{one.rule.id} v{one.rule.version}",
            "area": one.area,
            "overdoses": one.overdoses,
            "years": round(one.years, 2),
            "alarms": len(one.alarms),
            "alarms_per_year": round(one.alarms_per_year, 1),
            "labelled": len(one.caught),
            "hits": one.hits,
            "days_to_detection": None if one.days_to_detection is None else round(one.days_to_detection, 2),
        }
        for one in verdicts
    ]


def in_sum(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each rule over all its areas: what switching it on costs, and the busiest area."""
    by_rule: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        by_rule.setdefault((row["rules"], row["rule"]), []).append(row)
    return [
        {
            "rules": rules,
            "rule": rule,
            "areas": len(mine),
            "alarms": sum(row["alarms"] for row in mine),
            "alarms_per_year": round(sum(row["alarms"] for row in mine) / max(mine[0]["years"], 1 / 365), 1),
            "most_in_one_area": max(row["alarms"] for row in mine),
            "labelled": sum(row["labelled"] for row in mine),
            "hits": sum(row["hits"] for row in mine),
        }
        for (rules, rule), mine in by_rule.items()
    ]


def as_json(name: str, verdicts: Sequence[Verdict], budgets: Sequence[Budget]) -> dict[str, Any]:
    """Return everything a program may want of one set of rules: each alarm, each labelled spike, each budget."""
    return {
        "rules": name,
        "verdicts": [_verdict(one) for one in verdicts],
        "budgets": [
            {"alarms_per_year": one.alarms_per_year, "raised": one.raised, "precision": one.precision, "hits": one.hits} for one in budgets
        ],
    }


def _verdict(one: Verdict) -> dict[str, Any]:
    return {
        "rule": one.rule.id,
        "version": one.rule.version,
        "area": one.area,
        "overdoses": one.overdoses,
        "years": one.years,
        "alarms_per_year": one.alarms_per_year,
        "hits": one.hits,
        "days_to_detection": one.days_to_detection,
        "alarms": [
            {
                "opened_at": moment(alarm.episode.opened_at).isoformat(),
                "last_met_at": moment(alarm.episode.last_met_at).isoformat(),
                "peak_at": moment(alarm.episode.peak_at).isoformat(),
                "observed": alarm.episode.observed,
                "expected": alarm.expected,
                "threshold": alarm.threshold,
                "probability": alarm.probability,
                **({"told_at": moment(alarm.told_at).isoformat(), "places": alarm.places} if alarm.told_at is not None else {}),
            }
            for alarm in one.alarms
        ],
        "labelled": [
            {"name": caught.labelled.name, "days_to_detection": caught.days, "was_open": caught.was_open} for caught in one.caught
        ],
    }
