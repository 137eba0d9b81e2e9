"""What every rule kind offers: whether it is met at a time, and what explains it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from pydantic import ValidationInfo, field_validator

from spikewatch.alerts.domain.instants import Bools, Instants
from spikewatch.alerts.domain.rules.refusal import Refusal, no_truth_for_a_number
from spikewatch.alerts.domain.series import Series
from spikewatch.contracts.contract import Contract

__all__ = ["MOST_HISTORY_DAYS", "Correction", "Criterion", "Finding", "Together"]

MOST_HISTORY_DAYS: Final = 3660
"""As far as any rule may look back."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What reports that are still to come change: the share that is reported, and what the count will come to, with 90 % bounds.

    ``silent`` names the feeds whose part counts as not reported.
    """

    share: float
    expected: float
    low: float
    high: float
    silent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Together:
    """Calendar steps, days or weeks, that stand out together more than the last of them alone: since when, how many, and what they hold."""

    since: int
    step: str
    steps: int
    observed: int
    expected: float


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a window meets a rule.

    ``baseline`` holds ``(start, end, count)`` of the spans compared with, newest last. ``demand`` completes the
    sentence "the rule asks for …", ``expected_by`` the one "… would be expected" where the demand does not say by what.
    With a ``correction`` what was expected is that of the part that is reported. ``dispersion`` is the variance over the mean of the
    counts, as far as the kind learns it. Where steps stand out ``together``, the probability is theirs.
    """

    demand: str
    threshold: float | None = None
    expected: float | None = None
    probability: float | None = None
    baseline: tuple[tuple[int, int, int], ...] = ()
    # once in so many days chance alone shows as much in one area, however often is looked
    recurrence_days: float | None = None
    dispersion: float | None = None
    correction: Correction | None = None
    together: Together | None = None
    expected_by: str = ""


class Criterion(Contract, ABC, extra="forbid"):
    """The test of one rule kind; its fields are the rule's parameters. All spans are microseconds.

    ``met`` and ``finding`` are functions of the series alone, so that any order of arrival gives the same alerts.
    ``watches`` names the kinds of area that can be judged, None if all can; ``is_scheduled`` tells that rules of this kind are
    looked at on a schedule, never at an overdose.
    """

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_word_for_a_number(cls, value: object, info: ValidationInfo) -> object:
        return no_truth_for_a_number(cls, value, info)

    watches: ClassVar[frozenset[str] | None] = None
    is_scheduled: ClassVar[bool] = False

    def refuses(self, window: int) -> Refusal | None:  # noqa: ARG002  # kinds that take any window
        """Say why a window of this length cannot be judged; None if it can."""
        return None

    def refuses_correction(self) -> str | None:
        """Say why the rule cannot be corrected for the delay of reports; None if it can."""
        return "this kind cannot be corrected for the delay of reports; expected a detector of calendar days or weeks"

    @property
    def tells_recurrence(self) -> bool:
        """Whether it tells how often chance alone brings as much."""
        return False

    @property
    def budget(self) -> tuple[str, float] | None:
        """The parameter that says how often chance alone may meet it, and its value; None for kinds that do not say."""
        return None

    def allow(self, chance: float) -> str | None:  # noqa: ARG002  # most kinds cannot
        """Take care that no area meets it with a chance above this in one step, or say what could be asked for that."""
        return "a detector of counts or a space_time_scan"

    def starts(self, at: Instants, window: int) -> Instants:
        """Return where the windows that end at some times begin."""
        return np.asarray(at - window)

    def start(self, at: int, window: int) -> int:
        """Return where the window that ends at one time begins, as ``starts`` does."""
        return at - window

    def prepare(self, many: Sequence[Series], at: int, window: int) -> None:
        """Get ready to be asked about many areas in the step that runs at a time; changes no answer. Most kinds need not."""

    def foresee(self, many: Sequence[Series], window: int, since: int | None = None) -> None:
        """Get ready to be asked about the past of many areas, all of it or since a time; changes no answer. Most kinds need not."""

    def step(self, at: int, window: int) -> int | None:  # noqa: ARG002  # most kinds have none
        """Return the number of the calendar step that runs at a time; None where the kind's windows slide."""
        return None

    @abstractmethod
    def asks(self) -> str:
        """Return what completes the sentence "the rule is met when …"."""

    @abstractmethod
    def reach(self, window: int) -> int:
        """Return how long after an overdose it may still change a decision."""

    def explains_back(self, window: int) -> int:
        """Return how long before its end a window's explanation looks back; what lies further back than the reach decides nothing."""
        return self.reach(window)

    @abstractmethod
    def met(self, series: Series, at: Instants, counts: Instants, window: int) -> Bools:
        """Tell for sorted evaluation times, with the counts of the windows that end there, where the rule is met."""

    def met_once(self, series: Series, at: int, count: int, window: int) -> bool:
        """Tell it of one time alone, as ``met`` does of many: what comes with each overdose need not make arrays."""
        return bool(self.met(series, np.array([at], dtype=np.int64), np.array([count], dtype=np.int64), window)[0])

    @abstractmethod
    def finding(self, series: Series, at: int, count: int, window: int) -> Finding:
        """Explain the window that ends at one time."""
