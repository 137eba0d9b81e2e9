"""Whether rules see documented mass overdoses, after how long, and how many alarms a year they cost where nothing happens.

    python benchmarks/labelled_events.py
    python benchmarks/labelled_events.py --times-usual 2 --draws 200 --json labelled.json

The events are those of `labelled_events.csv`: a count, days and a place each; **no history of the places is known, so each event is
planted in drawn ones**. Real are: the event's count, its days, its county, and what its source says of its shape and of the usual
level. Drawn are: the usual overdoses (weekday, season, trend; half of the histories vary 1.6 times as much as chance), the times of day,
and where no usual level was published, the level itself: people of the county times 200 a year in 100,000, which is what the calls of
Montgomery County PA (4.6 a day, 831,000 people) and Anne Arundel's published mean (3 a day, 579,000) come to. `--times-usual`
multiplies the level.

A hit is an alarm that opens from the event's first to its last overdose; days count from the first. Alarms a year are counted in the
same histories without the event, in the year around it; one year and more before it is past. Events of deaths are held in histories of
deaths.
"""

import argparse
import csv
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from statistics import median

import numpy as np

from spikewatch.alerts.adapters.rules_file import PUBLISHED, SHIPPED, rules_of_package
from spikewatch.alerts.domain.backtest.foreseen import foreseen
from spikewatch.alerts.domain.backtest.histories import Histories, Labelled
from spikewatch.alerts.domain.backtest.verdict import Verdict, verdicts
from spikewatch.alerts.domain.instants import DAY, HOUR, Instants, micros
from spikewatch.alerts.domain.marks import mark
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.series import History
from spikewatch.alerts.domain.simulation.planted import Burst, planted_in, usual_times
from spikewatch.contracts.vocabulary import Outcome

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
RULES = (
    ("spikewatch-daily (default)", (SHIPPED, "spikewatch-daily")),
    ("budget-24h", (SHIPPED, "budget-24h")),
    ("ODMAP > 10 (deaths > 2)", (PUBLISHED, "odmap-24h"), (PUBLISHED, "odmap-24h-fatal")),
    ("ODMAP mean + 2 SD", (PUBLISHED, "odmap-mean-2sd")),
    ("ODMAP 2017", (PUBLISHED, "odmap-2017-recommended")),
    ("EARS C2", (PUBLISHED, "ears-c2")),
)
A_YEAR_IN_100_000 = 200
PAST, BEFORE, AFTER = 400, 335, 30  # days of history before the test, of the test before the event, and after its first day


@dataclass(frozen=True)
class Shape:
    """What the source says beyond the table's columns; ``usual`` is a day, None where it says nothing."""

    bursts: tuple[Burst, ...]
    counts_deaths: bool = False
    is_total: bool = False
    usual: float | None = None
    any_day: bool = False


SHAPES: Mapping[str, Shape] = {
    "newhaven-2016-06-23": Shape((Burst(15, 8, 12),)),
    "huntington-2016-08-15": Shape((Burst(15, 5, 14), Burst(10, 53, 6))),
    "cincinnati-2016-08": Shape((Burst(0, 144, 174),), is_total=True),
    "annearundel-2017-03": Shape((Burst(0, 24, 16),), is_total=True, usual=3, any_day=True),
    "annearundel-2017-04-13": Shape((Burst(12, 24, 6),), is_total=True, usual=3),
    "dayton-2019-03-22": Shape((Burst(0, 360, 17),), counts_deaths=True, is_total=True, usual=11 / 21),
    "hartford-2019-06-01": Shape((Burst(0, 120, 22),)),
    "newlondon-2022-02-12": Shape((Burst(0, 72, 32),), is_total=True),
    "newhaven-2023-01-25": Shape((Burst(0, 336, 12),), counts_deaths=True, is_total=True, usual=2 / 7),
    "baltimore-2025-07-10": Shape((Burst(9 + 1 / 3, 4, 27),)),
}
WITHOUT_A_COUNT = ("newhaven-green-2018-08-15", "baltimore-2025-07-18", "baltimore-2025-10-08")


@dataclass(frozen=True)
class Event:
    """One row of the table, with its shape and the usual level of its place, a day."""

    name: str
    start: int
    end: int
    area: str
    number: int
    usual: float
    shape: Shape


