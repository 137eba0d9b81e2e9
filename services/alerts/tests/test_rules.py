"""Each rule kind against its definition, and what it does with little or no history."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import poisson

from spikewatch.alerts.adapters.rules_file import read_rules
from spikewatch.alerts.domain.episodes import all_episodes
from spikewatch.alerts.domain.evidence import finding_of
from spikewatch.alerts.domain.instants import DAY, HOUR, micros
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.domain.rules.tail import poisson_tail
from spikewatch.alerts.domain.series import History
from spikewatch.contracts.vocabulary import DrugClass

ANY = 4  # mark of an overdose of unknown outcome


def history(times: list[float], mark: int = ANY) -> History:
    rows = [(round(time * HOUR), mark) for time in times]
    return History.of(rows, min(row[0] for row in rows), -(2**60))


@given(observed=st.integers(0, 400), mean=st.floats(1e-6, 300))
def test_poisson_tail_equals_scipy(observed, mean):
    expected = float(poisson.sf(observed - 1, mean))
    assert poisson_tail(observed, mean) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_poisson_tail_of_large_means_and_of_zero():
    assert poisson_tail(100_500, 100_000.0) == pytest.approx(float(poisson.sf(100_499, 100_000.0)), rel=1e-9)
    assert (poisson_tail(0, 0.0), poisson_tail(1, 0.0)) == (1.0, 0.0)
    with pytest.raises(ValueError, match="at least 0"):
        poisson_tail(1, -1.0)


def test_comparison_is_data(make):
    times = history([0, 0.2, 0.4])
    assert all_episodes(times, make.rule(parameters={"threshold": 3, "comparison": "at_least"}))
    assert not all_episodes(times, make.rule(parameters={"threshold": 3, "comparison": "more_than"}))


def test_a_fixed_count_tells_the_windows_before_and_their_mean(make):
    rule = make.rule(window_hours=24)
    day = [24 * number + 0.5 for number in range(1, 36)]
    series = history([0.5, *day, day[-5], 24 * 36 + 0.1, 24 * 36 + 0.2, 24 * 36 + 0.5])
    (episode,) = all_episodes(series, rule)
    finding = finding_of(series, rule, episode)
    assert [count for _, _, count in finding.baseline] == [1] * 26 + [2] + [1] * 3
    assert finding.expected == pytest.approx(31 / 30)
    ends = [end for _, end, _ in finding.baseline]
    assert ends[-1] == episode.peak_at - rule.window
    assert [start for start, _, _ in finding.baseline][1:] == ends[:-1]
    assert (finding.demand, finding.threshold) == ("at least 3", 3.0)


def test_a_fixed_count_tells_nothing_of_days_before_the_area_was_known_or_that_are_not_held(make):
    rule = make.rule(window_hours=24)
    first_day = finding_of(series := history([0, 0.1, 0.2]), rule, all_episodes(series, rule)[0])
    assert (first_day.expected, first_day.baseline) == (None, ())
    rows = [(round(hour * HOUR), ANY) for hour in (0, *(100 * 24 + each for each in (0, 0.1, 0.2)))]
    held_a_week = History.of(rows, 0, 93 * DAY)
    found = finding_of(held_a_week, rule, all_episodes(held_a_week, rule)[0])
    assert len(found.baseline) == 6, "what is not held is not known to be nothing"
    assert found.expected == 0


@pytest.mark.parametrize(("hours", "windows"), [(1, 30), (72, 30), (7 * 24, 12), (28 * 24, 3)])
def test_a_fixed_count_looks_back_no_further_than_90_days_and_judges_no_more_than_its_window(make, hours, windows):
    rule = make.rule(window_hours=hours)
    assert rule.reach == rule.window
    assert rule.criterion.explains_back(rule.window) == (windows + 1) * rule.window


def test_window_is_half_open(make):
    assert not all_episodes(history([0, 0.5, 1.0]), make.rule()), "an overdose exactly one window ago lies outside"
    assert all_episodes(history([0.001, 0.5, 1.0]), make.rule())


def test_episode_ends_only_after_the_quiet_time(make):
    rule = make.rule(parameters={"threshold": 1, "comparison": "at_least"})
    assert [(e.opened_at, e.last_met_at) for e in all_episodes(history([0, 2, 4.001]), rule)] == [
        (0, 2 * HOUR),
        (round(4.001 * HOUR), round(4.001 * HOUR)),
    ]


def test_mean_plus_sd_equals_numpy(make):
    rng = np.random.default_rng(7)
    times = sorted(rng.uniform(0, 400, 300).tolist())
    rule = make.rule("mean_plus_sd")
    series = history(times)
    episodes = all_episodes(series, rule)
    assert episodes
    for episode in episodes:
        end = episode.peak_at - 2 * HOUR  # window and lag
        counts = [
            sum(end - (j + 1) * HOUR < t <= end - j * HOUR for t in series.times.tolist())
            for j in range(min(12, (end - series.first) // HOUR))
        ]
        finding = finding_of(series, rule, episode)
        assert finding.expected == pytest.approx(np.mean(counts), rel=1e-12)
        assert finding.threshold == pytest.approx(np.mean(counts) + 1.5 * np.std(counts, ddof=1), rel=1e-12)
        assert episode.observed > finding.threshold
        assert [count for _, _, count in finding.baseline] == counts[::-1]


@pytest.mark.parametrize("kind", ["mean_plus_sd", "poisson"])
def test_baseline_rules_are_silent_until_there_is_history_enough(make, kind):
    early = history([0, 3, 3.1, 3.2, 3.3])
    later = history([0, 13, 13.1, 13.2, 13.3])
    assert not all_episodes(early, make.rule(kind))
    assert all_episodes(later, make.rule(kind))


def test_minimum_count_alone_decides_over_a_baseline_of_zero(make):
    rule = make.rule("mean_plus_sd")
    assert not all_episodes(history([0, 40]), rule)
    assert [episode.observed for episode in all_episodes(history([0, 40, 40.5]), rule)] == [2]


def test_poisson_over_a_baseline_of_zero_assumes_half_an_overdose(make):
    rule = make.rule("poisson")
    series = history([0, 40, 40.5])
    (episode,) = all_episodes(series, rule)
    finding = finding_of(series, rule, episode)
    assert finding.expected == pytest.approx(0.5 / 12)
    assert finding.probability == pytest.approx(float(poisson.sf(1, 0.5 / 12)))


def test_filters_count_only_what_they_name(make):
    heroin_fatal = 1 | 1 << 9
    rows = [(0, heroin_fatal), (HOUR // 4, heroin_fatal), (HOUR // 2, heroin_fatal), (HOUR // 2, ANY)]
    series = History.of(rows, 0, -1)
    assert [e.observed for e in all_episodes(series, make.rule())] == [4]
    assert [e.observed for e in all_episodes(series, make.rule(outcome="fatal"))] == [3]
    assert not all_episodes(series, make.rule(outcome="nonfatal"))
    assert [e.observed for e in all_episodes(series, make.rule(drug_classes=(DrugClass.OPIOID,)))] == [3], "heroin is an opioid"
    assert not all_episodes(series, make.rule(drug_classes=(DrugClass.FENTANYL,)))


def test_shipped_rules_are_valid_and_of_every_kind(tmp_path):
    book = read_rules(None)
    assert {rule.kind for rule in book.rules} == {"fixed_count", "mean_plus_sd", "poisson"}
    assert book.horizon >= 365 * DAY
    assert all(rule.applies_to("county:42091") for rule in book.rules)
    assert not any(rule.applies_to("h3:872a1072bffffff") for rule in book.rules)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"rules": []},
        {"rules": [{"id": "a"}]},
        {"rules": [{"kind": "unheard_of"}]},
        {"rules": [{"parameters": {"threshold": 0, "comparison": "more_than"}}]},
        {"rules": [{"parameters": {"threshold": 3, "comparison": "more_than", "sds": 2}}]},
        {"rules": [{"window_hours": 0.5}]},
        {"rules": [{}, {}]},
    ],
)
def test_wrong_rules_are_refused(make, content):
    good = make.rule().model_dump()
    rules = content.get("rules")
    complete = {"rules": [good | entry if entry != {"id": "a"} else entry for entry in rules]} if rules is not None else content
    with pytest.raises((ValueError, ValidationError)):
        Rulebook.of(complete)


def test_a_file_that_is_no_yaml_is_refused(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text("rules: [")
    with pytest.raises(ValueError, match="no YAML"):
        read_rules(path)


def test_microseconds_decide(make):
    assert micros(make.at(0)) % HOUR == 0
