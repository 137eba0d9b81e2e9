"""Draws an incident for people: its reports, where each field is from, why they are together, what was decided."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from spikewatch.cli.matching.drawing import draw_explanation, width
from spikewatch.cli.tables import print_table
from spikewatch.enrichment.domain.incident_explanation import DecisionLine, IncidentExplanation, Nearest, OriginLine, ReportLine

__all__ = ["draw_incident", "printable", "report_words"]

_TABLE: Final = 150  # columns that the table of reports needs; where there are fewer, each report takes two lines
_FIELDS: Final = {
    "occurred_at": "time",
    "reversal": "naloxone",
    "victims.count": "people seen",
    "victims.age": "age",
    "victims.age_band": "age band",
    "victims.sex": "sex",
    "position": "place",
}


def draw_incident(told: IncidentExplanation, asked: UUID) -> None:
    """Print an incident; ``asked`` is what it was asked for by."""
    print(f"incident {told.incident_id}, version {told.version} ({told.change}), {told.occurred_at:%Y-%m-%d %H:%M} UTC")
    _draw_ids(told, asked)
    _draw_reports(told.reports)
    print(f"weighed by the weights {told.weights}")
    names = {one.report_key: f"{one.number} {one.kind}" for one in told.reports}
    for origin in told.origins:
        against = f", contradicted by {', '.join(names[told.reports[one - 1].report_key] for one in origin.differing)}"
        place = names[told.reports[origin.report - 1].report_key]
        print(f"its place is that of report {place}, by {origin.value}{against if origin.differing else ''}")
    if told.missing:
        print(f"{told.missing} older reports are kept no longer")
    for bond in told.bonds:
        print(f"overdoses {bond.first} and {bond.second} are one incident: {bond.because}")
    for overdose in told.overdoses:
        differing = f", sources differ on {', '.join(_FIELDS.get(one, one) for one in overdose.conflicts)}" if overdose.conflicts else ""
        print(f"\noverdose {overdose.number} {overdose.overdose_id}: {overdose.outcome}, confidence {overdose.confidence:.3f}{differing}")
        own = overdose.explanation.reports
        if len(own) == 1:
            print(f"its only report is {names[own[0]]}: all is from it")
        _draw_origins("Where each field is from", overdose.origins, told.reports)
        if overdose.is_flooded:
            print("one of a flood of its agency's reports at one place or of one call: not matched, whatever it fits; a decision joins it")
        draw_explanation(overdose.explanation, names, told.join, _nearest(overdose.nearest, told, is_flooded=overdose.is_flooded))
    if told.decisions:
        print("\nDecisions, the latest first")
        for decision in told.decisions:
            _draw_decision(decision)


def printable(text: str) -> str:
    """Return a text without what would steer a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def report_words(one: ReportLine) -> str:
    """Return what a report says, in words."""
    stated = [
        f"age {one.age}" if one.age else "",
        one.sex or "",
        f"outcome {one.outcome}",
        f"drugs {one.drugs}" if one.drugs else "",
        f"naloxone {one.naloxone}" if one.naloxone else "",
        f"place by {one.place}",
    ]
    return "; ".join(part for part in stated if part)


def _draw_ids(told: IncidentExplanation, asked: UUID) -> None:
    number = next((one.number for one in told.reports if one.report_key == asked), None)
    if number is not None:
        print(f"the id asked for is that of its report {number}")
    elif asked != told.incident_id:
        print(f"the incident asked for, {asked}, is a part of it now")
    if told.aliases:
        print(f"also known as {', '.join(map(str, told.aliases))}")
    if told.split_from:
        print(f"split from {told.split_from}, of which its reports were a part")


def _draw_reports(reports: Sequence[ReportLine]) -> None:
    title = "Reports, in order of time (UTC); an equal letter is an equal number of the call"
    if width() >= _TABLE:
        print_table([_row(one) for one in reports], title=title)
        return
    print(title)
    for one in reports:
        call = f", call {one.call}" if one.call else ""
        print(f"{one.number:>3}  overdose {one.overdose}, {_time(one)}, {one.kind} {one.agency}{call}\n     {report_words(one)}")


def _row(one: ReportLine) -> dict[str, Any]:
    return {
        "no": one.number,
        "overdose": one.overdose,
        "time_utc": _time(one),
        "agency": one.agency,
        "kind": one.kind,
        "place": one.place,
        "age": one.age,
        "sex": one.sex,
        "outcome": one.outcome,
        "drugs": one.drugs,
        "naloxone": one.naloxone,
        "call": one.call,
    }


def _time(one: ReportLine) -> str:
    return f"{one.occurred_at:%Y-%m-%d}" if one.is_date_only else f"{one.occurred_at:%Y-%m-%d %H:%M:%S}"


def _draw_origins(title: str, origins: Sequence[OriginLine], reports: Sequence[ReportLine]) -> None:
    kinds = {one.number: one.kind for one in reports}
    rows = [
        {
            "field": _FIELDS.get(one.field, one.field),
            "says": one.value,
            "report": f"{one.report} {kinds[one.report]}",
            "contradicted_by": ", ".join(
                f"{number} {kinds[number]} ({said})" for number, said in zip(one.differing, one.contradicting, strict=True)
            ),
        }
        for one in origins
    ]
    if rows:
        print_table(rows, title=title)


def _nearest(nearest: Nearest | None, told: IncidentExplanation, *, is_flooded: bool) -> str | None:
    if nearest is None:
        return None
    own = nearest.incident_id == told.incident_id
    count = len(nearest.reports)
    name = f"overdose {nearest.overdose}" if own else f"{nearest.incident_id}/{nearest.overdose} ({count} report{'s' * (count > 1)})"
    short = told.join - nearest.bits
    why = "the flood keeps it apart" if is_flooded else "other decisions or other weights keep it apart"
    rest = f"{short:.2f} short of joining" if short > 0 else f"which would join: {why}"
    return f"the nearest overdose left out is {name}: it fits by {nearest.bits:+.2f} bits, {rest}"


def _draw_decision(one: DecisionLine) -> None:
    sides = " | ".join(" ".join(map(str, side)) for side in (one.reports, one.others) if side) or "none of this incident"
    where = f"in {', '.join(map(str, one.incidents))}" if one.incidents else "in no incident now"
    elsewhere = f" and {one.elsewhere} elsewhere, {where}" if one.elsewhere else ""
    decided = one.kind.value if one.undoes is None else f"undo of {one.undoes}"
    print(f"{one.decision_id}: {one.state}\n     {decided}, level {one.level.value}, reports {sides}{elsewhere}")
    print(f"     {one.author}, {one.decided_at:%Y-%m-%d %H:%M:%S} UTC: {printable(one.reason)}")