def events(shared: Path) -> Iterator[Event]:
    """Read the events whose count was published."""
    with (shared / "geo" / "us_counties_combined.csv").open(encoding="utf-8", newline="") as file:
        people = {row["fips"]: float(row["pop2019"]) for row in csv.DictReader(file) if row["pop2019"]}
    with (shared / "incidents" / "labelled_events.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        shape = SHAPES.get(row["event_id"])
        if shape is None:
            continue
        start, end = (micros(datetime.fromisoformat(row[name]).replace(tzinfo=UTC)) for name in ("start", "end"))
        number = int(row["reported_deaths" if shape.counts_deaths else "reported_overdoses"])
        by_people = people[row["county_fips"]] * A_YEAR_IN_100_000 / 100_000 / 365.25
        yield Event(row["event_id"], start, end, f"county:{row['county_fips']}", number, shape.usual or by_people, shape)


@dataclass(frozen=True)
class Told:
    """What one rule made of one event in all draws."""

    hits: float
    days: float | None
    already_open: float
    alarms_a_year: float


def history(times: Instants, *, deaths: bool) -> History:
    of = mark((Outcome.FATAL if deaths else Outcome.UNKNOWN,), (), ())
    return History.of_pairs(np.column_stack((times, np.full(len(times), of))), int(times[0]), -(2**62))


def tested(rule: Rule, among: Histories, labels: list[Labelled]) -> list[Verdict]:
    return list(verdicts([foreseen(rule, among)], among, labels))


def measured(event: Event, draws: int, times_usual: float, seed: int) -> dict[str, Told]:
    """Hold the rules against an event in so many drawn histories, with it and without."""
    rng = np.random.default_rng([seed, event.start // DAY])
    first, last = event.start - BEFORE * DAY, event.start + AFTER * DAY
    usual = usual_times(rng, event.usual * times_usual, (first - PAST * DAY, last), event.start, draws)
    deaths = event.shape.counts_deaths
    calm, spiked, labels = {}, {}, []
    for number, times in enumerate(usual):
        day = event.start + (int(rng.integers(0, (event.end - event.start) // DAY + 1)) * DAY if event.shape.any_day else 0)
        with_it, begun, over = planted_in(rng, times, event.shape.bursts, day, is_total=event.shape.is_total)
        area = f"draw {number}"
        calm[area], spiked[area] = history(times, deaths=deaths), history(with_it, deaths=deaths)
        labels.append(Labelled(event.name, area, begun, over))
    around = min(one.start for one in labels) - 3 * DAY, max(one.end for one in labels) + HOUR
    told = {}
    for name, asked in named_rules(event).items():
        cost = [one.alarms_per_year for one in tested(asked, Histories(calm, first, last), [])]
        caught = [one.caught[0] for one in tested(asked, Histories(spiked, *around), labels)]
        days = [one.days for one in caught if one.days is not None]
        told[name] = Told(len(days) / draws, median(days) if days else None, sum(one.was_open for one in caught) / draws, sum(cost) / draws)
    return told


def named_rules(event: Event) -> dict[str, Rule]:
    """Return the rules, each with the one of its forms that is meant for overdoses or for deaths."""
    books = {name: {rule.id: rule for rule in rules_of_package(name).known} for name in (SHIPPED, PUBLISHED)}
    chosen = {}
    for name, *forms in RULES:
        package, rule_id = forms[-1 if event.shape.counts_deaths else 0]
        chosen[name] = books[package][rule_id]
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder with incidents/labelled_events.csv and geo/")
    parser.add_argument("--draws", type=int, default=50, help="histories of each event")
    parser.add_argument("--times-usual", type=float, default=1.0, help="multiplies the usual level of every place")
    parser.add_argument("--seed", type=int, default=2031)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if not (arguments.shared / "incidents" / "labelled_events.csv").is_file():
        parser.exit(2, f"{arguments.shared} holds no incidents/labelled_events.csv; name the folder with --shared\n")
    began = time.perf_counter()
    names = [name for name, *_ in RULES]
    print(f"{arguments.draws} drawn histories of each event, usual level times {arguments.times_usual:g}, seed {arguments.seed}")
    print("each cell: share of draws hit / median days to detection / alarms a year without the event (+ share in which an alert was open)")
    print("| event | usual a day | " + " | ".join(names) + " |\n|" + "--|" * (len(names) + 2))
    everything = {}
    listed = list(events(arguments.shared))
    one_event = partial(measured, draws=arguments.draws, times_usual=arguments.times_usual, seed=arguments.seed)
    pool = Pool(arguments.processes)
    for event, told in zip(listed, pool.imap(one_event, listed), strict=True):
        everything[event.name] = told
        cells = []
        for name in names:
            one = told[name]
            days = "-" if one.days is None else f"{one.days:.2f}"
            cells.append(f"{one.hits:.2f} / {days} / {one.alarms_a_year:.1f}" + (f" (+{one.already_open:.2f})" if one.already_open else ""))
        what = "deaths" if event.shape.counts_deaths else "overdoses"
        label = f"{event.name}, {event.number} {what}"
        print(f"| {label} | {event.usual * arguments.times_usual:.2f} | " + " | ".join(cells) + " |", flush=True)
    pool.terminate()
    of_all = []
    for name in names:
        hits, cost = zip(*((one[name].hits, one[name].alarms_a_year) for one in everything.values()), strict=True)
        of_all.append(f"{sum(hits):.1f} / {np.mean(cost):.1f}")
    print(f"| events hit of {len(everything)} / alarms a year | | " + " | ".join(of_all) + " |")
    print(f"without a published count, left out: {', '.join(WITHOUT_A_COUNT)}; {time.perf_counter() - began:.0f} s")
    if arguments.json:
        arguments.json.write_text(
            json.dumps({event: {name: vars(one) for name, one in told.items()} for event, told in everything.items()}, indent=1)
        )


if __name__ == "__main__":
    main()
