"""What one more incident costs an area that many rules watch, with years of history: the alerts service without its database.

    python benchmarks/alert_evaluation.py [--rules 50] [--years 3] [--daily 20]

An area with so many overdoses a day gets 500 more, one at a time and in event time; each is taken into the history and held against all
rules, those of every kind. Beside it the same with one rule of the simplest kind, which is the baseline. CPU time in this process. What a
service does once when a day begins is not in it; how long that takes for many areas is the last line. The garbage collector is spared as
in the service, which collects between batches.
"""

import argparse
import asyncio
import gc
import platform
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import numpy as np

from spikewatch.alerts.adapters.rules_file import PUBLISHED, SHIPPED, rules_of_package
from spikewatch.alerts.domain.contributed import Held
from spikewatch.alerts.domain.identity import Kept
from spikewatch.alerts.domain.instants import DAY
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.series import History
from spikewatch.alerts.domain.spans import Span
from spikewatch.alerts.ports import Row
from spikewatch.alerts.service.revision import AreaRevision
from spikewatch.chassis.collector import spare_collector

AREA = "county:42091"
LOOKS = 500
AREAS = 3_143
NOW = datetime(2026, 11, 1, tzinfo=UTC)


class _Nothing:
    """Stores that hold nothing: what an alert shows of its incidents is not what is measured."""

    async def rows(self, _spans: Mapping[str, Span]) -> dict[str, list[Row]]:
        return {}

    async def within(self, _area: str, _start: int, _end: int) -> list[Held]:
        return []

    async def load(self, _alerts: Collection[UUID]) -> dict[UUID, Kept]:
        return {}


def main() -> None:
    """Print microseconds an incident."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, default=50)
    parser.add_argument("--years", type=float, default=3)
    parser.add_argument("--daily", type=float, default=20)
    chosen = parser.parse_args()
    shipped = [*rules_of_package(SHIPPED).known, *rules_of_package(PUBLISHED).known]
    kinds = [rule.model_copy(update={"area_kinds": ("county",), "areas": (), "enabled": True}) for rule in shipped]
    rules = [kinds[place % len(kinds)].model_copy(update={"id": f"rule-{place}"}) for place in range(chosen.rules)]
    spare_collector(collects_between=True)
    print(f"Python {platform.python_version()}, {chosen.years:g} years with {chosen.daily:g} overdoses a day, {LOOKS} incidents")
    print(f"{'rules':<34}{'ms, median':>12}{'95 of 100':>12}{'99 of 100':>12}{'most':>10}{'alerts':>9}")
    simplest = [rule for rule in kinds if rule.kind == "fixed_count"][:1]
    _measured("one, fixed_count (baseline)", simplest, chosen)
    for kind in dict.fromkeys(rule.parameters.get("algorithm", rule.kind) for rule in kinds):
        _measured(f"one, {kind}", [next(rule for rule in kinds if rule.parameters.get("algorithm", rule.kind) == kind)], chosen)
    _measured(f"{len(rules)}, of every kind", rules, chosen)
    _begun(rules)


def _begun(rules: Sequence[Rule]) -> None:
    draw = np.random.default_rng(8)
    end = 3 * 365 * DAY
    histories = [History.of(((int(at), 4) for at in draw.integers(0, end, 300)), 0, -(2**60)) for _ in range(AREAS)]
    began = time.process_time()
    for rule in rules:
        rule.criterion.prepare([history.select(end - rule.reach, end, rule.asks) for history in histories], end, rule.window)
    print(f"the beginning of a day: {AREAS:,} areas, {len(rules)} rules: {time.process_time() - began:.1f} s")


def _measured(label: str, rules: Sequence[Rule], chosen: argparse.Namespace) -> None:
    draw = np.random.default_rng(7)
    length = round(chosen.years * 365.25 * DAY)
    times = np.sort(draw.integers(0, length, round(chosen.years * 365.25 * chosen.daily)))
    history = History.of(((int(at), 4) for at in times), int(times[0]), -(2**60))
    coming = np.sort(length + draw.integers(0, round(LOOKS / chosen.daily * DAY), LOOKS))
    gc.collect()
    spent, alerts = asyncio.run(_taken(history, rules, coming.tolist()))
    figures = [1000 * value for value in (*np.percentile(spent, [50, 95, 99]), max(spent))]
    print(f"{label:<34}" + "".join(f"{value:>12.2f}" for value in figures[:3]) + f"{figures[3]:>10.2f}{alerts:>9}")


async def _taken(history: History, rules: Sequence[Rule], coming: Sequence[int]) -> tuple[list[float], int]:
    nothing = _Nothing()
    kept: dict[str, list[Kept]] = {rule.id: [] for rule in rules}
    spent = []
    begun = -1
    for at in coming:
        if at // DAY != begun:  # as the service does when a day begins, for all areas together
            begun = at // DAY
            for rule in rules:
                rule.criterion.prepare([history.select(at - rule.reach, at, rule.asks)], at, rule.window)
        began = time.process_time()
        history = history.changed((), [(at, 4)], history.first)
        revision = AreaRevision(AREA, history, nothing, nothing)  # type: ignore[arg-type]  # of the stores only what is asked
        for rule in rules:
            mine = [each for each in kept[rule.id] if each.episode.last_met_at >= at - rule.quiet]
            for alert in await revision.revise(rule, [(at, at)], mine, as_of=at, now=NOW):
                others = [each for each in kept[rule.id] if each.alert_id != alert.alert_id]
                kept[rule.id] = [*others, alert]
        spent.append(time.process_time() - began)
    return spent, sum(map(len, kept.values()))


if __name__ == "__main__":
    main()
