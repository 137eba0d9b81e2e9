"""Reads the cells of a row by a profile. What cannot be read is left out and noted; the text of a cell is never repeated."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final, Protocol

from spikewatch.contracts.report import QualityNote
from spikewatch.ingest.domain.csv_rows import plain
from spikewatch.ingest.domain.profiles.model import Condition, Number, Value
from spikewatch.ingest.domain.record import Fields

__all__ = ["Cells", "Doubts", "Reader", "TextReader", "condition", "key_of", "keys_of", "number", "plain_word", "value"]

Reader = Callable[[Fields, "Doubts"], object]
Doubts = list[QualityNote]
"""Collects the notes of one row."""


class TextReader(Protocol):
    """Reads a text; a ``Reader`` too, though it has no doubts."""

    def __call__(self, row: Fields, _doubts: Doubts | None = None, /) -> str | None:
        """Return the text, None where nothing is stated."""


_NOT_STATED: Final = frozenset({"", "-", "--", "na", "n/a", "null", "none", "not recorded", "nan", "#n/a", "not applicable"})
_CURLY: Final = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " "})
_NUMBER: Final = re.compile(r"([+-]?\d{1,12}(?:\.\d{1,15})?)\s*([A-Za-z%]{0,12}\.?)(?:\s.{0,40})?", re.ASCII)
_LESS_THAN: Final = re.compile(r"<\s*(\d{1,4})", re.ASCII)
_LONGEST_CELL: Final = 4_000
NOT_RECOGNISED: Final = "not_recognised"


def key_of(column: str) -> str:
    """Return the name under which a row holds the column."""
    return plain(column)


def keys_of(*specs: Value | Number | None) -> tuple[str, ...]:
    """Return the names under which a row holds all that the specs read, each once."""
    names: dict[str, None] = {}
    for spec in specs:
        if spec is not None:
            names |= dict.fromkeys(key_of(column) for column in spec.columns)
        if isinstance(spec, Number) and spec.unit_column is not None:
            names[key_of(spec.unit_column)] = None
    return tuple(names)


@lru_cache(maxsize=8_192)
def plain_word(text: str) -> str:
    """Return a word as it is compared: lower case, single blanks, straight quotes."""
    return " ".join(text.translate(_CURLY).lower().split())


class Cells:
    """Reads texts out of rows.

    Args:
        not_stated: further words of empty cells, in plain form.
    """

    def __init__(self, not_stated: tuple[str, ...]) -> None:
        self._empty = _NOT_STATED | {plain_word(word) for word in not_stated}

    def text(self, columns: Sequence[str]) -> TextReader:
        """Return what reads the first of the columns that says something; numbers of JSON as their text."""
        empty = self._empty
        keys = tuple(dict.fromkeys(key_of(column) for column in columns))
        if len(keys) != 1:
            readers = [self.text((column,)) for column in columns]

            def first(row: Fields, _doubts: Doubts | None = None, /) -> str | None:
                for read in readers:
                    if (found := read(row)) is not None:
                        return found
                return None

            return first
        key = keys[0]

        def one(row: Fields, _doubts: Doubts | None = None, /) -> str | None:
            cell = row.get(key)
            if type(cell) is not str:
                if cell is None:
                    return None
                cell = _as_text(cell)
            cell = cell.strip()
            return None if cell.lower() in empty else cell

        return one


def _as_text(cell: object) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)  # whole floats are exact below
    return str(cell) if isinstance(cell, int | str) else ""  # a list or an object is no cell


def condition(cells: Cells, parts: tuple[Condition, ...]) -> Callable[[Fields], bool] | None:
    """Return whether a row is of those that are asked for; None when nothing is asked."""
    if not parts:
        return None
    tests = [_test(cells, part) for part in parts]
    if len(tests) == 1:
        return tests[0]
    return lambda row: all(test(row) for test in tests)


def _test(cells: Cells, part: Condition) -> Callable[[Fields], bool]:
    cell = cells.text((part.column,))
    among = None if part.is_one_of is None else frozenset(plain_word(word) for word in part.is_one_of)
    without = None if part.is_none_of is None else frozenset(plain_word(word) for word in part.is_none_of)
    starts = None if part.starts_with is None else tuple(plain_word(word) for word in part.starts_with)
    inside = None if part.contains is None else tuple(plain_word(word) for word in part.contains)
    stated = part.stated
    if among is not None and (without, starts, inside, stated) == (None,) * 4:
        return lambda row: ("" if (text := cell(row)) is None else plain_word(text)) in among

    def holds(row: Fields) -> bool:
        text = cell(row)
        word = "" if text is None else plain_word(text)
        return (
            (among is None or word in among)
            and (without is None or word not in without)
            and (starts is None or word.startswith(starts))
            and (inside is None or any(one in word for one in inside))
            and (stated is None or stated == (text is not None))
        )

    return holds


def value(cells: Cells, spec: Value, field: str, known: Mapping[str, object] | None = None) -> Reader:  # noqa: C901  # every decision once, the row last
    """Return a reader of one field.

    Args:
        cells: reads the texts.
        spec: what the profile says of the field.
        field: its name, for notes.
        known: the words that the field may have, with what each becomes; None: any text.
    """

    def meaning(word: str | None) -> object:
        return None if word is None else word if known is None else known[word.lower()]

    if spec.constant is not None:
        fixed = meaning(spec.constant)
        return lambda _row, _doubts: fixed
    cell = cells.text(spec.columns)
    missing = meaning(spec.missing)
    otherwise = meaning(spec.otherwise)
    words = {plain_word(word): meaning(means) for word, means in (spec.values or {}).items()}
    if known is not None:
        words = {**known, **words}
    noted = QualityNote(field=field, code=NOT_RECOGNISED)
    is_open = known is None and not words
    prefix = spec.prefix

    if is_open and not prefix and missing is None:
        return cell

    def read(row: Fields, doubts: Doubts) -> object:
        text = cell(row)
        if text is None:
            return missing
        if prefix:
            text = prefix + text
        if is_open:
            return text
        if text in words:  # the usual case, before the text is made plain
            return words[text]
        word = plain_word(text)
        if word in words:
            return words[word]
        if otherwise is not None:
            return otherwise
        if known is None:
            return text
        doubts.append(noted)
        return None

    return read


def number(cells: Cells, spec: Number, field: str, low: float, high: float) -> Callable[[Fields, Doubts], tuple[float, str] | None]:
    """Return a reader of a number and its unit (lower case, empty when none is stated).

    A suppressed number is none, with the interval noted; one out of range or that cannot be read is none, noted.
    """
    cell = cells.text(spec.columns)
    unit_cell = None if spec.unit_column is None else cells.text((spec.unit_column,))
    units = {plain_word(word): plain_word(means) for word, means in (spec.units or {}).items()}
    unit = plain_word(spec.unit or "")
    times = spec.times or 1.0
    suppressed = {plain_word(word): _interval(word) for word in spec.suppressed}
    constant = spec.constant

    def read(row: Fields, doubts: Doubts) -> tuple[float, str] | None:
        if constant is not None:
            return constant, unit
        text = cell(row)
        if text is None:
            return None
        if suppressed and (mark := suppressed.get(plain_word(text))) is not None:
            doubts.append(QualityNote(field=field, code=mark))
            return None
        match = _matched(text)
        found = None if match is None else float(match[1]) * times
        if match is None or found is None or not low <= found <= high:
            doubts.append(QualityNote(field=field, code=NOT_RECOGNISED if match is None else "out_of_range"))
            return None
        stated = match[2].lower().rstrip(".")
        if unit_cell is not None:
            word = plain_word(unit_cell(row) or "")
            stated = units.get(word, word)
        return found, stated or unit

    return read


@lru_cache(maxsize=8_192)
def _matched(text: str) -> re.Match[str] | None:
    return _NUMBER.fullmatch(text) if len(text) <= 64 else None  # no number is longer


def _interval(mark: str) -> str:
    match = _LESS_THAN.fullmatch(mark.strip())
    return f"suppressed_1_to_{max(1, int(match[1]) - 1)}" if match else "suppressed"
