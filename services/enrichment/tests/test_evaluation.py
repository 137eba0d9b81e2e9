"""Intervals of figures beside another computation of them, and what few people leave open."""

import random
from collections import defaultdict
from itertools import combinations

import pytest

from spikewatch.enrichment.domain.matching.evaluation import agreement, wilson


def drawn_anew(found: list[object], truth: list[int], draw: random.Random) -> list[tuple[float, float, float]]:
    """Precision, recall and F1 of many draws of the people, pair by pair."""
    right, wrong, pairs = defaultdict[int, float](float), defaultdict[int, float](float), defaultdict[int, float](float)
    for one, two in combinations(range(len(truth)), 2):
        if truth[one] == truth[two]:
            pairs[truth[one]] += 1
            right[truth[one]] += found[one] == found[two]
        elif found[one] == found[two]:
            wrong[truth[one]] += 0.5
            wrong[truth[two]] += 0.5
    people, figures = sorted(set(truth)), []
    for _ in range(1_000):
        chosen = draw.choices(people, k=len(people))
        hits, misses, whole = (sum(of[one] for one in chosen) for of in (right, wrong, pairs))
        precision, recall = hits / (hits + misses), hits / whole
        figures.append((precision, recall, 2 * precision * recall / (precision + recall)))
    return figures


def test_intervals_are_those_of_another_bootstrap() -> None:
    draw = random.Random(5)
    truth, found = [], list[object]()
    for person in range(200):
        for _ in range(draw.choice([1, 2, 3, 4])):
            truth.append(person)
            found.append(person if draw.random() < 0.9 else ("lost", draw.randrange(200)))
    told = agreement(found, truth)
    columns = list(zip(*drawn_anew(found, truth, draw), strict=True))
    for figure, column in zip((told.precision, told.recall, told.f1), columns, strict=True):
        ordered = sorted(column)
        assert figure.low == pytest.approx(ordered[25], abs=0.01)
        assert figure.high == pytest.approx(ordered[975], abs=0.01)


def test_the_share_that_is_exactly_right_has_wilsons_interval() -> None:
    # Nine of ten: 0.596 to 0.982 in the tables; draws of ten people would say 0.7 to 1.
    assert wilson(0.9, 10) == pytest.approx((0.5958, 0.9821), abs=0.0001)
    found: list[object] = [*range(9), 8]
    assert agreement(found, list(range(10))).exact.low == pytest.approx(wilson(0.8, 10)[0])
    assert wilson(0, 0) == (0, 1)


def test_a_few_people_without_a_fault_prove_little() -> None:
    perfect = agreement([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2])
    for figure in (perfect.precision, perfect.recall, perfect.f1, perfect.exact):
        assert (figure.value, figure.high) == (1, 1)
        assert figure.low == pytest.approx(wilson(1, 3)[0])
    assert agreement(list(range(4)), list(range(4))).f1.value == 1, "nothing was to be found, and nothing was"
