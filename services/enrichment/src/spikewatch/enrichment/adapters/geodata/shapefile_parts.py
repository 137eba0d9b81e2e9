"""The two halves of a shapefile as pyshp reads them, one row after the other, and guarded against what it does not notice.

Whole files are never given to ``shapefile.Reader``: it remembers where each shape starts for as long as the process lives, follows
lengths below nought in a circle, and sets aside as much memory as a damaged length asks for. So the records of a .shp are walked
here, and each one is decoded by pyshp.
"""

import codecs
import re
import struct
import warnings
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from typing import IO, Any, Final

import shapefile

from spikewatch.enrichment.adapters.geodata.layer import Position, Shape, ShapeKind
from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable

__all__ = ["columns_of", "encoding_of", "rows_of", "shapes_of"]

_SHP_HEAD: Final = struct.Struct(">I96x")
_CODE: Final = 9994
_RECORD: Final = struct.Struct(">4xI")
_SHORTEST: Final = 4  # bytes of a shape: its type
_LONGEST: Final = 1 << 26  # the same; four million positions, of which a county has some thousands
_DBF_HEAD: Final = struct.Struct("<10xH20x")
_LONGEST_HEAD: Final = 1 << 16
_NO_TEXT: Final = "\0 \t\r\n"
_WESTERN: Final = "spikewatch-windows-1252"
_DAMAGE: Final = (struct.error, ValueError, LookupError, ArithmeticError, shapefile.ShapefileException)
_KINDS: Final = {
    **dict.fromkeys((shapefile.POINT, shapefile.POINTZ, shapefile.POINTM), ShapeKind.POINT),
    **dict.fromkeys((shapefile.MULTIPOINT, shapefile.MULTIPOINTZ, shapefile.MULTIPOINTM), ShapeKind.POINT),
    **dict.fromkeys((shapefile.POLYLINE, shapefile.POLYLINEZ, shapefile.POLYLINEM), ShapeKind.LINE),
    **dict.fromkeys((shapefile.POLYGON, shapefile.POLYGONZ, shapefile.POLYGONM), ShapeKind.POLYGON),
}


def columns_of(name: str, stream: IO[bytes]) -> tuple[str, ...]:
    """Return the names of the columns of a .dbf.

    Raises:
        GeodataUnusable: it is none.
    """
    # Of a packed file only the head is unpacked: to learn a file's size, pyshp goes to its end.
    table = _table(name, BytesIO(stream.read(_LONGEST_HEAD)), "utf-8")
    return tuple(field.name.split("\0")[0].strip() for field in table.data_fields)


def rows_of(name: str, stream: IO[bytes], encoding: str) -> Iterator[tuple[str, ...] | None]:
    """Return the rows of a .dbf, every value as the text that it is written in; None for a deleted one.

    Args:
        name: the file as people know it.
        stream: it, at its start.
        encoding: of its texts; bytes that are none in it are read as Windows-1252, which old tables are in.

    Raises:
        GeodataUnusable: it is no .dbf, or breaks off.
    """
    table = _table(name, stream, encoding)
    # A number would lose the noughts before it, and one beyond all numbers would end the reading.
    table.fields[1:] = [field._replace(field_type="C") for field in table.data_fields]
    read = 0
    try:
        for record in table.iterRecords(deleted_as_None=True):
            read += 1
            yield None if record is None else tuple(value.strip(_NO_TEXT) for value in record)
    except _DAMAGE:
        announced = f"{table.numRecords:,} rows are announced, {read:,} are there"
        raise GeodataUnusable(f"{name} is cut short: {announced}; fetch it again") from None


def shapes_of(name: str, stream: IO[bytes]) -> Iterator[Shape | None]:
    """Return the shapes of a .shp; None for an empty one.

    Args:
        name: the file as people know it.
        stream: it, at its start.

    Raises:
        GeodataUnusable: it is no .shp, breaks off, or holds shapes that are neither points, lines nor polygons.
    """
    (code,) = _SHP_HEAD.unpack(_head(name, stream, _SHP_HEAD.size))
    if code != _CODE:
        raise GeodataUnusable(f"{name} is no .shp of a shapefile; fetch it again")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", shapefile.PossiblyCorruptFileHeader)  # the walk finds out whether bytes are missing
        reader = shapefile.ShpReader(stream)
    at = _SHP_HEAD.size
    stream.seek(at)
    while reader.shp_file_size_B - at >= _RECORD.size:
        try:
            length = 2 * _RECORD.unpack(stream.read(_RECORD.size))[0]
            if not _SHORTEST <= length <= min(_LONGEST, reader.file_size_B - at - _RECORD.size):
                raise ValueError
            shape = _shape(name, reader, at, length)
        except _DAMAGE:
            raise GeodataUnusable(f"{name} is cut short or damaged; fetch the shapefile again") from None
        yield shape
        at += _RECORD.size + length


def encoding_of(told: str) -> str:
    """Return the Python name of what a .cpg says, UTF-8 where it says nothing known."""
    plain = re.sub(r"[^a-z0-9]", "", told.lower())
    if match := re.fullmatch(r"(?:ansi|cp|windows|ibm|oem)?(\d{3,5})", plain):
        plain = f"cp{match[1]}"
    if match := re.fullmatch(r"iso8859(\d{1,2})|88?59(\d{1,2})", plain):
        plain = f"iso8859-{match[1] or match[2]}"
    try:
        # Tables are padded with blanks of one byte, so what has others is none of theirs.
        return plain if plain and b"Az 09".decode(plain, _WESTERN) == "Az 09" else "utf-8"
    except (LookupError, UnicodeError):
        return "utf-8"


def _head(name: str, stream: IO[bytes], length: int) -> bytes:
    head = stream.read(length)
    if len(head) < length:
        raise GeodataUnusable(f"{name} is {'empty' if not head else 'cut short'}; fetch the shapefile again")
    stream.seek(0)
    return head


def _table(name: str, stream: IO[bytes], encoding: str) -> Any:  # pyshp ships no types
    (width,) = _DBF_HEAD.unpack(_head(name, stream, _DBF_HEAD.size))
    try:
        table = shapefile.DbfReader(stream, encoding=encoding, encodingErrors=_WESTERN)
    except _DAMAGE:
        table = None
    # Rows of another width than their columns would be cut in wrong places from the second one on.
    if table is None or not table.data_fields or width != sum(field.size for field in table.fields):
        raise GeodataUnusable(f"{name} is no dBASE table that a shapefile may have, or its head is damaged; fetch the shapefile again")
    return table


def _shape(name: str, reader: Any, at: int, length: int) -> Shape | None:
    try:
        read = reader.shape(0, at, length)
        kind = None if read.shapeType == shapefile.NULL else _KINDS[read.shapeType]
    except KeyError:
        raise GeodataUnusable(f"{name} holds shapes that are neither points, lines nor polygons") from None
    except shapefile.ShapefileException:  # what pyshp says of a shape without a single position
        return None
    if kind is None:
        return None
    points: list[Position] = read.points
    if kind is ShapeKind.POINT:
        return Shape(kind, tuple((point,) for point in points))
    starts = [*read.parts, len(points)]
    # Parts that overlap would multiply: a file of some megabytes could fill the memory with them.
    if starts[0] < 0 or any(end < start for start, end in pairwise(starts)):
        raise ValueError
    cut = (tuple(points[start:end]) for start, end in pairwise(starts))
    return Shape(kind, tuple(part for part in cut if part))


def _western(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_WESTERN, _western)
