"""A table of two cities: what is called the same in both ties none of their reports, and no far place speaks for one person."""

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from spikewatch.enrichment.adapters.matching_weights import LEARNT, NEUTRAL, load_weights
from spikewatch.enrichment.domain.matching.blocking import candidates
from spikewatch.enrichment.domain.matching.columns import Columns
from spikewatch.enrichment.domain.matching.comparison import distances
from spikewatch.enrichment.domain.matching.fields import DISTANCE_EDGES_M, FIELDS, OFFSETS
from spikewatch.enrichment.domain.matching.homes import at_home, home_of
from spikewatch.enrichment.domain.matching.learning import Counts, learn, learn_unlabelled
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.domain.matching.records import Compared, newest, of_row
from spikewatch.enrichment.domain.matching.two_places import numbers_of_two_places
from spikewatch.enrichment.domain.matching.weights import Weights

LATS = {"A": 37.76, "B": 41.7}


def cities(*, minutes_apart: float, calls: int = 120) -> list[Compared]:
    """Calls of two cities that count them from one every day and have hospitals and streets of one name; the second writes later."""
    draw, rows = random.Random(5), []
    for call in range(calls):
        house, hospital = draw.randrange(100, 900), draw.choice(["MERCY", "GENERAL"])
        for city, lat in LATS.items():
            at = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(hours=7 * call, minutes=minutes_apart * (city == "B"))
            age, sex = str(draw.randrange(18, 70)), draw.choice("MF")
            place = {"lat": f"{lat + call / 2_000:.5f}", "lon": "-79.5", "geo_precision": "address", "address_text": f"{house} OAK ST"}
            for agency, lag in (("CAD", 0), ("EMS", 8), ("ED", 45)):
                when = at + timedelta(minutes=lag + draw.random())
                row = {"agency": f"{agency}", "agency_record_no": f"{city}{call}", "event_time": f"{when:%Y-%m-%dT%H:%M:%SZ}"}
                row |= {"age": age, "sex": sex} if agency != "CAD" else {}
                row |= place if agency != "ED" else {"lat": place["lat"], "lon": "-79.45", "geo_precision": "zip"}
                row |= {"cad_no": f"{call // 4:05d}-{call % 4 + 1:03d}"} if agency != "ED" else {}
                row |= {"hospital": hospital} if agency != "CAD" else {}
                rows.append(of_row(row))
    return newest(rows)


@pytest.mark.parametrize("name", [LEARNT, NEUTRAL])
@pytest.mark.parametrize("minutes_apart", [0, 20, 150])
def test_no_incident_spans_two_cities(name: str, minutes_apart: float) -> None:
    records = cities(minutes_apart=minutes_apart)
    found = match(records, load_weights(name), learns_lags=True).assignments()
    of_incident: dict[object, set[bool]] = {}
    people: dict[object, int] = {}
    for one in records:
        of_incident.setdefault(found[one.key].incident_id, set()).add(one.lat > 40)
        people[found[one.key].overdose_id] = people.get(found[one.key].overdose_id, 0) + 1
    assert all(len(sides) == 1 for sides in of_incident.values())
    assert np.mean([count == 3 for count in people.values()]) > 0.95, "those of one city still meet"


def test_streets_and_hospitals_of_another_city_are_not_even_compared() -> None:
    records = [one._replace(cad="") for one in cities(minutes_apart=30)]
    columns = Columns.of(records)
    found = candidates(columns)
    far = distances(columns, found.first, found.second) > 100_000
    same = columns.age_low[found.first[far]] - columns.age_low[found.second[far]]
    assert (np.abs(same) <= 2).all(), "only an age ties them, because a home may be anywhere"


def test_whoever_states_no_place_keeps_the_number() -> None:
    records = cities(minutes_apart=600, calls=1)
    bare = [one._replace(lat=0.0, lon=0.0, place_class=0, street="", house=-1) if one.agency == "CAD" else one for one in records]
    found = match(bare, load_weights()).assignments()
    of = {(one.agency, round(one.seconds, -3)): found[one.key].overdose_id for one in bare}
    assert len(of) >= 4
    assert len(set(of.values())) == 2


