"""How often a rule on a window that slides raises a false alarm, beside what it promises: random overdoses at a steady level.

    python benchmarks/sliding_windows.py
    python benchmarks/sliding_windows.py --years 2000 --dispersion 1.6

Each area is watched for a year after its baseline; alerts are counted by the code that raises them. The `poisson` rule asks for a
chance of 1/365 in 24 h, which a single look a day would keep: it shows what continuous looks make of it.
"""

import argparse
import time

import numpy as np

from spikewatch.alerts.domain.backtest.histories import Histories
from spikewatch.alerts.domain.backtest.verdict import verdicts
from spikewatch.alerts.domain.instants import DAY
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.series import History

MEANS = (0.05, 0.1, 0.2, 0.5, 1.0, 3.0, 8.0, 20.0)
BASELINE = 180
YEAR = 365.25


def rule(window_hours: float, budget: float, *, dispersion: bool) -> Rule:
    return Rule.model_validate(
        {
            "id": "sliding",
            "version": 1,
            "description": "A budget of false alarms.",
            "kind": "sliding_window",
            "window_hours": window_hours,
            "area_kinds": ["county"],
            "parameters": {"false_alarms_a_year": budget, "baseline_days": BASELINE, "learns_dispersion": dispersion},
        }
    )


def daily_tail() -> Rule:
    return Rule.model_validate(
        {
            "id": "daily-tail",
            "version": 1,
            "description": "The chance of one look a day.",
            "kind": "poisson",
            "window_hours": 24,
            "area_kinds": ["county"],
            "parameters": {"probability": 1 / 365, "baseline_days": BASELINE, "minimum_history_days": 28, "minimum_count": 2},
        }
    )


def drawn(rng: np.random.Generator, mean: float, dispersion: float) -> History:
    """Overdoses of one area from the first day of its baseline to the end of the year that is tested."""
    days = BASELINE + 3 + round(YEAR)
    level = rng.gamma(mean / (dispersion - 1), dispersion - 1, days) if dispersion > 1 else np.full(days, mean)
    number = rng.poisson(level)
    times = (np.repeat(np.arange(days), number) * DAY + rng.random(number.sum()) * DAY).astype(np.int64)
    pairs = np.column_stack((times, np.full(len(times), 4)))
    return History.of_pairs(pairs, 0, -1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, default=400, help="areas of each mean, one year each")
    parser.add_argument("--dispersion", type=float, default=1.0, help="variance of daily counts over their mean")
    parser.add_argument("--budgets", type=float, nargs="+", default=[1.0, 4.0])
    parser.add_argument("--windows", type=float, nargs="+", default=[6.0, 24.0, 72.0])
    arguments = parser.parse_args()
    asked = [
        (f"{window:g} h, {budget:g} a year", budget, rule(window, budget, dispersion=True))
        for window in arguments.windows
        for budget in arguments.budgets
    ]
    asked += [("24 h, 1 a year, Poisson", 1.0, rule(24, 1, dispersion=False)), ("poisson, 1/365 in 24 h", 1.0, daily_tail())]
    print(f"alerts a year in an area, over what the rule promises; {arguments.years} years a cell, dispersion {arguments.dispersion:g}")
    print("rule".ljust(26) + "".join(f"{mean:>8g}" for mean in MEANS) + "  overdoses a day")
    started = time.perf_counter()
    for name, budget, one in asked:
        line = []
        for mean in MEANS:
            rng = np.random.default_rng(round(mean * 1000))
            raised = 0
            for _ in range(arguments.years):
                alone = Histories(
                    {"county:42091": drawn(rng, mean, arguments.dispersion)}, (BASELINE + 3) * DAY, (BASELINE + 3 + 365) * DAY
                )
                raised += sum(len(each.alarms) for each in verdicts([one], alone, ()))
            line.append(raised / arguments.years / budget)
        print(name.ljust(26) + "".join(f"{ratio:8.2f}" for ratio in line), flush=True)
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
