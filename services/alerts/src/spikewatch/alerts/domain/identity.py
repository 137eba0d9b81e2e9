"""Which episode is which alert: an alert that overlaps a recomputed episode lives on in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from spikewatch.alerts.domain.episodes import Episode
from spikewatch.contracts.alert import Alert, AlertStatus

__all__ = ["Kept", "Pairing", "overlap", "paired"]


@dataclass(frozen=True, slots=True)
class Kept:
    """An alert as it is kept. ``as_of`` is the event time up to which its status was decided.

    ``is_withdrawn`` closed it before its quiet time passed: its rule is in force no longer.
    """

    alert: Alert
    episode: Episode
    quiet: int
    as_of: int
    pending: bool = True
    is_withdrawn: bool = False

    @property
    def alert_id(self) -> UUID:
        """The alert's id."""
        return self.alert.alert_id

    @property
    def closes_at(self) -> int:
        """The event time after which the alert is over if the rule is not met again."""
        return self.episode.last_met_at + self.quiet

    @property
    def is_retracted(self) -> bool:
        """Whether the alert was taken back."""
        return self.alert.status is AlertStatus.RETRACTED


@dataclass(frozen=True, slots=True)
class Pairing:
    """Each episode with the alert that lives on in it (None: a new one), and the alerts that no episode carries.

    Of the latter, with the place in ``living`` of the episode it became a part of, or None.
    """

    living: tuple[tuple[Episode, Kept | None], ...]
    ended: tuple[tuple[Kept, int | None], ...]


def paired(episodes: Sequence[Episode], kept: Sequence[Kept]) -> Pairing:
    """Pair episodes with alerts: each episode, from the oldest on, takes the oldest free alert that overlaps it."""
    free = sorted(kept, key=lambda each: (each.episode.opened_at, each.alert_id))
    living: list[tuple[Episode, Kept | None]] = []
    for episode in sorted(episodes, key=lambda each: each.opened_at):
        match = next((each for each in free if overlap(each.episode, episode)), None)
        if match is not None:
            free.remove(match)
        living.append((episode, match))
    ended = tuple(
        (each, next((place for place, (episode, _) in enumerate(living) if overlap(each.episode, episode)), None)) for each in free
    )
    return Pairing(tuple(living), ended)


def overlap(one: Episode, other: Episode) -> bool:
    """Tell whether two episodes share a time."""
    return one.opened_at <= other.last_met_at and other.opened_at <= one.last_met_at
