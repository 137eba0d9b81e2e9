"""The matcher on simulated reports of another author with known truth, on the half that no weight was learnt from; a floor."""

import csv
import gzip
import random
import zlib
from pathlib import Path
from uuid import UUID

import pytest

from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.matching.blocking import candidates
from spikewatch.enrichment.domain.matching.columns import Columns
from spikewatch.enrichment.domain.matching.decisions import Decisions
from spikewatch.enrichment.domain.matching.doubts import doubts
from spikewatch.enrichment.domain.matching.evaluation import agreement
from spikewatch.enrichment.domain.matching.learning import Counts, count_reviewed, learn
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.domain.matching.records import newest, of_row
from spikewatch.enrichment.domain.matching.weights import Weights

FILE = Path(__file__).parents[4] / "shared" / "data" / "dedup" / "reports_5k_labelled.csv.gz"


def held_out() -> list[dict[str, str]]:
    """The half whose scenes hash to an odd number; benchmarks/matching_weights.py learns from the other one."""
    with gzip.open(FILE, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    twins = {int(row["truth_event"]) for row in rows if row["truth_kind"] == "twin"}

    def scene(number: int) -> int:
        while number in twins and number - 1 in twins:
            number -= 1
        return number

    return [row for row in rows if zlib.crc32(str(scene(int(row["truth_event"]))).encode()) % 2 == 1]


def measured_by(weights: Weights, rows: list[dict[str, str]]) -> float:
    truth = {of_row(row).key: row["truth_event"] for row in rows}
    found = match(map(of_row, rows), weights, learns_lags=True).assignments()
    return agreement([found[key].overdose_id for key in found], [truth[key] for key in found]).f1.value


@pytest.mark.skipif(not FILE.exists(), reason="the shared reference data are absent: no labelled reports")
@pytest.mark.parametrize("weights", ["learnt", "neutral"])
@pytest.mark.parametrize("choice", ["doubtful", "easy", "near"])
def test_learning_from_what_people_reviewed_makes_nothing_worse(weights: str, choice: str) -> None:
    rows, base, draw = held_out(), load_weights(weights), random.Random(1)
    lately, later = rows[:2_000], rows[2_000:5_000]
    records = newest(map(of_row, lately))
    person = {of_row(row).key: row["truth_event"] for row in lately}
    keys = [one.key for one in records]
    if choice == "doubtful":
        asked = [(one.edge.first, one.edge.second) for one in doubts(match(records, base, learns_lags=True), Decisions(), 200)]
    elif choice == "easy":  # two reports of each person, and people drawn from the whole county
        known: dict[str, list[UUID]] = {}
        for key in keys:
            known.setdefault(person[key], []).append(key)
        asked = [(own[0], own[1]) for own in known.values() if len(own) > 1] + [(draw.choice(keys), draw.choice(keys)) for _ in range(300)]
    else:
        near = candidates(Columns.of(records), wide=True)
        pairs = list(zip(near.first.tolist(), near.second.tolist(), strict=True))
        asked = [(keys[one], keys[two]) for one, two in draw.sample(pairs, 400)]
    counts = Counts.none()
    assert count_reviewed(records, {pair: person[pair[0]] == person[pair[1]] for pair in asked}, counts) > 50
    taught = learn(counts, base, name="local", origin="reviewed")
    assert measured_by(taught, later) >= measured_by(base, later) - 0.002


@pytest.mark.skipif(not FILE.exists(), reason="the shared reference data are absent: no labelled reports")
@pytest.mark.parametrize(("weights", "floor", "exact"), [("learnt", 0.96, 0.9), ("neutral", 0.95, 0.88)])
def test_overdoses_agree_with_the_labels(weights: str, floor: float, exact: float) -> None:
    rows = held_out()
    truth = {of_row(row).key: row["truth_event"] for row in rows}
    blind = [{name: value for name, value in row.items() if not name.startswith("truth_")} for row in rows]
    matched = match(map(of_row, blind), load_weights(weights), learns_lags=True)
    found = matched.assignments()
    keys = [record.key for record in matched.records]
    measured = agreement([found[key].overdose_id for key in keys], [truth[key] for key in keys])
    assert measured.f1.value > floor
    assert measured.exact.value > exact
