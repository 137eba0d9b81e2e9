"""The life of an alert: opened, updated, closed, retracted, each step on record; a version only for what a reader sees."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from spikewatch.alerts.domain.episodes import Episode
from spikewatch.alerts.domain.evidence import Evidence, beside_the_counts, of_counts
from spikewatch.alerts.domain.identity import Kept
from spikewatch.alerts.domain.instants import interval, moment
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.spans import Span
from spikewatch.alerts.domain.stories import Story, one_story
from spikewatch.contracts.alert import Alert, AlertChange, AlertContact, AlertStatus, SilentFeed, Transition
from spikewatch.contracts.contract import unchecked

__all__ = ["Draft", "lived_on", "opened", "related", "retracted", "with_contacts", "with_silent_feeds", "with_status"]

_transition: Final = unchecked(Transition)
# The first step tells when it began; between it and the newest ones nobody looks.
_MOST_STEPS: Final = 50


@dataclass(slots=True)  # not frozen: one is made for every look, and that costs four times as much
class Draft:
    """What an alert should say now.

    ``window`` is where the rule's own does not say it; ``because`` is why a new version is made where counts do not say it.
    """

    area: str
    rule: Rule
    episode: Episode
    evidence: Evidence
    as_of: int
    window: Span | None = None
    because: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether the rule has not been met for the quiet time."""
        return self.as_of > self.episode.last_met_at + self.rule.quiet

    def facts(self) -> dict[str, object]:
        """Return the alert's fields that do not depend on its past."""
        episode, evidence = self.episode, self.evidence
        start, end = self.window or (self.rule.start_of(episode.peak_at), episode.peak_at)
        return {
            "status": AlertStatus.CLOSED if self.is_over else AlertStatus.OPEN,
            "rule": self.rule.reference(),
            "tier": self.rule.tier_of(episode.observed, evidence.probability, evidence.recurrence_days),
            "audience": self.rule.audience_of(episode.observed, evidence.probability, evidence.recurrence_days),
            "opened_at": moment(episode.opened_at),
            "last_met_at": moment(episode.last_met_at),
            "closed_at": moment(episode.last_met_at + self.rule.quiet) if self.is_over else None,
            "window": interval(start, end),
            "observed": episode.observed,
            "expected": evidence.expected,
            "threshold": evidence.threshold,
            "probability": evidence.probability,
            "recurrence_days": evidence.recurrence_days,
            "outline": evidence.outline,
            "reporting": evidence.reporting,
            "dispersion": evidence.dispersion,
            "together": evidence.together,
            "baseline": evidence.baseline,
            "contributors": evidence.contributors,
            "contributors_omitted": evidence.omitted,
            "explanation": evidence.explanation,
            "picture": evidence.picture,
        }


def opened(draft: Draft, alert_id: UUID, now: datetime) -> Kept:
    """Return a new alert; one that is over already when it is found opens and closes at once."""
    steps = [_step(draft.episode.opened_at, now, AlertChange.OPENED, draft.episode.observed, "the rule is met")]
    if draft.is_over:
        reason = "retrospective: it was over before the overdoses were known"
        steps.append(_step(draft.episode.last_met_at + draft.rule.quiet, now, AlertChange.CLOSED, draft.episode.observed, reason))
    alert = Alert.model_validate(
        {
            "alert_id": alert_id,
            "version": 1,
            "area": draft.area,
            "change": steps[-1].change,
            "history": tuple(steps),
            **draft.facts(),
        }
    )
    return Kept(alert, draft.episode, draft.rule.quiet, draft.as_of)


def lived_on(kept: Kept, draft: Draft, now: datetime) -> Kept | None:
    """Return the next version of an alert, or None if a reader would see no difference."""
    before, facts = kept.alert, draft.facts()
    if before.observed == draft.episode.observed and before.last_met_at == facts["last_met_at"] and _shows(before, facts):
        return None
    episode = draft.episode
    if kept.is_retracted:
        change, at, reason = AlertChange.OPENED, episode.opened_at, "the rule is met after all"
    elif draft.is_over and before.status is AlertStatus.OPEN:
        change, at, reason = AlertChange.CLOSED, episode.last_met_at + draft.rule.quiet, _quiet_reason(draft.rule.quiet)
    elif not draft.is_over and before.status is AlertStatus.CLOSED:
        change, at, reason = AlertChange.UPDATED, episode.last_met_at, "the rule is met again within the quiet time"
    else:
        change, at, reason = AlertChange.UPDATED, episode.last_met_at, draft.because or _difference(kept.episode, episode)
    step = _step(at, now, change, episode.observed, reason)
    if kept.is_retracted and draft.is_over:
        change = AlertChange.CLOSED
    alert = before.changed(**{**facts, "version": before.version + 1, "change": change, "history": _steps(before, step)})
    return Kept(alert, episode, draft.rule.quiet, draft.as_of)


