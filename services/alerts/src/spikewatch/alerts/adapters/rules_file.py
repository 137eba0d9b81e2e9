"""Reads the rules from a YAML file, or those that are shipped; what is wrong is told with its line."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import yaml

from spikewatch.alerts.domain.rulebook import Problem, Rulebook, UnusableRules, WrongRules
from spikewatch.contracts.case_definitions import SHIPPED_DEFINITIONS

__all__ = ["PUBLISHED", "SHIPPED", "UnusableRules", "lines_of_rules", "read_rules", "rules_of", "rules_of_package", "text_of_package"]

SHIPPED: Final = "rules.yaml"
"""The rules in force where nothing else is said."""

PUBLISHED: Final = "published.yaml"
"""Every published definition of a spike as a rule, none of them in force."""

_MOST_BYTES: Final = 4 * 2**20
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_rules(path: Path | None, definitions: Mapping[str, int] = SHIPPED_DEFINITIONS) -> Rulebook:
    """Return the rules of a file; without one, the shipped ones. ``definitions`` are the case definitions that they may name.

    Raises:
        UnusableRules: the file is no YAML or a rule in it is wrong; the text says which, and where.
        OSError: the file cannot be read.
    """
    if path is None:
        return rules_of_package(SHIPPED)
    content = path.read_bytes()
    try:
        return rules_of(content.decode("utf-8-sig"), path.name, definitions)
    except UnicodeDecodeError:
        raise UnusableRules(path.name, [(1, Problem((), "the file", "text", "is no UTF-8; expected YAML"))]) from None


def rules_of_package(name: str) -> Rulebook:
    """Return the rules of a file that the package carries: ``SHIPPED`` or ``PUBLISHED``."""
    return rules_of(text_of_package(name), name)


def text_of_package(name: str) -> str:
    """Return the YAML of a file that the package carries."""
    return files("spikewatch.alerts").joinpath(name).read_text("utf-8")


def rules_of(text: str, name: str, definitions: Mapping[str, int] = SHIPPED_DEFINITIONS) -> Rulebook:
    """Return the rules of a text in YAML; ``name`` is what the errors call it.

    Raises:
        UnusableRules: see ``read_rules``.
    """
    if len(text) > _MOST_BYTES:
        raise UnusableRules(name, [(1, Problem((), "the file", "size", "is above 4 MB; expected some hundred rules"))])
    try:
        tree = yaml.compose(text, Loader=_LOADER)
        content: Any = yaml.load(text, Loader=_LOADER)  # noqa: S506  # a safe loader, in C where there is one
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or "cannot be read"
        line = 1 if mark is None else mark.line + 1
        raise UnusableRules(name, [(line, Problem((), "the file", "text", f"is no YAML: {what}"))]) from None
    except RecursionError:
        raise UnusableRules(name, [(1, Problem((), "the file", "text", "is nested too deep; expected a list of rules"))]) from None
    repeated = [] if tree is None else _repeated(tree)
    if repeated:
        raise UnusableRules(name, repeated)
    if not isinstance(content, dict):
        raise UnusableRules(name, [(1, Problem((), "the file", "rules", "expected a mapping with a list under 'rules'"))])
    try:
        return Rulebook.of(content, definitions)
    except WrongRules as error:
        raise UnusableRules(name, [(_line(tree, problem.path), problem) for problem in error.problems]) from None


def lines_of_rules(text: str) -> dict[str, int]:
    """Return the line of each rule of a text that can be used, by its id."""
    tree = yaml.compose(text, Loader=_LOADER)
    entries = yaml.load(text, Loader=_LOADER)["rules"]  # noqa: S506  # a safe loader, in C where there is one
    return {str(entry["id"]): _line(tree, ("rules", place)) for place, entry in enumerate(entries)}


def _line(tree: yaml.Node | None, path: tuple[str | int, ...]) -> int:
    """Return the line of the deepest part of a path that is there."""
    if tree is None:
        return 1
    node, line = tree, tree.start_mark.line
    for step in path:
        found: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(step):
                    found, line = value, key.start_mark.line
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = node.value[step]
            line = found.start_mark.line
        if found is None:
            break
        node = found
    return int(line) + 1


def _repeated(tree: yaml.Node) -> list[tuple[int, Problem]]:
    """Return the keys that stand twice in one mapping: YAML's reader would silently keep the last."""
    found: list[tuple[int, Problem]] = []
    waiting, seen_nodes = [tree], {id(tree)}
    while waiting:
        node = waiting.pop()
        children: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                if key.value in seen and isinstance(key, yaml.ScalarNode):
                    found.append((key.start_mark.line + 1, Problem((), "the file", key.value, "stands twice in one mapping")))
                if isinstance(key, yaml.ScalarNode):
                    seen.add(key.value)
                children.append(value)
        elif isinstance(node, yaml.SequenceNode):
            children = node.value
        for child in children:
            if id(child) not in seen_nodes:
                seen_nodes.add(id(child))
                waiting.append(child)
    return sorted(found, key=lambda one: one[0])
