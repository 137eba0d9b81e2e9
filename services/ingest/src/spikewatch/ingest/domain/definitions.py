"""Case definitions as data: which reports are an overdose, of what, and why. They look at evidence only, so that they can look again."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from spikewatch.contracts.report import Code, DefinitionHit
from spikewatch.ingest.domain.conditions import Condition, Met, Subject, condition_of, pattern_of, undotted
from spikewatch.ingest.domain.numbered_yaml import Node, parse

__all__ = ["Definition", "Definitions", "Subject", "load_definitions"]

_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,60}[a-z0-9])?")
_MOST_REASONS: Final = 8
_LONGEST_REASON: Final = 128


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
        if pattern is not None and pattern.search(undotted(code.code)):
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
    keep = {system: pattern_of(node) for system, node in root["keep"].mapping().items()} if "keep" in root else {}
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
            condition=condition_of(entry["when"], set(made), looked_at),
        )
    for outer, node in wanted.items():
        if outer not in made:
            raise node.wrong(f"{outer!r} is no definition of this file", "one of " + ", ".join(made))
    if not any(definition.is_reporting for definition in made.values()):
        raise root["definitions"].wrong("none says reports: true", "at least one that makes a report")
    return Definitions(root["version"].whole(), list(made.values()), keep, looked_at)
