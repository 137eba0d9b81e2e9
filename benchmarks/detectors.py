"""Every detector over a nation of counties, beside R ``surveillance`` where it is installed, in the same run.

    python benchmarks/detectors.py [--areas 3143] [--years 3] [--only ears_c1 …] [--r-seconds 10]

Counts are invented: daily, negative binomial, means from 0.05 to 20 by county, with weekdays and a season. R runs the same parameters on
some of the counties (as many as fit into ``--r-seconds``, at least one) and some of the steps; its time for a county and step is
multiplied to all of them. Both judge the last two years, Farrington's the last year, which has two years before it.
"""

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from spikewatch.alerts.domain.detection.registry import ALGORITHMS
from spikewatch.alerts.domain.detection.series import Series

TRAINING = 365
_TIMES, _LONG = 5, 3.0  # the median of five runs, of fewer where they take more than three seconds together; R's is a mean over counties
R = shutil.which("Rscript") or ""
# ruff: noqa: E501  # calls in R stay on one line, as they are typed there
# name here, our parameters, the first step that is judged, and the call in R; {range} is the judged steps
RUNS = (
    ("ears_c1", {"baseline": 7, "min_sigma": 0, "alpha": 0.001}, 8, 'earsC(s, control=list(range={range}, method="C1"))'),
    ("ears_c2", {"baseline": 7, "min_sigma": 0, "alpha": 0.001}, 10, 'earsC(s, control=list(range={range}, method="C2"))'),
    ("ears_c3", {"baseline": 7, "min_sigma": 0, "alpha": 0.025}, 12, 'earsC(s, control=list(range={range}, method="C3"))'),
    ("bayes", {"half_window": 28}, 29, "bayes(s, control=list(range={range}, b=0, w=28, actY=TRUE, alpha=0.001))"),
    ("cusum", {"training": TRAINING, "transform": "rossi"}, TRAINING + 1, 'cusum(s, control=list(range={range}, trans="rossi"))'),
    (
        "cusum",
        {"training": TRAINING, "mean": "glm", "transform": "anscombe"},
        TRAINING + 1,
        'cusum(s, control=list(range={range}, trans="anscombe", m="glm"))',
    ),
    ("rogerson", {"training": TRAINING, "mean": "training", "run_length": 500}, TRAINING + 1, "rogerson"),
    (
        "glr_poisson",
        {"training": TRAINING, "finds_threshold": False},
        TRAINING + 1,
        'glrpois(s, control=list(range={range}, c.ARL=5, mu0=list(S=1, trend=FALSE), ret="value"))',
    ),
    (
        "glr_poisson",
        {"training": TRAINING},
        TRAINING + 1,
        'glrpois(s, control=list(range={range}, c.ARL=5, mu0=list(S=1, trend=FALSE), ret="cases"))',
    ),
    (
        "glr_nb",
        {"training": TRAINING, "alpha": 0.2, "finds_threshold": False},
        TRAINING + 1,
        'glrnb(s, control=list(range={range}, c.ARL=5, alpha=0.2, mu0=list(S=1, trend=FALSE), ret="value"))',
    ),
    (
        "lr_cusum",
        {"training": TRAINING},
        TRAINING + 1,
        'glrpois(s, control=list(range={range}, c.ARL=5, theta=log(2), mu0=list(S=1, trend=FALSE), ret="cases"))',
    ),
    ("outbreak_p", {"finds_threshold": False}, 2, 'outbreakP(s, control=list(range={range}, k=100, ret="value"))'),
    ("farrington", {"years": 2, "alpha": 0.01}, 2 * TRAINING + 5, "farrington(s, control=list(range={range}, b=2, w=3, alpha=0.01))"),
    (
        "farrington_flexible",
        {"years": 2, "periods": 1, "left_out": None, "weights_threshold": 2.58, "threshold_method": "delta"},
        2 * TRAINING + 5,
        'farringtonFlexible(s, control=list(range={range}, b=2, w=3, noPeriods=1, weightsThreshold=2.58, pThresholdTrend=1, alpha=0.005, thresholdMethod="delta"))',
    ),
    (
        "farrington_flexible",
        {"years": 2, "periods": 10, "left_out": 26, "threshold_method": "nbPlugin"},
        2 * TRAINING + 5,
        'farringtonFlexible(s, control=list(range={range}, b=2, w=3, noPeriods=10, pastWeeksNotIncluded=26, weightsThreshold=2.58, pThresholdTrend=1, alpha=0.005, thresholdMethod="nbPlugin"))',
    ),
)
NO_PEER = ("fixed", "mean_sd", "third_largest", "poisson_trailing", "nb_trailing")


