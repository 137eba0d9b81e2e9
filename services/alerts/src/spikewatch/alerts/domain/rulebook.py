"""All rules that are in force, and what changed between two sets of them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from pydantic import ValidationError

from spikewatch.alerts.domain.known_areas import impossible, misspelt
from spikewatch.alerts.domain.known_definitions import unknown
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rules import KINDS
from spikewatch.alerts.domain.rules.refusal import Refusal, whys
from spikewatch.contracts.case_definitions import SHIPPED_DEFINITIONS

__all__ = [
    "Difference",
    "Problem",
    "Rulebook",
    "UnusableRules",
    "WrongRules",
    "contradicted",
    "decides_otherwise",
    "differences",
]

Path = tuple[str | int, ...]
"""Where in the file's content something stands: ``("rules", 0, "window_hours")``."""

_IN_NO_ORDER: Final = ("area_kinds", "areas", "within", "drug_classes", "sources", "case_definitions", "audience", "tells")
_WORDS_ONLY: Final = frozenset({"description", "source"})


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a rule, where, and what was expected."""

    path: Path
    rule: str
    field: str
    text: str


class WrongRules(ValueError):  # noqa: N818  # named by its consequence
    """A set of rules that cannot be used; ``problems`` lists everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{problem.rule}: {problem.field}: {problem.text}" for problem in problems))
        self.problems = tuple(problems)


class UnusableRules(ValueError):  # noqa: N818  # named by its consequence
    """A rules file that cannot be used. ``problems`` pairs each problem with its line, the first being 1."""

    def __init__(self, name: str, problems: list[tuple[int, Problem]]) -> None:
        lines = [f"{name}:{line}: {problem.rule}: {problem.field}: {problem.text}" for line, problem in problems]
        super().__init__("\n".join(lines))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Rulebook:
    """Rules with one version each; those that are not enabled are known and raise nothing."""

    known: tuple[Rule, ...]

    @classmethod
    def of(cls, content: Mapping[str, Any], definitions: Mapping[str, int] = SHIPPED_DEFINITIONS) -> "Rulebook":
        """Read the content of a rules file. ``definitions`` are the case definitions that rules may name, with their versions.

        Raises:
            WrongRules: it is not a list of rules, a rule is wrong, an id is repeated, or no rule is enabled.
        """
        entries = content.get("rules")
        if not isinstance(entries, list) or not entries:
            raise WrongRules([Problem((), "the file", "rules", "expected a list of rules")])
        # most often a rule's field that lost its indentation: `enabled: false` there would switch nothing off
        unknown_keys = [str(key) for key in content if key != "rules"]
        text = "is unknown; expected rules alone, and a rule's fields indented as its id is"
        problems = [Problem((key,), "the file", key, text) for key in unknown_keys]
        rules: list[Rule] = []
        first: dict[str, int] = {}
        for place, entry in enumerate(entries):
            try:
                rule = Rule.model_validate(entry)
            except ValidationError as error:
                problems += _problems(place, entry, error)
                continue
            if first.setdefault(rule.id, place) != place:
                text = f"is the id of rule {first[rule.id] + 1}, too; one version of a rule is in force at a time"
                problems.append(Problem(("rules", place, "id"), rule.id, "id", text))
            problems += _unknown_definitions(place, rule, definitions)
            problems += _impossible_areas(place, rule)
            problems += _contradictions(place, rule, rules)
            rules.append(rule)
        if problems:
            raise WrongRules(problems)
        return cls(tuple(rules))

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that are in force."""
        return tuple(rule for rule in self.known if rule.enabled)

    def watching(self, area: str) -> tuple[Rule, ...]:
        """Return the rules in force that watch an area and are held against each of its overdoses."""
        return tuple(rule for rule in self.at_overdoses if rule.applies_to(area))

    @cached_property
    def scheduled(self) -> tuple[Rule, ...]:
        """The rules in force that are looked at on a schedule."""
        return tuple(rule for rule in self.rules if rule.is_scheduled)

    @cached_property
    def at_overdoses(self) -> tuple[Rule, ...]:
        """The rules in force that are held against each overdose, for each level of area by itself where they share false alarms."""
        return tuple(level for rule in self.rules if not rule.is_scheduled for level in rule.levels)

    @cached_property
    def area_kinds(self) -> frozenset[str]:
        """The kinds of area whose every overdose is held against a rule in force."""
        return frozenset(kind for rule in self.at_overdoses for kind in rule.kinds_watched)

    @cached_property
    def vicinities(self) -> dict[str, tuple[str, ...]]:
        """By area the vicinities that rules in force watch and it is a part of."""
        found: dict[str, set[str]] = defaultdict(set)
        for rule in self.at_overdoses:
            for vicinity, areas in rule.vicinities.items():
                for area in areas:
                    found[area].add(vicinity)
        return {area: tuple(sorted(several)) for area, several in found.items()}

    @cached_property
    def horizon(self) -> int:
        """How much history any decision about the present can need, in microseconds."""
        return max((rule.reach + rule.quiet for rule in self.at_overdoses), default=0)

    @cached_property
    def quiet(self) -> int:
        """The longest quiet time of any of these rules, in microseconds."""
        return max((rule.quiet for rule in self.at_overdoses), default=0)


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of one rule: ``change`` is added, removed, changed or described.

    ``fields`` holds name, value before and value after. ``needs_version`` tells that it decides otherwise under its old
    version, so that its alerts could not say which rule raised them.
    """

    rule: str
    change: str
    fields: tuple[tuple[str, object, object], ...] = ()
    needs_version: bool = False


