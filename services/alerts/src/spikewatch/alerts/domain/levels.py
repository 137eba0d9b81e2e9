"""How a rule over several kinds of area shares its false alarms among them: a place lies in one area of each kind."""

from collections.abc import Collection, Mapping
from typing import Final

__all__ = ["wrong_shares"]

_WHOLE: Final = 1 + 1e-9  # thirds may be written with a few digits and sum to this
_EXAMPLE: Final = "for example {county: 0.5, city: 0.3, zip: 0.2}"


def wrong_shares(shares: Mapping[str, float], kinds: Collection[str]) -> str | None:
    """Say what is wrong with the shares of the kinds of area that a rule watches; None if nothing is."""
    if set(shares) != set(kinds):
        return f"expected a share for each kind of area that is watched: {', '.join(sorted(kinds))}"
    if (together := sum(shares.values())) > _WHOLE:
        return f"are {together:g} together; expected at most 1, {_EXAMPLE}"
    return None
