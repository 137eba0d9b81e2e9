"""What is worked out for many pairs and groups at once is what the rules, followed plainly one after the other, would give."""

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import combinations, product

import numpy as np
import pytest

from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.matching import clustering, comparison
from spikewatch.enrichment.domain.matching.blocking import HOUR, candidates
from spikewatch.enrichment.domain.matching.clustering import LARGEST, NOTHING, cluster, scored
from spikewatch.enrichment.domain.matching.codes import DISPOSITIONS, KIND_CODE
from spikewatch.enrichment.domain.matching.columns import Columns, Ints
from spikewatch.enrichment.domain.matching.comparison import compare, oriented
from spikewatch.enrichment.domain.matching.fields import DISTANCE_EDGES_M, FIELDS, OFFSETS
from spikewatch.enrichment.domain.matching.records import Compared, newest, of_row

WEIGHTS = load_weights()
JOIN, VETO = WEIGHTS.join, WEIGHTS.veto
ED, EMS, ME = KIND_CODE["ed"], KIND_CODE["ems"], KIND_CODE["me"]


def night(seed: int, reports: int) -> list[Compared]:
    """Reports of a night at few places of two cities, in which every field is at times left out and few values come again and again."""
    draw = random.Random(seed)
    made = []
    for number in range(reports):
        at = datetime(2026, 5, 1, 22, tzinfo=UTC) + timedelta(minutes=draw.choice([draw.uniform(0, 90), draw.uniform(-4_000, 4_000)]))
        city = draw.choice([(40.5, -79.5), (40.5, -79.5), (41.9, -77.2), (40.5999, -79.5)])
        far = draw.choice([0.0, 1e-5, 1e-4, 2e-3, 0.02])
        stated = {
            "lat": str(city[0] + draw.gauss(0, far)),
            "lon": str(city[1] + draw.gauss(0, far)),
            "geo_precision": draw.choice(["point", "address", "block", "zip", "county", "none"]),
            "address_text": f"{draw.randrange(100, 180, 10)} {draw.choice(['OAK', 'ELM'])} ST",
            "zip": draw.choice(["15201", "15202"]),
            "cad_no": f"26-{draw.randrange(6):05d}",
            "hospital": draw.choice(["MERCY", "GENERAL"]),
            "age": str(draw.randrange(28, 36)),
            "age_approx": draw.choice("0001"),
            "sex": draw.choice("MF"),
            "outcome": draw.choice(["FATAL", "NONFATAL"]),
            "disposition": draw.choice(["TRANSPORT", "REFUSED"]),
            "naloxone_doses": draw.choice("123"),
            "unit": draw.choice(["M1", "M2"]),
        }
        stated = {name: value for name, value in stated.items() if draw.random() < 0.8 or name == "geo_precision"}
        agency = draw.choice(["CAD", "EMS", "FIRE", "POLICE", "ED", "ME"])
        is_day = agency in {"ED", "ME"} and draw.random() < 0.3
        when = at.date().isoformat() if is_day else at.isoformat()
        stated |= {"agency": agency, "agency_record_no": str(number), "event_time": when, "time_precision": "day" if is_day else "second"}
        made.append(of_row(stated)._replace(region=draw.choice(["42003", "42003", "36001"])))
    return newest(made)


# Dividing.