def invented(areas: int, years: int, seed: int = 1) -> Series:
    """Return daily counts of counties."""
    random = np.random.default_rng(seed)
    steps = 365 * years
    day = np.arange(steps)
    mean = np.exp(random.uniform(np.log(0.05), np.log(20), areas))[:, None]
    mean = mean * (1 + 0.2 * np.sin(2 * np.pi * day / 365)) * (1 + 0.15 * (day % 7 >= 5))
    counts = random.negative_binomial(mean / 0.6, 1 / 1.6).astype(np.float64)
    starts = np.datetime64("2023-01-01") + day.astype("timedelta64[D]")
    return Series(starts.astype("datetime64[D]"), counts, tuple(f"county:{area}" for area in range(areas)))


def in_r(series: Series, first: int, call: str, seconds: float) -> tuple[float, int, int]:
    """Return R's seconds for some counties and steps, and how many: as many counties as fit into the time, of all sizes."""
    steps = series.counts.shape[1]
    last = steps if "arrington" not in call else min(steps, first + 19)
    order = np.random.default_rng(2).permutation(len(series.areas))[:200]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "counts.csv"
        np.savetxt(path, series.counts[order].T, fmt="%d", delimiter=",")
        span = f"{first}:{last}"
        if call == "rogerson":
            work = (
                f"m <- mean(y[1:{first - 1}]); m <- max(m, 0.01); h <- suppressWarnings(hValues(theta0=m, ARL0=500, s=1, distr='poisson')); "
                f"suppressWarnings(algo.rogerson(sts2disProg(s), control=list(range={span}, theta0t=rep(m, {last - first + 1}), ARL0=500, s=1, hValues=h$hValues, distribution='poisson', FIR=FALSE)))"
            )
        else:
            work = f"suppressWarnings(suppressMessages({call.format(range=span)}))"
        script = f"""suppressMessages(library(surveillance)); d <- as.matrix(read.csv("{path}", header=FALSE)); n <- 0; t0 <- proc.time()[3]
for (j in 1:ncol(d)) {{ y <- d[, j]; s <- sts(y, start=c(2023, 1), frequency=365); try(invisible({{ {work} }}), silent=TRUE); n <- n + 1; if (proc.time()[3] - t0 > {seconds}) break }}
cat(sprintf("\\nTIME %f %d\\n", proc.time()[3] - t0, n))"""
        done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, timeout=600, check=True)  # noqa: S607  # a whole path, or not called
    words = next(line for line in done.stdout.splitlines() if line.startswith("TIME")).split()
    return float(words[1]), int(words[2]), last - first + 1


def measured(name: str, parameters: dict[str, object], series: Series) -> float:
    algorithm = ALGORITHMS[name]
    chosen = algorithm.parameters(**parameters)
    taken: list[float] = []
    while len(taken) < _TIMES and sum(taken) < _LONG:
        began = time.perf_counter()
        algorithm.run(series, chosen)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--areas", type=int, default=3143)
    parser.add_argument("--years", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--r-seconds", type=float, default=10)
    wanted = parser.parse_args()
    has_r = bool(R)
    series = invented(wanted.areas, wanted.years)
    areas, steps = series.counts.shape
    print(f"{areas:,} areas by {steps:,} days; R surveillance {'beside' if has_r else 'is not installed: no ratios'}")
    print(f"{'detector':<22}{'seconds':>9}{'us/judged':>11}{'R, us':>10}{'times':>8}  R's counties and steps")
    for name, parameters, first, call in RUNS:
        if wanted.only and name not in wanted.only:
            continue
        if first > steps:
            print(f"{name:<22} the series is too short")
            continue
        taken = measured(name, parameters, series)
        each = taken / (areas * (steps - first + 1)) * 1e6
        if not has_r:
            print(f"{name:<22}{taken:>9.2f}{each:>11.3f}", flush=True)
            continue
        seconds, counties, judged = in_r(series, first, call, wanted.r_seconds)
        peer = seconds / (counties * judged) * 1e6
        print(f"{name:<22}{taken:>9.2f}{each:>11.3f}{peer:>10.1f}{peer / each:>8.0f}  {counties} by {judged}", flush=True)
    for name in NO_PEER:
        if not wanted.only or name in wanted.only:
            taken = measured(name, {}, series)
            print(f"{name:<22}{taken:>9.2f}{taken / (areas * steps) * 1e6:>11.3f}{'no peer':>10}", flush=True)


if __name__ == "__main__":
    main()
