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
_MOST_TOGETHER: Final = 640 << 20  # of all parts, each as often as it is read: a small zip may have a thousand large ones
_MOST_RATIO: Final = 200  # a sheet of equal rows shrinks to a hundredth
_FREE_OF_RATIO: Final = 1 << 20
_MOST_PARTS: Final = 2_000
_MOST_DEPTH: Final = 64
_BLOCK: Final = 64 << 10
_LONGEST_TEXT: Final = 64 << 10  # characters of one element that are kept: twice the longest cell
_ENTRY: Final = b"PK\x01\x02"  # stands before each entry of a zip's list
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_OLE: Final = b"\xd0\xcf\x11\xe0"
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_AS_CSV: Final = "save the sheet as CSV UTF-8, or as an Excel workbook (.xlsx) without a password"
_UNPACKED: Final = "take the file out of the archive and send it alone"
# What comes under the name of a workbook: the part that only this kind has, and what it is.
_OTHER_KINDS: Final = {
    "xl/workbook.bin": "is a binary workbook (.xlsb)",
    "content.xml": "is an OpenDocument file (.ods)",
    "index/document.iwa": "is a Numbers file",
    "word/document.xml": "is a text document (.docx)",
}
_TABLES: Final = (".xlsx", ".xlsm", ".xls", ".csv", ".zip")
_DAMAGES: Final = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, NotImplementedError, RuntimeError, OSError, ValueError, KeyError),
)
_XMLS: Final = (".xml", ".rels")


def broken(problem: str, example: str = _AS_CSV) -> Rejected:
    """Return the rejection of a workbook that cannot be read."""
    return Rejected(Fault.MALFORMED, None, problem, "an Excel workbook (.xlsx)", example)


def _unsupported(problem: str, example: str = _AS_CSV) -> Rejected:
    return Rejected(Fault.UNSUPPORTED_FORMAT, None, problem, "an Excel workbook (.xlsx) without a password", example)


def _other_kind(body: bytes) -> Rejected | None:
    """Tell of a file that only has a workbook's name what it is."""
    start = body[:512].lstrip()
    if body.startswith(_OLE):
        return _unsupported("has a password" if _ENCRYPTED in body else "is an old Excel workbook (.xls)")
    if body.startswith(b"\x1f\x8b"):
        return _unsupported("is packed with gzip", _UNPACKED)
    if start.startswith(b"%PDF"):
        return _unsupported("is a PDF under a workbook's name")
    if start.startswith((b"<", b"\xef\xbb\xbf<")):
        return _unsupported("is a web page or plain XML under a workbook's name")
    if start and b"PK" not in start and b"\0" not in start:
        return _unsupported("is text under a workbook's name", "send it as text/csv, or as a file with a name that ends in .csv")
    return None


def _plain(name: str) -> str:
    """Return a part's name as it is compared: some writers put backslashes, or a slash before all."""
    return name.replace("\\", "/").lstrip("/").lower()


class Parts:
    """The parts of a workbook by name.

    Raises:
        Rejected: it is no XLSX, is encrypted, or grows beyond every spreadsheet when it is inflated.
    """

    def __init__(self, stream: BinaryIO) -> None:
        body = stream.read(_MOST_BYTES + 1)
        if len(body) > _MOST_BYTES:
            raise Rejected(Fault.TOO_LARGE, None, "is too large a workbook", f"at most {_MOST_BYTES >> 20} MB", _AS_CSV)
        other = _other_kind(body)
        if other is not None:
            raise other
        # Counted before they are read: each costs a kilobyte of memory. The mark may also stand in packed text, once or twice.
        if body.count(_ENTRY) > 2 * _MOST_PARTS:
            raise _bomb()
        try:
            self._zip: Final = zipfile.ZipFile(io.BytesIO(body))
            entries = self._zip.infolist()
        except (*_DAMAGES, OverflowError, IndexError):
            raise broken("is cut off or damaged", "send the file once more, or " + _AS_CSV) from None
        if len(entries) > _MOST_PARTS:
            raise _bomb()
        self._parts: Final = {_plain(entry.filename): entry for entry in entries}
        if len(self._parts) != len(entries):
            raise broken("holds two parts of one name")
        kind = next((kind for name, kind in _OTHER_KINDS.items() if name in self._parts), None)
        if kind is not None:
            raise _unsupported(kind)
        if not any(name.endswith(_XMLS) for name in self._parts) and any(name.endswith(_TABLES) for name in self._parts):
            raise _unsupported("is an archive with files inside", _UNPACKED)
        self._inflated = 0

    def __contains__(self, name: str) -> bool:
        """Tell whether there is such a part."""
        return _plain(name) in self._parts

    def pieces(self, name: str) -> Iterator[bytes]:
        """Inflate a part piece by piece, counting what comes out.

        Raises:
            Rejected: it is absent, encrypted, broken, or a bomb.
        """
        entry = self._parts.get(_plain(name))
        if entry is None or not _plain(name).endswith(_XMLS):
            raise broken("lacks a part that it refers to")
        if entry.flag_bits & 1:
            raise _unsupported("has a password")
        if entry.compress_type not in _METHODS:  # others inflate a block to gigabytes at once, and no spreadsheet has them
            raise _unsupported("is packed in another way than workbooks are")
        self._bounded(entry.file_size, entry.compress_size)
        size = 0
        try:
            with self._zip.open(entry) as part:
                while piece := part.read(_BLOCK):
                    size += len(piece)
                    self._inflated += len(piece)
                    self._bounded(size, entry.compress_size)
                    if self._inflated > _MOST_TOGETHER:
                        raise _bomb()
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
        if len(self._text) > 1:
            # An element's text may be as long as the part: what no cell can hold is let go, piece by piece.
            self._text[:] = ["".join(self._text)[:_LONGEST_TEXT]]

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
