"""Reads what people wrote: decides by the first pattern that fits what kind of place it is, and cuts it into its parts.

It knows words, not streets: whether a street of that name exists is asked later.
"""

import re
from typing import Final

from spikewatch.enrichment.domain.geocoding.coordinates import coordinates_in
from spikewatch.enrichment.domain.geocoding.fold import LONGEST, fold
from spikewatch.enrichment.domain.geocoding.parsed import Kind, Parsed
from spikewatch.enrichment.domain.geocoding.phrases import LEADING, NO_ADDRESS, PARCEL, UNIT_MARKS, cleaned, cut_unit, halves_kept
from spikewatch.enrichment.domain.geocoding.police_blocks import unmasked
from spikewatch.enrichment.domain.geocoding.street_words import DIRECTIONS, STATES, TYPES

__all__ = ["parse"]

_NOTHING: Final = Parsed(Kind.NOTHING)
# 123 MAIN · 12-14 MAIN · 201D TURK · 12 1/2 ELM · 12-34 56TH AVE
_HOUSE: Final = re.compile(r"(\d{1,6})(?:\s?-\s?(\d{1,6})(?= ))?(?:-?([A-Z])(?= ))?(?:[ -]1/[234](?= ))? +(?!1/[234]\b)(\S.*)")
# N6W23001 BLUEMOUND RD, W123 N456 MAIN ST
# and N8085 COUNTY RD: what counts along a street is the number told last.
_GRID_HOUSE: Final = re.compile(r"(?:[NSEW]\d{1,5} ?[NSEW](?=\d)|[NSEW](?=\d{3}))(\d{1,6})-? +([A-Z0-9].*[A-Z]{2}.*)")
_NUMBERED_STREET: Final = re.compile(r"([A-Z]+) ?(?:[/&@]|(?:AND|AT|NEAR) )")
# 150 #4 OAK RD, 150 APT 4 OAK RD, 150 A&B OAK RD: units that stand before the street.
_UNIT_FIRST: Final = re.compile(r"(?:# ?|(?:APT|UNIT|STE|SUITE|RM|ROOM) #?)[A-Z0-9-]{1,5} +(?=\S+ \S)")
_UNIT_LETTERS: Final = re.compile(r"[A-Z] ?[&/-] ?[A-Z] +(?=(\S+) \S)")
_GLUED_HOUSE: Final = re.compile(r"(\d{1,6})((?!ST\b|ND\b|RD\b|TH\b)[A-Z]{2,} .+)")  # 123MARKET ST
_BLOCK: Final = re.compile(r"(\d{1,6})(?:\s?-\s?(\d{1,6}))?[ -]*(?:HUNDRED |HUND )?(?:BLOCKS?|BLKS?|BLCK|BLOK|BK)\b(?: OF\b)?[ ,:-]*(.*)")
_BLOCK_AFTER: Final = re.compile(r"(.+?)[ ,(]+(\d{1,6})[ -]*(?:HUNDRED )?(?:BLOCK|BLK|BLCK|BLOK)\)?")
# MARKET ST: 5TH ST TO 6TH ST · MARKET ST BETWEEN 5TH ST AND 6TH ST · MARKET ST FROM 5TH ST TO 6TH ST
_BETWEEN: Final = re.compile(
    r"(?P<a>[^:]{2,}?) ?(?:: ?|\bBETWEEN\b|\bBTWN?\b|\bBET\b|\bFROM\b)(?: ?BETWEEN\b)? ?(?P<b>.{2,}?) (?:TO|THRU|THROUGH|AND|&|"
    r"-) (?P<c>.{2,})"
)
_BETWEEN_SLASH: Final = re.compile(r"(?P<a>.{2,}?) BETWEEN (?P<b>.{2,}?) ?/ ?(?P<c>.{2,})")
_SHORT_WAY: Final = re.compile(r"(?:\b([NSEW])/OF?|^([NSEW])/B)\b(?! (?:ST|AVE?)\b)")  # OAK RD N/O 2ND AVE, S/B US 40 AT 2ND AVE
_SHORT_BETWEEN: Final = re.compile(r"\bB/(?:T|W)N?\b")
_BETWEEN_FIRST: Final = re.compile(r"(?:BETWEEN|BTWN?|BET) (?P<b>.{2,}?) (?:AND|&) (?P<c>.{2,}?) ON (?P<a>.{2,})")
_NUMBERS_IN_BRACKETS: Final = re.compile(r"\((\d{1,6}) ?- ?(\d{1,6})\)")
_CROSSING: Final = re.compile(r" ?[/&@+] ?")
_SIMPLE_CROSSING: Final = re.compile(r"([A-Z0-9][A-Z0-9 ]+?) ?[/&@] ?([A-Z0-9][A-Z0-9 ]+)")
_LABELLED_CROSSING: Final = re.compile(r"([^:/&@]{2,}?) ?: ?([^:/&@]{2,}?)(?: INTERSECTION)?")  # 19TH AVE: QUINTARA ST INTERSECTION
_UNIT_STARTS: Final = frozenset({"APT", "UNI", "STE", "SUI", "RM ", "ROO"})
_BOTH_TYPES: Final = frozenset({"STS", "STREETS", "AVES", "AVENUES", "AVS", "ROADS", "RDS"})
_CROSSING_WORDS: Final = re.compile(
    r" (?:(?:AND |AT |NEAR |ON )?(?:THE )?(?:CORNER|INTERSECTION) (?:OF|WITH)|(?:JUST )?(?:[NSEW]|NO|SO|NORTH|SOUTH|EAST|WEST) OF|"
    r"(?:INTERSECTS|CROSSES|CROSSING|INTERSECTION)(?: WITH)?|CLOSE TO|AND|AT|NEAR|NR|W) "
)
_CROSSING_X: Final = re.compile(r" (?:X|ON) ")
_MILE: Final = re.compile(
    r"(?P<before>.*?)[ ,-]*\b(?P<word>MM|MILE ?MARKER|MILE ?POST|MILE MKR|MP|MILE|EXIT|"
    r"EX)\b[ #:.]*(?P<mile>\d{1,4}(?:\.\d{1,3})?[A-Z]?)\b(?P<after>.*)"
)
_MILE_AFTER: Final = re.compile(r"(?P<before>.+?) (?P<mile>\d{1,4}(?:\.\d{1,3})?) ?(?P<word>MM|MILE ?MARKER)\b(?P<after>.*)")
_MILE_WORDS: Final = re.compile(r"\b(?:MM|MILE|MP|EXIT|EX)")
_ZIP_AT_END: Final = re.compile(r"(?:^|[ ,])(\d{5})(?:-\d{4})?$")


