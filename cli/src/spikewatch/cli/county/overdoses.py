"""What truly happened in Cedar County: the overdoses of a span of days, a usual pattern with one spike in it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from spikewatch.cli.county.geography import NEIGHBOURHOODS, TIME_ZONE, Neighbourhood, crossing, point_in

__all__ = ["Overdose", "Spike", "Story", "overdoses", "poisson"]

# Weight of each local hour and weekday; each list has the mean 1, so that the rate a day is what was asked for.
_HOURS: Final = (0.9, 0.8, 0.6, 0.5, 0.4, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.5, 1.5, 1.4, 1.4, 1.3, 1.2)
_DAYS: Final = (0.9, 0.9, 0.95, 1.0, 1.1, 1.15, 1.0)
_TWO_PEOPLE: Final = 0.04  # share of the calls at which two people are found
_FATAL: Final = 0.06
_SUBSTANCES: Final = ("fentanyl", "heroin", "fentanyl and cocaine", "methamphetamine", "unknown")
_SUBSTANCE_WEIGHTS: Final = (45, 10, 15, 10, 20)


@dataclass(frozen=True, slots=True)
class Spike:
    """The overdoses on top of the usual ones: ``count`` in ``length``, all in one neighbourhood."""

    count: int = 14
    length: timedelta = timedelta(hours=5)
    ends_before: timedelta = timedelta(minutes=45)  # so that the first records of its last overdose are sent by the end


@dataclass(frozen=True, slots=True)
class Story:
    """What to make up.

    Attributes:
        seed: decides everything; the same story is the same county to the last byte.
        until: the end of the span, aware; no record is sent later.
        length: how far the span reaches back.
        rate: usual overdoses a day in the whole county.
        spike: None for a county where nothing unusual happens.
        resend, correct, late, malformed: shares of the records that are sent again, corrected later, days late, broken.
        other_calls: calls a day about something else, which a dispatch feed holds too.
    """

    seed: int
    until: datetime
    length: timedelta = timedelta(days=60)
    rate: float = 3.0
    spike: Spike | None = Spike()
    resend: float = 0.04
    correct: float = 0.05
    late: float = 0.02
    malformed: float = 0.02
    other_calls: float = 40.0

    def __post_init__(self) -> None:
        if self.until.tzinfo is None:
            message = "until must have a time zone"
            raise ValueError(message)

    @property
    def start(self) -> datetime:
        """The beginning of the span."""
        return self.until - self.length

    @property
    def spike_window(self) -> tuple[datetime, datetime] | None:
        """First and last possible moment of the spike; None without one."""
        if self.spike is None:
            return None
        end = self.until - self.spike.ends_before
        return end - self.spike.length, end


@dataclass(frozen=True, slots=True)
class Overdose:
    """One person's overdose as it truly was. Nobody is named: age and sex are all there is."""

    number: int
    incident: int
    occurred_at: datetime
    place: Neighbourhood
    lat: float
    lon: float
    corner: str
    age: int
    sex: str
    fatal: bool
    substance: str
    doses: int
    people: int
    in_spike: bool


def poisson(mean: float, random: Random) -> int:
    """Draw a count (Knuth's method: fit for small means, and the same on every machine)."""
    limit, count, product = math.exp(-mean), 0, random.random()
    while product > limit:
        count += 1
        product *= random.random()
    return count


def _usual_moments(story: Story, random: Random) -> Iterator[datetime]:
    zone = ZoneInfo(TIME_ZONE)
    hour, step = story.start, timedelta(hours=1)
    while hour < story.until:
        local = hour.astimezone(zone)
        mean = story.rate / 24 * _HOURS[local.hour] * _DAYS[local.weekday()]
        for _ in range(poisson(mean, random)):
            moment = hour + step * random.random()
            if moment < story.until:
                yield moment.replace(microsecond=0)
        hour += step


def _spike_moments(story: Story, random: Random) -> Iterator[datetime]:
    window = story.spike_window
    if story.spike is None or window is None:
        return
    for _ in range(story.spike.count):
        yield (window[0] + story.spike.length * random.random()).replace(microsecond=0)


def overdoses(story: Story) -> list[Overdose]:
    """Return every overdose of the story in order of time."""
    random = Random(f"overdoses-{story.seed}")  # noqa: S311  # a simulation, no secret
    # Some neighbourhoods see many, most see few.
    weights = [random.paretovariate(1.2) for _ in NEIGHBOURHOODS]
    usual = [(moment, random.choices(NEIGHBOURHOODS, weights)[0], False) for moment in _usual_moments(story, random)]
    # The spike hits a neighbourhood of the middle of the list of weights: one where a handful is unusual.
    middle = sorted(range(len(weights)), key=weights.__getitem__)[len(weights) // 2]
    spiking = [(moment, NEIGHBOURHOODS[middle], True) for moment in _spike_moments(story, random)]
    found: list[Overdose] = []
    for incident, (moment, place, in_spike) in enumerate(sorted(usual + spiking, key=lambda item: item[0])):
        lat, lon = point_in(place, random)
        # The spike's size is exact, so nobody is added to its calls.
        people = 2 if not in_spike and random.random() < _TWO_PEOPLE else 1
        for _ in range(people):
            found.append(
                Overdose(
                    number=len(found),
                    incident=incident,
                    occurred_at=moment,
                    place=place,
                    lat=lat,
                    lon=lon,
                    corner=crossing(place, lat, lon),
                    age=min(89, max(16, round(random.gauss(38, 12)))),
                    sex="male" if random.random() < 0.68 else "female",
                    fatal=random.random() < _FATAL,
                    substance="fentanyl" if in_spike else random.choices(_SUBSTANCES, _SUBSTANCE_WEIGHTS)[0],
                    doses=random.choices((0, 1, 2, 3), (25, 40, 25, 10))[0],
                    people=people,
                    in_spike=in_spike,
                )
            )
    return found
