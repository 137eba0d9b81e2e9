"""What matching costs a report, and what memory it takes, from ten thousand reports on: one city, more and more years of it.

    python benchmarks/matching_scale.py [--reports 10000,100000,1000000]

CPU time of one core. The rows are drawn first and are not measured; ``record`` is from the row to what is compared, ``match`` from there
to the ids.
"""

import argparse
import resource
import time

from matching_draws import draw_reports
from matching_mixes import MIXES

from spikewatch.chassis.collector import spare_collector
from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.domain.matching.records import Compared, of_row

_A_PERSON = 3.6  # rows, resends included
_AT_ONCE = 25_000  # overdoses drawn at once, so that the rows themselves take no memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", default="10000,100000,1000000")
    given = parser.parse_args()
    spare_collector()
    weights = load_weights()
    print("| reports | record, µs | match, µs | reports/s and core | memory, GB |\n|---|---|---|---|---|")
    for most in map(int, given.reports.split(",")):
        records: list[Compared] = []
        spent, part = 0.0, 0
        while len(records) < most:
            rows = draw_reports(MIXES["default"], min(_AT_ONCE, int((most - len(records)) / _A_PERSON) + 1), 600 + part)
            began = time.process_time()
            made = [of_row(row) for row in rows]
            spent += time.process_time() - began
            ahead = max((one.seconds for one in records), default=made[0].seconds) - min(one.seconds for one in made)
            if part:  # the next years of the same city
                ahead += 86_400.0
                made = [one._replace(seconds=one.seconds + ahead, cad=one.cad and f"{part}{one.cad}") for one in made]
            records += made
            part += 1
        del rows
        began = time.process_time()
        found = match(records, weights, learns_lags=True).assignments()
        matched = time.process_time() - began
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        each = [1e6 * seconds / len(records) for seconds in (spent, matched)]
        print(f"| {len(records):,} | {each[0]:.1f} | {each[1]:.1f} | {1e6 / sum(each):,.0f} | {memory:.2f} |", flush=True)
        assert len(found) <= len(records)


if __name__ == "__main__":
    main()
