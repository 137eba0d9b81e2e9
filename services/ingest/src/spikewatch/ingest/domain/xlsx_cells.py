"""What the cells of a spreadsheet say, as the texts that the same row has in CSV."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Final

from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.xlsx_parts import Parts, Reader, broken

__all__ = ["LONGEST_CELL", "PLAIN", "Look", "Style", "cell_text", "column_of", "looks", "shared_strings", "unescaped"]

LONGEST_CELL: Final = 32_767
"""Characters that a cell can have; longer texts of a made-up file are cut one beyond, so that their row is refused."""

_MOST_TEXT: Final = 128 << 20  # bytes that the texts of a workbook take in memory
_MOST_STYLES: Final = 70_000
_MOST_FORMATS: Final = 5_000
# Of a number's format: a quoted or escaped text, a blank as wide as a letter, a filler, what stands in brackets, one sign.
_SIGNS: Final = re.compile(r'"([^"]*)"|\\(.)|_.|\*.|(\[[^\]]*\])|(.)', re.DOTALL)
_ELAPSED: Final = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
_SHOWN_AS_IT_IS: Final = frozenset(" -/()")
_DIGIT: Final = "\0"  # stands in a mask where a digit is shown
_FEWEST_DIGITS: Final = 2
_MOST_DIGITS: Final = 20
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_EPOCH_1900: Final = datetime(1899, 12, 30)  # noqa: DTZ001  # wall clocks: the zone is the agency's
_EPOCH_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001
_LEAP_FAULT: Final = 60  # Excel has a 29 February 1900
_LAST_DAY: Final = 2_950_000
_MOST_ELAPSED: Final = 1_000  # days; a greater number is a moment, whatever its format
_ALPHABET: Final = 26
_EXACT: Final = 10**15


class Look(Enum):
    """How a number is shown, which is what it means."""

    NUMBER = "number"
    DATE = "date"
    CLOCK = "clock"
    BOTH = "both"
    ELAPSED = "elapsed"


Style = tuple[Look, tuple[str, ...]]
"""How a number is shown, and the masks that a code such as ``00000`` puts its digits into."""

PLAIN: Final[Style] = (Look.NUMBER, ())
"""The style of a number that has none."""


_BUILT_IN: Final[dict[int, Look]] = {
    **dict.fromkeys((14, 15, 16, 17, *range(27, 32), 34, 35, 36, *range(50, 59)), Look.DATE),
    **dict.fromkeys((18, 19, 20, 21, 32, 33, 45, 47), Look.CLOCK),
    22: Look.BOTH,
    46: Look.ELAPSED,
}


def looks(parts: Parts, name: str | None) -> list[Style]:
    """Return the style of every cell format.

    Raises:
        Rejected: the part is absent or broken, or has more formats than any workbook.
    """
    formats: dict[int, Style] = {number: (look, ()) for number, look in _BUILT_IN.items()}
    found: list[Style] = []
    inside: list[str] = []

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "cellXfs":
            inside.append(tag)
        elif tag == "numFmt":
            if len(formats) > _MOST_FORMATS:
                raise broken("has more number formats than any workbook")
            formats[_number(attributes.get("numFmtId"))] = _look(attributes.get("formatCode", ""))
        elif tag == "xf" and inside:
            if len(found) > _MOST_STYLES:
                raise broken("has more cell formats than any workbook")
            found.append(formats.get(_number(attributes.get("numFmtId")), PLAIN))

    def end(tag: str, _: str) -> None:
        if tag == "cellXfs":
            inside.clear()

    if name is not None:
        _read(parts, name, start, end)
    return found


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else -1


def _look(code: str) -> Style:
    sections = list(_sections(code[:256]))
    signs, mask = sections[0]
    if mask:
        # [<=99999]00000;00000-0000 shows the longer number in the second mask.
        return Look.NUMBER, tuple(other for _, other in sections if other) if "[<" in code.partition(";")[0] else (mask,)
    if "general" in signs or "#" in signs:
        return PLAIN
    if _ELAPSED.search(signs):
        return Look.ELAPSED, ()
    has_clock = "h" in signs or "s" in signs
    has_date = "d" in signs or "y" in signs or ("m" in signs and not has_clock)
    if has_date:
        return (Look.BOTH if has_clock else Look.DATE), ()
    return (Look.CLOCK if has_clock else Look.NUMBER), ()


def _sections(code: str) -> Iterator[tuple[str, str]]:
    """Yield of each section its signs without texts and colours, and its mask where it shows nothing but digits and fixed texts."""
    signs, mask, is_mask = "", "", True
    for match in _SIGNS.finditer(code):
        quoted, escaped, bracket, sign = match.groups()
        if sign == ";":
            yield signs.lower(), _usable(mask) if is_mask else ""
            signs, mask, is_mask = "", "", True
        elif sign is not None:
            signs += sign
            is_mask = is_mask and (sign == "0" or sign in _SHOWN_AS_IT_IS)
            mask += _DIGIT if sign == "0" else sign
        elif bracket is not None and _ELAPSED.fullmatch(bracket):
            signs += bracket
            is_mask = False
        else:
            mask += quoted or escaped or ""
    yield signs.lower(), _usable(mask) if is_mask else ""


def _usable(mask: str) -> str:
    """Return a mask of at least two digits: what has one is a number with its unit."""
    return mask if _FEWEST_DIGITS <= mask.count(_DIGIT) <= _MOST_DIGITS else ""


def _masked(digits: str, masks: tuple[str, ...]) -> str:
    mask = next((mask for mask in masks if mask.count(_DIGIT) >= len(digits)), masks[-1])
    places = mask.count(_DIGIT)
    filled = digits.zfill(places)
    left = len(filled) - places  # digits that the mask has no place for stand before its first one
    shown = list(filled[left:])
    text = "".join(shown.pop(0) if sign == _DIGIT else sign for sign in mask)
    at = mask.index(_DIGIT)
    return text[:at] + filled[:left] + text[at:]


def shared_strings(parts: Parts, name: str | None) -> list[str]:
    """Return the texts that cells refer to. Phonetic guides are not part of them.

    Raises:
        Rejected: the part is absent or broken, or its texts take more memory than a table's.
    """
    found: list[str] = []
    runs: list[str] = []
    aside: list[str] = []
    size, room = 0, LONGEST_CELL + 1

    def start(tag: str, _: Mapping[str, str]) -> None:
        if tag == "rPh":
            aside.append(tag)

    def end(tag: str, text: str) -> None:
        nonlocal size, room
        if tag == "t" and not aside:
            if text and room > 0:
                runs.append(text[:room])
                room -= len(text)
        elif tag == "rPh":
            aside.clear()
        elif tag == "si":
            said = unescaped("".join(runs))
            runs.clear()
            room = LONGEST_CELL + 1
            size += said.__sizeof__()
            if size > _MOST_TEXT:
                expected = f"texts of at most {_MOST_TEXT >> 20} MB together"
                raise Rejected(Fault.TOO_LARGE, None, "has too much text", expected, "save the sheet as CSV UTF-8")
            found.append(said)

    if name is not None:
        _read(parts, name, start, end)
    return found


def unescaped(text: str) -> str:
    """Return a text with its escapes (``_x000D_``) as the characters they stand for; a control character becomes a blank."""
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    if "\ud800" <= character <= "\udfff":
        return ""  # half a character
    return character if character.isprintable() or character in "\t\n" else " "


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


def cell_text(kind: str, value: str, style: Style, *, is_1904: bool) -> str:
    """Return what a cell says that refers to no shared text."""
    if kind == "b":
        return "TRUE" if value.strip().lower() in {"1", "true"} else "FALSE"
    if kind in {"str", "d", "e"}:
        return unescaped(value[: LONGEST_CELL + 1])
    try:
        number = float(value)
    except ValueError:
        return value[: LONGEST_CELL + 1]
    shown, masks = style
    if shown is not Look.NUMBER and 0 <= number < _LAST_DAY:
        return _moment(number, shown, is_1904=is_1904)
    if number == int(number) if abs(number) < _EXACT else False:
        return _masked(str(int(number)), masks) if masks and number >= 0 else str(int(number))
    text = f"{number:.15g}"
    return format(Decimal(text), "f") if "e" in text and abs(number) < _EXACT else text


def _moment(serial: float, look: Look, *, is_1904: bool) -> str:
    seconds = round(serial * 86_400)
    if look is Look.ELAPSED and serial < _MOST_ELAPSED:
        minutes, second = divmod(seconds, 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}"
    if not is_1904 and serial < _LEAP_FAULT and serial >= 1:
        seconds += 86_400
    at = (_EPOCH_1904 if is_1904 else _EPOCH_1900) + timedelta(seconds=seconds)
    # A time of day alone is less than a day; a sum of times is days of 1900 that nobody means.
    if (look is Look.CLOCK and serial < _MOST_ELAPSED) or (look is Look.BOTH and serial < 1):
        return at.strftime("%H:%M:%S")
    if look is Look.DATE and seconds % 86_400 == 0:
        return at.date().isoformat()
    return at.isoformat()
