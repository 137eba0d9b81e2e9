"""Text files as lines: UTF-8, UTF-16 with its mark, else Windows-1252, in which older exports are written."""

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final, cast

from spikewatch.enrichment.adapters.geodata.stored_file import StoredFile
from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable

__all__ = ["encoding_of_text", "start_of_text", "text_of"]

_START: Final = 1 << 18  # bytes that are looked at to tell what a file is


def start_of_text(file: StoredFile, expected: str) -> tuple[str, str]:
    """Return the encoding of a file and the text that it begins with.

    Raises:
        GeodataUnusable: it is no text, or blank where something is ``expected``.
    """
    start = file.whole(_START)
    encoding = encoding_of_text(file.name, start)
    text = start.decode(encoding, "replace")
    if not text.strip():
        raise GeodataUnusable(f"{file.name} is empty; expected {expected}")
    return encoding, text


def encoding_of_text(name: str, start: bytes) -> str:
    """Tell the encoding of a text by its first bytes.

    Raises:
        GeodataUnusable: it is no text.
    """
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in start:
        raise GeodataUnusable(f"{name} is no text; expected CSV, GeoJSON, a shapefile, or a zip of one")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


@contextmanager
def text_of(stream: IO[bytes], encoding: str) -> Iterator[io.TextIOWrapper]:
    """Give the stream as text; a byte that is none becomes the replacement character. The stream stays its owner's to close."""
    lines = io.TextIOWrapper(cast("io.BufferedReader", stream), encoding=encoding, errors="replace", newline="")
    try:
        yield lines
    finally:
        lines.detach()
