"""A store that finds reports by keys reads all that decides where one belongs."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest

from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.matching.blocking import candidates
from spikewatch.enrichment.domain.matching.clustering import LARGEST
from spikewatch.enrichment.domain.matching.columns import Columns
from spikewatch.enrichment.domain.matching.keys import keys_of
from spikewatch.enrichment.domain.matching.matcher import match, ties
from spikewatch.enrichment.domain.matching.records import Compared, newest, of_row

BEGIN = datetime(2026, 5, 1, tzinfo=UTC)
WEIGHTS = load_weights()
KINDS = ("CAD", "EMS", "FIRE", "POLICE", "ED", "ME", "LAB")


def scattered(seed: int, count: int, *, metres: float, hours: float) -> list[Compared]:
    draw = random.Random(seed)
    return newest(
        of_row(
            {
                "agency": draw.choice(KINDS),
                "agency_record_no": str(index),
                "event_time": (BEGIN + timedelta(hours=draw.uniform(0, hours))).isoformat(),
                "time_precision": draw.choice(["second", "second", "day"]),
                "cad_no": draw.choice(["", f"26-{draw.randrange(count)}11"]),
                "lat": str(40.0 + draw.uniform(0, metres) / 111_195),
                "lon": str(-79.0 + draw.uniform(0, metres) / 85_000),
                "geo_precision": draw.choice(["address", "block", "street", "zip", "none"]),
                "age": draw.choice(["", str(draw.randrange(30, 40))]),
                "age_approx": draw.choice("01"),
                "sex": draw.choice(["", "M", "F"]),
                "address_text": draw.choice(["", "12 ELM ST", "900 BLOCK OF OAK AVE", "ELM ST / OAK AVE"]),
                "hospital": draw.choice(["", "MERCY", "GENERAL"]),
            }
        )._replace(region=draw.choice(["42091", "42091", "42029", "cell-8", "06075"]))
        for index in range(count)
    )


@pytest.mark.parametrize("seed", range(6))
def test_the_probes_of_every_candidate_meet_the_blocks_of_the_other(seed: int) -> None:
    records = scattered(seed, 400, metres=3_000, hours=120)
    found = candidates(Columns.of(records), bounded=False)
    assert len(found.first) > 500
    lies, looks = [set(keys_of(one).blocks) for one in records], [set(keys_of(one).probes) for one in records]
    for one, two in zip(found.first.tolist(), found.second.tolist(), strict=True):
        assert looks[one] & lies[two]
        assert looks[two] & lies[one]


@pytest.mark.parametrize(("kind", "minutes"), [("ED", 42), ("ME", 200)])
@pytest.mark.parametrize("by", [{"hospital": "MERCY"}, {"age": "40"}])
@pytest.mark.parametrize("bounded", [True, False])
def test_whoever_tells_a_day_only_is_met_by_hospital_and_age_all_that_day(
    kind: str, minutes: float, by: dict[str, str], *, bounded: bool
) -> None:
    at = BEGIN + timedelta(hours=30)  # the evening of the day before in the west of the country
    crew = of_row({"agency": "EMS", "agency_record_no": "1", "event_time": at.isoformat(), **by})
    day = (at + timedelta(minutes=minutes) - timedelta(hours=8)).date()
    late = of_row({"agency": kind, "agency_record_no": "1", "event_time": day.isoformat(), "time_precision": "day", **by})
    other = of_row(
        {"agency": kind, "agency_record_no": "2", "event_time": (day + timedelta(days=7)).isoformat(), "time_precision": "day", **by}
    )
    found = candidates(Columns.of(newest([crew, late, other])), bounded=bounded)
    assert (found.first.tolist(), found.second.tolist()) == ([0], [1])
    for one, two in ((crew, late), (late, crew)):
        assert set(keys_of(one).probes) & set(keys_of(two).blocks)


def test_a_record_has_few_blocks_and_probes() -> None:
    records = scattered(9, 400, metres=3_000, hours=120)
    common = [one for one in records if not one.is_rough and KINDS[one.kind] not in {"ED", "ME"}]
    assert len(common) > 100
    assert max(len(keys_of(one).blocks) for one in common) <= 5
    assert sum(len(keys_of(one).probes) for one in common) / len(common) < 12
    assert max(len(keys_of(one).blocks) for one in records) <= 60
    assert max(len(keys_of(one).probes) for one in records) <= 250


def test_a_record_looks_where_the_reports_of_its_agency_are_counted() -> None:
    for record in scattered(3, 200, metres=3_000, hours=120):
        counted = {int(spot.partition("|")[2]) for spot in keys_of(record).spots}
        assert counted <= set(keys_of(record).probes) & set(keys_of(record).blocks)


class Store:
    """Reports by their blocks, as a database would keep them."""

    def __init__(self, records: list[Compared]) -> None:
        self.by_block: dict[int, list[Compared]] = defaultdict(list)
        for record in records:
            for block in keys_of(record).blocks:
                self.by_block[block].append(record)

    def near(self, records: list[Compared]) -> list[Compared]:
        return [found for record in records for probe in keys_of(record).probes for found in self.by_block.get(probe, ())]


def closure(store: Store, begun: Compared) -> list[Compared]:
    """Read what a report's place depends on: its neighbours, and theirs as long as they are related."""
    core: dict[UUID, Compared] = {}
    frontier = [begun]
    known: dict[UUID, Compared] = {begun.key: begun}
    while frontier:
        core |= {one.key: one for one in frontier}
        known |= {one.key: one for one in store.near(frontier)}
        lying = list(known.values())
        asked = {one.key for one in frontier}
        of = np.array([one.key in asked for one in lying])
        reached = {lying[place].key for pair in ties(lying, WEIGHTS, of) for place in pair}
        frontier = [known[key] for key in reached if key not in core]
    return list(core.values())


