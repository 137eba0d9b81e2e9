"""Two cities in one table that count their calls from one each day, three in ten reports telling no place: how often they are mixed up.

python benchmarks/matching_cities.py [--seed 5] [--overdoses 1500]
"""

import argparse
from collections import Counter
from dataclasses import replace

from matching_draws import draw_reports
from matching_mixes import MIXES

from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.matching.evaluation import agreement
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.domain.matching.records import of_row

PLACES = ((37.76, -122.44), (41.70, -121.0))
SIDES = ("NORTH", "SOUTH")


def two_cities(overdoses: int, seed: int, *, named: bool) -> list[dict[str, str]]:
    """Return the reports of both; ``named``: their agencies have names of their own, else only their record numbers differ."""
    rows: list[dict[str, str]] = []
    for number, (lat, lon) in enumerate(PLACES):
        mix = replace(MIXES["default"], placeless=0.3, twins=0.08, lat=lat, lon=lon)
        own = draw_reports(mix, overdoses, seed + 500 * number)
        calls: dict[str, str] = {}
        of_day: Counter[str] = Counter()
        for row in sorted(own, key=lambda one: one["event_time"]):
            if (call := row["cad_no"]) and call not in calls:
                day = row["event_time"][2:10].replace("-", "")
                of_day[day] += 1
                calls[call] = f"{day}-{of_day[day]:03d}"
        for row in own:
            changed = {"cad_no": calls.get(row["cad_no"], ""), "truth_event": f"{number}-{row['truth_event']}"}
            changed["zip"] = f"97{row['zip'][2:]}" if row["zip"] and number else row["zip"]
            changed["agency"] = f"{row['agency']} {SIDES[number]}" if named else row["agency"]
            changed["agency_record_no"] = f"{number}{row['agency_record_no']}"
            rows.append(row | changed)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--overdoses", type=int, default=1_500)
    given = parser.parse_args()
    print("| agencies | cluster F1 | exactly right % | wrong pairs | of two cities |\n|---|---|---|---|---|")
    for named in (True, False):
        rows = two_cities(given.overdoses, given.seed, named=named)
        records = [of_row(row) for row in rows]
        truth = {record.key: row["truth_event"] for record, row in zip(records, rows, strict=True)}
        matched = match(records, load_weights(), learns_lags=True)
        found = matched.assignments()
        groups: dict[object, list[str]] = {}
        for record in matched.records:
            groups.setdefault(found[record.key].overdose_id, []).append(truth[record.key])
        wrong = [(one, two) for own in groups.values() for place, one in enumerate(own) for two in own[place + 1 :] if one != two]
        crossing = sum(one[0] != two[0] for one, two in wrong)
        one = agreement([found[record.key].overdose_id for record in matched.records], [truth[record.key] for record in matched.records])
        name = "of each city named" if named else "named alike"
        print(f"| {name} | {one.f1.value:.4f} | {100 * one.exact.value:.1f} | {len(wrong)} | {crossing} |")


if __name__ == "__main__":
    main()
