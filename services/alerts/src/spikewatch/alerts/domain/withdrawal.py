"""What becomes of an open alert whose rule is in force no longer: it was right when it was raised, so it closes and is not taken back."""

from dataclasses import replace
from datetime import datetime

from spikewatch.alerts.domain.identity import Kept
from spikewatch.alerts.domain.instants import moment
from spikewatch.contracts.alert import AlertChange, AlertStatus, Transition

__all__ = ["WITHDRAWN", "withdrawn"]

WITHDRAWN = "the rule was withdrawn"


def withdrawn(kept: Kept, successor: int | None, as_of: int, now: datetime) -> Kept:
    """Return an open alert closed as of an event time; ``successor`` is the version of its rule that is in force now, if any is."""
    alert = kept.alert
    at = min(max(as_of, kept.episode.last_met_at), kept.closes_at)
    reason = WITHDRAWN if successor is None else f"{WITHDRAWN}: version {successor} took its place"
    step = Transition(at=moment(at), recorded_at=now, change=AlertChange.CLOSED, observed=alert.observed, reason=reason)
    update = {
        "status": AlertStatus.CLOSED,
        "closed_at": moment(at),
        "change": AlertChange.CLOSED,
        "version": alert.version + 1,
        "history": (*alert.history, step),
    }
    return replace(kept, alert=alert.model_copy(update=update), pending=True, is_withdrawn=True)
