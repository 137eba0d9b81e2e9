"""When the next body is due: by event time at a chosen speed, by records a second, or at once."""

from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["Pace"]


@dataclass(slots=True)
class Pace:
    """Tells how long to wait before the next body.

    Attributes:
        speed: event-seconds a second; None: event times do not matter.
        rate: records a second; None: no limit.
        latest: an event time after this is a mistake of its record and holds nothing up; None: all are believed.
    """

    speed: float | None = None
    rate: float | None = None
    latest: datetime | None = None
    _first: datetime | None = field(default=None, init=False)
    _newest: datetime | None = field(default=None, init=False)
    _sent: int = field(default=0, init=False)

    def due(self, newest: datetime | None, records: int) -> float:
        """Return the second since the start at which a body is due.

        A late record, whose event time lies before one already sent, is due at once: it never turns time back. ``newest`` is the
        latest event time of the body, None when it has none that can be read.
        """
        at = 0.0
        if self.speed is not None:
            if newest is not None and (self.latest is None or newest <= self.latest):
                self._first = newest if self._first is None else self._first
                self._newest = newest if self._newest is None else max(newest, self._newest)
            if self._first is not None and self._newest is not None:
                at = (self._newest - self._first).total_seconds() / self.speed
        if self.rate is not None:
            at = max(at, self._sent / self.rate)
        self._sent += records
        return at
