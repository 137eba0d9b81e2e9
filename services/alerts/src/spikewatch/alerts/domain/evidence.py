"""What explains an alert: the finding of its rule, the incidents that contributed, and one sentence for a person."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from spikewatch.alerts.domain.contributed import Held, reference_of
from spikewatch.alerts.domain.episodes import Episode
from spikewatch.alerts.domain.instants import interval, moment
from spikewatch.alerts.domain.marks import matches
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rules.criterion import Finding
from spikewatch.alerts.domain.series import History
from spikewatch.contracts.alert import Alert, Contributor, SilentFeed, WindowCount

__all__ = ["Evidence", "beside_the_counts", "contributors_of", "evidence_of", "finding_of", "of_counts"]

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
    return alert.explanation.removesuffix(beside_the_counts(alert.silent_feeds))


def finding_of(history: History, rule: Rule, episode: Episode) -> Finding:
    """Explain the peak window; needs the history from the peak less the rule's reach on."""
    series = history.select(episode.peak_at - rule.reach, episode.peak_at, rule.asks)
    return rule.criterion.finding(series, episode.peak_at, episode.observed, rule.window)


def evidence_of(area: str, rule: Rule, episode: Episode, finding: Finding, held: Iterable[Held]) -> Evidence:
    """Put the evidence of the peak window together; ``held`` are the incidents that may lie in it."""
    contributors, omitted = contributors_of(rule, episode, held)
    return Evidence(
        expected=finding.expected,
        threshold=finding.threshold,
        probability=finding.probability,
        baseline=tuple(WindowCount(window=interval(start, end), count=count) for start, end, count in finding.baseline),
        contributors=contributors,
        omitted=omitted,
        explanation=_sentence(area, rule, episode, finding),
    )


def contributors_of(rule: Rule, episode: Episode, held: Iterable[Held]) -> tuple[tuple[Contributor, ...], int]:
    """Return the newest incidents with a counted overdose in the peak window, oldest first, and how many are left out."""
    low, high = episode.peak_at - rule.window, episode.peak_at
    found: list[tuple[int, Held, list[int]]] = []
    for each in held:
        counted = matches(np.array(each.marks, dtype=np.uint32), rule.asks)
        places = [place for place, time in enumerate(each.times) if low < time <= high and counted[place]]
        if places:
            found.append((min(each.times[place] for place in places), each, places))
    found.sort(key=lambda entry: (entry[0], entry[1].incident))
    return tuple(
        Contributor(
            incident_id=each.incident,
            occurred_at=moment(earliest),
            overdoses=len(places),
            reports=tuple(reference_of(row) for row in dict.fromkeys(row for place in places for row in each.reports[place])),
        )
        for earliest, each, places in found[-_MOST_CONTRIBUTORS:]
    ), max(0, len(found) - _MOST_CONTRIBUTORS)


def _sentence(area: str, rule: Rule, episode: Episode, finding: Finding) -> str:
    kind, _, code = area.partition(":")
    which = "" if rule.outcome == "any" else f"{rule.outcome} "
    with_drugs = f" with {', '.join(rule.drug_classes)}" if rule.drug_classes else ""
    plural = "" if episode.observed == 1 else "s"
    head = (
        f"{episode.observed} suspected {which}overdose{plural}{with_drugs} in {kind} {code} in the {rule.window_hours:g} h "
        f"to {moment(episode.peak_at):%Y-%m-%d %H:%M} UTC"
    )
    parts = [head]
    if finding.expected is not None:
        parts.append(f"expected {finding.expected:.1f}" if finding.expected >= 0.1 else f"expected {finding.expected:.2g}")
    if finding.probability is not None:
        parts.append(f"chance of so many {finding.probability:.2g}")
    parts.append(f"rule {rule.id} (version {rule.version}) asks for {finding.demand}")
    return "; ".join(parts) + "."