def parse(text: str | None) -> Parsed:
    """Return what a text names and its parts; never raises, whatever the text."""
    if not text:
        return _NOTHING
    if len(text) > LONGEST:
        text = text.strip() if len(text) < 4 * LONGEST else text
        if len(text) > LONGEST:
            return Parsed(Kind.NOTHING, reasons=("too_long",))
    if ("." in text or "°" in text) and (point := coordinates_in(text)) is not None:
        return Parsed(Kind.COORDINATES, lat=point[0], lon=point[1])
    folded = fold(text)
    if not folded:
        return Parsed(Kind.NOTHING, reasons=("unreadable",) if text.strip() else ())
    if ("X" in folded or "BL" in folded or "**" in text or "--" in text or "##" in text or "__" in text) and folded not in NO_ADDRESS:
        plain = unmasked(folded if "X" in folded or "BL" in folded else text)
        folded = plain if plain.isascii() and plain == plain.upper() else fold(plain)
    if folded in NO_ADDRESS:
        return Parsed(Kind.NOTHING, reasons=("unknown",))
    # Searching costs ten times as much as these tests, which hardly any address passes.
    if (
        ("MM" in folded or "MIL" in folded or "MP" in folded or "EX" in folded)
        and _MILE_WORDS.search(folded) is not None
        and (found := _mile(text)) is not None
    ):
        return found
    if folded[0].isdigit():
        return _from_number(folded)
    return _from_letter(folded)


