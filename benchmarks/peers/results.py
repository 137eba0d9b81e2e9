"""What a geocoder answered, and how it is told: one table a set."""

import math
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from benchmarks.peers.strings import Known

Placed = tuple[float, float] | None
_HEADER = f"{'':34}{'match %':>8}{'median m':>10}{'<=100 m %':>11}{'>500 m %':>10}{'per s':>10}"


class PeerAbsentError(Exception):
    """A peer cannot be run here. The text says what was tried and why it failed."""


class Answers(NamedTuple):
    """The places (latitude, longitude) one geocoder gave for one set, in the order asked, and the seconds it took for all of them."""

    geocoder: str
    asked_set: str
    places: Sequence[Placed]
    seconds: float


class Compared(NamedTuple):
    """One geocoder with all that it answered."""

    version: str
    answers: Sequence[Answers]


def answers_of(geocoder: str, sets: dict[str, list[Known]], place: Callable[[str], Placed], *, turns: int = 1) -> list[Answers]:
    """Ask one string after another, `turns` times; the best turn's time counts."""
    found: list[Answers] = []
    for name, rows in sets.items():
        best, places = math.inf, list[Placed]()
        for _ in range(turns):
            started = time.perf_counter()
            places = [place(row.text) for row in rows]
            best = min(best, time.perf_counter() - started)
        found.append(Answers(geocoder, name, places, best))
    return found


def metres(at: tuple[float, float], row: Known) -> float:
    """Return the distance between an answer and the truth; flat, which is exact to a metre within a city."""
    return math.hypot(at[0] - row.lat, (at[1] - row.lon) * math.cos(math.radians(row.lat))) * 111_195


def tables(sets: dict[str, list[Known]], answers: Iterable[Answers]) -> str:
    """Return one table for each set, a line for each geocoder. Shares are of all strings asked, not of those matched."""
    by_set: dict[str, list[Answers]] = {name: [] for name in sets}
    for answer in answers:
        by_set[answer.asked_set].append(answer)
    lines: list[str] = []
    for name, rows in sets.items():
        lines += ["", f"{name}, {len(rows):,} strings", _HEADER]
        lines += [_line(rows, answer) for answer in by_set[name]]
    return "\n".join(lines)


def _line(rows: Sequence[Known], answer: Answers) -> str:
    errors = [metres(at, row) for at, row in zip(answer.places, rows, strict=True) if at is not None]
    total = len(rows)
    within, wrong = (sum(error <= 100 for error in errors) / total, sum(error > 500 for error in errors) / total)
    median = f"{statistics.median(errors):.1f}" if errors else "-"
    return (
        f"{answer.geocoder:34}{len(errors) / total * 100:>8.1f}{median:>10}{within * 100:>11.1f}{wrong * 100:>10.2f}"
        f"{total / answer.seconds:>10,.0f}"
    )
