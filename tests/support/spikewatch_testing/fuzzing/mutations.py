"""Makes strange inputs of sound ones: what real senders break, and what hostile ones try. The same random numbers, the same input."""

import io
import re
import zipfile
import zlib
from collections.abc import Callable
from random import Random

from spikewatch.ingest.domain.form import FORM
from spikewatch_testing.fuzzing.forms import FORM_CHANGES
from spikewatch_testing.fuzzing.planted import VALUES, places
from spikewatch_testing.fuzzing.seeds import Seed

__all__ = ["mutated"]

_ODD = (
    "", " ", "0", "-1",
    "1e999", "NaN", "Infinity", "null", "None", "N/A", "true", "9" * 30, "9" * 5_000, "1900-01-01", "9999-12-31T23:59:59Z",
    "2026-02-30", "2026-13-01", "24:61",
    "2027-01-01T00:00:00Z", "2026-03-08 02:30:00", "2026-11-01 01:30:00", "0001-01-01", "20260230", "²",
    "٣", "Ünïcödé", "\u202eabc", "\ud83d\ude00", "a\u0000b", "\x1b[31m", "\x0b\x0c", "\ufeff", "\u2028", "=1+1",
    "'; DROP TABLE", "<script>", "&lt;", "%s%n",
    "../../etc", "{{7*7}}", "\\", '"', "'", ",", ";", "|", "^", "~", "&", "\\F\\", "\\X0D\\", "[", "{", "]]", "A" * 2_000, "x,y\nz",
)  # fmt: skip
_ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "cp1252", "latin-1", "utf-8-sig", "cp037")
_HUGE = 200_000
# What finding the values of an input raises that an earlier step has broken already, a damaged workbook for example.
_UNREADABLE = (ValueError, RuntimeError, zipfile.BadZipFile, zlib.error, EOFError, KeyError, OSError)
_VERY_HUGE = 10_000_000


def mutated(seed: Seed, other: Seed, random: Random) -> tuple[bytes, str]:
    """Return a strange input made of a seed, and what was done to it."""
    body, done = seed.body, []
    steps = random.choice((1, 1, 1, 2, 2, 3, 5))
    for _ in range(steps):
        if random.random() < 0.5:
            body, what = _valued(body, seed.media_type, random)
        else:
            # What belongs to forms alone as often as all the rest together.
            change = random.choice(FORM_CHANGES if seed.media_type == FORM and random.random() < 0.5 else _BYTES)
            body, what = change(body, other.body, random), change.__name__
        done.append(what)
        if what.endswith(" planted"):
            break  # a later change could break the identifier itself, and half of one is none
    return body, "+".join(done)


def _valued(body: bytes, media_type: str, random: Random) -> tuple[bytes, str]:
    """Put an odd or planted text in the place of one value."""
    try:
        found = list(places(body, media_type))
    except _UNREADABLE:
        found = []
    if not found:
        return _insert(body, b"", random), "insert"
    where, plant = random.choice(found)
    is_planted = random.random() < 0.4
    text = random.choice(VALUES if is_planted else _ODD)
    try:
        return plant(text), f"value {where} {'planted' if is_planted else ascii(text)[:20]}"
    except (UnicodeEncodeError, *_UNREADABLE):
        return _insert(body, b"", random), "insert"


def _truncate(body: bytes, other: bytes, random: Random) -> bytes:
    return body[: random.randrange(len(body) + 1)]


def _behead(body: bytes, other: bytes, random: Random) -> bytes:
    return body[random.randrange(len(body) + 1) :]


def _delete(body: bytes, other: bytes, random: Random) -> bytes:
    at = random.randrange(len(body) + 1)
    return body[:at] + body[at + random.choice((1, 1, 5, 50, 500)) :]


def _repeat(body: bytes, other: bytes, random: Random) -> bytes:
    at = random.randrange(len(body) + 1)
    return body[:at] + body[at : at + random.choice((1, 10, 200))] * random.choice((2, 3, 20)) + body[at:]


def _insert(body: bytes, other: bytes, random: Random) -> bytes:
    at = random.randrange(len(body) + 1)
    return body[:at] + random.choice(_ODD).encode("utf-8", "surrogatepass") + body[at:]


def _flip(body: bytes, other: bytes, random: Random) -> bytes:
    flipped = bytearray(body)
    for _ in range(random.choice((1, 1, 4, 30))):
        if flipped:
            flipped[random.randrange(len(flipped))] = random.randrange(256)
    return bytes(flipped)


