"""Steps of severity, and who may be told from each on."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from pydantic import Field, model_validator

from spikewatch.contracts.contract import Contract, ShortText

__all__ = ["Audience", "Tier", "wrong_tiers"]

Audience = Literal["responder", "health", "law_enforcement", "partner", "public"]
"""Who may be told, in no order."""


class Tier(Contract, extra="forbid"):
    """One step of severity: reached when every bound that it states is."""

    name: ShortText = Field(description="What the tier is called, for example notify.")
    at_least: int | None = Field(default=None, ge=1, description="Overdoses in the window.")
    probability_below: float | None = Field(default=None, gt=0, lt=1, description="Chance of so many; needs a kind that tells one.")
    recurrence_days_above: float | None = Field(
        default=None,
        ge=1,
        description="Chance alone brings as much more rarely than once in so many days, in all areas of the rule's among.",
    )
    audience: tuple[Audience, ...] = Field(default=(), description="Who may be told from this tier on; empty: the rule's audience.")

    @model_validator(mode="after")
    def _is_bounded(self) -> "Tier":
        if self.at_least is None and self.probability_below is None and self.recurrence_days_above is None:
            raise ValueError("expected at_least, probability_below or recurrence_days_above, for example at_least: 5")
        return self

    def is_below(self, other: "Tier") -> bool:
        """Whether all that reaches the other reaches this one, so that beside it, as the more severe of the two, it hides the other."""
        if (self.at_least or 0) > (other.at_least or 0) or (self.recurrence_days_above or 0) > (other.recurrence_days_above or 0):
            return False
        return (self.probability_below or 1) >= (other.probability_below or 1)

    def is_reached(self, observed: int, probability: float | None, recurrence_days: float | None = None) -> bool:
        """Tell whether a window of so many overdoses, such a chance and such a recurrence interval reaches it."""
        if self.at_least is not None and observed < self.at_least:
            return False
        if self.recurrence_days_above is not None and (recurrence_days is None or recurrence_days <= self.recurrence_days_above):
            return False
        return self.probability_below is None or (probability is not None and probability < self.probability_below)


def wrong_tiers(tiers: Sequence[Tier]) -> str | None:
    """Return what is wrong with tiers that should come the least severe first; None if nothing is."""
    if len({tier.name for tier in tiers}) < len(tiers):
        return "two tiers have one name"
    hiding = (f"tiers: {high.name} asks for no more than {low.name} before it" for low, high in pairwise(tiers) if high.is_below(low))
    return next((f"{what}; expected the least severe first" for what in hiding), None)
