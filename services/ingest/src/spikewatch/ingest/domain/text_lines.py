"""Turns a stream of bytes into lines of text, in bounded memory. Line ends (LF, CRLF, CR, mixed) are kept as they are.

Bytes that are no UTF-8 come through as lone surrogates (``surrogateescape``), so that a line can be refused alone and still
travels on byte for byte.
"""

import codecs
import io
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["LONGEST_LINE", "as_windows_1252", "is_foreign", "text_lines"]

LONGEST_LINE: Final = 16 << 20
"""Characters of one line. A longer one ends there; what follows up to the line's end is a line of its own."""

_BLOCK: Final = 256 << 10
_EXAMPLE: Final = "export the file as UTF-8; in Excel: CSV UTF-8"
_ASCII: Final = 0x80
_FOREIGN: Final = re.compile("[\ud800-\udfff]")
# What surrogateescape made of a byte, back to that byte; a letter that was UTF-8 becomes one that latin-1 does not have.
_AS_BYTES: Final = {**dict.fromkeys(range(0x80, 0x100), 0x100), **{0xDC00 + byte: byte for byte in range(0x80, 0x100)}}
# Windows-1252 bytes that Western names, addresses and typographic punctuation use; others hint at another code page.
_SIGNS: Final = b"\x85\xa0\xa1\xaa\xab\xb0\xb4\xb7\xba\xbb\xbc\xbd\xbf"
_RARE: Final = b"\xd0\xd7\xde\xf0\xf7\xfe"
_WINDOWS: Final = frozenset({*range(0xC0, 0x100), *range(0x91, 0x98), *_SIGNS} - set(_RARE))
_MOST_TOGETHER: Final = 2  # more foreign bytes side by side are a word of another code page, not a name with an accent


def text_lines(stream: BinaryIO) -> Iterator[list[str]]:
    """Yield lines, many at a time; a byte order mark is dropped.

    Raises:
        Rejected: the text is UTF-32, or UTF-16 without a byte order mark.
    """
    block = stream.read(_BLOCK)
    decoder = _decoder(block)
    pending: list[str] = []  # the pieces of a line whose end has not come; joined once, however long it is
    size = 0
    while block:
        text = decoder.decode(block)
        block = stream.read(_BLOCK)
        if not block:
            text += decoder.decode(b"", final=True)
        # A CR at the end may be half of a CRLF: it waits in the last piece.
        is_open = "\n" not in text and "\r" not in text and not (pending and pending[-1].endswith("\r"))
        if block and is_open and size + len(text) <= LONGEST_LINE:
            pending.append(text)
            size += len(text)
            continue
        text = "".join((*pending, text))
        end = len(text) if not block else len(text) - text.endswith("\r")
        lines = list(io.StringIO(text[:end], newline=""))
        rest = text[end:]
        if block and lines and not lines[-1].endswith(("\n", "\r")):
            rest = lines.pop() + rest
            if len(rest) > LONGEST_LINE:
                lines.append(rest)
                rest = ""
        pending = [rest] if rest else []
        size = len(rest)
        if lines:
            yield lines


def is_foreign(text: str) -> bool:
    """Tell whether the text holds bytes that are no UTF-8, or half a character."""
    return not text.isascii() and _FOREIGN.search(text) is not None


def as_windows_1252(text: str) -> str | None:
    """Return what a foreign line says in Windows-1252, or None where it is not plainly that."""
    try:
        body = text.translate(_AS_BYTES).encode("latin-1")
    except UnicodeEncodeError:
        return None  # some of it is UTF-8
    run = 0
    for byte in body:
        run = 0 if byte < _ASCII else run + 1
        if run > _MOST_TOGETHER or (run and byte not in _WINDOWS):
            return None
    return body.decode("cp1252")


def _mark(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        return "\udcff", error.end
    raise error


codecs.register_error("spikewatch.foreign", _mark)


def _decoder(start: bytes) -> codecs.IncrementalDecoder:
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise Rejected(Fault.WRONG_ENCODING, None, "is UTF-32", "UTF-8 text", _EXAMPLE)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return codecs.getincrementaldecoder("utf-16")(errors="spikewatch.foreign")
    if b"\0" in start[:4]:
        # Plain letters in UTF-16 or UTF-32 are also UTF-8, with a NUL beside each.
        raise Rejected(Fault.WRONG_ENCODING, None, "is UTF-16 or UTF-32 without a byte order mark", "UTF-8 text", _EXAMPLE)
    return codecs.getincrementaldecoder("utf-8-sig")(errors="surrogateescape")
