"""Says whether a newer JSON Schema breaks somebody who speaks the older one.

Both directions count. Backward: the newer reader meets records that were written before. Forward: a reader of the older
schema, which ignores unknown fields, meets records written from now on. New optional fields, and new words of a closed list
that has ``other`` or ``unknown``, are the only changes that pass: readers take a word they do not know for that (ADR 0013).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from spikewatch.contracts.reading import CATCH_ALL, catch_all

__all__ = ["Breach", "Change", "breaches"]

Node = Mapping[str, Any]


class Change(StrEnum):
    """What kind of change breaks somebody."""

    REMOVED_FIELD = "removed-field"
    NEWLY_REQUIRED = "newly-required"
    NO_LONGER_REQUIRED = "no-longer-required"
    NARROWED_VALUES = "narrowed-values"
    WIDENED_VALUES = "widened-values"
    NARROWED_TYPE = "narrowed-type"
    WIDENED_TYPE = "widened-type"
    NARROWED_LIMIT = "narrowed-limit"
    WIDENED_LIMIT = "widened-limit"
    CHANGED_MEANING = "changed-meaning"


@dataclass(frozen=True, slots=True)
class Breach:
    """One breaking change.

    Attributes:
        path: where, for example ``victims.age`` or ``drugs[].term``.
        change: its kind.
        problem: the same in words.
    """

    path: str
    change: Change
    problem: str


# Lower and upper limits; an absent limit is no limit.
_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
# Keywords whose change gives the same text another sense; the description holds unit and time zone.
_MEANING: Final = ("format", "pattern", "default", "description", "contentEncoding")


def breaches(older: Node, newer: Node) -> tuple[Breach, ...]:
    """Return every breaking change from the older to the newer schema, in the order of the older one's fields."""
    return tuple(dict.fromkeys(_Comparison(older, newer).compare(older, newer, "")))


