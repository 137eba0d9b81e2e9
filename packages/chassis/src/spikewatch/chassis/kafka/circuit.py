"""The circuit: stops a consumer before bad code or configuration drains a whole topic into the dead letters.

The idea of a ratio over recent records is that of arroyo's dead-letter policy.
"""

from collections import deque

__all__ = ["Circuit"]


class Circuit:
    """Counts good and bad records; open means that dead letters are no longer written.

    Args:
        ratio: share of bad records, over a full window, from which the circuit is open; 1.0 never opens it.
        window: how many recent records the share is taken over.
    """

    def __init__(self, *, ratio: float, window: int) -> None:
        self._ratio = ratio
        self._window = window
        self._recent: deque[tuple[int, int]] = deque()
        self._records = 0
        self._bad = 0
        self._open = False

    @property
    def is_open(self) -> bool:
        """Whether the consumer has stopped."""
        return self._open

    def admits(self, records: int, bad: int) -> bool:
        """Return whether a batch may be finished; opens or closes the circuit.

        A batch below the ratio is always admitted and closes the circuit. What was counted stays counted: a few good records
        between many bad ones must not let a window of bad ones through each time.
        """
        if self._ratio >= 1.0 or records == 0:
            return True
        if bad / records < self._ratio:
            self._open = False
            return True
        seen, wrong = self._records + records, self._bad + bad
        if self._open or (seen >= self._window and wrong / seen >= self._ratio):
            self._open = True
            return False
        return True

    def record(self, records: int, bad: int) -> None:
        """Remember a batch that was finished."""
        self._recent.append((records, bad))
        self._records += records
        self._bad += bad
        while self._records - self._recent[0][0] >= self._window:
            gone, wrong = self._recent.popleft()
            self._records -= gone
            self._bad -= wrong
