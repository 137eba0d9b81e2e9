"""A new alert under an id that follows from what it is about; one that was taken back under the same id lives again."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from spikewatch.alerts.domain.identity import Kept, overlap
from spikewatch.alerts.domain.lifecycle import Draft, lived_on, opened
from spikewatch.alerts.ports import AlertStore, Overtaken
from spikewatch.contracts.identifiers import alert_id

__all__ = ["new_alert"]

_TRIES = 64  # further alerts that once opened at the same moment


async def new_alert(alerts: AlertStore, draft: Draft, name: str, taken: Collection[UUID], now: datetime) -> Kept:
    """Return the alert of a draft; ``name`` tells it from others of its rule and area, ``taken`` are ids that are in use.

    Raises:
        Overtaken: another writer has raised it since the alerts were read that are in use.
    """
    rule = draft.rule
    for attempt in range(len(taken) + _TRIES):
        # an alert that once had this name may have grown to the past and live on in another episode
        one = alert_id(rule.id, rule.version, draft.area, name if attempt == 0 else f"{name} {attempt + 1}")
        if one in taken:
            continue
        known = (await alerts.load([one])).get(one)
        if known is None:
            return opened(draft, one, now)
        if known.is_retracted:
            revived = lived_on(known, draft, now)
            if revived is not None:
                return revived
        elif overlap(known.episode, draft.episode):
            raise Overtaken("alerts: another writer has raised this one")
    raise RuntimeError("no free id for a new alert")