def _from_number(folded: str) -> Parsed:
    if ("BL" in folded or "BK" in folded) and (block := _BLOCK.fullmatch(folded)) is not None:
        second = int(block[2] or 0)
        # 1300-1399 BLOCK tells both ends; in 52-00 BLOCK the hyphen is part of the number.
        first = int(block[1]) if second > int(block[1]) or not block[2] or len(block[2]) != 2 else int(block[1]) * 100 + second
        return _block(first, block[3], folded)
    house = _HOUSE.match(folded)
    if house is None and "," in folded[:8]:
        folded = folded.replace(",", " ", 1)  # 112, OAK RD
        house = _HOUSE.match(folded)
    if house is None:
        glued = _GLUED_HOUSE.match(folded)
        if glued is not None and glued[2].split()[0] not in {"NB", "SB", "EB", "WB"}:
            return _house(int(glued[1]), 0, "", glued[2], folded)
        return _from_letter(folded)
    rest = house[4]
    # 5 AVE / 10 ST and 300 E / 400 S: a number followed by nothing but a type or a direction is a street.
    if (
        ("/" in rest or "&" in rest or "@" in rest or " A" in rest or "NEAR" in rest)
        and (crossed := _NUMBERED_STREET.match(rest)) is not None
        and (TYPES.get(crossed[1]) in {"ST", "AVE"} or crossed[1] in DIRECTIONS)
    ):
        return _from_letter(folded)
    return _house(int(house[1]), int(house[2] or 0), house[3] or "", rest, folded)


def _house(  # noqa: C901, PLR0912  # one turn an address: calls would cost as much as the cutting
    number: int, number_to: int, suffix: str, rest: str, folded: str, kind: Kind = Kind.HOUSE
) -> Parsed:
    if (rest[0] == "#" or rest[:3] in _UNIT_STARTS) and (unit := _UNIT_FIRST.match(rest)) is not None:
        rest = rest[unit.end() :]
    zip5 = ""
    if rest[-1].isdigit() and len(rest) > 5 and (found := _ZIP_AT_END.search(rest)) is not None and "ROUTE" not in rest[-12:]:
        zip5 = found[1]
        rest = rest[: found.start()].rstrip(" ,") or rest
    tail: tuple[str, ...] = ()
    state = ""
    if "," in rest:
        rest, *others = [part.strip() for part in rest.split(",")]
        tail = tuple(part for part in others if part)
        if tail and tail[-1] in STATES and (zip5 or len(tail) > 1):
            state, tail = tail[-1], tail[:-1]
        elif tail and tail[-1][-3:-2] == " " and tail[-1][-2:] in STATES:
            state, tail = tail[-1][-2:], (*tail[:-1], tail[-1][:-3])
    elif zip5 and rest[-3:-2] == " " and rest[-2:] in STATES:
        state, rest = rest[-2:], rest[:-3]
    crosses: list[list[str]] = []
    if "/" in rest or "&" in rest or "@" in rest or " NEAR " in rest or " AT " in rest:
        rest = cleaned(rest)
        if (letters := _UNIT_LETTERS.match(rest)) is not None and letters[1] not in TYPES:
            rest = rest[letters.end() :]
        rest, *more = _CROSSING.split(rest) if _CROSSING.search(rest) else re.split(" NEAR | AT ", rest)
        crosses = [words for part in more if (words := cut_unit(part.split()))]
    if "(" in rest or ":" in rest:
        rest = rest.partition("(")[0].replace(":", " ")
    if "#" in rest:
        rest = rest.partition("#")[0]
    if "-" in rest:
        rest = rest.replace("-", " ")
    words = rest.split()
    if not UNIT_MARKS.isdisjoint(words):
        words = cut_unit(words)
    if not words:
        return _named(folded)
    if 90 <= number_to - number <= 99 and number % 100 <= 1:
        return Parsed(Kind.BLOCK, (words, *crosses), number - number % 100, tail=tail, zip5=zip5, state=state)
    return Parsed(kind, (words, *crosses) if crosses else (words,), number, number_to, suffix, tail, zip5, state)


