"""Who is who: the matcher against the simple rule and against Splink, on the same labelled reports in the same run.

    python benchmarks/dedupe.py [--labelled FILE] [--splink PYTHON] [--mixes default,hard] [--seed 9001] [--shuffles 1000]

``--labelled``: a table with truth columns; its halves are scored apart, because the weights were learnt from one.
``--splink``: the interpreter of an environment in which splink 5 is installed; without it Splink is left out.
Draws are those of ``matching_draws.py`` with seeds that nothing was learnt from. Speeds are by CPU time of one core.
"""

import argparse
import csv
import gzip
import json
import random
import subprocess
import tempfile
import time
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from uuid import UUID

import numpy as np
from matching_draws import COLUMNS, draw_reports
from matching_mixes import MIXES, TRIALS, even_half

from spikewatch.chassis.collector import spare_collector
from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.matching.blocking import candidates
from spikewatch.enrichment.domain.matching.clocks import set_clocks
from spikewatch.enrichment.domain.matching.clustering import scored
from spikewatch.enrichment.domain.matching.columns import Columns
from spikewatch.enrichment.domain.matching.comparison import distances
from spikewatch.enrichment.domain.matching.evaluation import agreement, pair_agreement
from spikewatch.enrichment.domain.matching.fillers import fillers_of
from spikewatch.enrichment.domain.matching.homes import at_home
from spikewatch.enrichment.domain.matching.learning import learn_unlabelled
from spikewatch.enrichment.domain.matching.matcher import compared_pairs, match
from spikewatch.enrichment.domain.matching.own_words import without_own_words
from spikewatch.enrichment.domain.matching.records import Compared, newest, of_row
from spikewatch.enrichment.domain.matching.weights import SCALE, Weights

Truth = Mapping[UUID, str]


