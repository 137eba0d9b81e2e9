"""What one day costs the default detector in the incremental form a service keeps: microseconds a series-update, bytes a series.

python benchmarks/detection_stream.py --areas 3143 --days 60
"""

import argparse
import time
from dataclasses import fields

import numpy as np

from spikewatch.alerts.domain.detection.predictive import Predictive, Watch


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--areas", type=int, default=3143)
    options.add_argument("--days", type=int, default=60)
    chosen = options.parse_args()
    draws = np.random.default_rng(1)
    level = np.exp(draws.normal(-1, 1.5, chosen.areas))
    counts = draws.poisson(level[:, None], (chosen.areas, chosen.days)).astype(np.float64)
    watch = Watch(chosen.areas, np.datetime64("2025-01-06"), Predictive())
    took = []
    for day in range(chosen.days):
        began = time.perf_counter()
        watch.advance(counts[:, day])
        watch.judge()
        took.append(time.perf_counter() - began)
    median = float(np.median(took[chosen.days // 3 :]))
    kept = sum(getattr(watch.learnt, field.name).nbytes for field in fields(watch.learnt))
    kept += sum(each.nbytes for each in (watch.counts, watch.means, watch.shares, watch.uncertainties))
    each_update = f"{median / chosen.areas * 1e6:.2f} us a series-update, {kept / chosen.areas:.0f} bytes a series"
    print(f"{chosen.areas} areas: {median * 1e3:.1f} ms a day, {each_update}")


if __name__ == "__main__":
    main()
