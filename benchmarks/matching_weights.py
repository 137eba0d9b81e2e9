"""Makes the shipped weights of the matcher: neutral ones from what is generally known, learnt ones from labelled draws.

    python benchmarks/matching_weights.py [--labelled FILE] [--later]

``--later``: only what tells of hospitals' reports hours later is learnt anew, all else stays as it is shipped.
``--labelled``: a table with truth columns, of which only the half whose scenes hash to an even number is looked at.
Each mix of ``matching_draws.py`` gives one draw for learning and another one, never learnt from, for the confidence.
"""

import argparse
import csv
import gzip
import math
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from matching_confidence import HOME, fitting, with_signs
from matching_draws import draw_reports
from matching_mixes import MIXES, even_half

from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.matching.confidence import Calibration, Confidence
from spikewatch.enrichment.domain.matching.fields import DISTANCE_EDGES_M, FIELDS, OFFSETS, PART_OF, SIZE, TIME_EDGES_MIN
from spikewatch.enrichment.domain.matching.learning import Counts, count_labelled, learn
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.domain.matching.records import Compared, newest, of_row
from spikewatch.enrichment.domain.matching.weights import SCALE, Weights

_SURE = Confidence(Calibration((), (0.9,)), (Calibration((), (1.0,)),) * 3)
START = Weights("neutral", 5, "", np.zeros(SIZE, dtype=np.int32), -150, -800, _SURE)
# Minutes after the call at which each kind of agency dates the overdose, and how much that varies.
LAG = {"cad": (0, 3), "ems": (8, 7), "fire": (5, 5), "police": (18, 22), "ed": (42, 20), "me": (150, 240), "other": (30, 90)}
# Minutes from one report to the other where somebody comes to a hospital hours later: by themselves, or sent on by another hospital.
LATER = {"ems|ed stayed": (150, 180), "ems|ed elsewhere": (210, 150), "ed|ed": (180, 150)}
LATER_REACH = 720
LATEST = -5.0  # of all of a scene: each says that somebody came late, which contradicts nothing


def neutral() -> Weights:
    table = np.zeros(SIZE)
    for field, offset in zip(FIELDS, OFFSETS, strict=True):
        for row, context in enumerate(field.contexts):
            for column, level in enumerate(field.levels):
                bits = _bits(field.name, context, level, column)
                table[offset + row * len(field.levels) + column] = bits if field.name == "prior" else np.clip(bits, -12, 12)
            if field.name == "time":
                own = table[offset + row * len(field.levels) : offset + (row + 1) * len(field.levels)]
                _fall_from_mode(own)
                if context in {"cad|ed", "fire|ed", "police|ed"}:
                    own[own.argmax() :] = np.maximum(own[own.argmax() :], LATEST)
    return START.with_table(table, name="neutral", origin="set from what is generally known of the field; nothing was learnt from any file")


def _fall_from_mode(bits: np.ndarray) -> None:
    """Let no time difference speak more for one person than one nearer to the most usual, which lies within three hours."""
    near = [abs(edge) <= 180 for edge in TIME_EDGES_MIN]
    inner = [False, *(one and other for one, other in pairwise(near)), False]
    mode = int(np.where(inner, bits, -np.inf).argmax())
    bits[mode:] = np.minimum.accumulate(bits[mode:])
    bits[mode::-1] = np.minimum.accumulate(bits[mode::-1])


def _bits(field: str, context: str, level: str, column: int) -> float:  # one table a field
    first, _, second = context.partition("|")
    same_kind = first == second
    if field == "prior":
        if level == "two_agencies":
            return {"ed": -12.0, "me": -10.0}.get(first, -4.5) if same_kind else 0.0
        return ({"ems": -4.5, "other": -4.0}.get(first, -20.0)) if same_kind else -3.0
    if field == "time":
        return _time(context, column)
    if field == "date":
        return {-1: 0.0, 0: 1.0, 1: 0.0, 2: -1.0}.get(column - 3 if column - 3 > -2 else -9, -3.0)
    if field == "distance":
        who, _, place = context.partition(":")
        return _distance(who, place, column)
    if field == "age":
        exact = (4.2, 3.2, 0.5, -2.0, -4.0, -5.5, -7.0, -8.0, -8.5, -9.0, -10.0, -11.0)
        one = (0.9, 0.9, 0.9, 0.8, 0.6, 0.3, 0.0, -0.5, -1.2, -2.5, -5.0, -7.0)
        both = (1.0, 0.9, 0.9, 0.8, 0.6, 0.3, 0.1, -0.3, -0.8, -1.8, -4.0, -6.0)
        return {"exact": exact, "one_rough": one, "both_rough": both}[context][column]
    if field in {"outcome", "disposition", "drug"}:
        return _clinical(field, context, level)
    pairs = {
        "sex": (0.8, -2.5 if "cad" in context or "fire" in context else -4.0),
        "race": (1.0, -3.5),
        "cad": (6.5, -6.5),
        "hospital": (2.0, -4.5),
        "zip": (1.2, -4.0) if context == "scene" else (3.0, -2.0) if context == "eds" else (1.0, -0.5),
        "naloxone": (0.3, -0.4, 0.3),
        "doses": (0.5, -0.5),
        "house": (1.5, -0.3, -1.5) if context == "scene" else (3.0, 0.0, -0.3),
        "unit": (1.5, -1.0),
        "street": (1.5, -0.7) if context == "scene" else (2.0, -0.2),
    }
    return pairs[field][column]