@pytest.mark.parametrize("seed", range(4))
def test_what_is_read_by_keys_gives_the_same_as_reading_all(seed: int) -> None:
    records = scattered(seed, 150, metres=6_000, hours=200)
    everything = match(records, WEIGHTS, bounded=False).assignments()
    store = Store(records)
    for record in random.Random(seed).sample(records, 25):
        near = match(closure(store, record), WEIGHTS, bounded=False).assignments()
        assert near[record.key].overdose_id == everything[record.key].overdose_id
        assert near[record.key].incident_id == everything[record.key].incident_id


@pytest.mark.parametrize("seed", range(4))
def test_what_else_is_matched_at_the_same_time_has_no_say(seed: int) -> None:
    # A crowded hour, so that there are groups too large to compare each with each.
    here = [one._replace(region="42091") for one in scattered(seed, 250, metres=150, hours=1)]
    there = [
        one._replace(key=UUID(int=one.key.int ^ 1), lat=one.lat + 1, region="12086")
        for one in scattered(seed + 9, 250, metres=150, hours=1)
    ]
    alone = match(here, WEIGHTS, bounded=False)
    assert len(alone.clusters.cut) > LARGEST
    beside = match(here + there, WEIGHTS, bounded=False).assignments()
    assert {key: beside[key] for key in alone.assignments()} == alone.assignments()


def test_the_same_number_in_another_county_is_another_call() -> None:
    call = {"agency": "CAD", "agency_record_no": "1", "event_time": BEGIN.isoformat(), "time_precision": "second", "cad_no": "26-0001"}
    crew = call | {"agency": "EMS", "event_time": (BEGIN + timedelta(minutes=8)).isoformat()}

    def incidents(one: Compared, two: Compared) -> int:
        return len({found.incident_id for found in match([one, two], WEIGHTS, bounded=False).assignments().values()})

    def at(row: dict[str, str], region: str, lat: str = "") -> Compared:
        return of_row(row | ({"lat": lat, "lon": "-79", "geo_precision": "address"} if lat else {}))._replace(region=region)

    assert incidents(at(call, "cedar"), at(crew, "cedar")) == 1
    assert incidents(at(call, "cedar"), at(crew, "alder")) == 2
    # Across the border of counties those near one another may have one dispatch; those far away have not.
    assert incidents(at(call, "cedar", "40.0"), at(crew, "alder", "40.004")) == 1
    assert incidents(at(call, "cedar", "40.0"), at(crew, "alder", "41.0")) == 2
