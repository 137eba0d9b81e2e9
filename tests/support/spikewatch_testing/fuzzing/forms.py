"""Forms as web pages and scripts post them: sound ones made of records, and what senders and attackers make of their bytes."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from urllib.parse import parse_qsl, quote_plus, urlencode

from spikewatch.ingest.domain.record import Fields

__all__ = ["FORM_CHANGES", "form_of", "form_values"]

_FLAT = (str, int, float)
_MANY = 100_000
_LONG = (10_000, 200_000)
_ESCAPES = (b"%", b"%4", b"%zz", b"%%", b"%u0041", b"%00", b"%0d%0a", b"%C3", b"%FF", b"%ED%A0%80", b"%26", b"%3D", b"%2B", b"%EF%BB%BF")


def form_of(fields: Fields) -> bytes:
    """Return a record's fields as a form; the members of a group and the items of a list become fields of their own."""
    pairs: list[tuple[str, object]] = []
    for name, value in fields.items():
        for inner_name, inner in value.items() if isinstance(value, dict) else ((name, value),):
            pairs += [(inner_name, item) for item in (inner if isinstance(inner, list) else [inner]) if isinstance(item, _FLAT)]
    return urlencode([(name, value) for name, value in pairs if value != ""]).encode()


def form_values(text: str) -> Iterator[tuple[str, Callable[[str], bytes]]]:
    """Yield every name and every value of a form, with what puts another text in its place."""
    pairs = parse_qsl(text, keep_blank_values=True)
    for at, (name, _) in enumerate(pairs):
        yield name, partial(_written, pairs, at, 1)
        yield f"{name} (name)", partial(_written, pairs, at, 0)


def _written(pairs: list[tuple[str, str]], at: int, part: int, planted: str) -> bytes:
    name, value = pairs[at]
    changed = (name, planted) if part else (planted, value)
    return urlencode([*pairs[:at], changed, *pairs[at + 1 :]]).encode()


def _one(body: bytes, random: Random) -> tuple[list[bytes], int]:
    pairs = body.split(b"&")
    return pairs, random.randrange(len(pairs))


def _broken_escape(body: bytes, other: bytes, random: Random) -> bytes:
    places = [match.start() for match in re.finditer(rb"%[0-9A-Fa-f]{2}", body)]
    if places and random.random() < 0.5:
        at = random.choice(places)
        return body[: at + random.choice((1, 2))] + body[at + 3 :]
    at = random.randrange(len(body) + 1)
    return body[:at] + random.choice(_ESCAPES) + body[at:]


def _doubled_key(body: bytes, other: bytes, random: Random) -> bytes:
    pairs, at = _one(body, random)
    name = pairs[at].partition(b"=")[0]
    pairs.insert(random.randrange(len(pairs) + 1), name + b"=" + random.choice((b"", b"x", b"unknown", b"2", pairs[at])))
    return b"&".join(pairs)


def _no_equals(body: bytes, other: bytes, random: Random) -> bytes:
    pairs, at = _one(body, random)
    pairs[at] = pairs[at].replace(b"=", random.choice((b"", b":", b"==", b"%3D")), 1)
    return b"&".join(pairs)


def _pluses(body: bytes, other: bytes, random: Random) -> bytes:
    pairs, at = _one(body, random)
    name, mark, value = pairs[at].partition(b"=")
    pluses = b"+" * random.choice((1, 2, 50))
    pairs[at] = random.choice((pluses + name, name + pluses)) + mark + random.choice((value, pluses, pluses + value, value + pluses))
    return b"&".join(pairs)


def _empty_name(body: bytes, other: bytes, random: Random) -> bytes:
    pairs, at = _one(body, random)
    pairs.insert(at, random.choice((b"", b"=", b"=x", b"+=x", b"%20=x", b"%00=x", b"&&", b";a=b")))
    return b"&".join(pairs)


def _other_charset(body: bytes, other: bytes, random: Random) -> bytes:
    text = random.choice(("Zoë Rd", "Café", "東京", "Привет", "naïve ½", "\ufeffa"))
    charset = random.choice(("latin-1", "cp1252", "utf-16", "utf-16-le", "shift_jis", "koi8-r", "utf-7", "utf-8"))
    said = text.encode(charset, "replace")
    pairs, at = _one(body, random)
    # Escaped, or bare, as a script that knows nothing of forms sends it.
    pairs[at] = pairs[at].partition(b"=")[0] + b"=" + (quote_plus(said).encode() if random.random() < 0.7 else said)
    return b"&".join(pairs)


def _many_pairs(body: bytes, other: bytes, random: Random) -> bytes:
    many = _MANY if random.random() < 0.02 else random.choice((150, 199, 200, 1_000))
    return body + random.choice((b"&a=b", b"&", b"&a", b"&=", b"&zip=19401", b"&outcome=nonfatal")) * many


def _long_value(body: bytes, other: bytes, random: Random) -> bytes:
    pairs, at = _one(body, random)
    long = random.choice((b"a", b"%41", b"+", b"%C3%A9", b"9", b"=", b"%25")) * random.choice(_LONG)
    pairs[at] = long + pairs[at] if random.random() < 0.2 else pairs[at] + long
    return b"&".join(pairs)


def _escaped_anew(body: bytes, other: bytes, random: Random) -> bytes:
    """Escape once too often, too little, or all, as proxies and scripts do."""
    pairs, at = _one(body, random)
    name, mark, value = pairs[at].partition(b"=")
    kinds = (quote_plus(value).encode(), b"".join(b"%%%02x" % byte for byte in value), value.replace(b"%3A", b":").replace(b"%2B", b"+"))
    pairs[at] = name + mark + random.choice(kinds)
    return b"&".join(pairs)


FORM_CHANGES: tuple[Callable[[bytes, bytes, Random], bytes], ...] = (
    _broken_escape, _doubled_key, _no_equals, _pluses, _empty_name, _other_charset, _many_pairs, _long_value, _escaped_anew,
)  # fmt: skip
"""What is done to the bytes of a form, beside what is done to any bytes."""