def differences(before: Rulebook, after: Rulebook) -> list[Difference]:
    """Return what changed from one set of rules to another, by rule id."""
    old, new = ({rule.id: rule for rule in book.known} for book in (before, after))
    found: list[Difference] = []
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            found.append(Difference(name, "added"))
        elif name not in new:
            found.append(Difference(name, "removed"))
        elif (change := _difference(old[name], new[name])).fields:
            found.append(change)
    return found


def decides_otherwise(old: Rule, new: Rule) -> bool:
    """Tell whether more than words and whether it is enabled differs, so that alerts must name another version."""
    return any(one.needs_version for one in differences(Rulebook((old,)), Rulebook((new,))))


def contradicted(rule: Rule, others: Sequence[Rule]) -> str | None:
    """Return the id of a rule that states the neighbours of an area otherwise; None where there is none."""
    return next((one.id for one in others for area in rule.neighbours if _states_otherwise(one, rule, area)), None)


def _states_otherwise(one: Rule, rule: Rule, area: str) -> bool:
    return area in one.neighbours and set(one.neighbours[area]) != set(rule.neighbours[area])


def _difference(old: Rule, new: Rule) -> Difference:
    one, other = old.model_dump(mode="json"), new.model_dump(mode="json")
    same = _decided(old), _decided(new)
    fields = tuple((field, one[field], other[field]) for field in one if same[0][field] != same[1][field])
    decides = {field for field, _, _ in fields} - _WORDS_ONLY
    return Difference(new.id, "changed" if decides else "described", fields, bool(decides - {"enabled"}) and new.version <= old.version)


def _decided(rule: Rule) -> dict[str, Any]:
    """Return a rule's fields as they decide: what is left out stands with its default, and sets in no order."""
    told = rule.model_dump(mode="json")
    told |= {field: sorted(told[field]) for field in _IN_NO_ORDER}
    told["neighbours"] = {area: sorted(others) for area, others in rule.neighbours.items()}
    return told | {"parameters": KINDS[rule.kind].model_validate(rule.parameters).model_dump(mode="json")}


def _unknown_definitions(place: int, rule: Rule, known: Mapping[str, int]) -> Iterator[Problem]:
    for number, name in enumerate(rule.case_definitions):
        if (why := unknown(name, known)) is not None:
            yield Problem(("rules", place, "case_definitions", number), rule.id, f"case_definitions.{number}", why)


def _impossible_areas(place: int, rule: Rule) -> Iterator[Problem]:
    wrong: dict[Path, str | None] = {("area_kinds", number): misspelt(kind) for number, kind in enumerate(rule.area_kinds)}
    wrong |= {("areas", number): impossible(area) for number, area in enumerate(rule.areas)}
    wrong |= {("within", number): impossible(area) for number, area in enumerate(rule.within)}
    for area, others in rule.neighbours.items():
        wrong[("neighbours", area)] = impossible(area)
        wrong |= {("neighbours", area, number): impossible(other) for number, other in enumerate(others)}
    for path, why in wrong.items():
        if why is not None:
            yield Problem(("rules", place, *path), rule.id, ".".join(map(str, path)), why)


def _contradictions(place: int, rule: Rule, earlier: Sequence[Rule]) -> list[Problem]:
    """Return the areas whose neighbours another rule states otherwise: both would count them under one name."""
    found = []
    for area in rule.neighbours:
        known = next((one for one in earlier if _states_otherwise(one, rule, area)), None)
        if known is not None:
            text = f"differ from those that rule {known.id} states; an area has the same neighbours in all rules"
            found.append(Problem(("rules", place, "neighbours", area), rule.id, f"neighbours.{area}", text))
    return found


def _problems(place: int, entry: object, error: ValidationError) -> list[Problem]:
    name = str(entry.get("id", f"rule {place + 1}")) if isinstance(entry, Mapping) else f"rule {place + 1}"
    found = dict.fromkeys([*whys(error, Rule), *_wrong_parameters(entry)])
    return [Problem(("rules", place, *why.path), name, ".".join(map(str, why.path)) or "rule", why.text) for why in found]


def _wrong_parameters(entry: object) -> Iterator[Refusal]:
    """Return what is wrong with the parameters, told even where another field is wrong, too."""
    if not isinstance(entry, Mapping) or not isinstance(parameters := entry.get("parameters", {}), Mapping):
        return
    criterion = KINDS.get(str(entry.get("kind")))
    if criterion is None:
        return
    try:
        criterion.model_validate(parameters)
    except ValidationError as error:
        yield from (Refusal(("parameters", *why.path), why.text) for why in whys(error, criterion))
