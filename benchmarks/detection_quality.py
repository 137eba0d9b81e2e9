"""How well detectors find spikes, and how loud they are without: ours and the peers' on the same drawn histories.

    python benchmarks/detection_quality.py daily --repeats 100 --seed 101
    python benchmarks/detection_quality.py weekly --repeats 100 --seed 101 --json weekly.json --picture daily.svg

Daily: 28 scenarios of overdose-like counts, means from 0.05 to 20 a day; weekly: the 28 scenarios of Noufaily et al. 2013. Both draw
every history twice, with a labelled spike and without. FPR is the share of steps without a spike that alarm; POD the share of
spikes with at least one alarm while they last (spikes of which no overdose was drawn are left out); delay is in steps, of the spikes
found; PPV the share of alarms that fall within a spike. POD at a matched FPR puts the threshold of each detector's own score
(its p-value where it has one, otherwise its statistic) where the same histories without spikes give that FPR, all scenarios together.
`--history` draws shorter histories (daily only).
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from detection_quality_picture import picture
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.detection import Detected
from spikewatch.alerts.domain.detection.registry import ALGORITHMS
from spikewatch.alerts.domain.detection.series import Series
from spikewatch.alerts.domain.simulation.daily import MEANS, overdose_days
from spikewatch.alerts.domain.simulation.drawn import Simulated
from spikewatch.alerts.domain.simulation.weekly import noufaily_weeks

DAILY = (
    ("ours", "predictive", {}),
    ("ODMAP-like mean + 2 SD, 365 d", "mean_sd", {"history": 365}),
    ("ODMAP-like mean + 2 SD, 30 d", "mean_sd", {"history": 30}),
    ("ODMAP 2017, third largest of 30", "third_largest", {}),
    ("ESSENCE EWMA", "ewma", {}),
    ("ESSENCE regression", "adaptive_regression", {}),
    ("ESSENCE switch", "regression_ewma_switch", {}),
    ("EARS C1, as published", "ears_c1", {"baseline": 7, "min_sigma": 0.0}),
    ("EARS C2, as published", "ears_c2", {"baseline": 7, "min_sigma": 0.0}),
    ("EARS C2, 28 d, least SD .5", "ears_c2", {}),
    ("EARS C3, 28 d, least SD .5", "ears_c3", {}),
    ("Bayes, 28 d", "bayes", {"half_window": 28}),
    ("Bayes, 56 d", "bayes", {"half_window": 56}),
    ("Poisson, 56 d", "poisson_trailing", {}),
    ("negative binomial, 56 d", "nb_trailing", {}),
)
WEEKLY = (
    ("ours", "predictive", {"alpha": 0.005}),
    ("Farrington flexible, nbPlugin", "farrington_flexible", {"threshold_method": "nbPlugin"}),
    ("Farrington flexible, delta", "farrington_flexible", {"threshold_method": "delta"}),
    ("Farrington flexible, muan", "farrington_flexible", {"threshold_method": "muan"}),
    ("Farrington 1996", "farrington", {"alpha": 0.01}),
    ("ODMAP-like mean + 2 SD, 52 wk", "mean_sd", {"history": 52}),
    ("EARS C1, as published", "ears_c1", {"baseline": 7, "min_sigma": 0.0}),
    ("EARS C2, as published", "ears_c2", {"baseline": 7, "min_sigma": 0.0}),
    ("EARS C1, 28 wk, least SD .5", "ears_c1", {}),
    ("Bayes, 6 wk", "bayes", {"half_window": 6, "alpha": 0.01}),
    ("Bayes, 3 years, 3 wk", "bayes", {"years": 3, "half_window": 3, "alpha": 0.01}),
)
RATES = {"daily": (1 / 365, 0.01, 0.025), "weekly": (0.005, 0.01, 0.025)}
BARS = {"daily": (0.253, 0.526, 0.697), "weekly": (0.474, 0.560, 0.674)}
REACH = 5 * 53 + 30  # weeks of history that the longest baseline reads, so that no others are computed in vain


@dataclass(frozen=True)
class Row:
    name: str
    algorithm: str
    fpr: float
    fpr_least: float
    fpr_most: float
    pod: float
    pod_by_strength: tuple[float, ...]  # k 1-3, 4-6, 7-10
    delay: float
    ppv: float
    pod_matched: tuple[float, ...]
    pod_matched_by_group: tuple[tuple[float, ...], ...]
    delay_matched: tuple[float, ...]
    fpr_most_matched: tuple[float, ...]  # of the worst scenario
    nominal: tuple[tuple[float, ...], ...] | None  # FPR at p <= rate over the rate, by group; none without p-values
    nominal_all: tuple[float, ...] | None
    seconds: float


def last_steps(series: Series, steps: int) -> Series:
    return Series(series.starts[-steps:], series.counts[:, -steps:], series.areas)


def detected(drawn: Simulated, algorithm: str, settings: Mapping[str, Any]) -> tuple[Detected, Detected, int]:
    """Run on both histories; returns the first step of the test too."""
    spiked, calm, first = drawn.spiked, drawn.calm, drawn.first_test_step
    if algorithm.startswith("farrington"):
        keep = len(calm.starts) - first + REACH
        spiked, calm, first = last_steps(spiked, keep), last_steps(calm, keep), REACH
    chosen = ALGORITHMS[algorithm]
    parameters = chosen.parameters(**settings)
    return chosen.run(spiked, parameters), chosen.run(calm, parameters), first


def score(found: Detected, first: int) -> NDArray[np.float64]:
    """Larger where it is more alarming; what was not evaluated never alarms."""
    p_value = found.p_value[:, first:]
    if not np.isnan(p_value).all():
        values = -np.log(np.maximum(p_value, 1e-300))
        if "z" in found.also:
            values = found.also["z"][:, first:].astype(np.float64)
    else:
        values = found.statistic[:, first:]
    return np.where(np.isnan(values), -np.inf, values)


def measured(
    drawn: Simulated, groups: NDArray[np.int64], name: str, algorithm: str, settings: Mapping[str, Any], rates: tuple[float, ...]
) -> Row:
    began = time.perf_counter()
    spiked, calm, first = detected(drawn, algorithm, settings)
    seconds = time.perf_counter() - began
    lasting = drawn.lasting[:, drawn.first_test_step :]
    counted = lasting.any(axis=1)
    false = calm.alarm[:, first:] == 1
    alarm = spiked.alarm[:, first:] == 1
    by_stratum = [float(false[drawn.stratum == each].mean()) for each in range(len(drawn.strata))]

    def found_and_delay(alarms: NDArray[np.bool_], among: NDArray[np.bool_]) -> tuple[float, float]:
        hits = alarms & lasting
        hit = hits.any(axis=1) & among
        delay = (hits[hit].argmax(axis=1) - lasting[hit].argmax(axis=1)).mean() if hit.any() else np.nan
        return float(hit[among].mean()), float(delay)

    scores, null = score(spiked, first), score(calm, first)
    ordered = np.sort(null.ravel())
    thresholds = [ordered[int(np.ceil(len(ordered) * (1 - rate))) - 1] for rate in rates]
    matched = [scores > threshold for threshold in thresholds]
    worst = [max(float((null[drawn.stratum == each] > threshold).mean()) for each in range(len(drawn.strata))) for threshold in thresholds]
    nominal = nominal_all = None
    if not np.isnan(calm.p_value[:, first:]).all():
        p_value = calm.p_value[:, first:]
        nominal = tuple(tuple(float((p_value[groups == group] <= rate).mean() / rate) for rate in rates) for group in np.unique(groups))
        nominal_all = tuple(float((p_value <= rate).mean() / rate) for rate in rates)
    strength = [counted & (drawn.strength >= low) & (drawn.strength <= high) for low, high in ((1, 3), (4, 6), (7, 10))]
    pod, delay = found_and_delay(alarm, counted)
    return Row(
        name=name,
        algorithm=algorithm,
        fpr=float(false.mean()),
        fpr_least=min(by_stratum),
        fpr_most=max(by_stratum),
        pod=pod,
        pod_by_strength=tuple(found_and_delay(alarm, among)[0] for among in strength),
        delay=delay,
        ppv=float((alarm & lasting).sum() / max(alarm.sum(), 1)),
        pod_matched=tuple(found_and_delay(each, counted)[0] for each in matched),
        pod_matched_by_group=tuple(
            tuple(found_and_delay(each, counted & (groups == group))[0] for each in matched) for group in np.unique(groups)
        ),
        delay_matched=tuple(found_and_delay(each, counted)[1] for each in matched),
        fpr_most_matched=tuple(worst),
        nominal=nominal,
        nominal_all=nominal_all,
        seconds=seconds,
    )


def table(rows: list[Row], rates: tuple[float, ...]) -> str:
    heads = "| ".join(f"POD at {rate:.3%} " for rate in rates)
    lines = [f"| detector | FPR (range) | POD | k 1-3/4-6/7-10 | delay | PPV | {heads}|", "|" + "--|" * (6 + len(rates))]
    for row in rows:
        strength = "/".join(f"{each:.2f}" for each in row.pod_by_strength)
        pods = " | ".join(f"{each:.3f}" for each in row.pod_matched)
        lines.append(
            f"| {row.name} | {row.fpr:.4f} ({row.fpr_least:.3f}-{row.fpr_most:.3f}) | {row.pod:.3f} | {strength} "
            f"| {row.delay:.2f} | {row.ppv:.2f} | {pods} |"
        )
    return "\n".join(lines)


def calibration(rows: list[Row], labels: list[str], rates: tuple[float, ...]) -> str:
    lines = ["FPR where p <= rate, over the rate, by " + " / ".join(labels)]
    for row in rows:
        if row.nominal is None or row.nominal_all is None:
            continue
        for which, rate in enumerate(rates):
            cells = " ".join(f"{group[which]:5.2f}" for group in row.nominal)
            lines.append(f"{row.name:46s} {rate:.4f}: {cells}   all {row.nominal_all[which]:.2f}")
    return "\n".join(lines)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("design", choices=("daily", "weekly"))
    options.add_argument("--repeats", type=int, default=100, help="areas a scenario")
    options.add_argument("--seed", type=int, default=101)
    options.add_argument("--history", type=int, default=730, help="days before the test (daily)")
    options.add_argument("--only", help="names of detectors that contain this")
    options.add_argument("--json", type=Path)
    options.add_argument("--picture", type=Path, help="SVG of POD and of FPR over nominal")
    options.add_argument("--bars", action="store_true", help="fail where ours is not above every peer, or FPR is off by more than twice")
    chosen = options.parse_args()
    if chosen.design == "daily":
        drawn = overdose_days(chosen.seed, repeats=chosen.repeats, history=chosen.history)
        labels, entries = [f"{mean:g} a day" for mean in MEANS], DAILY
    else:
        drawn = noufaily_weeks(chosen.seed, repeats=chosen.repeats)
        labels, entries = [f"set {number}" for number in range(1, 8)], WEEKLY
    groups = drawn.stratum // (len(drawn.strata) // len(labels))
    rates = RATES[chosen.design]
    rows = []
    for name, algorithm, settings in entries:
        if algorithm not in ALGORITHMS or (chosen.only and chosen.only not in name):
            continue
        rows.append(measured(drawn, groups, name, algorithm, settings, rates))
        print(f"{name}: {rows[-1].seconds:.1f} s", file=sys.stderr)
    spikes = int(drawn.lasting.any(axis=1).sum())
    size = f"{len(drawn.strata)} scenarios of {chosen.repeats} areas"
    print(f"{chosen.design}: {size}, seed {chosen.seed}, {spikes} spikes, SE of POD <= {0.5 / spikes**0.5:.3f}")
    print(table(rows, rates), calibration(rows, labels, rates), sep="\n\n")
    if chosen.json:
        chosen.json.write_text(json.dumps({"design": chosen.design, "seed": chosen.seed, "rows": [asdict(row) for row in rows]}, indent=1))
    if chosen.picture:
        chosen.picture.write_text(picture(f"{chosen.design}: {spikes} spikes", [asdict(row) for row in rows], rates, labels))
    return judged(rows, BARS[chosen.design], rates) if chosen.bars else 0


def judged(rows: list[Row], bars: tuple[float, ...], rates: tuple[float, ...]) -> int:
    """Print where ours misses a bar; 1 where it does."""
    ours, peers = rows[0], rows[1:]
    missed = []
    for which, (rate, bar) in enumerate(zip(rates, bars, strict=True)):
        best = max(peers, key=lambda row: row.pod_matched[which], default=None)
        mine = ours.pod_matched[which]
        beside = f"best peer of this run {best.pod_matched[which]:.3f} ({best.name}), " if best else ""
        print(f"at {rate:.3%}: ours {mine:.3f} (worst scenario's FPR {ours.fpr_most_matched[which]:.4f}), {beside}bar {bar:.3f}")
        if mine <= max(best.pod_matched[which] if best else 0.0, bar):
            missed.append(f"POD at {rate:.3%}")
        off = [group[which] for group in ours.nominal or () if not 0.5 <= group[which] <= 2]
        if off:
            missed.append(f"FPR at {rate:.3%}: {off}")
    print("missed: " + "; ".join(missed) if missed else "every bar is met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
