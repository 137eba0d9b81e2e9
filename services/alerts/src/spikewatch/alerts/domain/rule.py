"""A rule: versioned data that says when the overdoses in an area are a spike."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, model_validator

from spikewatch.alerts.domain.instants import HOUR
from spikewatch.alerts.domain.marks import asked, mark
from spikewatch.alerts.domain.rules import KINDS
from spikewatch.alerts.domain.rules.criterion import Criterion
from spikewatch.contracts.alert import RuleReference
from spikewatch.contracts.contract import Contract, FreeText, ShortText, area_kind
from spikewatch.contracts.vocabulary import DrugClass, Outcome

__all__ = ["Rule", "Rulebook"]


class Rule(Contract, extra="forbid"):
    """One version of one rule. A change of anything but the description needs a new version."""

    id: ShortText
    version: int = Field(ge=1)
    description: FreeText
    kind: ShortText = Field(description="Name of a rule kind, for example fixed_count.")
    window_hours: float = Field(ge=1, le=28 * 24)
    area_kinds: tuple[ShortText, ...] = Field(min_length=1, description="Kinds of area it watches, for example county.")
    outcome: Literal["any", "fatal", "nonfatal"] = "any"
    drug_classes: tuple[DrugClass, ...] = Field(default=(), description="An overdose counts if it has one of them; empty asks nothing.")
    quiet_hours: float = Field(default=24, ge=1, description="An alert ends when the rule was not met for so long.")
    parameters: dict[str, float | int | str]

    @model_validator(mode="after")
    def _has_right_parameters(self) -> "Rule":
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of rule; expected one of {', '.join(KINDS)}")
        KINDS[self.kind](**self.parameters)
        return self

    @cached_property
    def criterion(self) -> Criterion:
        """The test with its parameters."""
        return KINDS[self.kind](**self.parameters)

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

    @cached_property
    def outcomes(self) -> int:
        """Bits of the outcomes that count; 0 for any."""
        return 0 if self.outcome == "any" else mark((Outcome(self.outcome),), ())

    @cached_property
    def classes(self) -> int:
        """Bits of the drug classes that count; 0 for any."""
        return asked(self.drug_classes)

    def applies_to(self, area: str) -> bool:
        """Tell whether the rule watches areas of this kind."""
        return area_kind(area) in self.area_kinds

    def reference(self) -> RuleReference:
        """Return what an alert carries of the rule: every parameter and setting that decided."""
        parameters: dict[str, float | int | str] = dict(self.parameters)
        parameters |= {"window_hours": self.window_hours, "quiet_hours": self.quiet_hours, "outcome": self.outcome}
        if self.drug_classes:
            parameters["drug_classes"] = ", ".join(self.drug_classes)
        return RuleReference(rule_id=self.id, version=self.version, kind=self.kind, description=self.description, parameters=parameters)


@dataclass(frozen=True)
class Rulebook:
    """All rules that are in force."""

    rules: tuple[Rule, ...]

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Rulebook":
        """Read the content of a rules file.

        Raises:
            ValueError: it is not a list of rules, a rule is wrong, or an id is repeated.
        """
        entries = content.get("rules")
        if not isinstance(entries, list) or not entries:
            raise ValueError("expected a list under 'rules'")
        rules = tuple(Rule.model_validate(entry) for entry in entries)
        if len({rule.id for rule in rules}) < len(rules):
            raise ValueError("a rule id is repeated; one version of a rule is in force at a time")
        return cls(rules)

    def watching(self, area: str) -> tuple[Rule, ...]:
        """Return the rules that watch an area."""
        return tuple(rule for rule in self.rules if rule.applies_to(area))

    @cached_property
    def area_kinds(self) -> frozenset[str]:
        """The kinds of area that any rule watches."""
        return frozenset(kind for rule in self.rules for kind in rule.area_kinds)

    @cached_property
    def horizon(self) -> int:
        """How much history any decision about the present can need, in microseconds."""
        return max(rule.reach + rule.quiet for rule in self.rules)