def _time(context: str, column: int) -> float:
    first, _, second = context.partition("|")
    edges = (-8_640.0, *map(float, TIME_EDGES_MIN), 8_640.0)
    low, high = edges[column], edges[column + 1]
    if context in LATER:
        mean, deviation = LATER[context]
    else:
        mean, deviation = LAG[second][0] - LAG[first][0], math.hypot(LAG[first][1], LAG[second][1])

    def below(x: float, spread: float) -> float:
        return 0.5 * (1 + math.erf((x - mean) / (spread * math.sqrt(2))))

    def share(spread: float) -> float:
        return below(high, spread) - below(low, spread)

    even = (high - low) / 17_280
    same = 0.85 * share(deviation) + 0.12 * share(4 * deviation) + 0.03 * even
    reach = LATER_REACH if context in LATER else 60 * 60 if "me" in (first, second) else 180
    different = 0.9 * max(min(high, reach) - max(low, -reach), 0) / (2 * reach) + 0.1 * even
    return math.log2(same / different)


def _distance(who: str, place: str, column: int) -> float:
    """No distance says more than what a place read wrongly costs, and from 450 m on none more for one person than a nearer one."""
    levels = range(min(column, DISTANCE_EDGES_M.index(450)), column + 1)
    return min(max(_apart(who, place, level), -4.5 if level >= DISTANCE_EDGES_M.index(150) else -99.0) for level in levels)


def _apart(who: str, place: str, column: int) -> float:
    edges = (0.3, *map(float, DISTANCE_EDGES_M), 30_000.0)
    low, high = edges[column], edges[column + 1]
    if (who, place) == ("scene", "area"):  # the middle of the same ZIP code, of one nearby, or none of both
        return 0.5 if high <= 1 else 0.0 if high <= 10_000 else -1.5
    median, width = {"point": (28, 0.9), "near": (50, 1.0), "street": (250, 1.2), "area": (2_500, 1.2)}[place]

    def below(x: float) -> float:
        return 0.5 * (1 + math.erf(math.log(x / median) / (width * math.sqrt(2))))

    here = below(high) - below(low)
    county = (min(high, 12_000) ** 2 - min(low, 12_000) ** 2) / 12_000**2
    if who == "scene":
        around = (min(high, 800) ** 2 - min(low, 800) ** 2) / 800**2
        return math.log2((0.985 * here + 0.015 * county + 1e-5) / (0.15 * here + 0.75 * around + 0.1 * county + 1e-4))
    at_scene = {"ed": 0.4, "eds": 0.9, "me": 0.8}[who]
    return math.log2((at_scene * here + (1 - at_scene) * county + 1e-4) / (0.03 * here + 0.97 * county + 1e-4))


def _clinical(field: str, context: str, level: str) -> float:
    if field == "drug":
        bits = {"both_opioid": 0.8, "both_unknown": 0.8, "nested": 0.3, "one_unknown": 0.0, "different": -1.5}.get(level, 2.0)
        return bits / 2 if context == "police" else bits
    one, two = level.split("/")
    if field == "outcome":
        known = {one, two} - {"unknown"}
        if "unknown" in (one, two):
            return 0.0
        return 2.5 if known == {"fatal"} else -2.0 if "fatal" in known else 0.2
    first, second = context.split("|")
    if (first, second) == ("ems", "ed"):
        return {"transported": 0.7, "refused": -5.0, "released": -4.0, "died_on_scene": -6.0}.get(one, 0.0)
    if (first, second) == ("ems", "ems") and "-" not in (one, two):
        return 0.5 if one == two else -2.0
    return 0.0