def _block(number: int, rest: str, folded: str) -> Parsed:
    number = number * 100 if 0 < number < 100 and " HUND" in folded else number
    # 1501 BLOCK means the block that 1501 stands in; 1 BLOCK and 99 BLOCK the first one.
    made = _house(number - number % 100, 0, "", rest, folded, Kind.BLOCK) if rest else _NOTHING
    return made if made.kind is Kind.BLOCK else Parsed(Kind.NOTHING, reasons=("no_street",))


def _from_letter(folded: str) -> Parsed:  # noqa: C901, PLR0912  # a ladder: the first that fits counts
    if ("BLOCK" in folded or "PARCEL" in folded or "APN" in folded) and PARCEL.search(folded):
        return Parsed(Kind.NOTHING, reasons=("parcel",))
    folded = halves_kept(folded)
    if "/O" in folded or "/B" in folded:
        folded = _SHORT_WAY.sub(lambda way: f"{way[1]} OF" if way[1] else f"{way[2]}B", folded)
    if "B/" in folded:
        folded = _SHORT_BETWEEN.sub("BETWEEN", folded)
    if folded.startswith(("BETWEEN ", "BTW", "BET ")) and (between := _between(folded)) is not None:
        return between
    # Two names and one mark between them are a crossing, and the commonest of what starts with a letter.
    if (simple := _SIMPLE_CROSSING.fullmatch(folded)) is not None:
        one, other = simple[1].split(), simple[2].split()
        if (
            " BE" not in folded
            and " BT" not in folded
            and other[-1] not in _BOTH_TYPES
            and one[0] not in LEADING
            and UNIT_MARKS.isdisjoint(one)
            and UNIT_MARKS.isdisjoint(other)
        ):
            return Parsed(Kind.CROSSING, (one, other))
    text = cleaned(folded)
    if not text or text in NO_ADDRESS:
        return Parsed(Kind.NOTHING, reasons=("unknown",))
    if text != folded and text[0].isdigit():
        made = _from_number(text)
        return made._replace(reasons=(*made.reasons, "lead_in_dropped")) if made.kind is not Kind.NOTHING else made
    if (between := _between(text)) is not None:
        return between
    if "BL" in text and (block := _BLOCK_AFTER.fullmatch(text)) is not None:
        return _block(int(block[2]), block[1], text)
    if (grid := _GRID_HOUSE.match(text)) is not None:
        return _house(int(grid[1]), 0, "", grid[2], text)
    parts = _crossing_parts(text)
    if len(parts) > 1:
        tail: tuple[str, ...] = ()
        if "," in parts[-1]:
            last, *others = parts[-1].split(",")
            parts[-1], tail = last, tuple(part.strip() for part in others if part.strip())
        zip5 = ""
        if tail and (found := _ZIP_AT_END.search(tail[-1])) is not None:
            zip5 = found[1]
        streets = [words for part in parts if (words := cut_unit(part.partition("(")[0].replace("-", " ").replace(",", " ").split()))]
        if len(streets) > 1:
            if streets[-1][-1] in _BOTH_TYPES and len(streets[-1]) > 1:
                streets[-1].pop()  # TURK AND TAYLOR STS
            return Parsed(Kind.CROSSING, tuple(streets), tail=tail, zip5=zip5)
        if streets:
            return Parsed(Kind.NAME, (streets[0],), tail=tail, zip5=zip5, reasons=("one_street_only",))
    return _named(text)


def _crossing_parts(text: str) -> list[str]:
    if (pair := _LABELLED_CROSSING.fullmatch(text)) is not None:
        return [pair[1], pair[2]]
    for pattern in (_CROSSING, _CROSSING_WORDS, _CROSSING_X):
        parts = [part for part in pattern.split(text) if part.strip()]
        if len(parts) > 1:
            return parts
        if parts and pattern.search(text):
            return [parts[0], ""]
    return [text]


