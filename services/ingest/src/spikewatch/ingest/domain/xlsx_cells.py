"""What the cells of a spreadsheet say, as the texts that the same row has in CSV."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Final

from spikewatch.ingest.domain.xlsx_parts import Parts, Reader

__all__ = ["LONGEST_CELL", "Look", "cell_text", "column_of", "looks", "shared_strings"]

LONGEST_CELL: Final = 32_767
"""Characters that a cell can have; longer texts of a made-up file are cut one beyond, so that their row is refused."""

_MOST_STRINGS: Final = 2_000_000
_MOST_STYLES: Final = 70_000
_LITERAL: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE)
_ZEROS: Final = re.compile(r"0{2,20}")
_EPOCH_1900: Final = datetime(1899, 12, 30)  # noqa: DTZ001  # wall clocks: the zone is the agency's
_EPOCH_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001
_LEAP_FAULT: Final = 60  # Excel has a 29 February 1900
_LAST_DAY: Final = 2_950_000
_ALPHABET: Final = 26
_EXACT: Final = 10**15


class Look(Enum):
    """How a number is shown, which is what it means."""

    NUMBER = "number"
    DATE = "date"
    CLOCK = "clock"
    BOTH = "both"


_BUILT_IN: Final[dict[int, Look]] = {
    **dict.fromkeys((14, 15, 16, 17, *range(27, 32), 34, 35, 36, *range(50, 59)), Look.DATE),
    **dict.fromkeys((18, 19, 20, 21, 32, 33, 45, 46, 47), Look.CLOCK),
    22: Look.BOTH,
}


def looks(parts: Parts, name: str | None) -> list[tuple[Look, int]]:
    """Return the look of every style and to how many digits its numbers are filled up with zeros (0: not)."""
    formats: dict[int, tuple[Look, int]] = {number: (look, 0) for number, look in _BUILT_IN.items()}
    found: list[tuple[Look, int]] = []
    inside: list[str] = []

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "cellXfs":
            inside.append(tag)
        elif tag == "numFmt" and len(formats) < _MOST_STYLES:
            formats[_number(attributes.get("numFmtId"))] = _look(attributes.get("formatCode", ""))
        elif tag == "xf" and inside and len(found) < _MOST_STYLES:
            found.append(formats.get(_number(attributes.get("numFmtId")), (Look.NUMBER, 0)))

    def end(tag: str, _: str) -> None:
        if tag == "cellXfs":
            inside.clear()

    if name is not None and name in parts:
        _read(parts, name, start, end)
    return found


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else -1


def _look(code: str) -> tuple[Look, int]:
    shown = _LITERAL.sub("", code[:256]).split(";")[0].lower()
    if _ZEROS.fullmatch(shown):
        return Look.NUMBER, len(shown)
    if "general" in shown or "#" in shown:
        return Look.NUMBER, 0
    has_clock = "h" in shown or "s" in shown
    has_date = "d" in shown or "y" in shown or ("m" in shown and not has_clock)
    if has_date:
        return (Look.BOTH if has_clock else Look.DATE), 0
    return (Look.CLOCK if has_clock else Look.NUMBER), 0


def shared_strings(parts: Parts, name: str | None) -> list[str]:
    """Return the texts that cells refer to. Phonetic guides are not part of them."""
    found: list[str] = []
    runs: list[str] = []
    aside: list[str] = []

    def start(tag: str, _: Mapping[str, str]) -> None:
        if tag == "rPh":
            aside.append(tag)

    def end(tag: str, text: str) -> None:
        if tag == "t" and not aside:
            runs.append(text[: LONGEST_CELL + 1])
        elif tag == "rPh":
            aside.clear()
        elif tag == "si":
            if len(found) < _MOST_STRINGS:
                found.append("".join(runs)[: LONGEST_CELL + 1])
            runs.clear()

    if name is not None and name in parts:
        _read(parts, name, start, end)
    return found


def _read(parts: Parts, name: str, start: Callable[[str, Mapping[str, str]], None], end: Callable[[str, str], None]) -> None:
    reader = Reader(start, end)
    for piece in parts.pieces(name):
        reader.read(piece)
    reader.read(b"", is_last=True)


def column_of(reference: str) -> int:
    """Return the column of ``AB12``, from 0; -1 where it is none."""
    column = 0
    for letter in reference[:8]:
        if not "A" <= letter <= "Z":
            break
        column = column * _ALPHABET + ord(letter) - 64
    return column - 1


def cell_text(kind: str, value: str, look: tuple[Look, int], *, is_1904: bool) -> str:
    """Return what a cell that is no text says; an error (``#N/A``) says nothing."""
    if kind == "b":
        return "TRUE" if value.strip() == "1" else "FALSE"
    if kind == "e":
        return ""
    if kind in {"str", "d"}:
        return value[: LONGEST_CELL + 1]
    try:
        number = float(value)
    except ValueError:
        return value[: LONGEST_CELL + 1]
    shown, digits = look
    if shown is not Look.NUMBER and 0 <= number < _LAST_DAY:
        return _moment(number, shown, is_1904=is_1904)
    if number == int(number) if abs(number) < _EXACT else False:
        return str(int(number)).zfill(digits)
    text = f"{number:.15g}"
    return format(Decimal(text), "f") if "e" in text and abs(number) < _EXACT else text


def _moment(serial: float, look: Look, *, is_1904: bool) -> str:
    seconds = round(serial * 86_400)
    if not is_1904 and serial < _LEAP_FAULT and serial >= 1:
        seconds += 86_400
    at = (_EPOCH_1904 if is_1904 else _EPOCH_1900) + timedelta(seconds=seconds)
    if look is Look.CLOCK and serial < 1:
        return at.strftime("%H:%M:%S")
    if look is Look.DATE and seconds % 86_400 == 0:
        return at.date().isoformat()
    return at.isoformat()
