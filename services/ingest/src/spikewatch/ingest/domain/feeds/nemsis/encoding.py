"""Turns the bytes of an XML file into UTF-8 and refuses, before any parser sees them, what is no plain EMSDataSet.

A document type could only stand before the root element, so looking there is enough to keep out DTDs and entities.
"""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["EXAMPLE", "HEAD_BYTES", "START_TAG", "after_prolog", "blocks"]

HEAD_BYTES: Final = 65_536
_BLOCK_BYTES: Final = 262_144
EXAMPLE: Final = '<EMSDataSet xmlns="http://www.nemsis.org"><Header>…</Header></EMSDataSet>'

START_TAG: Final = re.compile(rb"""<(?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*)(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+>""")
_PROLOG: Final = re.compile(rb"(?:\s++|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_DECLARED: Final = re.compile(rb"""\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_AS_UTF8: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be"})  # UTF-16 is known by its bytes
_TRANSCODED: Final = {"iso-8859-1": "latin-1", "latin1": "latin-1", "windows-1252": "cp1252", "cp1252": "cp1252"}
_COMPRESSED: Final = (b"\x1f\x8b", b"PK\x03\x04")
_EXPECTED: Final = "UTF-8, UTF-16, US-ASCII, ISO-8859-1 or Windows-1252"


def blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Return the stream's content as blocks of UTF-8 without a byte order mark, the first of them at least ``HEAD_BYTES`` if there are.

    Raises:
        Rejected: the encoding is none of those we take, or the bytes are not in it.
    """
    head = b""
    while len(head) < HEAD_BYTES and (more := stream.read(_BLOCK_BYTES)):
        head += more
    encoding, skip = _encoding(head)
    block = head[skip:]
    if encoding is None:
        while block:
            yield block
            block = stream.read(_BLOCK_BYTES)
        return
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    while True:
        more = stream.read(_BLOCK_BYTES)
        try:
            text = decoder.decode(block, not more).encode()
        except (UnicodeDecodeError, UnicodeEncodeError):
            raise Rejected(
                Fault.WRONG_ENCODING, None, "holds bytes that its encoding does not have", _EXPECTED, "export the file as UTF-8"
            ) from None
        if text:
            yield text
        if not more:
            return
        block = more


def _encoding(head: bytes) -> tuple[str | None, int]:
    """Return the codec to decode with (None: it is UTF-8 already) and the length of the byte order mark."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise _not_taken()
    for mark, codec in ((codecs.BOM_UTF8, None), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if head.startswith(mark):
            return codec, len(mark)
    if head[:2] == b"<\0" or head[1:2] == b"\0":
        return "utf-16-le", 0
    if head[:1] == b"\0":
        return "utf-16-be", 0
    declared = _DECLARED.match(head)
    name = declared[1].decode().lower() if declared else "utf-8"
    if name in _AS_UTF8:
        return None, 0
    if name not in _TRANSCODED:
        raise _not_taken()
    return _TRANSCODED[name], 0


def _not_taken() -> Rejected:
    return Rejected(Fault.WRONG_ENCODING, None, "is in an encoding that is not taken", _EXPECTED, "export the file as UTF-8")


def after_prolog(head: bytes) -> int:
    """Return where the root element begins.

    Raises:
        Rejected: the text is empty, has a document type, or does not begin with an element.
    """
    match = _PROLOG.match(head)
    at = match.end() if match else 0
    rest = head[at : at + 9]
    if not head.strip():
        raise Rejected(Fault.MALFORMED, None, "is empty", "an EMSDataSet document", EXAMPLE)
    if rest.upper() == b"<!DOCTYPE":
        raise Rejected(Fault.MALFORMED, None, "has a document type (DTD), which is never read", "XML without a document type", EXAMPLE)
    if head.startswith(_COMPRESSED):
        problem = "is compressed (gzip or ZIP)"
        raise Rejected(Fault.UNSUPPORTED_FORMAT, None, problem, "the EMSDataSet document itself, unpacked", EXAMPLE)
    if rest[:1] != b"<" or START_TAG.match(head, at) is None:
        raise Rejected(Fault.MALFORMED, None, "does not begin with an XML element", "an EMSDataSet document", EXAMPLE)
    return at
