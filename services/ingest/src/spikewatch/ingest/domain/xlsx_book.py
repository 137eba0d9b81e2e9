"""The sheets of a workbook and their rows: shared texts, merged areas, formulas, hidden sheets. Macros and links are never looked at."""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Final, NamedTuple

from spikewatch.ingest.domain.xlsx_cells import LONGEST_CELL, PLAIN, Style, cell_text, column_of, looks, shared_strings, unescaped
from spikewatch.ingest.domain.xlsx_parts import Parts, Reader, broken

__all__ = ["MOST_COLUMNS", "Flaw", "Row", "Workbook"]

MOST_COLUMNS: Final = 501
"""Cells of a row that are looked at: one more than a header may have."""

_MOST_SHEETS: Final = 50
_MOST_MERGED: Final = 10_000
_MERGED: Final = re.compile(rb'mergeCell\s[^>]{0,64}?ref\s*=\s*["\']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})["\']')
_OVERLAP: Final = 128
_ROOT: Final = "_rels/.rels"
_TRUE: Final = frozenset({"1", "true", "on"})
_NOT_AVAILABLE: Final = "#N/A"


class Flaw(NamedTuple):
    """Why nobody can know what a cell says: the problem, what was expected, and what the sender can do."""

    problem: str
    expected: str
    example: str


_UNSAVED: Final = Flaw(
    "has a formula whose value was not saved",
    "the value beside the formula",
    "open the workbook in a spreadsheet program and save it, or paste the values over the formulas",
)
_ERROR: Final = Flaw("has a formula that ends in an error", "a value, #N/A, or nothing", "mend the formula, or clear the cell")
_LOST: Final = Flaw("refers to a text that the workbook lacks", "a text of the workbook", "save the workbook anew and send it once more")
_UNKNOWN: Final = "#VALUE!"  # stands in the row where it waits as CSV, so that nobody takes the cell for an empty one
_NO_FLAWS: Final[Mapping[int, Flaw]] = MappingProxyType({})

_Area = tuple[int, int, int, int]
_Filled = tuple[int, dict[int, str], Mapping[int, Flaw]]


class Row(NamedTuple):
    """A filled row.

    Attributes:
        line: its number, from 1.
        cells: what its cells say, from the first column on.
        copies: the columns that repeat what the merged cell to their left says.
        flaws: the cells of which nobody can know what they say, by column from 0.
    """

    line: int
    cells: list[str]
    copies: AbstractSet[int] = frozenset()
    flaws: Mapping[int, Flaw] = _NO_FLAWS


