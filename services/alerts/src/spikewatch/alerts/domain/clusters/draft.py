"""What an alert about a cluster says."""

from collections.abc import Iterable

from spikewatch.alerts.domain.alert_picture import picture
from spikewatch.alerts.domain.alert_text import against, counted, recurring
from spikewatch.alerts.domain.clusters.look import Found, scan_of
from spikewatch.alerts.domain.contributed import Held
from spikewatch.alerts.domain.episodes import Episode
from spikewatch.alerts.domain.evidence import Evidence, contributors_of
from spikewatch.alerts.domain.identity import Kept
from spikewatch.alerts.domain.instants import interval, micros, moment
from spikewatch.alerts.domain.lifecycle import Draft
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rules.space_time_scan import SpaceTimeScan
from spikewatch.contracts.alert import Outline, WindowCount

__all__ = ["draft_of", "is_same"]

_ONE_IN = 0.05  # below it "once in so many days" is said


def draft_of(area: str, rule: Rule, found: Found, held: Iterable[Held], *, alive: Kept | None, as_of: int) -> Draft:
    """Return what the alert should say of a cluster; ``held`` are its contributions, ``alive`` the alert that lives on in it."""
    opened = found.newest if alive is None else alive.episode.opened_at
    # an alert that was drawn back in time keeps the moment at which it opened, or its id would not be its own
    episode = Episode(opened, max(found.newest, opened), found.at, found.observed)
    contributors, omitted = contributors_of(rule, (found.start, found.at), held)
    evidence = Evidence(
        expected=found.expected,
        threshold=None,
        probability=found.probability,
        baseline=tuple(WindowCount(window=interval(start, end), count=count) for start, end, count in found.before),
        contributors=contributors,
        omitted=omitted,
        explanation=_paragraph(area, rule, found),
        picture=picture(
            f"{area}: {found.observed} and the windows before",
            [count for _, _, count in found.before],
            found.observed,
            expected=found.expected,
            threshold=None,
        ),
        outline=Outline(coordinates=(found.outline,)),
        recurrence_days=rule.recurrence_of(found.recurrence_days),
    )
    because = None if alive is None else _change(alive, evidence, found)
    return Draft(area, rule, episode, evidence, as_of, window=(found.start, found.at), because=because)


def is_same(kept: Kept, draft: Draft) -> bool:
    """Tell whether a cluster is what the alert says already: the same overdoses in the same place, and the same tier.

    Expected counts and p-values move a little with every overdose elsewhere; that alone is no news.
    """
    before, facts = kept.alert, draft.facts()
    named = (
        "status",
        "rule",
        "tier",
        "audience",
        "opened_at",
        "last_met_at",
        "observed",
        "contributors",
        "contributors_omitted",
        "outline",
    )
    return all(getattr(before, name) == facts[name] for name in named)


def _change(alive: Kept, evidence: Evidence, found: Found) -> str | None:
    before = alive.alert
    if before.observed != found.observed:
        return f"the cluster's count went from {before.observed} to {found.observed}"
    if before.outline != evidence.outline:
        return "the cluster lies elsewhere now"
    if micros(before.window.start) != found.start or alive.episode.last_met_at != found.newest:
        return "the cluster is found again"
    return None


def _paragraph(area: str, rule: Rule, found: Found) -> str:
    states = tuple(each.replace(":", " ") for each in found.states)
    where = " and ".join(states) if area.startswith("state:") and len(states) > 1 else area.replace(":", " ")
    cells = "one map cell" if len(found.cells) == 1 else f"{len(found.cells)} map cells near one another"
    span = f"from {moment(found.start):%Y-%m-%d %H:%M} to {moment(found.at):%Y-%m-%d %H:%M} UTC"
    recurrence = rule.recurrence_of(found.recurrence_days)
    tier = rule.tier_of(found.observed, found.probability, recurrence)
    said = [
        f"{counted(rule, found.observed)} in {cells} of {where}, {span}.",
        against(found.observed, found.expected),
        _chance(found.probability, scan_of(rule)),
        *([recurring(rule, recurrence)] if recurrence is not None and rule.among is not None else []),
        f"Rule {rule.id} (version {rule.version}) asks for {scan_of(rule).demand}." + (f" The tier {tier} is reached." if tier else ""),
    ]
    return " ".join(said)


def _chance(probability: float, asked: SpaceTimeScan) -> str:
    told = f"Anywhere in the area chance alone brings a cluster so unusual with a probability of {probability:.2g}"
    often = f", once in about {1 / probability:.0f} {asked.counts}" if probability < _ONE_IN else ""
    return f"{told}{often} ({asked.replications} draws)."
