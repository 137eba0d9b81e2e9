"""Rows of a dBASE table (.dbf), the half of a shapefile that holds the attributes. Every value is read as text."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import IO, Final

from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable

__all__ = ["DbfHead", "dbf_head", "dbf_rows", "encoding_of"]

_HEAD: Final = struct.Struct("<4xIHH20x")
_FIELD: Final = 32
_AT_ONCE: Final = 1024
_DELETED: Final = 0x2A
_NO_TEXT: Final = "\0 \t\r\n"
_BINARY: Final = frozenset("BGP0")  # what is no text: numbers of a machine, pictures, flags
_WESTERN: Final = "cp1252"


@dataclass(frozen=True, slots=True)
class DbfHead:
    """What stands before the rows.

    Attributes:
        names: of the columns.
        widths: bytes of each.
        kinds: letter of each one's type.
        rows: how many there are.
        width: bytes of a row.
        start: where the first row is.
    """

    names: tuple[str, ...]
    widths: tuple[int, ...]
    kinds: str
    rows: int
    width: int
    start: int


def dbf_head(name: str, stream: IO[bytes]) -> DbfHead:
    """Read the head.

    Raises:
        GeodataUnusable: it is none.
    """
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise GeodataUnusable(f"{name} is {'empty' if not head else 'cut short'}; fetch the shapefile again")
    rows, start, width = _HEAD.unpack(head)
    fields = stream.read(max(0, start - _HEAD.size))
    names: list[str] = []
    widths: list[int] = []
    kinds: list[str] = []
    for at in range(0, len(fields) - _FIELD + 1, _FIELD):
        if fields[at] in {0x0D, 0}:
            break
        names.append(fields[at : at + 11].split(b"\0")[0].decode("ascii", "replace").strip())
        kinds.append(chr(fields[at + 11]))
        # A text longer than 255 has the rest of its length where other types have their decimals.
        widths.append(fields[at + 16] + (256 * fields[at + 17] if kinds[-1] == "C" else 0))
    if not names or width != 1 + sum(widths):
        raise GeodataUnusable(f"{name} is no dBASE table, or its head is damaged; fetch the shapefile again")
    return DbfHead(tuple(names), tuple(widths), "".join(kinds), rows, width, start)


def dbf_rows(name: str, stream: IO[bytes], head: DbfHead, encoding: str) -> Iterator[tuple[str, ...] | None]:
    """Return the rows after the head; None for a deleted one.

    Args:
        name: the file as people know it.
        stream: it, behind its head.
        head: what stood there.
        encoding: of its texts; a value that is none in it is read as Windows-1252, which old tables are in.

    Raises:
        GeodataUnusable: the file breaks off.
    """
    ends = [1]
    for width in head.widths:
        ends.append(ends[-1] + width)
    cuts = [slice(start, end) for start, end in pairwise(ends)]
    unread = [place for place, kind in enumerate(head.kinds) if kind in _BINARY]
    left = head.rows
    while left:
        block = stream.read(min(left, _AT_ONCE) * head.width)
        whole = len(block) // head.width
        if whole < min(left, _AT_ONCE):
            raise GeodataUnusable(
                f"{name} is cut short: {head.rows:,} rows are announced, {head.rows - left + whole:,} are there; fetch it again"
            )
        for at in range(0, len(block), head.width):
            row = block[at : at + head.width]
            if row[0] == _DELETED:
                yield None
                continue
            if row.isascii():
                text = row.decode("ascii")
                values = [text[cut].strip(_NO_TEXT) for cut in cuts]
            else:
                values = [_text(row[cut], encoding).strip(_NO_TEXT) for cut in cuts]
            for place in unread:
                values[place] = ""
            yield tuple(values)
        left -= whole


def encoding_of(told: str) -> str:
    """Return the Python name of what a .cpg says, UTF-8 where it says nothing known."""
    plain = re.sub(r"[^a-z0-9]", "", told.lower())
    if match := re.fullmatch(r"(?:ansi|cp|windows|ibm|oem)?(\d{3,5})", plain):
        plain = f"cp{match[1]}"
    if match := re.fullmatch(r"iso8859(\d{1,2})|88?59(\d{1,2})", plain):
        plain = f"iso8859-{match[1] or match[2]}"
    try:
        return "".encode(plain).decode() or plain
    except LookupError:
        return "utf-8"


def _text(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return raw.decode(_WESTERN, "replace")
