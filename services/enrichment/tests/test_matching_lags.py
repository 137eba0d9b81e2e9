"""When each agency dates an overdose is learnt from the file itself, and rightly, too, where many overdoses are near one another."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from spikewatch.contracts.identifiers import report_key
from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.matching.evaluation import agreement
from spikewatch.enrichment.domain.matching.fields import FIELDS, KIND_PAIRS, OFFSETS
from spikewatch.enrichment.domain.matching.matcher import Matched, match
from spikewatch.enrichment.domain.matching.records import Compared, newest, of_row

WEIGHTS = load_weights()
AGENCIES = {"CAD": 0.0, "EMS": 8.0, "FIRE": 5.0, "POLICE": 15.0}


def busy_corners(*, calls: int = 400, minutes: float = 12.0, later: float = 0.0) -> tuple[list[Compared], dict[object, int]]:
    """Calls at three corners, one after another; ages are guesses, half of the reports have none, and few have a call's number."""
    draw, records, person = random.Random(8), [], {}
    at = datetime(2026, 5, 1, tzinfo=UTC)
    for call in range(calls):
        at += timedelta(minutes=draw.expovariate(1 / minutes))
        lat, age, sex = 40.5 + 0.02 * draw.randrange(3), draw.randrange(18, 70), draw.choice("MMF")
        for agency, lag in AGENCIES.items():
            if draw.random() > 0.7:
                continue
            late = lag * draw.lognormvariate(0, 0.35) + later * (agency == "EMS")
            row = {"agency": agency, "agency_record_no": str(call), "time_precision": "second", "geo_precision": "address"}
            row |= {"event_time": (at + timedelta(minutes=late)).isoformat(), "address_text": "120 MAIN ST"}
            row |= {"lat": str(lat + draw.gauss(0, 1e-4)), "lon": str(-79.5 + draw.gauss(0, 1e-4))}
            row |= {"cad_no": f"26{call:06d}"} if agency == "CAD" or draw.random() < 0.3 else {}
            row |= {"sex": sex} if draw.random() < 0.5 else {}
            row |= {"age": str(age + draw.randrange(-5, 6)), "age_approx": "1"} if draw.random() < 0.5 else {}
            records.append(of_row(row))
            person[report_key(agency.lower(), str(call))] = call
    return newest(records), person


def f1(matched: Matched, person: dict[object, int]) -> float:
    return agreement(matched.clusters.founder.tolist(), [str(person[one.key]) for one in matched.records]).f1.value


@pytest.mark.parametrize(("later", "least"), [(0.0, 0.85), (20.0, 0.85)])
def test_lags_are_learnt_rightly_at_busy_corners(later: float, least: float) -> None:
    """Calls every twelve minutes; ambulances that are dispatched as usual, and ones that write when they arrive at the hospital."""
    records, person = busy_corners(later=later)
    before, now = (f1(match(records, WEIGHTS, learns_lags=learns), person) for learns in (False, True))
    assert now > least
    assert now > before - 0.02, "what is learnt does hardly worse than what is usual"


def test_the_hour_that_ambulances_write_late_is_seen_among_people_and_not_among_neighbours() -> None:
    records, _ = busy_corners(later=20.0)
    matched = match(records, WEIGHTS, learns_lags=True)
    field, offset = next((field, offset) for field, offset in zip(FIELDS, OFFSETS, strict=True) if field.name == "time")
    begin = offset + KIND_PAIRS.index("cad|ems") * len(field.levels)
    bits = dict(zip(field.levels, matched.weights.table[begin : begin + len(field.levels)].tolist(), strict=True))
    assert bits["25..30"] > 300
    assert bits["4..6"] < 0
    assert bits["100..120"] < -300


def test_reports_in_any_order_learn_the_same() -> None:
    records, _ = busy_corners(calls=120)
    shuffled = random.Random(1).sample(records, len(records))
    assert match(shuffled, WEIGHTS, learns_lags=True).assignments() == match(records, WEIGHTS, learns_lags=True).assignments()


def visits(*, calls: int = 500, displaced_m: float = 0.0, to_the_hour: bool = False) -> tuple[list[Compared], dict[object, int]]:
    """Calls all over a city; places that may be displaced, and departments, which may write the hour only."""
    draw, records, person = random.Random(9), [], {}
    at = datetime(2026, 5, 1, tzinfo=UTC)
    for call in range(calls):
        at += timedelta(minutes=draw.expovariate(1 / 40))
        lat, lon = 40.5 + draw.gauss(0, 0.02), -79.5 + draw.gauss(0, 0.02)
        age, sex, hospital = draw.randrange(18, 70), draw.choice("MMF"), draw.choice(["MERCY", "GENERAL"])
        for agency, lag in (("CAD", 0.0), ("EMS", 8.0), ("POLICE", 18.0), ("ED", 42.0)):
            if draw.random() > 0.75:
                continue
            when = at + timedelta(minutes=lag * draw.lognormvariate(0, 0.35))
            north, east = (draw.gauss(0, 30) + draw.uniform(-displaced_m, displaced_m) for _ in "ne")
            row = {"agency": agency, "agency_record_no": str(call), "time_precision": "minute"}
            row |= {"event_time": (when.replace(minute=0, second=0) if to_the_hour and agency == "ED" else when).isoformat()}
            row |= {"sex": sex} if draw.random() < 0.7 else {}
            row |= {"age": str(age), "age_approx": "0"} if agency in {"EMS", "ED"} else {}
            row |= {"hospital": hospital} if agency in {"EMS", "ED"} else {}
            row |= (
                {"lat": str(lat + north / 111_195), "lon": str(lon + east / 84_500), "geo_precision": "address"} if agency != "ED" else {}
            )
            row |= {"cad_no": f"26{call:06d}"} if agency == "CAD" or (agency == "EMS" and draw.random() < 0.6) else {}
            records.append(of_row(row))
            person[report_key(agency.lower(), str(call))] = call
    return newest(records), person


def test_hours_of_departments_are_learnt_of_those_whom_they_do_not_meet_directly() -> None:
    """A dispatcher names no hospital and guesses ages: how late a department is after the call shows in whole people only."""
    records, person = visits(to_the_hour=True)
    assert f1(match(records, WEIGHTS, learns_lags=True), person) > 0.94


def test_displaced_places_are_learnt_and_usual_ones_stay_as_they_are() -> None:
    records, person = visits(displaced_m=200)
    displaced = match(records, WEIGHTS, learns_lags=True)
    assert f1(displaced, person) > 0.94
    start, field = next((start, field) for field, start in zip(FIELDS, OFFSETS, strict=True) if field.name == "distance")
    part = slice(start, start + field.size)
    usual = match(visits()[0], WEIGHTS, learns_lags=True)
    assert (displaced.weights.table[part] != WEIGHTS.table[part]).any()
    assert (usual.weights.table[part] == WEIGHTS.table[part]).all()