def only_later(learnt: Weights, shipped: Weights) -> Weights:
    """Return the shipped weights, what tells of hospitals' reports hours later as it was learnt."""
    table = shipped.table.copy()
    for field, offset in zip(FIELDS, OFFSETS, strict=True):
        for row, context in enumerate(field.contexts):
            begin = offset + row * len(field.levels)
            levels = [
                column
                for column, level in enumerate(field.levels)
                if context == "ed|ed"
                or context in PART_OF
                or (field.name == "time" and context.endswith("|ed"))
                or (context == "ems|ed" and (field.name == "hospital" or level.startswith(("refused/", "released/", "ama/"))))
            ]
            table[begin : begin + len(field.levels)][levels] = learnt.table[begin : begin + len(field.levels)][levels]
    said = f"{shipped.origin}; hospitals' reports hours later {learnt.origin}"
    return replace(shipped, version=learnt.version, table=table, origin=said)


def read(rows: Iterable[dict[str, str]]) -> tuple[list[Compared], dict[object, str]]:
    records, truth = [], {}
    for row in rows:
        record = of_row(row)
        records.append(record)
        truth[record.key] = row["truth_event"]
    return newest(records), truth


def calibrated(weights: Weights, draws: list[tuple[list[Compared], dict[object, str]]]) -> Weights:
    """Return the weights with the shares of right overdoses that they reach on draws they did not learn from."""
    within: list[tuple[int, bool]] = []
    outside: tuple[list[tuple[int, bool]], ...] = ([], [], [])
    for records, truth in draws:
        matched = match(records, weights)
        found: dict[int, list[int]] = {}
        for index, founder in enumerate(matched.clusters.founder.tolist()):
            found.setdefault(founder, []).append(index)
        sizes: dict[str, int] = {}
        for record in matched.records:
            sizes[truth[record.key]] = sizes.get(truth[record.key], 0) + 1
        for founder, members in found.items():
            labels = {truth[matched.records[index].key] for index in members}
            pure = len(labels) == 1
            if len(members) > 1:
                within.append((int(matched.clusters.within[founder]), pure))
            if pure:
                outside[min(len(members), 3) - 1].append((int(matched.clusters.outside[founder]), len(members) == sizes[labels.pop()]))
    edges_in = tuple(bits * SCALE for bits in (1, 2, 3, 4, 5, 6, 8, 10, 13, 16))
    edges_out = tuple(bits * SCALE for bits in (-99, -6, -4, -2, 0, 2, 4))
    one, two, more = (_shares(seen, edges_out, growing=False) for seen in outside)
    return replace(weights, confidence=Confidence(_shares(within, edges_in, growing=True), (one, two, more)))


def _shares(seen: list[tuple[int, bool]], edges: tuple[int, ...], *, growing: bool) -> Calibration:
    """Return the share of each step, neighbouring steps pooled until they grow (or fall) with the score."""
    steps = [[0.0, 0.0] for _ in range(len(edges) + 1)]
    for score, right in seen:
        step = steps[sum(score >= edge for edge in edges)]
        step[0] += right
        step[1] += 1
    sign = 1 if growing else -1
    pools = [[right + 1.0, count + 1.05, 1.0] for right, count in steps]
    merged: list[list[float]] = []
    for pool in pools:
        merged.append(pool)
        while len(merged) > 1 and sign * (merged[-1][0] / merged[-1][1] - merged[-2][0] / merged[-2][1]) < 0:
            last = merged.pop()
            merged[-1] = [a + b for a, b in zip(merged[-1], last, strict=True)]
    return Calibration(edges, tuple(round(right / count, 4) for right, count, width in merged for _ in range(int(width))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labelled", type=Path)
    parser.add_argument("--overdoses", type=int, default=3_000)
    parser.add_argument("--later", action="store_true")
    given = parser.parse_args()
    begun = neutral()
    counts = Counts.none()
    held = []
    for seed, (name, mix) in enumerate(MIXES.items()):
        count_labelled(*read(draw_reports(mix, given.overdoses, 1_000 + seed)), counts)
        held.append(read(draw_reports(mix, given.overdoses, 2_000 + seed)))
        print(f"counted {name}")
    origin = f"{len(MIXES)} simulated draws of {given.overdoses} overdoses (benchmarks/matching_draws.py)"
    if given.labelled:
        with gzip.open(given.labelled, "rt", encoding="utf-8", newline="") as file:
            rows = even_half(list(csv.DictReader(file)))
        count_labelled(*read(rows), counts)
        origin += f" and {len(rows)} simulated reports of another author, half of a labelled file"
    learnt = learn(counts, begun, name="learnt", origin=f"counted on {origin}")
    shipped = load_weights("learnt")
    draws = fitting(8_000, 31_000, given.labelled)
    for weights in (begun, only_later(learnt, shipped) if given.later else learnt):
        steps = shipped.confidence if given.later and weights is not begun else calibrated(weights, held).confidence
        fitted = with_signs(replace(weights, confidence=steps), *draws)
        (HOME / f"matching_{weights.name}.json").write_text(fitted.to_json(), encoding="utf-8")
        print(f"wrote {weights.name}.json")


if __name__ == "__main__":
    main()