def _shows(alert: Alert, facts: dict[str, object]) -> bool:
    # What is said beside the counts is of the moment, as the contacts are: it alone makes no version.
    shown = {**vars(alert), "explanation": of_counts(alert)}
    return all(shown[name] == value for name, value in facts.items())


def with_status(kept: Kept, as_of: int, now: datetime) -> Kept | None:
    """Return the alert closed, or opened again, by the passing of event time alone; None if it stands as it is."""
    is_over = as_of > kept.closes_at
    alert = kept.alert
    if kept.is_retracted or is_over == (alert.status is AlertStatus.CLOSED):
        return None
    change = AlertChange.CLOSED if is_over else AlertChange.UPDATED
    reason = _quiet_reason(kept.quiet) if is_over else "the quiet time has not passed after all"
    at = kept.closes_at if is_over else kept.episode.last_met_at
    update = {
        "status": AlertStatus.CLOSED if is_over else AlertStatus.OPEN,
        "closed_at": moment(kept.closes_at) if is_over else None,
        "version": alert.version + 1,
        "change": change,
        "history": _steps(alert, _step(at, now, change, alert.observed, reason)),
    }
    return replace(kept, alert=alert.model_copy(update=update), as_of=as_of, pending=True)


def retracted(kept: Kept, survivor: UUID | None, now: datetime, *, because: str | None = None) -> Kept:
    """Return the alert taken back: its overdoses were revised away, or it became a part of another alert.

    ``because`` is said in place of the former where it was something else.
    """
    alert = kept.alert
    reason = because or "the overdoses that carried it were revised away"
    if survivor is not None:
        reason = f"it became a part of alert {survivor}"
    step = _step(kept.episode.last_met_at, now, AlertChange.RETRACTED, alert.observed, reason)
    update = {
        "status": AlertStatus.RETRACTED,
        "change": AlertChange.RETRACTED,
        "version": alert.version + 1,
        "history": _steps(alert, step),
    }
    return replace(kept, alert=alert.model_copy(update=update), pending=True)


def with_contacts(kept: Kept, contacts: tuple[AlertContact, ...], roles: Sequence[str]) -> Kept:
    """Return the alert with the contacts known now: those of the roles that its rule tells, or all where it names none."""
    if roles:
        contacts = tuple(contact for contact in contacts if contact.role in roles)
    return replace(kept, alert=kept.alert.changed(contacts=contacts))


def with_silent_feeds(kept: Kept, silent: tuple[SilentFeed, ...]) -> Kept:
    """Return the alert with the feeds that are silent now, named in its explanation too."""
    explanation = of_counts(kept.alert) + beside_the_counts(silent) + one_story(kept.alert.related, kept.alert.explained_by)
    return replace(kept, alert=kept.alert.changed(silent_feeds=silent, explanation=explanation))


def related(kept: Kept, story: Story, now: datetime) -> Kept | None:
    """Return the alert with the alerts about the same incidents that are known now; None if it names them already."""
    alert = kept.alert
    if (alert.related, alert.explained_by) == (story.related, story.explained_by):
        return None
    areas = ", ".join(each.area for each in story.related[:3])
    reason = f"one story with the alerts in {areas}" if areas else "no other alert tells of most of its incidents any more"
    update = {
        "related": story.related,
        "explained_by": story.explained_by,
        "explanation": of_counts(alert) + beside_the_counts(alert.silent_feeds) + one_story(story.related, story.explained_by),
        "version": alert.version + 1,
        "change": AlertChange.UPDATED,
        "history": _steps(alert, _step(kept.episode.last_met_at, now, AlertChange.UPDATED, alert.observed, reason)),
    }
    return replace(kept, alert=alert.model_copy(update=update), pending=True)


def _step(at: int, now: datetime, change: AlertChange, observed: int, reason: str) -> Transition:
    return _transition(at=moment(at), recorded_at=now, change=change, observed=observed, reason=reason)


def _steps(alert: Alert, step: Transition) -> tuple[Transition, ...]:
    steps = (*alert.history, step)
    return steps if len(steps) <= _MOST_STEPS else (steps[0], *steps[-_MOST_STEPS + 1 :])


def _quiet_reason(quiet: int) -> str:
    return f"the rule was not met for {quiet / 3_600_000_000:g} h"


def _difference(before: Episode, after: Episode) -> str:
    if after.observed != before.observed:
        return f"the highest count went from {before.observed} to {after.observed}"
    if after.last_met_at > before.last_met_at:
        return "the rule is met again"
    return "earlier overdoses were added, corrected or taken back"
