"""Alerts as messages. The same version gives the same ``ce_id`` whenever it is published."""

from typing import Final

from spikewatch.chassis.kafka.message import Message
from spikewatch.contracts import topics
from spikewatch.contracts.alert import Alert, AlertChange
from spikewatch.contracts.topics import EventType

__all__ = ["alert_message"]

_SOURCE: Final = "/services/alerts"
_TYPES: Final = {
    AlertChange.OPENED: EventType.ALERT_OPENED,
    AlertChange.UPDATED: EventType.ALERT_UPDATED,
    AlertChange.REVIEWED: EventType.ALERT_REVIEWED,
    AlertChange.CLOSED: EventType.ALERT_CLOSED,
    AlertChange.RETRACTED: EventType.ALERT_RETRACTED,
}


def alert_message(alert: Alert, also_caused_by: tuple[int, ...] = ()) -> Message:
    """Return the message that publishes an alert's newest version."""
    return Message.of(
        topics.ALERTS,
        alert,
        key=str(alert.alert_id),
        event_type=_TYPES[alert.change],
        subject=alert.alert_id,
        version=alert.version,
        source=_SOURCE,
        time=alert.history[-1].recorded_at,
        partition_by=alert.area,
        also_caused_by=also_caused_by,
    )