def true_pairs(truth: Sequence[str]) -> int:
    return sum(count * (count - 1) // 2 for count in np.unique(truth, return_counts=True)[1].tolist())


def told(method: str, found: Sequence[Hashable], truth: Sequence[str], pair_f1: float, speed: float) -> None:
    one = agreement(found, truth)
    interval = f"{one.f1.low:.3f}-{one.f1.high:.3f}"
    print(
        f"| {method} | {one.f1.value:.4f} ({interval}) | {one.precision.value:.3f} | {one.recall.value:.3f} | {pair_f1:.3f} | "
        f"{100 * one.exact.value:.1f} | {speed:,.0f} |",
        flush=True,
    )


def ours(name: str, rows: list[dict[str, str]], weights: Weights, truth: Truth, *, adapt: str = "no") -> None:
    began = time.process_time()
    records = [of_row(row) for row in rows]
    if adapt != "no":
        records = newest(records)
        records = fillers_of(records).without(records)
    if adapt == "all":
        records, _ = set_clocks(without_own_words(at_home(records)))
        weights = learn_unlabelled(records, weights)
    matched = match(records, weights, learns_lags=adapt == "lags")
    weights = matched.weights
    found = matched.assignments()
    spent = time.process_time() - began
    labels = [truth[record.key] for record in matched.records]
    first, second = compared_pairs(matched)
    same = [labels[one] == labels[two] for one, two in zip(first.tolist(), second.tolist(), strict=True)]
    scores = scored(matched.columns, first, second, weights) / SCALE
    pair_f1 = pair_agreement(scores.tolist(), same, true_pairs(labels))[0]
    told(name, [found[record.key].overdose_id for record in matched.records], labels, pair_f1, len(rows) / spent)


def simple_rule(rows: list[dict[str, str]], truth: Truth) -> None:
    """Within an hour and 250 m, or the same number of a call: what people do by hand."""
    records = newest(of_row(row) for row in rows)
    columns = Columns.of(records)
    found = candidates(columns)
    first, second = found.first, found.second
    apart = np.abs(columns.seconds[first] - columns.seconds[second])
    placed = (columns.place_class[first] > 0) & (columns.place_class[second] > 0)
    placed &= (columns.place_class[first] < 3) & (columns.place_class[second] < 3)
    near = placed & (apart <= 3_600) & (distances(columns, first, second) <= 250)
    linked = near | ((columns.cad[first] > 0) & (columns.cad[first] == columns.cad[second]))
    parent = list(range(len(records)))

    def root(one: int) -> int:
        while parent[one] != one:
            one = parent[one]
        return one

    for one, two in zip(first[linked].tolist(), second[linked].tolist(), strict=True):
        one, two = sorted((root(one), root(two)))  # noqa: PLW2901  # their roots stand for them
        parent[two] = one
    labels = [truth[record.key] for record in records]
    same = [labels[one] == labels[two] for one, two in zip(first.tolist(), second.tolist(), strict=True)]
    pair_f1 = pair_agreement(linked.astype(float).tolist(), same, true_pairs(labels))[0]
    told("simple rule", [root(index) for index in range(len(records))], labels, pair_f1, float("nan"))


def splink(python: str, rows: list[dict[str, str]], how: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reports.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        script = Path(__file__).with_name("dedupe_splink.py")
        ran = subprocess.run([python, script, path, "truth_event", how], capture_output=True, text=True, check=True)
    said = json.loads(ran.stdout.splitlines()[-1])
    latest = {f"{row['agency']}-{row['agency_record_no']}": row["truth_event"] for row in rows}
    names = list(latest)
    labels = [latest[name] for name in names]
    scores, same = [], []
    for one, two, weight in said["pairs"]:
        scores.append(weight)
        same.append(latest[one] == latest[two])
    pair_f1 = pair_agreement(scores, same, true_pairs(labels))[0]
    best = max(said["clusters"].values(), key=lambda found: agreement([found[name] for name in names], labels).f1.value)
    told(f"Splink, {how}", [best[name] for name in names], labels, pair_f1, len(rows) / said["cpu"])


def compare(title: str, rows: list[dict[str, str]], python: str | None) -> None:
    truth = {of_row(row).key: row["truth_event"] for row in rows}
    print(f"\n{title}: {len(rows):,} rows, {len(truth):,} reports, {len(set(truth.values())):,} overdoses\n")
    print(
        "| method | cluster F1 (95 %) | precision | recall | pair F1 | exactly right % | rows/s and core |\n|---|---|---|---|---|---|---|"
    )
    for name in ("learnt", "neutral"):
        for adapt in ("no", "lags", "all"):
            ours(f"{name} weights" + ("" if adapt == "no" else f", {adapt} adapted"), rows, load_weights(name), truth, adapt=adapt)
    simple_rule(rows, truth)
    if python:
        for how in ("unsupervised", "labels"):
            splink(python, rows, how)


def shuffles(rows: list[dict[str, str]], times: int) -> None:
    """Match the same reports in other orders, with duplicates and with corrections that are taken back, and compare."""
    draw, weights = random.Random(5), load_weights()
    records: list[Compared] = [of_row(row) for row in rows]
    expected = match(records, weights, learns_lags=True).assignments()
    equal = 0
    for _ in range(times):
        shuffled = records + draw.choices(records, k=len(records) // 10)
        draw.shuffle(shuffled)
        equal += match(shuffled, weights, learns_lags=True).assignments() == expected
    print(f"\n{equal:,} of {times:,} shuffles of {len(records):,} rows, a tenth of them twice, end in equal assignments")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labelled", type=Path)
    parser.add_argument("--splink")
    parser.add_argument("--mixes", default=",".join(MIXES))
    parser.add_argument("--overdoses", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=9_001)
    parser.add_argument("--shuffles", type=int, default=0)
    given = parser.parse_args()
    spare_collector()  # as every service and every verb does
    for index, mix in enumerate(name for name in given.mixes.split(",") if name):
        compare(f"Mix {mix}", draw_reports((MIXES | TRIALS)[mix], given.overdoses, given.seed + index), given.splink)
    if given.labelled:
        with gzip.open(given.labelled, "rt", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        developed = even_half(rows)
        seen = {row["report_id"] for row in developed}
        compare("Labelled file, the half developed on", developed, given.splink)
        compare("Labelled file, the half held out", [row for row in rows if row["report_id"] not in seen], given.splink)
        compare("Labelled file, whole", rows, given.splink)
    if given.shuffles:
        shuffles(draw_reports(MIXES["hard"], 150, given.seed), given.shuffles)


if __name__ == "__main__":
    main()
