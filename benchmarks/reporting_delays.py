"""What the correction for delays of reports gains: found spikes and days, at the same rate of false alarms.

    python benchmarks/reporting_delays.py --repeats 20 --seed 301
    python benchmarks/reporting_delays.py --repeats 20 --seed 301 --silent

The daily histories of `detection_quality.py` are told by two feeds: a fast one (70, 20 and 10 % of a day's overdoses on that day, the
next and the one after) and a slow one (20, 30, 20, 15, 10 and 5 %); each overdose is told first by one of them, the slow one's part is
between a fifth and four fifths, by area. `--silent`: the fast feed falls silent in the middle of the test and tells nothing any more.

Each evening the default detector judges that day and the six before by what is known then: as it is (none), or by the part
that the feeds usually have told by then (learnt, from the half year before the test). An alarm is a day judged to be one on any
evening. Thresholds of the p-value are set where the same histories without spikes give the stated false alarms a day of an area.
Found: a day of the spike is an alarm on an evening up to so many days after the spike began. Earlier: days between the evenings of
the first alarm, where both find it. Bounds: how often what is reported in the end lies in the 90 % bounds of the nowcast, at alarms
of the learnt correction (p below 1/365) whose day is not reported in full.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.partly_reported import looked_at_again
from spikewatch.alerts.domain.detection.predictive import Predictive, Watch
from spikewatch.alerts.domain.detection.reporting_delay import Delays, area_share, nowcast
from spikewatch.alerts.domain.reported import COMPLETE
from spikewatch.alerts.domain.simulation.daily import overdose_days
from spikewatch.alerts.domain.simulation.drawn import Simulated

Floats = NDArray[np.float64]

FAST, SLOW = np.array([0.7, 0.2, 0.1, 0, 0, 0, 0]), np.array([0.2, 0.3, 0.2, 0.15, 0.1, 0.05, 0])
AGES = len(FAST)
RATES = (1 / 365, 0.01, 0.025)
TAUGHT = 180  # days before the test that the delays are learnt from
WITHIN = (0, 1, 2, 3)


def arrivals(draws: np.random.Generator, counts: Floats, slow: Floats) -> tuple[Floats, Floats]:
    """Return by area, day and delay what each feed tells first."""
    whole = counts.astype(np.int64)
    by_slow = draws.binomial(whole, slow[:, None])
    return draws.multinomial(whole - by_slow, FAST).astype(float), draws.multinomial(by_slow, SLOW).astype(float)


def judged(known: Floats, share: Floats, first: int, whole: Floats, settled: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return by area, day of the test and age on the evening: p-value, mean and phi, and observed in the window that tells most.

    ``known`` is what is known of each day at each age, ``share`` the part of it, ``whole`` and ``settled`` the same of older days.
    """
    areas, days, _ = known.shape
    parameters = Predictive()
    base = Watch(areas, np.datetime64("2022-01-03"), parameters)
    everybody = np.arange(areas)
    p_value, mean, phi, observed = (np.full((areas, days, AGES), np.nan) for _ in range(4))
    for evening in range(days):
        if evening >= AGES:
            base.advance(whole[:, evening - AGES])
            base.revise(0, whole[:, evening - AGES], settled[:, evening - AGES])
        if evening < first:
            continue
        watch = base.rows(everybody)
        for day in range(evening - AGES + 1, evening + 1):
            age = evening - day
            watch.advance(known[:, day, age])
            watch.revise(0, known[:, day, age], share[:, day, age])
            found = watch.judge()
            if day >= first:
                # as the rule does it: from 98 % on a day counts as complete
                part = np.where(share[:, day, age] < COMPLETE, share[:, day, age], 1.0)
                p_value[:, day, age] = looked_at_again(found.p_value, part)
                observed[:, day, age] = found.observed
                mean[:, day, age], phi[:, day, age] = found.mean, found.dispersion
    return p_value, observed, mean, phi


def alarms(p_value: Floats, observed: Floats) -> Floats:
    """Return how alarming each day is on each evening; nothing where fewer than two are in the window."""
    return np.where((observed >= 2) & ~np.isnan(p_value), -np.log(np.maximum(p_value, 1e-300)), -np.inf)


def first_found(scores: Floats, lasting: NDArray[np.bool_], threshold: float) -> Floats:
    """Return by area the evening of the first alarm of a day of the spike, nan without one."""
    hit = (scores > threshold) & lasting[:, :, None]
    evenings = np.arange(scores.shape[1])[:, None] + np.arange(AGES)
    found: Floats = np.where(hit, evenings, np.inf).min(axis=(1, 2))
    return found