def test_one_number_of_one_agency_in_two_places_is_found() -> None:
    records = cities(minutes_apart=0, calls=3)
    assert numbers_of_two_places(records) == {}
    moved = records[0]._replace(lat=LATS["B"] + 2.0, place_class=1)
    unplaced = records[1]._replace(lat=0.0, place_class=0)
    assert numbers_of_two_places([*records, moved, moved, unplaced]) == {records[0].agency: 1}


def _rises(weights: Weights) -> float:
    """The most bits by which any distance beyond 450 m says more for one person than a nearer one."""
    number = next(index for index, field in enumerate(FIELDS) if field.name == "distance")
    field, offset = FIELDS[number], OFFSETS[number]
    part = weights.table[offset : offset + field.size].reshape(len(field.contexts), len(field.levels))
    return float(np.diff(part[:, DISTANCE_EDGES_M.index(450) :], axis=1).max())


@pytest.mark.parametrize("name", [LEARNT, NEUTRAL])
def test_no_further_place_speaks_more_for_one_person(name: str) -> None:
    assert _rises(load_weights(name)) <= 0


@pytest.mark.parametrize("seed", range(5))
def test_what_is_learnt_keeps_that_whatever_was_counted(seed: int) -> None:
    draw, counts = np.random.default_rng(seed), Counts.none()
    counts.same += draw.gamma(0.3, 300, len(counts.same))
    counts.different += draw.gamma(0.3, 3_000, len(counts.different))
    assert _rises(learn(counts, load_weights(NEUTRAL), name="local", origin="labels")) <= 0


def test_what_is_learnt_without_labels_keeps_that() -> None:
    assert _rises(learn_unlabelled(cities(minutes_apart=90), load_weights(NEUTRAL), rounds=2)) <= 0


def _of_two_cities() -> list[Compared]:
    """Agencies of two cities, each with a name of its own; three in ten reports state no place."""
    draw = random.Random(8)
    named = [one._replace(agency=f"{one.agency} {'North' if one.lat > 40 else 'South'}") for one in cities(minutes_apart=3)]
    return [one._replace(lat=0.0, lon=0.0, place_class=0, street="", house=-1) if draw.random() < 0.3 else one for one in named]


def _crossing(records: list[Compared], **how: bool) -> int:
    found = match(records, load_weights(), **how).assignments()
    cities_of: dict[object, set[str]] = {}
    for one in records:
        cities_of.setdefault(found[one.key].overdose_id, set()).add(one.agency.rpartition(" ")[2])
    return sum(len(sides) > 1 for sides in cities_of.values())


def test_who_states_no_place_is_of_the_city_that_its_agency_serves() -> None:
    records = _of_two_cities()
    before, now = _crossing(records), _crossing(records, learns_lags=True)
    assert before > 50, "as a stream is matched nothing is known of what agencies serve"
    assert now < before / 8
    assert _crossing(random.Random(4).sample(records, len(records)), learns_lags=True) == now


def test_what_an_agency_serves_is_learnt_from_what_it_placed() -> None:
    records = _of_two_cities()
    found = {one.key: one for one in at_home(records)}
    middles = {one.agency: home_of(found[one.key].region) for one in records if not one.place_class}
    assert len(middles) == 6
    for agency, middle in middles.items():
        assert middle == pytest.approx((LATS["B" if agency.endswith("North") else "A"] + 0.03, -79.5), abs=0.06)
    assert all(found[one.key] == one for one in records if one.place_class), "what is placed stays as it is"


def test_an_agency_of_the_whole_country_or_of_few_places_tells_none() -> None:
    records = _of_two_cities()
    statewide = [one._replace(agency=one.agency.partition(" ")[0]) for one in records]
    assert at_home(statewide) == statewide
    few = records[:30]
    assert at_home(few) == few
    counties = [one._replace(region="42003") for one in records]
    assert at_home(counties) == counties, "a county says more"
    one_city = [one for one in records if one.lat < 40]
    assert at_home(one_city) == one_city, "nobody is elsewhere"
    assert [home_of(region) for region in ("", "42003", "@40.10,-79.50")] == [None, None, (40.1, -79.5)]
