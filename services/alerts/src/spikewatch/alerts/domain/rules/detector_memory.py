"""What a detector's rule remembers of the questions that it was asked: each costs a run over hundreds of steps."""

from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from spikewatch.alerts.domain.detection.series import Floats
from spikewatch.alerts.domain.instants import Bools
from spikewatch.alerts.domain.rules.detector_finding import StepFound

__all__ = ["Foreseen", "Founds", "Leasts", "key_of"]

_MOST_KNOWN: Final = 65_536  # some hundred bytes each
_MOST_FOUND: Final = 8_192  # some three hundred


class Leasts(OrderedDict[bytes, float]):
    """Of the steps before: the count that is an alarm. A step is asked about with each of its overdoses."""

    def remember(self, key: bytes, least: float) -> None:
        """Keep an answer, in place of the oldest where there are too many."""
        self[key] = least
        if len(self) > _MOST_KNOWN:
            self.popitem(last=False)


class Founds(OrderedDict[bytes, StepFound]):
    """Of the steps up to an alarm: what was found. An alert is explained anew with each of its overdoses."""

    def remember(self, key: bytes, found: StepFound) -> None:
        """Keep an answer, in place of the oldest where there are too many."""
        self[key] = found
        if len(self) > _MOST_FOUND:
            self.popitem(last=False)


@dataclass(slots=True)
class Foreseen:
    """What was asked about many areas together. Of a block's counts: which of its steps end with an alarm; of alarms what was found."""

    ended: dict[bytes, Bools] = field(default_factory=dict)
    found: dict[bytes, StepFound] = field(default_factory=dict)


def key_of(first: int, counts: Floats, window: int, share: Floats | None = None) -> bytes:
    """Return what stands for a question about counts from a first step on; ``share`` is the part of them that is reported."""
    told = counts.tobytes() if share is None else counts.tobytes() + share.tobytes()
    return blake2b(told, digest_size=16, key=f"{first} {window}{'' if share is None else ' corrected'}".encode()).digest()
