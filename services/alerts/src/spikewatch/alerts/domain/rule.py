"""A rule: versioned data that says when the overdoses in an area are a spike."""

from functools import cached_property
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import Field, StringConstraints, ValidationError, ValidationInfo, field_validator, model_validator

from spikewatch.alerts.domain.instants import HOUR
from spikewatch.alerts.domain.levels import wrong_shares
from spikewatch.alerts.domain.marks import Asked, asked
from spikewatch.alerts.domain.rules import KINDS
from spikewatch.alerts.domain.rules.criterion import Criterion
from spikewatch.alerts.domain.rules.detector import COUNT_TAILS
from spikewatch.alerts.domain.rules.refusal import Refusal, no_truth_for_a_number, refused, whys
from spikewatch.alerts.domain.rules.space_time_scan import JOINED
from spikewatch.alerts.domain.tier import Audience, Tier, wrong_tiers
from spikewatch.alerts.domain.vicinities import VICINITY, vicinity_of, wrong_neighbours
from spikewatch.contracts.alert import RuleReference
from spikewatch.contracts.case_definitions import DefinitionName
from spikewatch.contracts.contract import AreaId, Contract, FreeText, ShortText, area_kind
from spikewatch.contracts.incident import MOST_DEFINITIONS
from spikewatch.contracts.vocabulary import DrugClass, Outcome, SourceType

__all__ = ["Rule", "RuleId"]

RuleId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]
"""A rule's id: small letters, digits and hyphens, for example ``odmap-24h``."""

_STATE_DIGITS = 2  # of a county's FIPS code
_CHANCES: Final = f"sliding_window, poisson, space_time_scan, or a detector of counts ({', '.join(COUNT_TAILS)})"
_BUDGETS: Final = f"sliding_window, poisson, or a detector of counts ({', '.join(COUNT_TAILS)})"


