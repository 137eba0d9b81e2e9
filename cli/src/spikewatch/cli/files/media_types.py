"""Which media type a file has: by its name, else by its first bytes, among those that the format comes in."""

from collections.abc import Collection
from pathlib import PurePath
from typing import Final

__all__ = ["SPREADSHEET", "media_type"]

SPREADSHEET: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BY_SUFFIX: Final = {
    ".csv": ("text/csv",),
    ".tsv": ("text/csv",),
    ".json": ("application/json", "application/fhir+json"),
    ".jsonl": ("application/x-ndjson", "application/fhir+ndjson"),
    ".ndjson": ("application/x-ndjson", "application/fhir+ndjson"),
    ".xml": ("application/xml", "text/xml"),
    ".hl7": ("application/hl7-v2", "text/plain"),
    ".er7": ("application/hl7-v2", "text/plain"),
    ".xlsx": (SPREADSHEET,),
}


def media_type(name: str, start: bytes, accepted: Collection[str]) -> str:
    """Return the media type of a file.

    Args:
        name: its name, with or without ``.gz``.
        start: its first bytes.
        accepted: the media types of the format; one of them is taken where name or bytes allow.
    """
    by_name = _BY_SUFFIX.get(PurePath(name.lower().removesuffix(".gz")).suffix, ())
    likely = [*by_name, *_by_content(start)]
    if start.startswith(b"PK\x03\x04"):
        likely = [SPREADSHEET]  # whatever its name says
    return next((one for one in likely if one in accepted), likely[0])


def _by_content(start: bytes) -> tuple[str, ...]:
    text = start[:512].lstrip(b"\xef\xbb\xbf\xff\xfe\x0b \t\r\n\0")
    if text[:3] in {b"MSH", b"FHS", b"BHS"}:
        return ("application/hl7-v2", "text/plain")
    if text[:1] == b"<":
        return ("application/xml", "text/xml")
    if text[:1] == b"[":
        return ("application/json", "application/fhir+json")
    if text[:1] == b"{":
        first, _, rest = start.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")
        one_a_line = first.rstrip().endswith(b"}") and (not rest.strip() or rest.lstrip()[:1] == b"{")
        lines, whole = ("application/x-ndjson", "application/fhir+ndjson"), ("application/json", "application/fhir+json")
        return (*lines, *whole) if one_a_line else (*whole, *lines)
    return ("text/csv", "text/plain")
