"""Compares names of columns and members by their letters and digits, where one is not written exactly as we know it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import BinaryIO, Final

from spikewatch.ingest.domain.columns import plain
from spikewatch.ingest.domain.record import Fields, RawRecord, Split

__all__ = ["ColumnNames", "renamed_records", "renamed_rows"]

_BETWEEN: Final = re.compile(r"[\W_]+")


class ColumnNames:
    """The names that a format knows, each as it is compared. One that shares its letters with another stands for itself alone.

    Args:
        names: in lower case, with single blanks.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names: Final = frozenset(names)
        by_letters: dict[str, list[str]] = {}
        for name in self._names:
            by_letters.setdefault(_letters(name), []).append(name)
        self._by_letters: Final = {letters: ours[0] for letters, ours in by_letters.items() if letters and len(ours) == 1}
        self._planned = lru_cache(maxsize=256)(self._plan)

    def __contains__(self, name: object) -> bool:
        """Tell whether a column of that name may be read."""
        return isinstance(name, str) and (name in self._names or _letters(name) in self._by_letters)

    def known(self, header: Iterable[str]) -> frozenset[str]:
        """Return those of our names that a header has."""
        names = tuple(header)
        return frozenset(self._planned(names).values()) | (self._names & set(names))

    def renamed(self, fields: Fields) -> Fields:
        """Return the fields under our names; of what has no name of ours the name stays."""
        plan = self._planned(tuple(fields))
        return {plan.get(name, name): value for name, value in fields.items()} if plan else fields

    def _plan(self, header: tuple[str, ...]) -> Mapping[str, str]:
        plain_names = [plain(name) for name in header]
        exact = self._names & set(plain_names)
        found: dict[str, list[str]] = {}
        for theirs, name in zip(header, plain_names, strict=True):
            ours = name if name in exact else self._by_letters.get(_letters(name))
            if ours is not None and (name == ours or ours not in exact):
                found.setdefault(ours, []).append(theirs)
        # Of several that could be meant none is; as they stand already, nothing is to be done.
        return {theirs[0]: ours for ours, theirs in found.items() if len(theirs) == 1 and theirs[0] != ours and ours not in header}


def renamed_rows(split: Split, names: ColumnNames) -> Split:
    """Return a splitter of tables whose rows have our names. All rows under one header have the same names: it is looked at once."""

    def cut(stream: BinaryIO, limit: int) -> Iterator[RawRecord]:
        header: str | None = None
        is_exact = False
        for raw in split(stream, limit):
            if raw.preface is not header and raw.fields:
                header, is_exact = raw.preface, names.renamed(raw.fields) is raw.fields
            if not is_exact and raw.fields:
                raw.fields = names.renamed(raw.fields)
            yield raw

    return cut


def renamed_records(split: Split, names: ColumnNames) -> Split:
    """Return a splitter of JSON or of a form, each record of which has names of its own."""

    def cut(stream: BinaryIO, limit: int) -> Iterator[RawRecord]:
        for raw in split(stream, limit):
            raw.fields = names.renamed(raw.fields)
            yield raw

    return cut


def _letters(name: str) -> str:
    return _BETWEEN.sub("", name).lower()
