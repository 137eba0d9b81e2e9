"""The rules in force: those of the file, and those of the directory. A function of both alone, so that every instance has the same."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rulebook import Rulebook, WrongRules, contradicted, decides_otherwise
from spikewatch.contracts.case_definitions import SHIPPED_DEFINITIONS

__all__ = ["Composition", "Unusable", "composed", "read_rule"]

_OF_THE_FILE: Final = "the file's rule stands"


@dataclass(frozen=True, slots=True)
class Unusable:
    """A rule of the directory that is not in force, and why."""

    rule: str
    version: int
    problem: str


@dataclass(frozen=True)
class Composition:
    """All rules that are known, and those of the directory that are left out."""

    rulebook: Rulebook
    unusable: tuple[Unusable, ...] = ()


def read_rule(name: str, version: int, document: str, definitions: Mapping[str, int] = SHIPPED_DEFINITIONS) -> Rule | Unusable:
    """Return the rule of a document, or why it cannot be used. ``definitions`` are the case definitions that it may name."""
    try:
        (rule,) = Rulebook.of({"rules": [json.loads(document)]}, definitions).known
    except WrongRules as error:
        return Unusable(name, version, "; ".join(f"{one.field}: {one.text}" for one in error.problems))
    except (ValueError, RecursionError):
        return Unusable(name, version, "document: is no JSON")
    if (rule.id, rule.version) != (name, version):
        return Unusable(name, version, "document: names another id or version than its record")
    return rule


def composed(of_file: Rulebook, stored: Mapping[str, Rule | Unusable]) -> Composition:
    """Return the file's rules with those of the directory, by id, in place of and after them.

    A rule of the directory takes the place of the file's with the same id when its version is higher, or when under the same
    version it decides the same and is only described or enabled otherwise. One that contradicts another is left out.
    """
    unusable: list[Unusable] = []
    offered: dict[str, Rule] = {}
    files = {rule.id: rule for rule in of_file.known}
    for name in sorted(stored):
        rule = stored[name]
        if isinstance(rule, Unusable):
            unusable.append(rule)
        elif (why := _not_after(files.get(name), rule)) is not None:
            unusable.append(Unusable(name, rule.version, why))
        else:
            offered[name] = rule
    accepted = [rule for rule in of_file.known if rule.id not in offered]
    for name in sorted(offered):
        other = contradicted(offered[name], accepted)
        if other is None:
            accepted.append(offered[name])
            continue
        why = f"neighbours: differ from those that rule {other} states; an area has the same neighbours in all rules"
        unusable.append(Unusable(name, offered[name].version, why))
        if name in files and contradicted(files[name], accepted) is None:
            accepted.append(files[name])
    order = {rule.id: place for place, rule in enumerate(of_file.known)}
    accepted.sort(key=lambda rule: (order.get(rule.id, len(order)), rule.id))
    return Composition(Rulebook(tuple(accepted)), tuple(unusable))


def _not_after(of_file: Rule | None, rule: Rule) -> str | None:
    if of_file is None or rule.version > of_file.version:
        return None
    if rule.version < of_file.version:
        return f"version: the file has version {of_file.version}; {_OF_THE_FILE}"
    if decides_otherwise(of_file, rule):
        return f"version: the file has other content under the same version; {_OF_THE_FILE}; raise the version"
    return None