class _Comparison:
    def __init__(self, older: Node, newer: Node) -> None:
        self._older = older
        self._newer = newer
        self._seen: set[tuple[str, str]] = set()

    def compare(self, old: Node, new: Node, path: str) -> Iterator[Breach]:
        """Compare two nodes; a pair of references that was met already is not followed again."""
        pair = (str(old.get("$ref", "")), str(new.get("$ref", "")))
        if all(pair):
            if pair in self._seen:
                return
            self._seen.add(pair)
        yield from self._meaning(old, new, path)
        # A reference's own words and default stand beside it; what it points to is compared as the thing itself.
        old_target, new_target = _resolved(self._older, old), _resolved(self._newer, new)
        if old_target is not old or new_target is not new:
            yield from self.compare(old_target, new_target, path)
            return
        old_branches, new_branches = _branches(old), _branches(new)
        if old_branches or new_branches:
            yield from self._unions(old_branches or {_kind(old): old}, new_branches or {_kind(new): new}, path)
            return
        yield from self._types(old, new, path)
        yield from self._values(old, new, path)
        yield from self._limits(old, new, path)
        yield from self._fields(old, new, path)
        for keyword, suffix in (("items", "[]"), ("additionalProperties", "{}")):
            inner_old, inner_new = old.get(keyword), new.get(keyword)
            if isinstance(inner_old, Mapping) and isinstance(inner_new, Mapping):
                yield from self.compare(inner_old, inner_new, path + suffix)

    def _unions(self, old: Mapping[str, Node], new: Mapping[str, Node], path: str) -> Iterator[Breach]:
        for kind in old.keys() - new.keys():
            yield Breach(path, Change.NARROWED_TYPE, f"{kind} is no longer accepted")
        # An absent field and a null are one thing to every reader of ours: null may come, it is never written.
        for kind in new.keys() - old.keys() - {"null"}:
            yield Breach(path, Change.WIDENED_TYPE, f"{kind} may now come, which an older reader refuses")
        for kind in old.keys() & new.keys():
            yield from self.compare(old[kind], new[kind], path)

    @staticmethod
    def _types(old: Node, new: Node, path: str) -> Iterator[Breach]:
        before, after = _types_of(old), _types_of(new)
        if before - after and after:
            yield Breach(path, Change.NARROWED_TYPE, f"{', '.join(sorted(before - after))} is no longer accepted")
        if after - before - {"null"} and before:
            yield Breach(path, Change.WIDENED_TYPE, f"{', '.join(sorted(after - before))} may now come, which an older reader refuses")

    @staticmethod
    def _values(old: Node, new: Node, path: str) -> Iterator[Breach]:
        before, after = _values_of(old), _values_of(new)
        if after is None:
            return
        if before is None:
            yield Breach(path, Change.NARROWED_VALUES, "any value was accepted, now only listed ones")
        elif missing := [value for value in before if value not in after]:
            yield Breach(path, Change.NARROWED_VALUES, f"no longer accepted: {', '.join(map(str, missing))}")
        if before is not None and catch_all(before) is None and (added := [value for value in after if value not in before]):
            stand_ins = " or ".join(CATCH_ALL)
            problem = f"{', '.join(map(str, added))} may now come, and the list has no {stand_ins} that an older reader could take it for"
            yield Breach(path, Change.WIDENED_VALUES, problem)

    @staticmethod
    def _limits(old: Node, new: Node, path: str) -> Iterator[Breach]:
        for keywords, sign in ((_LOWER, 1), (_UPPER, -1)):
            for keyword in keywords:
                before, after = old.get(keyword), new.get(keyword)
                if before == after:
                    continue
                narrowed = before is None or (after is not None and (after - before) * sign > 0)
                change = Change.NARROWED_LIMIT if narrowed else Change.WIDENED_LIMIT
                yield Breach(path, change, f"{keyword} was {before}, is {after}")

    @staticmethod
    def _meaning(old: Node, new: Node, path: str) -> Iterator[Breach]:
        for keyword in _MEANING:
            before, after = old.get(keyword), new.get(keyword)
            # Words may be added where none stood; everything else that differs is another sense or another set of texts.
            if before != after and not (keyword == "description" and (before is None or not path)):
                yield Breach(path, Change.CHANGED_MEANING, f"{keyword} was {before!r}, is {after!r}")

    def _fields(self, old: Node, new: Node, path: str) -> Iterator[Breach]:
        before: Mapping[str, Node] = old.get("properties", {})
        after: Mapping[str, Node] = new.get("properties", {})
        was_required, is_required = set(old.get("required", ())), set(new.get("required", ()))
        for name, node in before.items():
            inner = f"{path}.{name}" if path else name
            if name not in after:
                yield Breach(inner, Change.REMOVED_FIELD, "the field is gone")
                continue
            if name in is_required - was_required:
                yield Breach(inner, Change.NEWLY_REQUIRED, "records written before may lack it")
            if name in was_required - is_required:
                yield Breach(inner, Change.NO_LONGER_REQUIRED, "older readers count on it")
            yield from self.compare(node, after[name], inner)
        for name in after:
            if name not in before and name in is_required:
                yield Breach(f"{path}.{name}" if path else name, Change.NEWLY_REQUIRED, "records written before lack it")


def _resolved(document: Node, node: Node) -> Node:
    reference = node.get("$ref")
    if reference is None:
        return node
    target: Any = document
    for step in str(reference).removeprefix("#/").split("/"):
        target = target[step]
    if not isinstance(target, Mapping):
        message = f"{reference} points to no schema"
        raise TypeError(message)
    return target


def _branches(node: Node) -> dict[str, Node]:
    return {_kind(branch): branch for branch in node.get("anyOf") or node.get("oneOf") or ()}


def _kind(branch: Node) -> str:
    """Name a branch of a union: by its model where it is one, else by its type and format."""
    if "$ref" in branch:
        return str(branch["$ref"]).rpartition("/")[2]
    return f"{branch.get('type', 'anything')} {branch.get('format', '')}".strip()


def _types_of(node: Node) -> set[str]:
    stated = node.get("type")
    return {stated} if isinstance(stated, str) else set(stated or ())


def _values_of(node: Node) -> Sequence[object] | None:
    if "const" in node:
        return (node["const"],)
    listed = node.get("enum")
    return listed if isinstance(listed, list | tuple) else None