def _between(text: str) -> Parsed | None:
    if ":" not in text and "BET" not in text and "BTW" not in text and "FROM" not in text:
        return None
    numbers = _NUMBERS_IN_BRACKETS.search(text)
    plain = re.sub(r"\(.*?\)|\(.*$", " ", text).strip() if "(" in text else text
    found = _BETWEEN_FIRST.fullmatch(plain) or _BETWEEN.fullmatch(plain) or _BETWEEN_SLASH.fullmatch(plain)
    if found is None:
        return None
    # CUSTER AVE / CARGO WAY TO ...: where two streets end at the stretch, the first stands for both.
    streets = tuple(cut_unit(re.sub(r"[-,:]", " ", re.split(r"[/&@]", found[part])[0]).split()) for part in "abc")
    if not all(streets):
        return None
    return Parsed(Kind.BETWEEN, streets, int(numbers[1]) if numbers else 0, int(numbers[2]) if numbers else 0)


def _mile(text: str) -> Parsed | None:
    # The full stop of MM 54.2 is lost when folding: it is kept as a mark of its own for the while.
    marked = re.sub(r"(?<=\d)\.(?=\d)", "\x01", text.upper())
    folded = " ".join(part for part in ("\x01".join(fold(piece) for piece in marked.split("\x01"))).split() if part).replace("\x01", ".")
    found = _MILE.fullmatch(folded) or _MILE_AFTER.fullmatch(folded)
    if found is None:
        return None
    before = [word for word in re.sub(r"[-,:/&@#().+]", " ", found["before"]).split() if word not in {"AT", "ON", "NEAR", "AND", "THE"}]
    after = [word for word in re.sub(r"[-,:/&@#().+]", " ", found["after"]).split() if word not in {"AT", "ON", "NEAR", "AND", "OF", "THE"}]
    words = before or after
    if not words and found["word"] not in {"MILE", "EX"}:
        return Parsed(Kind.NOTHING, reasons=("road_not_told",))
    if not words or (found["word"] in {"MILE", "EX"} and words[0].isdigit()):
        return None
    kind = "EXIT" if found["word"].startswith("EX") else "MM"
    return Parsed(Kind.MILE, (words,), mile=f"{kind} {found['mile']}", tail=(" ".join(after),) if before and after else ())


def _named(text: str) -> Parsed:
    zip5, state = "", ""
    text = text.removeprefix("ZIP ").removeprefix("CODE ") if text.startswith("ZIP ") else text
    if (found := _ZIP_AT_END.search(text)) is not None:
        zip5 = found[1]
        text = text[: found.start()].strip(" ,-")
    parts = [part.strip() for part in re.sub(r"[(#:]", ",", text).replace(")", " ").split(",") if part.strip()]
    if parts and parts[-1] in STATES and (zip5 or len(parts) > 1):
        state = parts.pop()
    elif parts and zip5 and parts[-1][-3:-2] == " " and parts[-1][-2:] in STATES:
        state = parts[-1][-2:]
        parts[-1] = parts[-1][:-3].strip()
    if not parts:
        return Parsed(Kind.NAME, (), zip5=zip5, state=state)
    numbered = next((part for part in parts[1:] if _HOUSE.match(part)), None)
    if numbered is not None and not _HOUSE.match(parts[0]):
        made = _house(*_number_and_rest(numbered), numbered)
        at = parts.index(numbered)
        return made._replace(tail=tuple(parts[at + 1 :]), zip5=zip5, state=state, reasons=("lead_in_dropped",))
    words = re.sub(r"[/&@+-]", " ", parts[0]).split()
    return Parsed(Kind.NAME, (words,) if words else (), tail=tuple(parts[1:]), zip5=zip5, state=state)


def _number_and_rest(text: str) -> tuple[int, int, str, str]:
    house = _HOUSE.match(text)
    assert house is not None  # noqa: S101  # the caller has just matched it
    return int(house[1]), int(house[2] or 0), house[3] or "", house[4]
