"""How much of an area's newest days has been reported: what rules that are corrected for delays are told beside the counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from spikewatch.alerts.domain.detection.reporting_delay import area_share
from spikewatch.alerts.domain.detection.series import Floats
from spikewatch.alerts.domain.first_told import Feed
from spikewatch.alerts.domain.instants import DAY

__all__ = ["COMPLETE", "Reported", "reported_of", "silent_feeds"]

COMPLETE: Final = 0.98
"""From this share on a day counts as reported: what is missing is less than chance moves a count."""

_UNKNOWN: Final = 0.05  # below this share a day is not judged at all: one report would stand for twenty


@dataclass(frozen=True, slots=True)
class Reported:
    """The share of each day's overdoses that is reported by the end of ``today`` (days since 1970, UTC), by the day's age from 0.

    Every older day is reported in full. ``silent`` names the feeds whose part counts as not reported.
    """

    today: int
    share: tuple[float, ...]
    silent: tuple[str, ...] = ()

    @property
    def unsettled_from(self) -> int:
        """The time, in microseconds, from which on decisions may change with reports that are still to come: today's are among them."""
        return (self.today - len(self.share)) * DAY

    def of_steps(self, start: int, window: int, number: int) -> Floats | None:
        """Return the share of so many steps that follow one another from a time on, None where all are reported.

        A step of several days has the mean of theirs. A day belongs to the date on which it begins; one that has not begun has
        the share that it will have at its end.
        """
        days = window // DAY
        first = start // DAY
        if first + number * days <= self.today + 1 - len(self.share):
            return None
        ages = np.maximum(self.today - (first + np.arange(number * days)), 0)
        shares = np.append(self.share, 1.0)[np.minimum(ages, len(self.share))]
        mean: Floats = shares.reshape(number, days).mean(axis=1)
        mean[mean >= COMPLETE] = 1.0
        mean[mean < _UNKNOWN] = 0.0
        return None if (mean == 1.0).all() else mean


def reported_of(
    today: int, shares: Mapping[Feed, Floats], weights: Mapping[Feed, float], silent_since: Mapping[Feed, int]
) -> Reported | None:
    """Return the share of an area's overdoses that is reported by age, None where each day is complete when it ends.

    ``shares`` is what each feed has reported of a day by each age, ``weights`` how much each usually tells first in the area,
    ``silent_since`` the day on which a silent feed last sent: of that day and the days before it has told what it had told then, of
    later days nothing.
    """
    feeds = [feed for feed, weight in weights.items() if weight > 0 and feed in shares]
    if not feeds:
        return None
    gaps = [max(today - silent_since[feed], 0) if feed in silent_since else 0 for feed in feeds]
    ages = np.arange(max(gaps) + max(len(shares[feed]) for feed in feeds))
    # a silent feed knows of a day what it knew of it on its last day
    then = np.array([shares[feed][np.clip(ages - gap, 0, len(shares[feed]) - 1)] for feed, gap in zip(feeds, gaps, strict=True)])
    untold = ages[np.newaxis, :] < np.array(gaps)[:, np.newaxis]
    share = area_share(then, np.array([weights[feed] for feed in feeds]), untold)
    unsettled = np.flatnonzero(share < COMPLETE)
    if not len(unsettled):
        return None
    named = sorted("/".join(feed) for feed, gap in zip(feeds, gaps, strict=True) if gap)
    return Reported(today, tuple(np.minimum(share[: int(unsettled[-1]) + 1], 1.0).tolist()), tuple(named))


def silent_feeds(agencies: Mapping[str, int], last_received: Mapping[Feed, int], feeds: Sequence[Feed]) -> dict[Feed, int]:
    """Return of some feeds those that are silent, and the day since when.

    ``agencies`` are those of which a feed is silent, with the day on which it last sent. An agency that sends in two formats may
    be silent in one alone: what it sent by a kind of source after that day is not silent.
    """
    return {feed: agencies[feed[0]] for feed in feeds if feed[0] in agencies and last_received.get(feed, 0) <= agencies[feed[0]]}
