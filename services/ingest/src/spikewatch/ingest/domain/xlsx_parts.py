"""Opens the parts of an XLSX workbook. A zip bomb is refused before and while it is inflated; macros are never looked at."""

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Final
from xml.parsers import expat

from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["Parts", "Reader", "broken"]

_MOST_BYTES: Final = 64 << 20  # of the workbook as it comes
_MOST_INFLATED: Final = 256 << 20  # of one part
_MOST_RATIO: Final = 200  # a sheet of equal rows shrinks to a hundredth
_FREE_OF_RATIO: Final = 1 << 20
_MOST_PARTS: Final = 2_000
_MOST_DEPTH: Final = 64
_BLOCK: Final = 64 << 10
_OLE: Final = b"\xd0\xcf\x11\xe0"
_AS_CSV: Final = "save the sheet as CSV UTF-8, or as an Excel workbook (.xlsx) without a password"
_DAMAGES: Final = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, NotImplementedError, RuntimeError, OSError, ValueError, KeyError),
)
_XMLS: Final = (".xml", ".rels")


def broken(problem: str) -> Rejected:
    """Return the rejection of a workbook that cannot be read."""
    return Rejected(Fault.MALFORMED, None, problem, "an Excel workbook (.xlsx)", _AS_CSV)


class Parts:
    """The parts of a workbook by name.

    Raises:
        Rejected: it is no XLSX, is encrypted, or grows beyond every spreadsheet when it is inflated.
    """

    def __init__(self, stream: BinaryIO) -> None:
        body = stream.read(_MOST_BYTES + 1)
        if len(body) > _MOST_BYTES:
            raise Rejected(Fault.TOO_LARGE, None, "is too large a workbook", f"at most {_MOST_BYTES >> 20} MB", _AS_CSV)
        if body.startswith(_OLE):
            raise Rejected(Fault.UNSUPPORTED_FORMAT, None, "is an old .xls workbook or has a password", "a .xlsx without one", _AS_CSV)
        try:
            self._zip: Final = zipfile.ZipFile(io.BytesIO(body))
            entries = self._zip.infolist()
        except (*_DAMAGES, OverflowError, IndexError):
            raise broken("is not a workbook") from None
        if len(entries) > _MOST_PARTS:
            raise _bomb()
        self._parts: Final = {entry.filename.lower(): entry for entry in entries}
        if len(self._parts) != len(entries):
            raise broken("holds two parts of one name")

    def __contains__(self, name: str) -> bool:
        """Tell whether there is such a part."""
        return name.lower() in self._parts

    def pieces(self, name: str) -> Iterator[bytes]:
        """Inflate a part piece by piece, counting what comes out.

        Raises:
            Rejected: it is absent, encrypted, broken, or a bomb.
        """
        entry = self._parts.get(name.lower())
        if entry is None or not name.lower().endswith(_XMLS):
            raise broken("lacks a part that every workbook has")
        if entry.flag_bits & 1:
            raise Rejected(Fault.UNSUPPORTED_FORMAT, None, "has a password", "a workbook without one", _AS_CSV)
        self._bounded(entry.file_size, entry.compress_size)
        size = 0
        try:
            with self._zip.open(entry) as part:
                while piece := part.read(_BLOCK):
                    size += len(piece)
                    self._bounded(size, entry.compress_size)
                    yield piece
        except _DAMAGES:
            raise broken("is damaged") from None

    @staticmethod
    def _bounded(size: int, packed: int) -> None:
        if size > _MOST_INFLATED or (size > _FREE_OF_RATIO and size > packed * _MOST_RATIO):
            raise _bomb()


def _bomb() -> Rejected:
    return Rejected(Fault.TOO_LARGE, None, "grows beyond every spreadsheet when it is unpacked", "a workbook of one table", _AS_CSV)


class Reader:
    """Reads an XML part piece by piece; names come without their namespaces.

    Args:
        start: called with an element's name and attributes.
        end: called with its name and the text that it ends with.
    """

    def __init__(self, start: Callable[[str, Mapping[str, str]], None], end: Callable[[str, str], None]) -> None:
        self._start = start
        self._end = end
        self._depth = 0
        self._text: list[str] = []
        self._names: dict[str, str] = {}
        parser = self._parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._starts
        parser.EndElementHandler = self._ends
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = self._declares

    def read(self, piece: bytes, *, is_last: bool = False) -> None:
        """Read on.

        Raises:
            Rejected: it is no sound XML, nests too deeply, or declares a document type.
        """
        try:
            self._parser.Parse(piece, is_last)
        except (expat.ExpatError, ValueError, UnicodeError, LookupError):
            raise broken("is damaged") from None

    def _starts(self, name: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise broken("nests too deeply")
        self._text.clear()
        self._start(self._local(name), attributes)

    def _ends(self, name: str) -> None:
        self._depth -= 1
        text = "".join(self._text)
        self._text.clear()
        self._end(self._local(name), text)

    def _local(self, name: str) -> str:
        local = self._names.get(name)
        if local is None:
            local = name.rpartition(" ")[2]
            if len(self._names) < _MOST_PARTS:
                self._names[name] = local
        return local

    @staticmethod
    def _declares(*_: object) -> None:
        raise broken("declares a document type")
