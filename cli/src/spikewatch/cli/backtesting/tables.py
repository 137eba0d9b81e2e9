"""What a back-test prints: a row for each set of rules, rule and area, for people and for programs."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import IO, Any, Final

from spikewatch.alerts.domain.backtest.verdict import Budget, Verdict
from spikewatch.alerts.domain.instants import moment

__all__ = ["BUDGETS", "COLUMNS", "as_json", "budget_row", "full_rows", "in_sum", "rows_of", "write_rows"]

BUDGETS: Final = (1.0, 4.0, 12.0, 52.0)
"""Alarms a year for which precision is told, in all areas together."""

COLUMNS: Final = (
    "rules",
    "rule",
    "version",
    "area",
    "overdoses",
    "years",
    "alarms",
    "alarms_per_year",
    "labelled",
    "hits",
    "days_to_detection",
    "years_judged",
)
"""Of the rows for programs."""


def rows_of(name: str, verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """Return a row for each rule and area, for people; ``judged`` are the years in which the rule had the history that it asks for."""
    return [
        {
            "rules": name,
            "rule": f"{one.rule.id} v{one.rule.version}",
            "area": one.area,
            "overdoses": one.overdoses,
            "years": round(one.years, 2),
            "judged": round(one.judged_years, 2),
            **_cost(one, 1),
            **_found(one, 2),
        }
        for one in verdicts
    ]


def full_rows(name: str, verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """Return a row for each rule and area as programs take it: version apart, nothing rounded for reading."""
    return [
        {
            "rules": name,
            "rule": one.rule.id,
            "version": one.rule.version,
            "area": one.area,
            "overdoses": one.overdoses,
            "years": round(one.years, 6),
            **_cost(one, 6),
            **_found(one, 6),
            "years_judged": round(one.judged_years, 6),
        }
        for one in verdicts
    ]


def _cost(one: Verdict, digits: int) -> dict[str, Any]:
    return {"alarms": len(one.alarms), "alarms_per_year": _rounded(one.alarms_per_year, digits)}


def _found(one: Verdict, digits: int) -> dict[str, Any]:
    return {"labelled": len(one.caught), "hits": one.hits, "days_to_detection": _rounded(one.days_to_detection, digits)}


def _rounded(number: float | None, digits: int) -> float | None:
    return None if number is None else round(number, digits)


def write_rows(output: IO[str], rows: Sequence[Mapping[str, Any]], *, as_lines: bool) -> None:
    """Write rows of ``full_rows`` as CSV, or as JSON lines."""
    if as_lines:
        output.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        return
    table = csv.DictWriter(output, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)


def in_sum(name: str, verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """Return a row for each rule over all its areas: what switching it on costs, and the busiest area; ``judged`` are years of an area."""
    by_rule: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_rule.setdefault(f"{verdict.rule.id} v{verdict.rule.version}", []).append(verdict)
    rows: list[dict[str, Any]] = []
    for rule, mine in by_rule.items():
        alarms = sum(len(one.alarms) for one in mine)
        days = [caught.days for one in mine for caught in one.caught if caught.days is not None]
        judged = sum(one.judged_years for one in mine)
        rows.append(
            {
                "rules": name,
                "rule": rule,
                "areas": len(mine),
                "judged": round(judged / len(mine), 2),
                "alarms": alarms,
                "alarms_per_year": round(alarms / judged * len(mine), 1) if judged else None,
                "most_in_one_area": max(len(one.alarms) for one in mine),
                "labelled": sum(len(one.caught) for one in mine),
                "hits": len(days),
                "days_to_detection": _rounded(median(days), 2) if days else None,
            }
        )
    return rows


def budget_row(name: str, budget: Budget) -> dict[str, Any]:
    """Return what is left of a set of rules at a budget of alarms, for people."""
    return {
        "rules": name,
        "alarms_per_year_at_most": budget.alarms_per_year,
        "raised": budget.raised,
        "precision": _rounded(budget.precision, 3),
        "hits": budget.hits,
    }


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
        "years_judged": one.judged_years,
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
