"""Conditions of case definitions, compiled: each gives its reasons for a subject, or None where it is not met."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from spikewatch.contracts.report import Code, Drug
from spikewatch.contracts.vocabulary import DrugBasis, DrugClass, SourceType
from spikewatch.ingest.domain.numbered_yaml import Node
from spikewatch.ingest.domain.vocabulary import CLASSES_ABOVE, DRUG, KINDS, Listed

__all__ = ["Condition", "Met", "Reasons", "Subject", "condition_of", "pattern_of", "undotted"]


@dataclass(frozen=True, slots=True)
class Subject:
    """What the conditions look at.

    Attributes:
        codes: those kept.
        terms: entries of the vocabulary with the role of the text they stood in.
        drugs: the substances the record names.
        facts: its facts.
        source_type: the kind of agency.
    """

    codes: tuple[Code, ...]
    terms: tuple[tuple[Listed, str], ...]
    drugs: tuple[Drug, ...]
    facts: frozenset[str]
    source_type: SourceType


Reasons = tuple[str, ...]
Met = dict[str, Reasons]
Condition = Callable[[Subject, Met], Reasons | None]
_NO_REASON: Final[Reasons] = ()


def condition_of(node: Node, known: set[str], looked_at: list[Callable[[Code], bool]]) -> Condition:
    """Compile a condition.

    Args:
        node: of the file.
        known: ids of the definitions above.
        looked_at: gets what tells of a code whether the condition looks at it.

    Raises:
        WrongData: it is no condition.
    """
    entry = node.mapping((), ("any", "all", "none", "code", "term", "drug", "fact", "source", "definition"))
    if len(entry) != 1:
        raise node.wrong("is no condition", "exactly one of any, all, none, code, term, drug, fact, source, definition")
    [(kind, value)] = entry.items()
    match kind:
        case "any" | "all" | "none":
            parts = tuple(condition_of(part, known, looked_at) for part in value.items())
            if not parts:
                raise value.wrong("is empty", "at least one condition")
            return {"any": _any, "all": _all, "none": _none}[kind](parts)
        case "code":
            looks = _code(value)
            looked_at.append(looks)
            return _codes(looks)
        case "term":
            return _term(value)
        case "drug":
            return _drug(value)
        case "fact":
            return _fact(value.texts())
        case "source":
            sources = frozenset(SourceType(part.word([kind.value for kind in SourceType])) for part in value.items())
            return lambda subject, _: _NO_REASON if subject.source_type in sources else None
        case _:
            other = value.word(sorted(known))
            return lambda _, met: met.get(other)


def _any(parts: Sequence[Condition]) -> Condition:
    def condition(subject: Subject, met: Met) -> Reasons | None:
        found: list[str] = []
        is_met = False
        for part in parts:  # all of them: each reason is told
            reasons = part(subject, met)
            if reasons is not None:
                is_met = True
                found.extend(reasons)
        return tuple(dict.fromkeys(found)) if is_met else None

    return condition


def _all(parts: Sequence[Condition]) -> Condition:
    def condition(subject: Subject, met: Met) -> Reasons | None:
        found: list[str] = []
        for part in parts:
            reasons = part(subject, met)
            if reasons is None:
                return None
            found.extend(reasons)
        return tuple(dict.fromkeys(found))

    return condition


def _none(parts: Sequence[Condition]) -> Condition:
    def condition(subject: Subject, met: Met) -> Reasons | None:
        return None if any(part(subject, met) is not None for part in parts) else _NO_REASON

    return condition


def _fact(names: Iterable[str]) -> Condition:
    facts = frozenset(names)

    def condition(subject: Subject, _: Met) -> Reasons | None:
        found = facts & subject.facts
        return tuple(f"fact {name}" for name in sorted(found)) if found else None

    return condition


def _code(node: Node) -> Callable[[Code], bool]:
    entry = node.mapping(("systems",), ("roles", "search", "full", "is", "undotted"))
    systems = frozenset(entry["systems"].texts())
    has_role = _roles(entry["roles"]) if "roles" in entry else None
    is_undotted = "undotted" in entry and entry["undotted"].flag()
    ways = [way for way in ("search", "full", "is") if way in entry]
    if len(ways) != 1:
        raise node.wrong("says not how codes are compared", "exactly one of search, full, is")
    value = entry[ways[0]]
    matches: Callable[[str], object]
    if ways[0] == "is":
        matches = frozenset(value.texts()).__contains__
    else:
        pattern = pattern_of(value)
        matches = pattern.search if ways[0] == "search" else pattern.fullmatch

    def looks(code: Code) -> bool:
        if code.system not in systems or (has_role is not None and not has_role(code.role)):
            return False
        return bool(matches(undotted(code.code) if is_undotted else code.code))

    return looks


def _codes(looks: Callable[[Code], bool]) -> Condition:
    def condition(subject: Subject, _: Met) -> Reasons | None:
        if not subject.codes:
            return None
        found = tuple(f"{code.system} {code.code} at {code.role}" for code in subject.codes if looks(code))
        return found or None

    return condition


def _term(node: Node) -> Condition:
    entry = node.mapping((), ("kinds", "classes", "not_classes", "terms", "roles"))
    kinds = frozenset(part.word((DRUG, *KINDS)) for part in entry["kinds"].items()) if "kinds" in entry else None
    classes, without = _classes(entry)
    terms = frozenset(entry["terms"].texts()) if "terms" in entry else None
    has_role = _roles(entry["roles"]) if "roles" in entry else None
    if kinds is None and classes is None and terms is None:
        raise node.wrong("names no words", "kinds, classes or terms")

    def is_meant(listed: Listed, role: str) -> bool:
        return (
            (kinds is None or listed.kind in kinds)
            and (terms is None or listed.term in terms)
            and (classes is None or (listed.kind == DRUG and listed.drug_class in classes))
            and listed.drug_class not in without
            and (has_role is None or has_role(role))
        )

    def condition(subject: Subject, _: Met) -> Reasons | None:
        if not subject.terms:
            return None
        found = tuple(f"term {listed.term} in {role}" for listed, role in subject.terms if is_meant(listed, role))
        return found or None

    return condition


def _drug(node: Node) -> Condition:
    entry = node.mapping((), ("classes", "not_classes", "basis", "terms"))
    classes, without = _classes(entry)
    bases = (
        frozenset(DrugBasis(part.word([basis.value for basis in DrugBasis])) for part in entry["basis"].items())
        if "basis" in entry
        else None
    )
    terms = frozenset(entry["terms"].texts()) if "terms" in entry else None

    def is_meant(drug: Drug) -> bool:
        return (
            (classes is None or drug.drug_class in classes)
            and drug.drug_class not in without
            and (bases is None or drug.basis in bases)
            and (terms is None or drug.term in terms)
        )

    def condition(subject: Subject, _: Met) -> Reasons | None:
        if not subject.drugs:
            return None
        found = tuple(f"drug {drug.term} ({drug.basis.value})" for drug in subject.drugs if is_meant(drug))
        return found or None

    return condition


def _classes(entry: Mapping[str, Node]) -> tuple[frozenset[DrugClass] | None, frozenset[DrugClass]]:
    names = [kind.value for kind in DrugClass]
    wanted = {key: {DrugClass(part.word(names)) for part in entry[key].items()} for key in ("classes", "not_classes") if key in entry}
    with_inner = {key: frozenset(kind for kind in DrugClass if kinds & {kind, CLASSES_ABOVE.get(kind)}) for key, kinds in wanted.items()}
    return with_inner.get("classes"), with_inner.get("not_classes", frozenset())


def _roles(node: Node) -> Callable[[str], bool]:
    roles = node.texts()
    exact = frozenset(role for role in roles if not role.endswith("*"))
    starts = tuple(role[:-1] for role in roles if role.endswith("*"))
    return lambda role: role in exact or (bool(starts) and role.startswith(starts))


def pattern_of(node: Node) -> re.Pattern[str]:
    """Return the regular expression of a value.

    Raises:
        WrongData: it is none.
    """
    text = node.text()
    try:
        return re.compile(text, re.ASCII)
    except re.error as error:
        raise node.wrong(f"is no regular expression ({error.msg})", "a regular expression of Python") from None


def undotted(code: str) -> str:
    """Return a code as it is compared: capitals, no dots."""
    return code.replace(".", "").strip().upper()