def plainly(size: int, score: dict[tuple[int, int], int]) -> tuple[list[int], list[int], list[int]]:
    """Return founders, ties within and best fits outside of one group: of all clusters that fit the best two, of equals the earlier."""
    clusters = [[one] for one in range(size)]

    def between(one: Sequence[int], two: Sequence[int]) -> list[int]:
        return [score[min(a, b), max(a, b)] for a in one for b in two]

    if min(score.values()) >= JOIN:
        clusters = [list(range(size))]
    while True:
        fits = []
        for one, two in combinations(sorted(clusters), 2):
            scores = between(one, two)
            fit = (max(scores) + sum(scores) / len(scores)) / 2
            if min(scores) >= VETO and fit >= JOIN:
                fits.append((-fit, one, two))
        if not fits:
            break
        _, one, two = min(fits)
        clusters = [each for each in clusters if each not in (one, two)] + [sorted(one + two)]
    founder, within, outside = [0] * size, [NOTHING] * size, [NOTHING] * size
    for own in clusters:
        ties = [between([one], [other for other in own if other != one]) for one in own] if len(own) > 1 else []
        fits_outside = [between(own, other) for other in clusters if other != own]
        for one in own:
            founder[one] = own[0]
            within[one] = min(((max(each) * len(each) + sum(each)) // (2 * len(each)) for each in ties), default=NOTHING)
            outside[one] = max(((max(each) * len(each) + sum(each)) // (2 * len(each)) for each in fits_outside), default=NOTHING)
    return founder, within, outside


@pytest.mark.parametrize("seed", range(120))
def test_many_groups_at_once_are_divided_as_each_would_be_by_itself(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(seed)
    sizes = [draw.choice([1, 2, 2, 3, 3, 4, 5, 7, draw.randrange(8, 26)]) for _ in range(draw.randrange(1, 14))]
    # Small whole numbers, so that many fits are equal; hardly any group is of reports that all fit.
    coarse, rivals = draw.choice([1, 50, 400]), draw.choice([-600, -300])
    count = sum(sizes)
    places = draw.sample(range(count), count)
    groups = [sorted(places.pop() for _ in range(size)) for size in sizes]
    table = np.full((count, count), VETO - 1, dtype=np.int32)
    expected = [np.arange(count), np.full(count, NOTHING), np.full(count, NOTHING)]
    first, second = list[int](), list[int]()
    for group in groups:
        size = len(group)
        person = [draw.randrange(max(size // 3, 1)) for _ in group]
        score = {
            (a, b): int(draw.gauss(500 if person[a] == person[b] else rivals, 500)) // coarse * coarse
            for a, b in combinations(range(size), 2)
        }
        for a in range(1, size):  # what binds the group
            bound = draw.randrange(a)
            score[bound, a] = max(score[bound, a], JOIN)
            first.append(group[bound])
            second.append(group[a])
        for (a, b), value in score.items():
            table[group[a], group[b]] = value
        if size > 1:
            founder, within, outside = plainly(size, score)
            expected[0][group] = np.array(group)[founder]
            expected[1][group], expected[2][group] = within, outside
    monkeypatch.setattr(clustering, "scored", lambda _columns, one, two, _weights: table[one, two])
    monkeypatch.setattr(clustering, "_IN_BLOCK", draw.choice([1, 30, 10_000]))
    ends = np.array(first, dtype=np.int64), np.array(second, dtype=np.int64)
    found = cluster(Columns.of([one_of(number) for number in range(count)]), *ends, table[ends], WEIGHTS)
    for whole, own in zip((found.founder, found.within, found.outside), expected, strict=True):
        assert whole.tolist() == own.tolist()


def one_of(number: int) -> Compared:
    return of_row({"agency": "EMS", "agency_record_no": str(number), "event_time": "2026-05-01T00:00:00Z", "time_precision": "second"})


@pytest.mark.parametrize("seed", range(2))
def test_a_group_as_large_as_any_is_divided_as_the_rule_says(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(seed)
    score = {(a, b): int(draw.gauss(500 if a % 32 == b % 32 else -1_100, 500)) for a, b in combinations(range(LARGEST), 2)}
    table = np.zeros((LARGEST, LARGEST), dtype=np.int32)
    for pair, value in score.items():
        table[pair] = value
    monkeypatch.setattr(clustering, "scored", lambda _columns, one, two, _weights: table[one, two])
    first, second = np.triu_indices(LARGEST, 1)
    found = cluster(Columns.of([one_of(number) for number in range(LARGEST)]), first, second, table[first, second], WEIGHTS)
    assert (found.founder.tolist(), found.within.tolist(), found.outside.tolist()) == plainly(LARGEST, score)
    assert 20 < len(set(found.founder.tolist())) < LARGEST


# Cutting what is too large.


def connected(records: Sequence[int], ties: Sequence[tuple[int, int, int]]) -> list[list[int]]:
    parts = [[one] for one in records]
    for one, two, _ in ties:
        a, b = (next(part for part in parts if each in part) for each in (one, two))
        if a is not b:
            parts = [part for part in parts if part not in (a, b)] + [sorted(a + b)]
    return parts


def cut_plainly(group: list[int], ties: list[tuple[int, int, int]], largest: int) -> list[list[int]]:
    """Return the parts of one group: the threshold rises until none is too large; what stays one at the highest is counted out."""
    done: list[list[int]] = []
    large, level = [group], JOIN
    while large and level < 4_000:
        ties = [tie for tie in ties if any(tie[0] in part and tie[1] in part for part in large)]
        level = max(level + 50, min(score for *_, score in ties) + 1)
        ties = [tie for tie in ties if tie[2] >= level]
        parts = connected([one for part in large for one in part], ties)
        done += [part for part in parts if len(part) <= largest]
        large = [part for part in parts if len(part) > largest]
    return done + [part[start : start + largest] for part in large for start in range(0, len(part), largest)]


@pytest.mark.parametrize("seed", range(60))
def test_groups_that_are_too_large_are_cut_each_at_its_own_pace(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(seed)
    count, largest = draw.randrange(20, 90), draw.choice([3, 6, 10])
    monkeypatch.setattr(clustering, "LARGEST", largest)
    monkeypatch.setattr(clustering, "scored", lambda _columns, one, _two, _weights: np.full(len(one), VETO - 1, dtype=np.int32))
    group = [draw.randrange(max(count // 25, 1)) for _ in range(count)]
    steps = draw.choice([(-300, 4_500), (JOIN, 400), (5_000, 5_001), (3_900, 90_000)])  # the last are of copies, or were decided
    pairs = [pair for pair in combinations(range(count), 2) if group[pair[0]] == group[pair[1]] and draw.random() < 0.15]
    ties = [(one, two, draw.randrange(*steps) // 10 * 10) for one, two in pairs]
    expected, cut = list(range(count)), set()
    fitting = [tie for tie in ties if tie[2] >= JOIN]
    for part in connected(range(count), fitting):
        own = [tie for tie in fitting if tie[0] in part]
        parts = cut_plainly(part, own, largest) if len(part) > largest else [part]
        for each in parts:
            for one in each:
                expected[one] = each[0]
        if len(part) > largest:
            cut |= set(part)
    first, second, scores = (np.array(column, dtype=np.int64) for column in zip(*ties, strict=True))
    found = cluster(Columns.of([one_of(number) for number in range(count)]), first, second, scores.astype(np.int32), WEIGHTS)
    assert found.component.tolist() == expected
    assert set(found.cut.tolist()) == cut


# Finding and comparing.


def joined(
    columns: Columns, met: Ints, probing: Ints, same: Callable[[int, int], bool], low: float, high: float, most: int
) -> set[tuple[int, int]]:
    """Return the pairs of each probe with those of its key in its window, the ``most`` next to it in time on each side."""
    pairs = set()
    for probe in np.flatnonzero(probing).tolist():
        at = columns.seconds[probe]
        line = [one for one in np.flatnonzero(met).tolist() if same(one, probe)]
        times = [columns.seconds[one] for one in line]
        middle = bisect_left(times, at)
        begin = max(bisect_left(times, at + low), middle - most)
        end = min(bisect_right(times, at + high), middle + most * (1 if low else 2))
        pairs |= {(min(one, probe), max(one, probe)) for one in line[begin:end] if one != probe}
    return pairs


def cell(lat: float, lon: float, up: int = 0) -> tuple[int, int]:
    row = math.floor(lat * 111_194.9 / 400.0) + up
    band = math.floor(row * 400.0 / 111_194.9 / 0.1) * 0.1
    return row, math.floor((lon + 360.0) * max(math.cos(math.radians(band)), 0.01) * 111_194.9 / 400.0)


def worth_comparing(columns: Columns, most: int, *, bounded: bool) -> set[tuple[int, int]]:
    """Return what ``candidates`` shall find, rule after rule, where no agency's home is known."""
    kind, exact, rough = columns.kind, columns.rough == 0, columns.rough > 0
    where = list(zip(columns.lat.tolist(), columns.lon.tolist(), strict=True))
    region, age = columns.region, columns.age_low

    def equal(column: Ints, *, by_region: bool = True) -> Callable[[int, int], bool]:
        return lambda one, two: bool(column[one] == column[two] and (not by_region or region[one] == region[two]))

    def beside(up: int, aside: int) -> Callable[[int, int], bool]:
        probes = [(row, column + aside) for row, column in (cell(*at, up) for at in where)]
        owns = [cell(*at) for at in where]
        return lambda one, two: owns[one] == probes[two]

    numbered, placed = columns.cad > 0, (columns.place_class > 0) & (columns.place_class < 4)
    on_scene = exact & (kind != ED) & (kind != ME)
    found = joined(columns, numbered, numbered, equal(columns.cad), 0.0, 12 * HOUR, most)
    for up, aside in product((-1, 0, 1), repeat=2):
        near = beside(up, aside)
        scene = placed & exact & (kind != ME)
        found |= joined(columns, scene, scene, near, 0.0, 3 * HOUR, most)
        found |= joined(columns, placed, placed & rough, near, -2 * HOUR, 34 * HOUR, most)
        found |= joined(columns, placed & exact, placed & (kind == ME), near, -60 * HOUR, 2 * HOUR, most)
    if bounded:
        area, nowhere, coded = on_scene & (columns.place_class == 4), on_scene & (columns.place_class == 0), on_scene & (columns.zip5 > 0)
        found |= joined(columns, coded, coded & (area | nowhere), equal(columns.zip5), -3 * HOUR, 3 * HOUR, most)
        found |= joined(columns, area, area, beside(0, 0), -3 * HOUR, 3 * HOUR, most)
        found |= joined(columns, on_scene, nowhere & ~coded, equal(region), -HOUR, HOUR, most)
    named = (columns.street > 0) & on_scene
    of_street = joined(columns, named, named, equal(columns.street), 0.0, HOUR, most)
    found |= {pair for pair in of_street if shares_number(columns, *pair)}
    treated = columns.hospital > 0
    aged = (age >= 0) & (age == columns.age_high) & (columns.age_rough == 0)
    for late, before, after in ((ED, -3 * HOUR, HOUR), (ME, -60 * HOUR, 2 * HOUR)):
        others, own = kind != late, kind == late
        for told, end in ((exact, after), (rough, 34 * HOUR)):
            hospital = equal(columns.hospital, by_region=False)
            visits = joined(columns, treated & others, treated & told & own, hospital, before, end, most)
            found |= {pair for pair in visits if shares_hospital(columns, *pair)}
            for years in range(-2, 3):
                found |= joined(columns, aged & others, aged & told & own, partial(of_years, columns, years), before, end, most)
    stayed = [DISPOSITIONS[one] in {"refused", "released", "ama"} for one in columns.disposition.tolist()]
    before_visit = aged & exact & ((kind == ED) | ((kind == EMS) & np.array(stayed)))
    for years in range(-2, 3) if bounded else ():
        later = joined(columns, before_visit, aged & exact & (kind == ED), partial(of_years, columns, years), -12 * HOUR, 0.0, most)
        found |= {pair for pair in later if shares_hospital(columns, *pair)}
    return found


def of_years(columns: Columns, years: int, one: int, two: int) -> bool:
    return bool(columns.age_low[one] == columns.age_low[two] + years and columns.region[one] == columns.region[two])


def both_placed(columns: Columns, one: int, two: int) -> bool:
    return bool(columns.place_class[one] > 0 and columns.place_class[two] > 0)


def metres(columns: Columns, one: int, two: int) -> float:
    north = columns.north[one] - columns.north[two]
    east = abs(columns.lon[one] - columns.lon[two]) * 0.5 * (columns.east_of[one] + columns.east_of[two])
    return math.sqrt(north * north + east * east)


def shares_number(columns: Columns, one: int, two: int) -> bool:
    same = bool(columns.region[one] == columns.region[two])
    return metres(columns, one, two) <= (100_000 if same else 10_000) if both_placed(columns, one, two) else same


def shares_hospital(columns: Columns, one: int, two: int) -> bool:
    within_state = columns.state[one] == columns.state[two] or 0 in {columns.state[one], columns.state[two]}
    return bool(within_state and (not both_placed(columns, one, two) or metres(columns, one, two) <= 100_000))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("reports", "most"), [(150, 24), (150, 10_000), (400, 24)])
def test_pairs_are_found_as_if_every_rule_was_followed_report_by_report(seed: int, reports: int, most: int) -> None:
    records, bounded = night(seed, reports), most == 24
    columns = Columns.of(records)
    found = candidates(columns, bounded=bounded)
    expected = worth_comparing(columns, most, bounded=bounded)
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == sorted(expected)
    # Of so many reports each does not meet all.
    assert reports < 400 or len(expected) < len(worth_comparing(columns, 10_000, bounded=True))


@pytest.mark.parametrize("seed", range(4))
def test_pairs_are_compared_as_each_would_be_by_itself(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = Columns.of(night(seed, 120))
    first, second = np.triu_indices(120, 1)
    first, second = oriented(columns, first, second)
    kinds = columns.kind.tolist()
    assert all((kinds[one], one) <= (kinds[two], two) for one, two in zip(first.tolist(), second.tolist(), strict=True))
    looked = compare(columns, first, second)
    field = {one.name: number for number, one in enumerate(FIELDS)}
    edges = np.array(DISTANCE_EDGES_M, dtype=np.float64)
    seen = set()
    for at, (one, two) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        placed = both_placed(columns, one, two)
        told = looked[field["distance"], at] - OFFSETS[field["distance"]]
        bins = len(FIELDS[field["distance"]].levels)
        assert not placed or told % bins == np.searchsorted(edges, metres(columns, one, two), side="right")
        assert placed or looked[field["distance"], at] == 0
        numbered = columns.cad[one] > 0 and columns.cad[two] > 0
        assert (looked[field["cad"], at] > 0) == (numbered and shares_number(columns, one, two))
        housed = columns.house[one] >= 0 and columns.house[two] >= 0
        gap = abs(columns.house[one] - columns.house[two])
        assert (looked[field["house"], at] > 0) == housed
        if housed:
            assert (looked[field["house"], at] - OFFSETS[field["house"]]) % 3 == (0 if gap == 0 else 1 if gap <= 24 else 2)
            seen.add((gap == 0, gap <= 24))
        seen.add(told % bins if placed else None)
    assert len(seen) > 12
    whole = WEIGHTS.scores(looked)
    for module in (clustering, comparison):
        monkeypatch.setattr(module, "AT_ONCE", 100)
    assert compare(columns, first, second).tolist() == looked.tolist()
    assert scored(columns, first, second, WEIGHTS).tolist() == whole.tolist()
