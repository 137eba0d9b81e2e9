"""The shipped rules on a real 911 feed with known peaks."""

import csv
import gzip
import os
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from spikewatch.alerts.adapters.rules_file import read_rules
from spikewatch.alerts.domain.episodes import all_episodes
from spikewatch.alerts.domain.instants import HOUR, Instants, micros, moment
from spikewatch.alerts.domain.series import History

NEW_YORK = ZoneInfo("America/New_York")
NAME = Path("data/incidents/montgomery_pa_911.csv.gz")


@pytest.fixture(scope="module")
def overdoses() -> History:
    """The feed's overdose calls by the time of posting; the feed is looked for in a folder ``shared`` beside the repository."""
    folders = [Path(given)] if (given := os.environ.get("SPIKEWATCH_SHARED")) else [p / "shared" for p in Path(__file__).resolve().parents]
    path = next((folder / NAME for folder in folders if (folder / NAME).is_file()), None)
    if path is None:
        pytest.skip(f"the feed {NAME.name} is not here; SPIKEWATCH_SHARED may name the folder that holds {NAME}")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        posted = [row["timeStamp"] for row in csv.DictReader(lines) if row["title"].strip() == "EMS: OVERDOSE"]
    times = [micros(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)) for text in posted]
    return History.of([(time, 4) for time in times], min(times), -(2**60))


def local(time: int) -> datetime:
    return moment(time).astimezone(NEW_YORK)


def test_the_feed_has_the_known_overdoses_and_worst_day(overdoses):
    assert len(overdoses) == 1191
    days = Counter(local(time).date() for time in overdoses.times.tolist())
    assert days.most_common(1) == [(date(2016, 3, 23), 13)]


def test_the_fixed_rule_finds_the_worst_rolling_day(overdoses):
    rule = next(rule for rule in read_rules(None).rules if rule.kind == "fixed_count")
    worst = max(all_episodes(overdoses, rule), key=lambda episode: episode.observed)
    assert worst.observed == 16
    assert f"{local(worst.peak_at):%Y-%m-%d %H:%M}" == "2016-05-22 12:02"


@pytest.mark.parametrize("kind", ["fixed_count", "mean_plus_sd", "poisson"])
def test_every_shipped_rule_raises_an_alert_at_both_peaks(overdoses, kind):
    rule = next(rule for rule in read_rules(None).rules if rule.kind == kind)
    episodes = all_episodes(overdoses, rule)
    times: Instants = overdoses.times
    for day in (date(2016, 3, 23), date(2016, 5, 22)):
        last = max(time for time in times.tolist() if local(time).date() == day)
        near = 72 * HOUR  # a rule of three days may need the days beside the peak
        assert any(episode.opened_at <= last + near and episode.last_met_at >= last - near for episode in episodes), day


def test_alerts_a_year_are_as_the_readme_says(overdoses):
    years = (int(overdoses.times[-1]) - int(overdoses.times[0])) / (365.25 * 24 * HOUR)
    a_year = {rule.id: round(len(all_episodes(overdoses, rule)) / years, 1) for rule in read_rules(None).rules}
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    for rule, alerts in a_year.items():
        row = next(line for line in readme.splitlines() if line.startswith(f"| `{rule}`"))
        assert row.rstrip(" |").endswith(f"{alerts}"), f"{rule} raises {alerts} alerts a year"
