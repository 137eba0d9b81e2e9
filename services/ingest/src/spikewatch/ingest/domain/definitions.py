"""Case definitions as data: which reports are an overdose, of what, and why. They look at evidence only, so that they can look again."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from spikewatch.contracts.report import Code, DefinitionHit, Drug
from spikewatch.contracts.vocabulary import DrugBasis, DrugClass, SourceType
from spikewatch.ingest.domain.numbered_yaml import Node, parse
from spikewatch.ingest.domain.vocabulary import CLASSES_ABOVE, DRUG, KINDS, Listed

__all__ = ["Definition", "Definitions", "Subject", "load_definitions"]

_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,60}[a-z0-9])?")
_MOST_REASONS: Final = 8
_LONGEST_REASON: Final = 128


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


@dataclass(frozen=True, slots=True)
class Definition:
    """One case definition.

    Attributes:
        id: stable name.
        version: counted up whenever it changes.
        title: one line for people.
        source: who says so.
        within: the definition that it lies in.
        is_reporting: an undeclared record that meets it becomes a report.
        is_hidden: a building block.
        condition: gives the reasons, or None when it is not met.
    """

    id: str
    version: int
    title: str
    source: str
    within: str | None
    is_reporting: bool
    is_hidden: bool
    condition: Condition

    @property
    def name(self) -> str:
        """Id and version as reports carry them, ``id@n``."""
        return f"{self.id}@{self.version}"


class Definitions:
    """All case definitions of one file, in its order: parts before wholes.

    Args:
        version: of the file.
        definitions: in order.
        keep: by system, the codes without dots that are kept for later versions.
        looked_at: conditions that say of one code whether a definition looks at it.
    """

    def __init__(
        self,
        version: int,
        definitions: Sequence[Definition],
        keep: Mapping[str, re.Pattern[str]],
        looked_at: Sequence[Callable[[Code], bool]],
    ) -> None:
        self.version = version
        self.all = tuple(definitions)
        self._keep = keep
        self._looked_at = tuple(looked_at)

    def keeps(self, code: Code) -> bool:
        """Tell whether a report may carry this code."""
        pattern = self._keep.get(code.system)
        if pattern is not None and pattern.search(_undotted(code.code)):
            return True
        return any(looks(code) for looks in self._looked_at)

    def met(self, subject: Subject) -> tuple[tuple[DefinitionHit, ...], bool]:
        """Return the definitions that are met, wholes first, and whether one of them makes a report."""
        met: Met = {}
        parts: dict[str, list[str]] = {}
        hits: list[DefinitionHit] = []
        is_reporting = False
        for definition in self.all:
            reasons = definition.condition(subject, met)
            inner = parts.get(definition.id)
            if reasons is None and inner is None:
                continue
            because = tuple(dict.fromkeys((*(reasons or ()), *(f"definition {part}" for part in inner or ()))))
            met[definition.id] = because
            if definition.within is not None:
                parts.setdefault(definition.within, []).append(definition.id)
            is_reporting = is_reporting or definition.is_reporting
            if not definition.is_hidden:
                shown = tuple(reason[:_LONGEST_REASON] for reason in because[:_MOST_REASONS])
                hits.append(DefinitionHit(definition=definition.name, because=shown))
        return tuple(reversed(hits)), is_reporting


def load_definitions(text: str, name: str) -> Definitions:
    """Read case definitions.

    Args:
        text: of the YAML file.
        name: of the file, for errors.

    Raises:
        WrongData: the file is wrong; the error names the line.
    """
    root = parse(text, name).mapping(("version", "definitions"), ("keep",))
    keep = {system: _pattern(node) for system, node in root["keep"].mapping().items()} if "keep" in root else {}
    looked_at: list[Callable[[Code], bool]] = []
    made: dict[str, Definition] = {}
    wanted: dict[str, Node] = {}
    for node in root["definitions"].items():
        entry = node.mapping(("id", "version", "title", "source", "when"), ("within", "reports", "hidden"))
        ident = entry["id"].text()
        if not _ID.fullmatch(ident):
            raise entry["id"].wrong("is no id", "lower-case letters, digits and hyphens")
        if ident in made:
            raise entry["id"].wrong(f"{ident!r} stands there twice", "it once")
        if "within" in entry:
            outer = entry["within"].text()
            if outer in made or outer == ident:
                raise entry["within"].wrong(f"{outer!r} stands above", "the outer definition below the inner one")
            wanted.setdefault(outer, entry["within"])
        made[ident] = Definition(
            id=ident,
            version=entry["version"].whole(),
            title=entry["title"].text(),
            source=entry["source"].text(),
            within=entry["within"].text() if "within" in entry else None,
            is_reporting="reports" in entry and entry["reports"].flag(),
            is_hidden="hidden" in entry and entry["hidden"].flag(),
            condition=_condition(entry["when"], set(made), looked_at),
        )
    for outer, node in wanted.items():
        if outer not in made:
            raise node.wrong(f"{outer!r} is no definition of this file", "one of " + ", ".join(made))
    if not any(definition.is_reporting for definition in made.values()):
        raise root["definitions"].wrong("none says reports: true", "at least one that makes a report")
    return Definitions(root["version"].whole(), list(made.values()), keep, looked_at)


def _condition(node: Node, known: set[str], looked_at: list[Callable[[Code], bool]]) -> Condition:
    entry = node.mapping((), ("any", "all", "none", "code", "term", "drug", "fact", "source", "definition"))
    if len(entry) != 1:
        raise node.wrong("is no condition", "exactly one of any, all, none, code, term, drug, fact, source, definition")
    [(kind, value)] = entry.items()
    match kind:
        case "any" | "all" | "none":
            parts = tuple(_condition(part, known, looked_at) for part in value.items())
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
        pattern = _pattern(value)
        matches = pattern.search if ways[0] == "search" else pattern.fullmatch

    def looks(code: Code) -> bool:
        if code.system not in systems or (has_role is not None and not has_role(code.role)):
            return False
        return bool(matches(_undotted(code.code) if is_undotted else code.code))

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


def _pattern(node: Node) -> re.Pattern[str]:
    text = node.text()
    try:
        return re.compile(text, re.ASCII)
    except re.error as error:
        raise node.wrong(f"is no regular expression ({error.msg})", "a regular expression of Python") from None


def _undotted(code: str) -> str:
    return code.replace(".", "").strip().upper()
