"""Does confidence keep what it promises? On draws that nothing was learnt from: by bands what was promised, and what was right.

    python benchmarks/matching_confidence.py [--weights learnt] [--seed 71000] [--overdoses 6000] [--labelled FILE]
    python benchmarks/matching_confidence.py --fit [--labelled FILE]   # writes signs and map of the shipped weights anew

``--labelled``: a table with truth columns; measured on the half held out, fitted on the other one. ``one+other`` is a draw of two cities.
"""

import argparse
import csv
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from matching_draws import draw_reports
from matching_mixes import MIXES, TRIALS, even_half

from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.matching.confidence import SIGNS, signs_of
from spikewatch.enrichment.domain.matching.evaluation import reliability
from spikewatch.enrichment.domain.matching.matcher import Matched, match
from spikewatch.enrichment.domain.matching.records import of_row
from spikewatch.enrichment.domain.matching.weights import Weights

Rows = list[dict[str, str]]
Floats = npt.NDArray[np.float64]

HOME = Path(__file__).parents[1] / "services/enrichment/src/spikewatch/enrichment/weights"
USUAL = ("default", "hard", "shifted", "elsewhere", "hard-elsewhere", "default+elsewhere", "hard+shifted")
UNUSUAL = (
    "scenes",
    "missing",
    "coarse",
    "twins",
    "crowds",
    "hot-spots",
    "long-lags",
    "hard-missing",
    "placeless",
    "all-coarse",
    "busy",
    "later-care",
)
# Fitted to as well, in smaller draws, so that usual ones keep what they are promised. What stands above and not here is only measured.
FITTED_UNUSUAL = ("scenes", "missing", "coarse", "twins", "crowds", "hot-spots", "hard-missing", "missing")
BANDS = (
    0.02,
    0.05,
    0.1,
    0.15,
    0.2,
    0.25,
    0.3,
    0.35,
    0.4,
    0.45,
    0.5,
    0.55,
    0.6,
    0.65,
    0.7,
    0.75,
    0.8,
    0.85,
    0.9,
    0.93,
    0.96,
    0.98,
    0.99,
    0.995,
)
_SIDES = ("NORTH", "SOUTH")
_HELD = 4.0  # how much signs are drawn to nothing
_BEGUN = 5.0  # overdoses that each band of the map is given, right as often as was promised
_HEEDED = 0.1  # what an overdose of an unusual draw counts in the map
_ROUNDS = 40


class Told(NamedTuple):
    """Of one overdose: reports, ties, signs, the share that its ties promise, and whether it is exactly right."""

    reports: int
    signs: int
    by_ties: float
    promised: float
    right: bool


def drawn(name: str, overdoses: int, seed: int) -> Rows:
    """Return a draw; of ``one+other`` two cities, whose agencies have names of their own."""
    rows: Rows = []
    for number, mix in enumerate(name.split("+")):
        own = draw_reports((MIXES | TRIALS)[mix], overdoses, seed + 500 * number)
        side = f" {_SIDES[number]}" if "+" in name else ""
        rows += [row | {"agency": row["agency"] + side, "truth_event": f"{number}-{row['truth_event']}"} for row in own]
    return rows


def told_of(matched: Matched, truth: Mapping[object, str]) -> list[Told]:
    """Return what is told of every overdose of a match."""
    labels = [truth[record.key] for record in matched.records]
    sizes: dict[str, int] = {}
    for label in labels:
        sizes[label] = sizes.get(label, 0) + 1
    ties, told = replace(matched.weights.confidence, signs=(), promised=()), []
    signs = signs_of(matched.columns, matched.clusters.founder, matched.clusters.outside, matched.incident).tolist()
    for people in matched.scenes().values():
        for person, (places, promised) in people.items():
            own = {labels[at] for at in places}
            by_ties = ties.of(len(places), int(matched.clusters.within[person]), int(matched.clusters.outside[person]))
            told.append(Told(len(places), signs[person], by_ties, promised, len(own) == 1 and sizes[own.pop()] == len(places)))
    return told


def observed(rows: Rows, weights: Weights, *, adapts: bool) -> list[Told]:
    records = [of_row(row) for row in rows]
    truth: dict[object, str] = {record.key: row["truth_event"] for record, row in zip(records, rows, strict=True)}
    return told_of(match(records, weights, learns_lags=adapts), truth)


def fitted(weights: Weights, told: Sequence[Told], counted: Floats) -> Weights:
    """Return the weights with signs and a map that fit what was seen; what their ties promise stays.

    ``counted`` is how much the map heeds each overdose.
    """
    reports, signs, by_ties, _, right = (np.array(column) for column in zip(*told, strict=True))
    begun = np.clip(by_ties, 0.005, 0.999)
    offset = np.log(begun / (1.0 - begun))
    seen = (signs[:, None] >> np.arange(len(SIGNS)) & 1).astype(np.float64)
    bits = []
    for size in (1, 2, 3):
        own = np.minimum(reports, 3) == size
        bits.append(tuple(np.round(_logistic(seen[own], offset[own], right[own].astype(np.float64)) / np.log(2.0), 2).tolist()))
    signed = replace(weights.confidence, signs=tuple(bits), promised=())
    table = np.array(bits)[np.minimum(reports, 3) - 1]
    odds = np.exp(offset + np.log(2.0) * (table * seen).sum(axis=1))
    return replace(weights, confidence=replace(signed, promised=_map(odds / (1.0 + odds), right.astype(np.float64), counted)))


