"""Sound records in which a few values are replaced by hostile ones, each where the format's reader looks for it."""

import csv
import io
import json
import re
from collections.abc import Callable
from random import Random
from typing import Any, Final
from xml.sax.saxutils import escape

from spikewatch_testing.fuzzing.planted import VALUES
from spikewatch_testing.fuzzing.seeds import Seed, seeds

__all__ = ["HOSTILE", "with_hostile_values"]

HOSTILE: Final = (
    *("", "-", "unknown", "0", "-1", "-0.0", "999", "1e9", "1e308", "NaN", "Infinity", "90", "89", "1940", "19401-1234", "99999", "00000"),
    *("13/45/2026", "24:00", "8:61 PM", "02:30:00", "03/08/2026", "11/02/2025", "20260230", "99991231235959", "2026-05-01T14:03:00+99:00"),
    *(
        "91, 181",
        "-90.0,180.0",
        "40.1,-75.3",
        "MAIN ST & OAK AVE",
        "\u0661\u0662\u0663",
        "\u0661" * 5,
        "\u00e9",
        "\ud800",
        "a\u0000b",
        "\u202eabc",
    ),
    *("x" * 130, "x" * 600, "1" * 130, "9" * 400, "DOB." * 128, "DOB." * 63, "a@b.c " * 85, "078-05-1120 " * 42, "C/O JANE DOE " * 39),
    *("00000000-0000-0000-0000-000000000000", 'W/"999999999"', '""', "\\X00\\", "\\.br\\" * 99, "^^^^^^^^", "~~~~"),
    *VALUES,
)
"""Values at, beyond and far beyond each bound, of the wrong kind, or with an identifier that is replaced by something longer."""

_NUMBERS: Final[tuple[Any, ...]] = (None, True, 0, -1, 1.5, 90.0000001, 1e308, 10**15, [], {}, [None], {"value": 1})
_TEXT_OF_ELEMENT: Final = re.compile(r">([^<>\s][^<>]*)<")


def with_hostile_values(name: str, random: Random) -> tuple[str, bytes]:
    """Return the media type and the bytes of one record of the format's examples with one to three values replaced."""
    seed = random.choice([one for one in seeds(name, with_samples=False) if one.is_small])
    change: Callable[[Seed, Random], bytes] = {"hl7_adt": _hl7, "nemsis": _xml, "fhir": _json, "cad_911": _csv}[name]
    for _ in range(random.randint(1, 3)):
        seed = Seed(seed.media_type, change(seed, random), is_small=True)
    return seed.media_type, seed.body


def _hl7(seed: Seed, random: Random) -> bytes:
    lines = seed.body.decode("utf-8", "replace").split("\r")
    at = random.randrange(len(lines))
    fields = lines[at].split("|")
    place = random.randrange(len(fields))
    parts = fields[place].split("^")
    parts[random.randrange(len(parts))] = re.sub(r"[\r\n|]", " ", random.choice(HOSTILE))
    if at or place > 1:  # not the separators
        fields[place] = "^".join(parts)
    lines[at] = "|".join(fields)
    return "\r".join(lines).encode("utf-8", "replace")


def _xml(seed: Seed, random: Random) -> bytes:
    text = seed.body.decode("utf-8", "replace")
    found = list(_TEXT_OF_ELEMENT.finditer(text))
    if not found:
        return seed.body
    chosen = random.choice(found)
    value = escape(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", random.choice(HOSTILE)))
    return (text[: chosen.start(1)] + value + text[chosen.end(1) :]).encode("utf-8", "replace")


def _json(seed: Seed, random: Random) -> bytes:
    try:
        value = json.loads(seed.body)
    except ValueError:
        return seed.body
    leaves: list[tuple[Any, Any]] = []
    layer = [value]
    while layer:
        whole = layer.pop()
        for key, part in list(whole.items() if isinstance(whole, dict) else enumerate(whole)):
            if isinstance(part, dict | list):
                layer.append(part)
            else:
                leaves.append((whole, key))
    whole, key = random.choice(leaves)
    whole[key] = random.choice(HOSTILE) if random.random() < 0.8 else random.choice(_NUMBERS)
    return json.dumps(value).encode()


def _csv(seed: Seed, random: Random) -> bytes:
    if seed.media_type != "text/csv":
        return _json(seed, random)
    rows = list(csv.reader(io.StringIO(seed.body.decode("utf-8", "replace"))))
    row = random.choice(rows[1:] or rows)
    if row:
        row[random.randrange(len(row))] = re.sub(r"[\r\n\x00]", " ", random.choice(HOSTILE))
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue().encode("utf-8", "replace")