def _swap_lines(body: bytes, other: bytes, random: Random) -> bytes:
    lines = re.split(rb"(?<=[\r\n])(?=[^\r\n])", body)
    if len(lines) > 1:
        one, two = random.randrange(len(lines)), random.randrange(len(lines))
        lines[one], lines[two] = lines[two], lines[one]
    return b"".join(lines)


def _second_header(body: bytes, other: bytes, random: Random) -> bytes:
    lines = re.split(rb"(?<=[\r\n])(?=[^\r\n])", body)
    lines.insert(random.randrange(len(lines) + 1), lines[0])
    return b"".join(lines)


def _double_column(body: bytes, other: bytes, random: Random) -> bytes:
    lines = re.split(rb"(?<=[\r\n])(?=[^\r\n])", body)
    cells = lines[0].rstrip(b"\r\n").split(b",")
    return b",".join([random.choice(cells), *cells]) + b"\n" + b"".join(lines[1:])


def _line_ends(body: bytes, other: bytes, random: Random) -> bytes:
    ends = (b"\r", b"\n", b"\r\n", b"\n\r", b"\x85", b"\xe2\x80\xa8", b"\x0b")
    return re.sub(rb"\r\n|\r|\n", lambda _: random.choice(ends), body)


def _recode(body: bytes, other: bytes, random: Random) -> bytes:
    return body.decode("utf-8", "replace").encode(random.choice(_ENCODINGS), "replace")


def _mark(body: bytes, other: bytes, random: Random) -> bytes:
    marks = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\x00\x00", b"\x00", b"\x1f\x8b", b"PK\x03\x04", b"\x0b")
    return random.choice(marks) + body


def _join(body: bytes, other: bytes, random: Random) -> bytes:
    return body + random.choice((b"", b"\n", b"\r", b",", b"\x1c\r")) + other


def _splice(body: bytes, other: bytes, random: Random) -> bytes:
    return body[: random.randrange(len(body) + 1)] + other[random.randrange(len(other) + 1) :]


def _huge(body: bytes, other: bytes, random: Random) -> bytes:
    at = random.randrange(len(body) + 1)
    size = _VERY_HUGE if random.random() < 0.004 else random.choice((11_000, 70_000, _HUGE))
    return body[:at] + random.choice((b"A", b"9", b" ", b'"', b"<", b"[", b"\n", b",", b"|", b"\xc3\xa9")) * size + body[at:]


def _deep(body: bytes, other: bytes, random: Random) -> bytes:
    at, levels = random.randrange(len(body) + 1), random.choice((20, 50, 1_000, 20_000))
    opening, closing = random.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"<a>", b"</a>"), (b'{"resource":[', b"]}")))
    return body[:at] + opening * levels + (closing * levels if random.random() < 0.5 else b"") + body[at:]


def _entities(body: bytes, other: bytes, random: Random) -> bytes:
    declared = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;&b;"><!ENTITY d SYSTEM "file:///etc/passwd">]>'
    return declared + re.sub(rb"^<\?xml[^>]*\?>", b"", body).replace(b">", random.choice((b">&c;", b">&d;")), 3)


def _bomb(body: bytes, other: bytes, random: Random) -> bytes:
    """Pack something far larger than it looks into the workbook that it is, or into a new one."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        try:
            whole = zipfile.ZipFile(io.BytesIO(body))
            names = whole.namelist()
            chosen = random.choice(names) if names else ""
            for name in names:
                part = whole.read(name)
                cut, many = part[: random.randrange(len(part) + 1)], part * random.choice((2, 40))
                kinds = (b" " * 3_000_000, cut, many, b"<a>" * 5_000, part.replace(b"</", b"<b/></", 50))
                archive.writestr(name, random.choice(kinds) if name == chosen else part)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError, OSError, KeyError):
            archive.writestr(random.choice(("xl/workbook.xml", "[Content_Types].xml", "a")), b"0" * 3_000_000)
        except Exception:  # noqa: BLE001  # whatever zlib finds in a broken archive: it stays as it is
            return body
    return out.getvalue()


_BYTES: tuple[Callable[[bytes, bytes, Random], bytes], ...] = (
    _truncate, _truncate, _behead, _delete, _delete, _repeat, _insert, _insert, _insert, _flip, _flip, _swap_lines, _second_header,
    _double_column, _line_ends, _recode, _mark, _join, _splice, _splice, _huge, _deep, _entities, _bomb,
)  # fmt: skip
