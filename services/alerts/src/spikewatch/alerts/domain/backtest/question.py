"""What a back-test on stored overdoses is asked, what it answers, and why it may not."""

from collections.abc import Sequence
from dataclasses import dataclass

from spikewatch.alerts.domain.backtest.histories import Labelled
from spikewatch.alerts.domain.backtest.verdict import Verdict
from spikewatch.alerts.domain.instants import Instants

__all__ = ["Answer", "NothingStored", "Question", "TestedArea", "TooMuch", "Unusable", "Wrong"]


@dataclass(frozen=True, slots=True)
class Question:
    """Which rules are held against which overdoses; times are microseconds.

    ``rules`` is a file of rules in YAML, empty for those of the service. ``areas`` or ``area_kind`` says where. Without
    ``end`` the test ends at the newest overdose stored, without ``start`` it begins a year before. ``draws`` bounds those of
    rules that scan.
    """

    rules: str = ""
    rule_ids: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    area_kind: str = ""
    start: int | None = None
    end: int | None = None
    labelled: tuple[Labelled, ...] = ()
    draws: int | None = None


@dataclass(frozen=True, slots=True)
class TestedArea:
    """What is stored of one area within the test: the overdoses of each day (UTC) from ``first_day`` on (microseconds)."""

    area: str
    overdoses: int
    first_day: int
    daily: Instants


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rules would have raised from ``start`` to ``end``, both in microseconds and included."""

    start: int
    end: int
    areas: tuple[TestedArea, ...]
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing of a question that is wrong; never the value itself."""

    field: str
    problem: str
    expected: str = ""
    example: str = ""


class Unusable(ValueError):  # noqa: N818  # named by its consequence
    """A question that cannot be answered; ``wrongs`` holds everything that is wrong with it."""

    def __init__(self, wrongs: Sequence[Wrong]) -> None:
        super().__init__("; ".join(f"{one.field} {one.problem}" for one in wrongs))
        self.wrongs = tuple(wrongs)


class TooMuch(ValueError):  # noqa: N818  # named by its consequence
    """A question whose answer would take too much. ``reason`` is stable: TOO_MANY_AREAS, TOO_MANY_OVERDOSES, TOO_MANY_ALARMS."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class NothingStored(ValueError):  # noqa: N818  # named by its consequence
    """No overdose is stored where and when it is asked for."""