@dataclass(frozen=True)
class Told:
    """What two feeds tell of the same histories: by area, day and age, without and with spikes; and the part that is reported."""

    calm: Floats
    spiked: Floats
    share: Floats
    counted_from: int  # first day of which spikes and false alarms count


def told(drawn: Simulated, seed: int, *, silent: bool) -> Told:
    draws = np.random.default_rng(seed)
    first, (areas, days) = drawn.first_test_step, drawn.calm.counts.shape
    slow = draws.uniform(0.2, 0.8, (areas,))
    calm = arrivals(draws, drawn.calm.counts, slow)
    extra = arrivals(draws, drawn.extra, slow)
    learnt = np.array([Delays.of_table(feed[:, first - TAUGHT : first].sum(axis=0)).share() for feed in calm])
    silent_from = first + 60 if silent else days
    lost = np.arange(days) >= silent_from
    share = np.empty((areas, days, AGES))
    for area, part in enumerate(slow):
        weights = np.array([1 - part, part])
        share[area] = area_share(learnt, weights, np.zeros((2, AGES), dtype=bool))
        share[area, lost] = area_share(learnt, weights, np.array([[True] * AGES, [False] * AGES]))
    calm_known, spiked_known = (
        np.cumsum(np.where(lost[None, :, None], 0.0, fast) + other, axis=2)
        for fast, other in (calm, (calm[0] + extra[0], calm[1] + extra[1]))
    )
    return Told(calm_known, spiked_known, share, silent_from if silent else first)


def held(drawn: Simulated, histories: Told, scores: Floats, mean: Floats, phi: Floats) -> dict[str, float]:
    """Return how often what is reported in the end lies in the bounds of the nowcast, and by how much its expectation is off."""
    first = drawn.first_test_step
    share = histories.share[:, first:]
    at = np.nonzero((scores > np.log(365)) & (share < 0.95))
    total = (drawn.calm.counts + drawn.extra)[:, first:][at[0], at[1]]
    cast = nowcast(histories.spiked[:, first:][at], mean[:, first:][at] / share[at], share[at], dispersion=phi[:, first:][at])
    inside = (total >= np.floor(cast.low)) & (total <= np.ceil(cast.high))
    return {"alarms": len(total), "held": float(inside.mean()), "off": float((cast.expected - total).mean())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--seed", type=int, default=301)
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    drawn = overdose_days(asked.seed, repeats=asked.repeats)
    histories = told(drawn, asked.seed + 1, silent=asked.silent)
    first, skipped = drawn.first_test_step, histories.counted_from - drawn.first_test_step
    nulls, scores = {}, {}
    for name, part in (("none", np.ones_like(histories.share)), ("learnt", histories.share)):
        p_value, observed, _, _ = judged(histories.calm, part, first, histories.calm[:, :, -1], part[:, :, -1])
        nulls[name] = alarms(p_value, observed)[:, first:].max(axis=2)[:, skipped:]
        p_value, observed, mean, phi = judged(histories.spiked, part, first, histories.spiked[:, :, -1], part[:, :, -1])
        scores[name] = alarms(p_value, observed)[:, first:]
    lasting = drawn.lasting[:, first:]
    start = lasting.argmax(axis=1)
    counted = lasting.any(axis=1) & (start >= skipped)
    report: dict[str, object] = {
        "over_nominal": {name: [float((null > -np.log(rate)).mean() / rate) for rate in RATES] for name, null in nulls.items()},
        "bounds": held(drawn, histories, scores["learnt"], mean, phi),
        "spikes": int(counted.sum()),
    }
    for rate in RATES:
        evenings = {
            name: first_found(scores[name], lasting, float(np.quantile(null, 1 - rate, method="higher"))) for name, null in nulls.items()
        }
        both = counted & np.isfinite(evenings["none"]) & np.isfinite(evenings["learnt"])
        report[f"{rate:.4f}"] = {
            "found": {name: float(np.isfinite(when[counted]).mean()) for name, when in evenings.items()},
            "within": {
                name: [round(float((when[counted] - start[counted] <= late).mean()), 3) for late in WITHIN]
                for name, when in evenings.items()
            },
            "earlier": float((evenings["none"][both] - evenings["learnt"][both]).mean()),
            "found_by_both": int(both.sum()),
        }
    text = json.dumps(report, indent=2)
    print(text)
    if asked.json:
        asked.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
