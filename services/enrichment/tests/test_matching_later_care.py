"""Who refuses the ambulance and comes to a hospital hours later, and who is sent on from one hospital to another, is one person."""

import json
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest

from spikewatch.enrichment.adapters.matching_weights import LEARNT, NEUTRAL, load_weights
from spikewatch.enrichment.domain.matching.fields import FIELDS, OFFSETS
from spikewatch.enrichment.domain.matching.learning import Counts, count_labelled
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.domain.matching.records import Compared, newest, of_row
from spikewatch.enrichment.domain.matching.weights import Weights

NIGHT = datetime(2026, 5, 1, 2, 30, tzinfo=UTC)
WEIGHTS = load_weights()
PERSON = {"age": 42, "sex": "F", "race": "W"}
PLACE = {"lat": 40.5, "lon": -79.5, "geo_precision": "address", "zip": "15601"}
HOME = {"lat": 40.503, "lon": -79.503, "geo_precision": "zip", "zip": "15601"}
ELSEWHERE = {"lat": 40.55, "lon": -79.45, "zip": "15650", "drug": ""}


def row(agency: str, hours: float = 0, number: object = "", **stated: object) -> Compared:
    at = NIGHT + timedelta(hours=hours)
    fields = {"agency": agency, "agency_record_no": f"{agency}{number}", "event_time": at.isoformat(), "time_precision": "second"}
    return of_row(fields | {name: str(value) for name, value in stated.items()})


def scene(disposition: str, hospital: str = "") -> list[Compared]:
    call = PLACE | {"cad_no": "26-1001"}
    return [
        row("CAD", 0, **call),
        row("EMS", 0.15, **call, **PERSON, disposition=disposition, hospital=hospital, outcome="NONFATAL", drug="FENTANYL"),
        row("POLICE", 0.3, **PLACE, **PERSON, outcome="NONFATAL"),
    ]


def visit(hours: float, hospital: str, agency: str = "ED", **stated: object) -> Compared:
    told = HOME | PERSON | {"disposition": "DISCHARGED", "outcome": "NONFATAL", "hospital": hospital, "drug": "FENTANYL"}
    return row(agency, hours, hospital, **(told | stated))


def groups(records: list[Compared], weights: Weights = WEIGHTS, *, bounded: bool = True) -> set[frozenset[UUID]]:
    found = defaultdict(set)
    for key, assignment in match(records, weights, bounded=bounded).assignments().items():
        found[assignment.overdose_id].add(key)
    return {frozenset(keys) for keys in found.values()}


@pytest.mark.parametrize("hours", [0.7, 1.5, 3.5, 6, 10])
@pytest.mark.parametrize("disposition", ["REFUSED", "released", "AMA"])
def test_who_was_not_taken_and_walks_in_later_is_one_person(disposition: str, hours: float) -> None:
    assert len(groups([*scene(disposition), visit(hours, "MERCY")])) == 1


def test_the_service_joins_who_walks_in_within_the_hours_that_it_looks_through() -> None:
    assert len(groups([*scene("REFUSED"), visit(2.5, "MERCY")], bounded=False)) == 1


@pytest.mark.parametrize("other", [{"age": 47}, {"race": "B"}, {"sex": "M"} | ELSEWHERE])
@pytest.mark.parametrize("hours", [1.5, 5])
def test_another_person_who_walks_in_is_not_joined(hours: float, other: dict[str, object]) -> None:
    assert len(groups([*scene("REFUSED"), visit(hours, "MERCY", **other)])) == 2


@pytest.mark.parametrize("hours", [-6, -3, -1])
def test_nobody_walks_in_before_they_refuse(hours: float) -> None:
    assert len(groups([*scene("REFUSED"), visit(hours, "MERCY")])) == 2


@pytest.mark.parametrize("hours", [16, 30])
def test_days_later_is_another_overdose(hours: float) -> None:
    assert len(groups([*scene("REFUSED"), visit(hours, "MERCY")])) == 2


@pytest.mark.parametrize("agencies", [("ED", "ED"), ("Mercy Hospital", "General Hospital")])
@pytest.mark.parametrize("hours", [2.5, 4, 5.5])
def test_who_is_sent_on_to_another_hospital_is_one_person(hours: float, agencies: tuple[str, str]) -> None:
    first, second = agencies
    assert len(groups([*scene("TRANSPORT", "MERCY"), visit(0.75, "MERCY", first), visit(0.75 + hours, "GENERAL", second)])) == 1
    assert len(groups([visit(0.75, "MERCY", first), visit(0.75 + hours, "GENERAL", second)])) == 1, "who came by themselves, too"