class Workbook:
    """The sheets of a workbook, and what their cells refer to.

    Attributes:
        shown: the sheets that are shown, in their order.
        hidden: those that are not.

    Raises:
        Rejected: it lacks a part, or one is broken.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        main = next((target for kind, _, target in _links(parts, _ROOT, "") if kind == "officeDocument"), "xl/workbook.xml")
        self._is_1904 = self._is_uncalculated = False
        listed: list[tuple[str, bool]] = []

        def start(tag: str, attributes: Mapping[str, str]) -> None:
            if tag == "workbookPr":
                self._is_1904 = attributes.get("date1904", "0").lower() in _TRUE
            elif tag == "calcPr":
                self._is_uncalculated = attributes.get("fullCalcOnLoad", "0").lower() in _TRUE
            elif tag == "sheet":
                link = next((value for name, value in attributes.items() if name.endswith("relationships id")), "")
                listed.append((link, "hidden" in attributes.get("state", "").lower()))

        _read_all(parts, main, start)
        folder = posixpath.dirname(main)
        links = list(_links(parts, f"{folder}/_rels/{posixpath.basename(main)}.rels", folder))
        by_id = {name: target for kind, name, target in links if kind == "worksheet"}
        found: dict[str, bool] = {}
        for name, is_hidden in listed:
            if name in by_id and by_id[name] in parts:
                found.setdefault(by_id[name], is_hidden)
        if not found:
            raise broken("has no sheet with cells")
        if len(found) > _MOST_SHEETS:
            raise broken(f"has more than {_MOST_SHEETS} sheets")
        self.shown: Final = [sheet for sheet, is_hidden in found.items() if not is_hidden]
        self.hidden: Final = [sheet for sheet, is_hidden in found.items() if is_hidden]
        part = {kind: target for kind, _, target in links}
        self._strings = shared_strings(parts, part.get("sharedStrings"))
        self._looks = looks(parts, part.get("styles"))

    def rows(self, sheet: str) -> Iterator[Row]:
        """Yield the filled rows of a sheet with their numbers.

        Raises:
            Rejected: the sheet is broken from here on.
        """
        waiting = sorted(self._merged(sheet), reverse=True)  # the next one is the last
        active: list[tuple[_Area, str, Flaw | None]] = []
        for line, cells, flaws in self._filled(sheet):
            while waiting and waiting[-1][0] <= line:
                area = waiting.pop()
                first = cells.get(area[1], "") if area[0] == line else ""
                if first:
                    active.append((area, first, flaws.get(area[1])))
            if not active:
                yield Row(line, [cells.get(column, "") for column in range(max(cells) + 1)], frozenset(), flaws)
                continue
            active = [merged for merged in active if merged[0][2] >= line]
            copies, merged_flaws = _merge(active, cells, flaws)
            yield Row(line, [cells.get(column, "") for column in range(max(cells) + 1)], copies, merged_flaws)

    def _filled(self, sheet: str) -> Iterator[_Filled]:
        """Yield each row that has a cell with something in it: its number, and its cells by column."""
        table = _Sheet(self._strings, self._looks, is_1904=self._is_1904, is_uncalculated=self._is_uncalculated)
        reader = Reader(table.start, table.end)
        for piece in self._parts.pieces(sheet):
            reader.read(piece)
            if table.rows:
                yield from table.rows
                table.rows.clear()
        reader.read(b"", is_last=True)
        yield from table.rows

    def _merged(self, sheet: str) -> list[_Area]:
        found: list[_Area] = []
        tail = b""
        for piece in self._parts.pieces(sheet):
            text = tail + piece
            end = 0
            for match in _MERGED.finditer(text):
                end = match.end()
                left, top, right, bottom = match.groups()
                found.append((int(top), column_of(left.decode()), int(bottom), column_of(right.decode())))
            if len(found) > _MOST_MERGED:
                raise broken("has more merged cells than any table")
            tail = text[max(end, len(text) - _OVERLAP) :]
        return found


def _merge(
    active: Sequence[tuple[_Area, str, Flaw | None]], cells: dict[int, str], flaws: Mapping[int, Flaw]
) -> tuple[AbstractSet[int], Mapping[int, Flaw]]:
    """Write what merged areas say into a row; return the columns that repeat their left neighbour, and all flaws."""
    copies: set[int] = set()
    width = 0
    for (_, left, _, right), text, flaw in active:
        last = min(right, MOST_COLUMNS - 1)
        width += last - left + 1
        if width > MOST_COLUMNS:  # it would also cost a row's width for each
            raise broken("has merged cells that overlap")
        for column in range(left, last + 1):
            if column not in cells:
                cells[column] = text
                if column > left:
                    copies.add(column)
                if flaw is not None:
                    flaws = {**flaws, column: flaw}
    return copies, flaws


class _Sheet:
    """Gathers rows while a sheet is read."""

    def __init__(self, strings: Sequence[str], styles: Sequence[Style], *, is_1904: bool, is_uncalculated: bool) -> None:
        self.rows: list[_Filled] = []
        self._strings = strings
        self._looks = styles
        self._is_1904 = is_1904
        self._is_uncalculated = is_uncalculated
        self._line = 0
        self._column = -1
        self._cells: dict[int, str] = {}
        self._flaws: Mapping[int, Flaw] = _NO_FLAWS
        self._kind = "n"
        self._style = ""
        self._runs: list[str] = []
        self._room = 0  # for how many characters more
        self._aside = self._is_formula = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take the start of an element."""
        if tag == "c":
            reference = attributes.get("r")
            self._column = self._column + 1 if reference is None else column_of(reference)
            self._kind = attributes.get("t", "n")
            self._style = attributes.get("s", "")
            self._runs.clear()
            self._room = LONGEST_CELL + 1
            self._is_formula = False
        elif tag == "row":
            number = attributes.get("r", "")
            self._line = int(number) if number.isascii() and number.isdecimal() and len(number) < 9 else self._line + 1
            self._column = -1
            self._cells = {}
            self._flaws = _NO_FLAWS
        elif tag == "f":
            self._is_formula = True
        elif tag == "rPh":
            self._aside = True

    def end(self, tag: str, text: str) -> None:
        """Take the end of an element."""
        if tag == "v" or (tag == "t" and not self._aside):
            if text and self._room > 0:
                self._runs.append(text)
                self._room -= len(text)
        elif tag == "c":
            if 0 <= self._column < MOST_COLUMNS and (self._runs or self._is_formula):
                said = self._said("".join(self._runs))
                if said:
                    self._cells[self._column] = said
        elif tag == "row":
            if self._cells:
                self.rows.append((self._line, self._cells, self._flaws))
        elif tag == "rPh":
            self._aside = False

    def _said(self, text: str) -> str:
        kind = self._kind
        if kind == "s":
            place = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else len(self._strings)
            return self._strings[place] if place < len(self._strings) else self._flawed(_LOST, _UNKNOWN)
        if kind == "inlineStr":
            return unescaped(text[: LONGEST_CELL + 1])
        if kind == "e":
            return "" if text.strip().upper() == _NOT_AVAILABLE else self._flawed(_ERROR, text[:16] or _UNKNOWN)
        if self._is_formula and kind != "str" and (not text.strip() or (self._is_uncalculated and kind == "n" and text.strip() == "0")):
            # A text may be empty, a number may not. Writers that cannot calculate leave a 0 and ask to calculate when it is opened.
            return self._flawed(_UNSAVED, _UNKNOWN)
        style = int(self._style) if self._style.isascii() and self._style.isdecimal() and len(self._style) < 10 else len(self._looks)
        return cell_text(kind, text, self._looks[style] if style < len(self._looks) else PLAIN, is_1904=self._is_1904)

    def _flawed(self, flaw: Flaw, text: str) -> str:
        self._flaws = {**self._flaws, self._column: flaw}
        return text


def _links(parts: Parts, name: str, folder: str) -> Iterator[tuple[str, str, str]]:
    """Yield the kind, the id and the target of each link of a part."""
    found: list[tuple[str, str, str]] = []

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "").replace("\\", "/")
            path = posixpath.normpath(target if target.startswith("/") else posixpath.join(folder, target)).lstrip("/")
            found.append((attributes.get("Type", "").rpartition("/")[2], attributes.get("Id", ""), path))

    _read_all(parts, name, start)
    yield from found


def _read_all(parts: Parts, name: str, start: Callable[[str, Mapping[str, str]], None]) -> None:
    reader = Reader(start, lambda _tag, _text: None)
    for piece in parts.pieces(name):
        reader.read(piece)
    reader.read(b"", is_last=True)