class Rule(Contract, extra="forbid"):
    """One version of one rule. A change of anything but the descriptions needs a new version."""

    id: RuleId
    version: int = Field(ge=1, le=2**31 - 1)  # gRPC carries 32 bits
    description: FreeText
    source: FreeText | None = Field(default=None, description="Where the rule was published.")
    enabled: bool = Field(default=True, description="A rule that is not enabled is checked and back-tested, and raises nothing.")
    kind: ShortText = Field(description="Name of a rule kind, for example fixed_count.")
    window_hours: float = Field(ge=1, le=28 * 24)
    area_kinds: tuple[ShortText, ...] = Field(default=(), description="Kinds of area it watches, for example county.")
    areas: tuple[AreaId, ...] = Field(default=(), description="Single areas it watches, for example county:42091.")
    neighbours: dict[AreaId, tuple[AreaId, ...]] = Field(
        default_factory=dict,
        max_length=5_000,
        description="Areas it watches together with others as one count, for example county:42091: [county:42017, county:42029].",
    )
    within: tuple[AreaId, ...] = Field(default=(), description="Of the counties it watches only those of these states.")
    outcome: Literal["any", "fatal", "nonfatal"] = "any"
    drug_classes: tuple[DrugClass, ...] = Field(default=(), description="An overdose counts if it has one of them; empty asks nothing.")
    sources: tuple[SourceType, ...] = Field(default=(), description="An overdose counts if one of them reported it; empty asks nothing.")
    case_definitions: tuple[DefinitionName, ...] = Field(
        default=(),
        max_length=MOST_DEFINITIONS,
        description="An overdose counts if one of its reports meets one of them: an id (any version) or id@n; empty asks nothing.",
        examples=[["opioid"], ["nemsis-opioid-anchored@1", "medical-examiner-drug"]],
    )
    minimum_count: int = Field(default=1, ge=1, le=1_000_000, description="Fewer overdoses in the window are never a spike.")
    quiet_hours: float = Field(
        default=24, ge=1, le=366 * 24, description="An alert ends when the rule was not met for so long; then it is armed again."
    )
    delay_correction: Literal["none", "learnt"] = Field(
        default="none",
        description="Whether the newest steps are judged by the part that is reported, as learnt from each feed's delays; detectors only.",
    )
    among: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="How many areas share false alarms: recurrence intervals and false discoveries are of all of them together. "
        "By default as many as areas names, and where it watches kinds of area each by itself.",
    )
    false_discovery_rate: float | None = Field(
        default=None,
        gt=0,
        le=0.5,
        description="Of the alarms of one step in all areas of among, this share at most is false on average; detectors and scans only.",
    )
    level_shares: dict[ShortText, Annotated[float, Field(gt=0, le=1)]] = Field(
        default_factory=dict,
        description="Which part of the rule's false alarms each kind of area may bring, as a place lies in one area of each kind.",
        examples=[{"county": 0.5, "city": 0.3, "zip": 0.2}],
    )
    tiers: tuple[Tier, ...] = Field(default=(), description="Steps of severity, the least severe first.")
    audience: tuple[Audience, ...] = Field(default=("responder", "health"), min_length=1, description="Who may be told.")
    tells: tuple[ShortText, ...] = Field(default=(), description="Roles of the contacts that are told; empty: all of the area.")
    parameters: dict[str, float | int | str | bool] = Field(default_factory=dict, description="What the kind asks for.")

    @field_validator("version", "window_hours", "quiet_hours", "minimum_count", "among", "false_discovery_rate", mode="before")
    @classmethod
    def _is_no_word_for_a_number(cls, value: object, info: ValidationInfo) -> object:
        return no_truth_for_a_number(cls, value, info)

    @model_validator(mode="after")
    def _watches_something(self) -> "Rule":
        if not self.area_kinds and not self.areas and not self.neighbours:
            raise ValueError("watches nothing; expected area_kinds, areas or neighbours, for example area_kinds: [county]")
        if (why := wrong_neighbours(self.neighbours)) is not None:
            raise ValueError(f"neighbours: {why}")
        if any(area_kind(area) != "state" for area in self.within):
            raise ValueError("within names states only, for example within: [state:42]")
        if self.within and set(self.area_kinds) - {"county", "state"}:
            raise ValueError("within can be asked of counties and states only; name other areas under areas")
        if (why := wrong_tiers(self.tiers)) is not None:
            raise ValueError(why)
        return self

    @model_validator(mode="after")
    def _has_right_parameters(self) -> "Rule":
        if self.kind not in KINDS:
            raise refused(Refusal(("kind",), f"is an unknown kind of rule; expected one of {', '.join(KINDS)}"))
        try:
            criterion = KINDS[self.kind].model_validate(self.parameters)
        except ValidationError as error:
            raise refused(*(Refusal(("parameters", *why.path), why.text) for why in whys(error, KINDS[self.kind]))) from None
        if (wrong := criterion.refuses(self.window)) is not None:
            raise refused(wrong)
        if self.delay_correction != "none" and (why := criterion.refuses_correction()) is not None:
            raise ValueError(f"delay_correction: {why}")
        if criterion.watches is not None and self.kinds_watched - criterion.watches:
            raise ValueError(f"a rule of this kind watches {' and '.join(sorted(criterion.watches))} areas only")
        return self

    @model_validator(mode="after")
    def _can_control_false_alarms(self) -> "Rule":
        if any(tier.recurrence_days_above is not None for tier in self.tiers) and not self.criterion.tells_recurrence:
            raise ValueError(f"tiers: recurrence_days_above needs to know what chance brings; expected {_CHANCES}")
        if self.false_discovery_rate is None:
            return self
        if (needs := self.criterion.allow(self.false_discovery_rate / self.areas_together)) is not None:
            raise ValueError(f"false_discovery_rate: expected {needs}")
        if self.among is None and self.area_kinds and not self.is_scheduled:
            raise ValueError("false_discovery_rate: expected among, how many areas there are, for example among: 67")
        return self

    @model_validator(mode="after")
    def _can_share_among_levels(self) -> "Rule":
        if not self.level_shares:
            return self
        if self.budget is None:
            raise ValueError(f"level_shares: needs a kind that states how many false alarms it allows; expected {_BUDGETS}")
        if (why := wrong_shares(self.level_shares, self.kinds_watched)) is not None:
            raise ValueError(f"level_shares: {why}")
        return self

    @cached_property
    def criterion(self) -> Criterion:
        """The test with its parameters."""
        criterion = KINDS[self.kind].model_validate(self.parameters)
        if self.false_discovery_rate is not None:
            criterion.allow(self.false_discovery_rate / self.areas_together)
        return criterion

    @cached_property
    def budget(self) -> tuple[str, float] | None:
        """The parameter that says how often chance alone may meet it in an area, as it is stated; None for kinds that do not say."""
        return KINDS[self.kind].model_validate(self.parameters).budget

    @property
    def areas_together(self) -> int:
        """How many areas share false alarms; areas that are looked at as one place are one."""
        is_scan = KINDS[self.kind].is_scheduled
        places = {JOINED if is_scan and area_kind(area) == JOINED else area for area in self.areas}
        return self.among or (len(places) + len(self.neighbours) if not self.area_kinds else 1)

    def recurrence_of(self, in_one_area: float | None) -> float | None:
        """Return once in how many days chance alone brings as much in all areas that share false alarms; None below one day."""
        if in_one_area is None or in_one_area < self.areas_together:
            return None
        return in_one_area / self.areas_together

    @property
    def tells_recurrence(self) -> bool:
        """Whether its alerts say in words how rare they are in all areas together."""
        return self.among is not None or any(tier.recurrence_days_above is not None for tier in self.tiers)

    @cached_property
    def window(self) -> int:
        """Length of the window in microseconds."""
        return round(self.window_hours * HOUR)

    @cached_property
    def quiet(self) -> int:
        """How long the rule is not met before the alert ends, in microseconds."""
        return round(self.quiet_hours * HOUR)

    @cached_property
    def reach(self) -> int:
        """How long after an overdose it may still change a decision, in microseconds."""
        return self.criterion.reach(self.window)

    def start_of(self, end: int) -> int:
        """Return where the window that ends at a time begins, in microseconds."""
        return int(self.criterion.starts(np.array([end], dtype=np.int64), self.window)[0])

    @cached_property
    def asks(self) -> Asked:
        """What an overdose must have to count."""
        return asked(() if self.outcome == "any" else (Outcome(self.outcome),), self.drug_classes, self.sources, self.case_definitions)

    @cached_property
    def kinds_watched(self) -> frozenset[str]:
        """The kinds of all areas it may watch."""
        return frozenset(self.area_kinds) | {area_kind(area) for area in (*self.areas, *self.vicinities)}

    @cached_property
    def vicinities(self) -> dict[str, tuple[str, ...]]:
        """Areas that are watched together with their neighbours, and of which areas each is made."""
        return {vicinity_of(area): (area, *others) for area, others in self.neighbours.items()}

    def applies_to(self, area: str) -> bool:
        """Tell whether the rule watches an area."""
        if area in self.areas or area in self.vicinities:
            return True
        return area_kind(area) in self.area_kinds and (not self.within or self._lies_within(area))

    @property
    def levels(self) -> tuple["Rule", ...]:
        """The same rule for each kind of area by itself, with its share of the false alarms; the rule itself where it states no shares."""
        return self._shared or (self,)

    @cached_property
    def _shared(self) -> tuple["Rule", ...]:
        if self.budget is None:
            return ()
        parameter, whole = self.budget
        together = self.among if self.area_kinds else self.areas_together  # of all levels, whatever areas one of them has
        fields = self.model_dump() | {"level_shares": {}, "among": together}
        return tuple(
            Rule.model_validate(
                fields
                | {
                    "area_kinds": tuple(each for each in self.area_kinds if each == kind),
                    "areas": tuple(area for area in self.areas if area_kind(area) == kind),
                    "neighbours": self.neighbours if kind == VICINITY else {},
                    "parameters": self.parameters | {parameter: whole * share},
                }
            )
            for kind, share in self.level_shares.items()
        )

    def at(self, area: str) -> "Rule":
        """Return the rule as it judges an area: with the share of the area's kind; the rule itself where it watches no such kind."""
        return next((level for level in self.levels if level.applies_to(area)), self)

    @property
    def is_scheduled(self) -> bool:
        """Whether it is looked at on a schedule, not at each overdose."""
        return self.criterion.is_scheduled

    @property
    def is_corrected(self) -> bool:
        """Whether the newest steps are judged by the part of them that is reported."""
        return self.delay_correction != "none"

    def tier_of(self, observed: int, probability: float | None, recurrence_days: float | None = None) -> str | None:
        """Return the name of the most severe tier that is reached, None where none is or the rule has none."""
        reached = self._reached(observed, probability, recurrence_days)
        return None if reached is None else reached.name

    def audience_of(self, observed: int, probability: float | None, recurrence_days: float | None = None) -> tuple[Audience, ...]:
        """Return who may be told of a window: the audience of the most severe tier that is reached, if it has its own."""
        reached = self._reached(observed, probability, recurrence_days)
        return self.audience if reached is None or not reached.audience else reached.audience

    def _reached(self, observed: int, probability: float | None, recurrence_days: float | None) -> Tier | None:
        return next((tier for tier in reversed(self.tiers) if tier.is_reached(observed, probability, recurrence_days)), None)

    def reference(self) -> RuleReference:
        """Return what an alert carries of the rule: every parameter and setting that decided."""
        return self._reference

    @cached_property
    def _reference(self) -> RuleReference:
        parameters: dict[str, float | int | str] = dict(self.parameters)
        parameters |= {"window_hours": self.window_hours, "quiet_hours": self.quiet_hours, "outcome": self.outcome}
        if self.drug_classes:
            parameters["drug_classes"] = ", ".join(self.drug_classes)
        if self.sources:
            parameters["sources"] = ", ".join(self.sources)
        if self.case_definitions:
            parameters["case_definitions"] = ", ".join(self.case_definitions)
        if self.is_corrected:
            parameters["delay_correction"] = self.delay_correction
        if self.among is not None:
            parameters["among"] = self.among
        if self.false_discovery_rate is not None:
            parameters["false_discovery_rate"] = self.false_discovery_rate
        if self.minimum_count > 1:
            parameters["minimum_count"] = self.minimum_count
        return RuleReference(rule_id=self.id, version=self.version, kind=self.kind, description=self.description, parameters=parameters)

    def _lies_within(self, area: str) -> bool:
        code = area.partition(":")[2]
        return f"state:{code[:_STATE_DIGITS]}" in self.within