def _logistic(seen: Floats, offset: Floats, right: Floats) -> Floats:
    found = np.zeros(seen.shape[1])
    for _ in range(_ROUNDS):
        share = 1.0 / (1.0 + np.exp(-(offset + seen @ found)))
        slope = seen.T @ (right - share) - _HELD * found
        curve = (seen * (share * (1.0 - share))[:, None]).T @ seen + _HELD * np.eye(len(found))
        found = found + np.clip(np.linalg.solve(curve, slope), -1.0, 1.0)
    return found


def _map(promised: Floats, right: Floats, counted: Floats) -> tuple[tuple[float, float], ...]:
    """Return of each band the means of what was promised and right, neighbouring bands pooled until both grow."""
    band = np.searchsorted(np.array(BANDS), promised)
    pools: list[list[float]] = []
    for number in np.unique(band).tolist():
        own = band == number
        claimed, count = float((promised * counted)[own].sum()), float(counted[own].sum())
        mean = claimed / count
        pools.append([claimed + _BEGUN * mean, float((right * counted)[own].sum()) + _BEGUN * mean, count + _BEGUN])
        while len(pools) > 1 and pools[-1][1] / pools[-1][2] < pools[-2][1] / pools[-2][2]:
            last = pools.pop()
            pools[-1] = [one + other for one, other in zip(pools[-1], last, strict=True)]
    return tuple((round(claimed / count, 4), round(hits / count, 4)) for claimed, hits, count in pools)


def halves(path: Path) -> tuple[Rows, Rows]:
    """Return the half of a labelled file that is learnt from, and the one held out."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    developed = even_half(rows)
    seen = {row["report_id"] for row in developed}
    return developed, [row for row in rows if row["report_id"] not in seen]


def fitting(overdoses: int, seed: int, labelled: Path | None) -> tuple[list[Rows], list[Rows]]:
    """Return draws to fit to: of usual feeds so many overdoses each, of unusual ones three eighths of that."""
    draws = [drawn(name, overdoses, seed + number) for number, name in enumerate(USUAL)]
    unusual = [drawn(name, overdoses * 3 // 8, seed + 100 + number) for number, name in enumerate(FITTED_UNUSUAL)]
    return draws + ([halves(labelled)[0]] if labelled else []), unusual


def with_signs(weights: Weights, usual: Sequence[Rows], unusual: Sequence[Rows]) -> Weights:
    """Return the weights with a confidence fitted to draws, as a file is matched and as the service does it.

    Signs are learnt from both: only the unusual ones tell what a blank means. The map is nearly all of usual ones, which shall be right.
    """
    plain = replace(weights, confidence=replace(weights.confidence, signs=(), promised=()))
    told: list[Told] = []
    counted: list[float] = []
    for draws, heeded in ((usual, 1.0), (unusual, _HEEDED)):
        seen = [one for rows in draws for adapts in (True, False) for one in observed(rows, plain, adapts=adapts)]
        told += seen
        counted += [heeded] * len(seen)
    return fitted(plain, told, np.array(counted))


def show(name: str, told: Sequence[Told]) -> None:
    rows = reliability(dict(enumerate(one.promised for one in told)), dict(enumerate(one.right for one in told)))
    off = sum(abs(promised - right) * count for promised, right, count in rows) / len(told)
    brier = sum((one.promised - one.right) ** 2 for one in told) / len(told)
    cells = [""] * 10
    for promised, right, count in rows:
        cells[min(int(promised * 10), 9)] = f"{promised:.2f}/{right:.2f} ({count})"
    print(f"| {name} | {' | '.join(cells)} | {off:.3f} | {brier:.4f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", default="learnt")
    parser.add_argument("--seed", type=int, default=71_000)
    parser.add_argument("--overdoses", type=int, default=6_000)
    parser.add_argument("--labelled", type=Path)
    parser.add_argument("--service", action="store_true", help="as the service matches, without adapting lags")
    parser.add_argument("--fit", action="store_true")
    given = parser.parse_args()
    if given.fit:
        draws = fitting(8_000, 31_000, given.labelled)
        for name in ("learnt", "neutral"):
            weights = with_signs(load_weights(name), *draws)
            (HOME / f"matching_{name}.json").write_text(weights.to_json(), encoding="utf-8")
            print(f"wrote {name}: {len(weights.confidence.promised)} steps")
        return
    weights = load_weights(given.weights)
    print(f"| promised/right (overdoses) | {' | '.join(f'.{tenth}' for tenth in range(10))} | mean gap | Brier |\n{'|---' * 13}|")
    together: list[Told] = []
    for number, name in enumerate((*USUAL, *UNUSUAL)):
        told = observed(drawn(name, given.overdoses, given.seed + number), weights, adapts=not given.service)
        show(name, told)
        together += told if name in USUAL else []
    if given.labelled:
        show("labelled, held out", observed(halves(given.labelled)[1], weights, adapts=not given.service))
    show("usual draws together", together)


if __name__ == "__main__":
    main()
