"""The matcher on simulated reports of another author with known truth, on the half that no weight was learnt from; a floor."""

import csv
import gzip
import zlib
from pathlib import Path

import pytest

from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.matching.evaluation import agreement
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.domain.matching.records import of_row

FILE = Path(__file__).parents[4] / "shared" / "data" / "dedup" / "reports_5k_labelled.csv.gz"


def held_out() -> list[dict[str, str]]:
    """The half whose scenes hash to an odd number; benchmarks/matching_weights.py learns from the other one."""
    with gzip.open(FILE, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    twins = {int(row["truth_event"]) for row in rows if row["truth_kind"] == "twin"}

    def scene(number: int) -> int:
        while number in twins and number - 1 in twins:
            number -= 1
        return number

    return [row for row in rows if zlib.crc32(str(scene(int(row["truth_event"]))).encode()) % 2 == 1]


@pytest.mark.skipif(not FILE.exists(), reason="the shared reference data are absent: no labelled reports")
@pytest.mark.parametrize(("weights", "floor", "exact"), [("learnt", 0.96, 0.9), ("neutral", 0.95, 0.88)])
def test_overdoses_agree_with_the_labels(weights: str, floor: float, exact: float) -> None:
    rows = held_out()
    truth = {of_row(row).key: row["truth_event"] for row in rows}
    blind = [{name: value for name, value in row.items() if not name.startswith("truth_")} for row in rows]
    matched = match(map(of_row, blind), load_weights(weights), learns_lags=True)
    found = matched.assignments()
    keys = [record.key for record in matched.records]
    measured = agreement([found[key].overdose_id for key in keys], [truth[key] for key in keys])
    assert measured.f1.value > floor
    assert measured.exact.value > exact
