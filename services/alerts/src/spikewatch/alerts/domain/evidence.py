"""What explains an alert: the finding of its rule, the incidents that contributed, a paragraph and a picture for a person."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from spikewatch.alerts.domain.alert_picture import picture
from spikewatch.alerts.domain.alert_text import paragraph
from spikewatch.alerts.domain.contributed import Held, reference_of
from spikewatch.alerts.domain.episodes import Episode
from spikewatch.alerts.domain.instants import interval, moment
from spikewatch.alerts.domain.marks import has
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rule_failed import names_its_rule
from spikewatch.alerts.domain.rules.criterion import Correction, Finding, Together
from spikewatch.alerts.domain.series import History
from spikewatch.alerts.domain.spans import Span
from spikewatch.alerts.domain.stories import one_story
from spikewatch.contracts.alert import Alert, Contributor, Outline, Reporting, SilentFeed, StepsTogether, WindowCount
from spikewatch.contracts.contract import unchecked

__all__ = ["Evidence", "beside_the_counts", "contributors_of", "evidence_of", "explains_back", "finding_of", "of_counts"]

# Of what is held or counted here, so there is nothing to check.
_count: Final = unchecked(WindowCount)
_contributor: Final = unchecked(Contributor)
_MOST_CONTRIBUTORS = 500  # with their reports about 300 kB, well below the topic's limit

_MOST_FEEDS = 3  # named in the sentence; the alert lists all


@dataclass(frozen=True, slots=True)
class Evidence:
    """The explaining part of an alert."""

    expected: float | None
    threshold: float | None
    probability: float | None
    baseline: tuple[WindowCount, ...]
    contributors: tuple[Contributor, ...]
    omitted: int
    explanation: str
    picture: str | None
    outline: Outline | None = None
    recurrence_days: float | None = None
    reporting: Reporting | None = None
    dispersion: float | None = None
    together: StepsTogether | None = None

    @classmethod
    def kept(cls, alert: Alert) -> "Evidence":
        """Return the evidence that an alert carries already."""
        return cls(
            alert.expected,
            alert.threshold,
            alert.probability,
            alert.baseline,
            alert.contributors,
            alert.contributors_omitted,
            of_counts(alert),
            alert.picture,
            alert.outline,
            alert.recurrence_days,
            alert.reporting,
            alert.dispersion,
            alert.together,
        )


def beside_the_counts(silent: Sequence[SilentFeed]) -> str:
    """Return the sentence that says which feeds are missing in the counts; empty if none is."""
    if not silent:
        return ""
    named = ", ".join(f"{feed.feed} (since {feed.since:%Y-%m-%d %H:%M} UTC)" for feed in silent[:_MOST_FEEDS])
    more = f" and {len(silent) - _MOST_FEEDS} more" if len(silent) > _MOST_FEEDS else ""
    return f" Silent: {named}{more}; the true count may be higher."


def of_counts(alert: Alert) -> str:
    """Return an alert's explanation without what is said beside the counts."""
    return alert.explanation.removesuffix(one_story(alert.related, alert.explained_by)).removesuffix(beside_the_counts(alert.silent_feeds))


def explains_back(rule: Rule) -> int:
    """Return how long before the end of its window an alert's explanation looks back, in microseconds; never less than the reach."""
    return max(rule.reach, rule.criterion.explains_back(rule.window))


@names_its_rule
def finding_of(history: History, rule: Rule, episode: Episode) -> Finding:
    """Explain the peak window; needs the history from the peak less the rule's reach on, and tells of what is held before."""
    series = history.select(episode.peak_at - explains_back(rule), episode.peak_at, rule.asks)
    if explains_back(rule) > rule.reach:
        series.first = max(series.first, history.loaded_from)  # what is not held is not known to be nothing
    return rule.criterion.finding(series, episode.peak_at, episode.observed, rule.window)


def evidence_of(area: str, rule: Rule, episode: Episode, finding: Finding, held: Iterable[Held]) -> Evidence:
    """Put the evidence of the peak window together; ``held`` are the incidents that may lie in it."""
    contributors, omitted = contributors_of(rule, (rule.start_of(episode.peak_at), episode.peak_at), held)
    return Evidence(
        expected=finding.expected,
        threshold=finding.threshold,
        probability=finding.probability,
        baseline=tuple(_count(window=interval(start, end), count=count) for start, end, count in finding.baseline),
        contributors=contributors,
        omitted=omitted,
        recurrence_days=rule.recurrence_of(finding.recurrence_days),
        explanation=paragraph(area, rule, episode, finding),
        picture=picture(
            f"{area}: {episode.observed} and the windows before",
            [count for _, _, count in finding.baseline],
            episode.observed,
            expected=finding.expected,
            threshold=finding.threshold,
        ),
        reporting=_reporting(finding.correction),
        dispersion=finding.dispersion,
        together=_together(finding.together, episode.peak_at),
    )


def _together(told: Together | None, end: int) -> StepsTogether | None:
    return None if told is None else StepsTogether(window=interval(told.since, end), observed=told.observed, expected=told.expected)


def _reporting(correction: Correction | None) -> Reporting | None:
    if correction is None:
        return None
    return Reporting(
        share=correction.share, expected=correction.expected, low=correction.low, high=correction.high, silent=correction.silent
    )


def contributors_of(rule: Rule, window: Span, held: Iterable[Held]) -> tuple[tuple[Contributor, ...], int]:
    """Return the newest incidents with a counted overdose in a window, oldest first, and how many are left out.

    The window's start is not included.
    """
    low, high = window
    found: list[tuple[int, Held, list[int]]] = []
    for each in held:
        places = [place for place, time in enumerate(each.times) if low < time <= high and has(each.marks[place], rule.asks)]
        if places:
            found.append((min(each.times[place] for place in places), each, places))
    found.sort(key=lambda entry: (entry[0], entry[1].incident))
    return tuple(
        _contributor(
            incident_id=each.incident,
            occurred_at=moment(earliest),
            overdoses=len(places),
            reports=tuple(reference_of(row) for row in dict.fromkeys(row for place in places for row in each.reports[place])),
        )
        for earliest, each, places in found[-_MOST_CONTRIBUTORS:]
    ), max(0, len(found) - _MOST_CONTRIBUTORS)
