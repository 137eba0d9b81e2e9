"""A corner at which somebody overdoses every few minutes: people are told from one another, whatever the size of the group."""

import random
from datetime import UTC, datetime, timedelta
from itertools import combinations
from uuid import UUID

import pytest

from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.matching.clustering import LARGEST
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.domain.matching.records import Compared, newest, of_row

WEIGHTS = load_weights()


def corner(seed: int, people: int) -> tuple[list[Compared], dict[UUID, int]]:
    """Reports of people at one place, one every ten minutes or so, and whose each is; hardly any tells a call's number."""
    draw = random.Random(seed)
    records: list[Compared] = []
    person_of: dict[UUID, int] = {}
    for person in range(people):
        at = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(minutes=draw.uniform(0, 10 * people))
        age, sex, cad = draw.randrange(18, 70), draw.choice("MF"), f"26-{person:05d}"
        for agency, lag, spread, chance in (
            ("CAD", 0, 0, 0.9),
            ("EMS", 8, 2, 0.9),
            ("FIRE", 6, 2, 0.4),
            ("POLICE", 18, 10, 0.5),
            ("ED", 42, 10, 0.5),
        ):
            if draw.random() > chance:
                continue
            exact = agency in {"EMS", "ED"}
            said = {"age": age if exact else max(10, age + int(draw.gauss(0, 6))) // 5 * 5, "age_approx": 0 if exact else 1, "sex": sex}
            record = of_row(
                {
                    "agency": agency,
                    "agency_record_no": str(person),
                    "event_time": (at + timedelta(minutes=lag + draw.gauss(0, spread))).isoformat(),
                    "time_precision": "second",
                    "lat": str(40.5 + draw.gauss(0, 2e-4)),
                    "lon": str(-79.5 + draw.gauss(0, 2e-4)),
                    "geo_precision": "zip" if agency == "ED" else "address",
                    "hospital": "MERCY" if exact else "",
                    "cad_no": cad if agency in {"CAD", "EMS"} and draw.random() < 0.5 else "",
                }
                | {name: str(value) for name, value in said.items() if exact or draw.random() < 0.6}
            )
            records.append(record)
            person_of[record.key] = person
    return newest(records), person_of


def f1(records: list[Compared], person_of: dict[UUID, int]) -> float:
    found = match(records, WEIGHTS).assignments()
    said = {frozenset(pair) for pair in combinations(found, 2) if found[pair[0]].overdose_id == found[pair[1]].overdose_id}
    true = {frozenset(pair) for pair in combinations(found, 2) if person_of[pair[0]] == person_of[pair[1]]}
    return 2 * len(said & true) / (len(said) + len(true))


def test_people_of_a_busy_corner_are_told_from_one_another() -> None:
    drawn = [corner(seed, people) for seed in range(3) for people in (100, 200)]
    assert max(len(match(records, WEIGHTS).clusters.cut) for records, _ in drawn) > 2 * LARGEST
    assert sum(f1(records, person_of) for records, person_of in drawn) / len(drawn) > 0.72  # .69 cut at two bits and groups of 48


@pytest.mark.parametrize("seed", range(3))
def test_of_a_group_that_is_cut_any_order_gives_the_same(seed: int) -> None:
    records, _ = corner(seed, 60)
    shuffled = random.Random(seed).sample(records, len(records))
    assert match(shuffled, WEIGHTS).assignments() == match(records, WEIGHTS).assignments()
