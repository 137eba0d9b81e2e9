"""What an explanation says would have split an overdose does, when the reports are matched anew."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.matching.explanation import Explanation, explain, fit, fits
from spikewatch.enrichment.domain.matching.matcher import Matched, match
from spikewatch.enrichment.domain.matching.records import Compared, of_row
from spikewatch.enrichment.domain.matching.weights import SCALE

NIGHT = datetime(2026, 5, 1, 2, 30, tzinfo=UTC)
WEIGHTS = load_weights()


def row(agency: str, number: str, minutes: float, **stated: object) -> Compared:
    at = (NIGHT + timedelta(minutes=minutes)).isoformat()
    fields = {"agency": agency, "agency_record_no": number, "event_time": at, "time_precision": "second", "lon": "-79.5"}
    return of_row(fields | {"geo_precision": "address"} | {name: str(value) for name, value in stated.items()})


def night(seed: int) -> list[Compared]:
    draw = random.Random(seed)
    made = []
    for person in range(40):
        minutes, lat = draw.uniform(0, 900), 40.5 + draw.randrange(6) * 0.003
        stated: dict[str, object] = {"age": draw.randrange(18, 70), "sex": draw.choice("MF"), "cad_no": f"26-{1_000 + person}"}
        for agency, lag in (("CAD", 0), ("EMS", 8), ("POLICE", 20), ("ED", 45)):
            if draw.random() < 0.7:
                known = {name: value for name, value in stated.items() if draw.random() < 0.6}
                made.append(row(agency, f"{agency}{person}", minutes + lag + draw.gauss(0, 4), lat=lat, **known))
    return made


def explanations(matched: Matched) -> list[Explanation]:
    founders = sorted(set(matched.clusters.founder.tolist()))
    return [explain(matched, matched.records[founder].key) for founder in founders]


def otherwise(record: Compared, field: str) -> Compared:
    if field == "age":
        return record._replace(age_low=record.age_low + 45, age_high=record.age_high + 45)
    return record._replace(sex=3 - record.sex) if field == "sex" else record._replace(cad="999999")


@pytest.mark.parametrize("seed", range(12))
def test_each_way_that_is_named_would_have_split_the_overdose(seed: int) -> None:
    records = night(seed)
    tried = 0
    for told in explanations(match(records, WEIGHTS)):
        for way in told.ways:
            if len(way) > 1 or way[0] not in {"age", "sex", "cad"}:
                continue
            tried += 1
            # Its own reports alone: another person's nearby might bind what this field parts.
            anew = [otherwise(one, way[0]) if one.key == told.loosest else one for one in records if one.key in told.reports]
            home = match(anew, WEIGHTS).assignments()
            assert len({home[key].overdose_id for key in told.reports}) > 1, way
    assert tried


def test_the_first_way_is_the_one_that_is_told_and_all_are_as_short() -> None:
    several = 0
    for told in explanations(match(night(3), WEIGHTS)):
        assert told.splits == (told.ways[0] if told.ways else ())
        assert {len(way) for way in told.ways} <= {len(told.splits)}
        several += len(told.ways) > 1
    assert several, "time alone always would; what else alone would says more"


def test_what_a_veto_alone_parts_is_named() -> None:
    sure = {"cad_no": "26-001001", "lat": 40.5}
    records = [row("CAD", "1", 0, **sure), row("EMS", "2", 8, **sure, age=34, sex="F"), row("ED", "3", 45, **sure, age=34, sex="F")]
    told = next(one for one in explanations(match(records, WEIGHTS)) if len(one.reports) == 3)
    assert told.loosest is not None
    assert told.tie is not None
    assert told.tie > WEIGHTS.join / SCALE
    for way in told.ways:
        assert "prior" not in way, "which kinds of agency they are of is no statement"


def test_many_groups_at_once_fit_as_each_by_itself() -> None:
    records = night(5)
    draw, one = random.Random(1), records[:2]
    others, rest = list[list[Compared]](), records[2:]
    while rest:
        size = draw.randrange(1, 5)
        others.append(rest[:size])
        rest = rest[size:]
    assert fits(one, others, WEIGHTS) == [fit(one, other, WEIGHTS) for other in others]
    assert {is_vetoed for _, is_vetoed in fits(one[:1], [[other] for other in records[2:]], WEIGHTS)} == {True, False}
    assert fits(one, [], WEIGHTS) == []
