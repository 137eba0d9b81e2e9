"""Collects what classification reads of a row: names of substances, flags, texts, codes, facts."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from spikewatch.contracts.report import Code, QualityNote
from spikewatch.ingest.domain.evidence import Found, Named, Statement
from spikewatch.ingest.domain.profiles.cells import NOT_RECOGNISED, Cells, Doubts, key_of, plain_word
from spikewatch.ingest.domain.profiles.model import Codes, Fact, Flags, Names, Profile, Text
from spikewatch.ingest.domain.record import Fields
from spikewatch.ingest.domain.repeated import repeated

__all__ = ["gatherer"]

_MOST_NAMES: Final = 60  # of one row; a cell of separators must not make a hundred thousand
_LONGEST_NAME: Final = 100
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-]{0,23}", re.ASCII)


class _Gathered:
    """What the parts of one row add up to."""

    __slots__ = ("codes", "facts", "names", "statements")

    def __init__(self) -> None:
        self.codes: list[Code] = []
        self.names: list[Named] = []
        self.statements: list[Statement] = []
        self.facts: set[str] = set()


_Part = Callable[[Fields, _Gathered, Doubts], None]


def gatherer(cells: Cells, profile: Profile) -> Callable[[Fields, frozenset[str], Doubts], Found]:
    """Return what gathers all that a profile names, with facts that others found."""
    named = _named(cells, profile)
    parts: Sequence[_Part] = (*(_text(cells, spec) for spec in profile.texts), *(_codes(cells, spec) for spec in profile.codes))

    def gather(row: Fields, facts: frozenset[str], doubts: Doubts) -> Found:
        said, own = named(row)
        doubts += own
        if said.facts:
            facts |= said.facts
        if not parts:
            return Found(names=said.names, facts=facts)
        gathered = _Gathered()
        for part in parts:
            part(row, gathered, doubts)
        return Found(tuple(gathered.codes), said.names, tuple(gathered.statements), facts)

    return gather


def _named(cells: Cells, profile: Profile) -> Callable[[Fields], tuple[Found, tuple[QualityNote, ...]]]:
    """Return what reads names of substances, flags and facts; a name that two cells hold counts once."""
    columns = [column for specs in (profile.drugs, profile.drug_flags, profile.facts) for spec in specs for column in spec.columns]
    parts: Sequence[_Part] = (
        *(_names(cells, spec) for spec in profile.drugs),
        *(_flags(cells, spec) for spec in profile.drug_flags),
        *(_fact(cells, spec) for spec in profile.facts),
    )

    def read(row: Fields) -> tuple[Found, tuple[QualityNote, ...]]:
        gathered = _Gathered()
        doubts: Doubts = []
        for part in parts:
            part(row, gathered, doubts)
        return Found(names=tuple(dict.fromkeys(gathered.names)), facts=frozenset(gathered.facts)), tuple(doubts)

    return repeated(tuple(dict.fromkeys(map(key_of, columns))), read)


def _pieces(separators: Sequence[str]) -> Callable[[str], list[str]]:
    if not separators:
        return lambda text: [text]
    pattern = re.compile("|".join(re.escape(one) for one in separators if one))
    return lambda text: pattern.split(text)[:_MOST_NAMES]


def _names(cells: Cells, spec: Names) -> _Part:
    columns = [cells.text((column,)) for column in spec.columns]
    ignored = frozenset(plain_word(word) for word in spec.ignore)
    split, basis = _pieces(spec.split), spec.basis

    def read(row: Fields, gathered: _Gathered, doubts: Doubts) -> None:
        for cell in columns:
            text = cell(row)
            if text is None:
                continue
            for piece in split(text):
                name = piece.strip()
                if not name or (ignored and plain_word(name) in ignored):
                    continue
                if len(name) > _LONGEST_NAME:
                    doubts.append(QualityNote(field="drugs", code=NOT_RECOGNISED))
                    continue
                gathered.names.append(Named(name, basis))

    return read


def _flags(cells: Cells, spec: Flags) -> _Part:
    columns = [(cells.text((column,)), Named(name, spec.basis)) for column, name in spec.columns.items()]
    yes, no = frozenset(plain_word(word) for word in spec.yes), frozenset(plain_word(word) for word in spec.no)
    basis, names_too, facts = spec.basis, spec.text == "name", spec.facts

    def read(row: Fields, gathered: _Gathered, doubts: Doubts) -> None:
        for cell, named in columns:
            text = cell(row)
            if text is None:
                continue
            word = plain_word(text)
            if word in no:
                continue
            # "Y POPS": a yes and what the clerk added.
            if word not in yes and word.split(" ", 1)[0] not in yes:
                if not names_too or len(text) > _LONGEST_NAME:
                    doubts.append(QualityNote(field="drugs", code="flag_not_recognised"))
                    continue
                gathered.names.append(Named(text, basis))
            gathered.names.append(named)
            gathered.facts.update(facts)

    return read


def _text(cells: Cells, spec: Text) -> _Part:
    columns = [cells.text((column,)) for column in spec.columns]
    role, drugs_are = spec.role, spec.drugs_are

    def read(row: Fields, gathered: _Gathered, _doubts: Doubts) -> None:
        for cell in columns:
            text = cell(row)
            if text is not None:
                gathered.statements.append(Statement(role, text, drugs_are))

    return read


def _codes(cells: Cells, spec: Codes) -> _Part:
    columns = [cells.text((column,)) for column in spec.columns]
    split, system, role = _pieces(spec.split), spec.system, spec.role

    def read(row: Fields, gathered: _Gathered, doubts: Doubts) -> None:
        for cell in columns:
            text = cell(row)
            if text is None:
                continue
            for piece in split(text):
                code = piece.strip()
                if _CODE.fullmatch(code):
                    gathered.codes.append(Code(system=system, code=code, role=role))
                elif code:
                    doubts.append(QualityNote(field="codes", code=NOT_RECOGNISED))

    return read


def _fact(cells: Cells, spec: Fact) -> _Part:
    cell = cells.text(spec.columns)
    facts = {plain_word(word): fact for word, fact in spec.values.items()}

    def read(row: Fields, gathered: _Gathered, _doubts: Doubts) -> None:
        text = cell(row)
        fact = None if text is None else facts.get(plain_word(text))
        if fact is not None:
            gathered.facts.add(fact)

    return read
