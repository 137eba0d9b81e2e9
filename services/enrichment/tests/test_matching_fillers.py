"""What only a whole file shows to mean nothing: numbers of calls that are everybody's, ages that stand for unknown."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from spikewatch.enrichment.domain.matching.fillers import fillers_of
from spikewatch.enrichment.domain.matching.records import Compared, of_row

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
NUMBER = count()


def report(agency: str, at: datetime, **cells: str) -> Compared:
    return of_row({"agency": agency, "agency_record_no": f"N{next(NUMBER)}", "event_time": at.isoformat()} | cells)


def calls(draw: random.Random, days: int, a_day: float, *, daily: bool, all_calls: int = 400) -> Iterator[tuple[datetime, str]]:
    """Overdoses of some days with the numbers of their calls; daily ones count all calls of a city from one each day."""
    for day in range(days):
        for _ in range(int(a_day) + (draw.random() < a_day % 1)):
            share = draw.random()
            at = FIRST + timedelta(days=day + share)
            yield at, f"{1 + int(share * all_calls):04d}" if daily else f"P25{day:04d}{int(share * all_calls):04d}"


@pytest.mark.parametrize("daily", [False, True])
@pytest.mark.parametrize(("days", "a_day"), [(30, 10), (400, 1), (800, 3)])
def test_a_filler_is_found_among_numbers_of_either_way(days: int, a_day: float, *, daily: bool) -> None:
    draw = random.Random(days)
    made = []
    for at, number in calls(draw, days, a_day, daily=daily):
        made.append(report("CAD", at, cad_no=number))
        made.append(report("EMS", at, cad_no=number if draw.random() < 0.7 else "NOT1ASSIGNED"))
        made.append(report("ED", at, cad_no="X99"))
    draw.shuffle(made)
    found = fillers_of(made)
    assert set(found.numbers) == {"NOT1ASSIGNED", "X99"}
    assert found.numbers["X99"] == len(made) // 3
    kept = found.without(made)
    assert {one.cad for one in kept if one.agency == "ED"} == {""}
    assert [one.cad for one in kept if one.agency == "CAD"] == [one.cad for one in made if one.agency == "CAD"]


@pytest.mark.parametrize(("days", "a_day", "all_calls"), [(700, 5, 60), (1_500, 2, 900), (400, 8, 8), (120, 30, 400)])
def test_numbers_that_start_anew_each_day_are_no_fillers_over_years(days: int, a_day: float, all_calls: int) -> None:
    made = []
    for at, number in calls(random.Random(1), days, a_day, daily=True, all_calls=all_calls):
        made += [report(agency, at, cad_no=number) for agency in ("CAD", "EMS", "FIRE")]
    assert fillers_of(made).numbers == {}


@pytest.mark.parametrize("a_day", [0.4, 1.0, 3.0])
def test_overdoses_that_are_counted_from_one_each_day_are_no_fillers(a_day: float) -> None:
    draw, made = random.Random(2), []
    for day in range(800):
        number = 100
        while draw.random() < a_day / (1 + a_day):
            number += 1
            made.append(report("EMS", FIRST + timedelta(days=day, minutes=number), cad_no=str(number)))
    assert fillers_of(made).numbers == {}


def test_a_call_with_very_many_people_is_no_filler_though_some_die_days_later() -> None:
    made = [report(agency, FIRST + timedelta(hours=23, minutes=place), cad_no="P1") for place in range(120) for agency in ("EMS", "POLICE")]
    made += [report("ME", FIRST + timedelta(days=day), cad_no="P1") for day in range(1, 9)]
    assert fillers_of(made).numbers == {}


def test_a_filler_of_many_small_agencies_is_found() -> None:
    made = [report(f"Fire {place % 30}", FIRST + timedelta(hours=7 * place), cad_no="NUM8ER") for place in range(90)]
    made += [report(f"Fire {place % 30}", FIRST + timedelta(hours=7 * place), cad_no=f"F{place:05d}") for place in range(90)]
    assert fillers_of(made).numbers == {"NUM8ER": 90}


def ages(draw: random.Random, agency: str, stated: dict[str, int], others: int = 1_000) -> list[Compared]:
    texts = [text for text, many in stated.items() for _ in range(many)] + [str(draw.randrange(15, 85)) for _ in range(others)]
    draw.shuffle(texts)
    return [report(agency, FIRST + timedelta(hours=place), age=text) for place, text in enumerate(texts)]


def test_an_age_that_stands_for_unknown_is_one_of_its_agency_only() -> None:
    draw = random.Random(3)
    made = ages(draw, "EMS", {"0": 200, "2": 3, "99": 1}) + ages(draw, "ED", {"0": 2, "3": 4}) + ages(draw, "ME", {"99": 80, "120": 30})
    found = fillers_of(made)
    assert found.ages == {("EMS", 0): 200, ("ME", 99): 80, ("ME", 120): 30}
    kept = found.without(made)
    assert sum(one.age_low == 0 for one in kept) == 2
    assert {(one.age_low, one.age_high) for one, was in zip(kept, made, strict=True) if was.age_low != one.age_low} == {(-1, -1)}


@pytest.mark.parametrize("stated", [{"0": 30, "1": 60, "2": 50, "3": 20}, {"0": 9}, {"0": 4}, {"98": 10}, {"97": 100}])
def test_infants_and_the_very_old_keep_their_age(stated: dict[str, int]) -> None:
    assert fillers_of(ages(random.Random(4), "ED", stated)).ages == {}


def test_nothing_is_found_in_nothing() -> None:
    assert fillers_of([]).without([]) == []