def test_nobody_is_in_two_hospitals_at_once_or_sent_on_to_where_they_are() -> None:
    nowhere = {"lat": "", "lon": "", "geo_precision": "none", "zip": ""}
    assert len(groups([visit(0.75, "MERCY", **nowhere), visit(4, "GENERAL", **nowhere)])) == 1
    assert len(groups([visit(0.75, "MERCY", **nowhere), visit(0.9, "GENERAL", **nowhere)])) == 2
    assert len(groups([visit(0.75, "MERCY"), visit(4, "MERCY")._replace(key=UUID(int=7))])) == 2


@pytest.mark.parametrize("other", [{"age": 47}, {"race": "B"}, {"sex": "M"} | ELSEWHERE])
def test_another_person_of_another_hospital_is_not_joined(other: dict[str, object]) -> None:
    assert len(groups([*scene("TRANSPORT", "MERCY"), visit(0.75, "MERCY"), visit(4, "GENERAL", **other)])) == 2


def test_hospitals_of_two_cities_are_not_compared_for_being_hours_apart() -> None:
    far = {"lat": 33.4, "lon": -112.0, "zip": "85001"}
    assert len(groups([visit(0.75, "MERCY"), visit(4.5, "GENERAL", **far)])) == 2


@pytest.mark.parametrize("seed", range(4))
def test_later_care_in_any_order_ends_in_the_same_overdoses(seed: int) -> None:
    draw = random.Random(seed)
    records: list[Compared] = []
    for person in range(40):
        began, who = draw.uniform(0, 60), {"age": draw.randrange(30, 36), "sex": draw.choice("MF")}
        at = {"lat": 40.5 + draw.uniform(0, 0.01), "lon": -79.5, "geo_precision": "address"}
        taken = draw.random() < 0.5
        records.append(row("EMS", began, person, **at, **who, disposition="TRANSPORT" if taken else "REFUSED"))
        for hospital in draw.sample(["MERCY", "GENERAL", "ST MARY"], draw.randrange(3)):
            began += draw.uniform(0.6, 5)
            records.append(row("ED", began, f"{person}{hospital}", **who, hospital=hospital, disposition="ADMITTED"))
    expected = groups(records)
    assert len(expected) < len(records)
    for _ in range(25):
        shuffled = records + draw.choices(records, k=20)
        draw.shuffle(shuffled)
        assert groups(shuffled) == expected


def table(weights: Weights, field: str, context: str) -> list[int]:
    one, begin = next((one, begin) for one, begin in zip(FIELDS, OFFSETS, strict=True) if one.name == field)
    at = begin + one.contexts.index(context) * len(one.levels)
    told: list[int] = weights.table[at : at + len(one.levels)].tolist()
    return told


@pytest.mark.parametrize("name", [LEARNT, NEUTRAL])
def test_weights_from_before_later_visits_were_told_apart_weigh_them_as_all_others(name: str) -> None:
    document = json.loads(load_weights(name).to_json())
    for context in ("ems|ed stayed", "ems|ed elsewhere"):
        del document["fields"]["time"][context]
    del document["fields"]["zip"]["eds"], document["fields"]["distance"]["eds:area"]
    old = Weights.parse(json.dumps(document))
    assert table(old, "time", "ems|ed stayed") == table(old, "time", "ems|ed elsewhere") == table(old, "time", "ems|ed")
    assert table(old, "zip", "eds") == table(old, "zip", "ed")
    assert table(old, "distance", "eds:area") == table(old, "distance", "ed:area")
    assert old.label == Weights.parse(old.to_json()).label


def test_contexts_without_any_weight_come_back_as_they_were_written() -> None:
    document = json.loads(load_weights(LEARNT).to_json())
    document["fields"]["time"]["ems|ed stayed"] = {}
    silent = Weights.parse(json.dumps(document))
    assert not any(table(silent, "time", "ems|ed stayed"))
    assert Weights.parse(silent.to_json()).label == silent.label


def test_chance_hours_apart_teaches_times_and_nothing_of_how_often_two_are_one() -> None:
    records, people = [], {}
    for number in range(40):
        for one in (row("EMS", 48 * number, number, disposition="REFUSED", sex="M"), row("ED", 48 * number + 8, number, sex="F")):
            records.append(one)
            people[one.key] = (number, one.kind)
    counts = Counts.none()
    count_labelled(newest(records), people, counts)
    one = dict(zip((field.name for field in FIELDS), OFFSETS, strict=True))
    assert counts.different[one["time"] : one["date"]].sum() == 40
    assert counts.different[1:].sum() == 40
    assert not np.any(counts.same[1:])
