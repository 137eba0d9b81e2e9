"""Guesses what a column holds, from its header and its values, and says how sure the guess is and why."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from spikewatch.contracts.vocabulary import TimeBasis, TimePrecision
from spikewatch.ingest.domain.dates import FORMATS_SEEN, date_reader, time_of_day
from spikewatch.ingest.domain.identifying import is_identifying
from spikewatch.ingest.domain.profiles.cells import plain_word
from spikewatch.ingest.domain.profiles.column_rules import ANY, RULES, SEXES, YES_NO, Test, among, is_icd
from spikewatch.ingest.domain.profiles.headers import is_home, person_of, words_of

__all__ = ["Guess", "Seen", "guess"]

_EMPTY: Final = frozenset({"", "na", "n/a", "null", "none", "nan", "not recorded", "unknown"})
_SUPPRESSED: Final = re.compile(r"<\s*\d{1,3}", re.ASCII)
# What was given against the overdose is never the substance that caused it, and sentences name substances that nobody took.
_REVERSAL: Final = re.compile(r"narcan|naloxone|nalox|reversal|antagonist|antidote")
_TREATMENT: Final = re.compile(r"medic|meds|treatment|given|administer|desc|narrative|comment|notes?(?: |$)|narcan|naloxone|nalox")
_ELSEWHERE: Final = re.compile(
    r"(?:^| )(?:destination|dest|hospital|receiving|facility|agency|station|provider|caller|billing|reporting|funeral)(?: |$)"
)
# Something was done with the record then, or long after the overdose.
_OF_THE_RECORD: Final = re.compile(
    r"(?:^| )(?:updat\w*|modif\w*|closed?|closing|clear\w*|available|export\w*|print\w*|complet\w*|signed|signature|amend\w*|certif\w*"
    r"|expir\w*|upload\w*|edit\w*|autopsy|disposed|hospital|destination|transport\w*)(?: |$)"
)
_NO_CLOCK: Final = re.compile(r"respon|travel|elapsed|duration|interval|total|turnout|minutes|seconds|(?:^| )mins?(?: |$)|time zone")
_SHORT_CLOCK: Final = re.compile(r"\d{3,4}|0?\.\d+", re.ASCII)  # 903, 1403, and a spreadsheet's part of a day
_UNITS: Final = re.compile(
    r"(?:^| )(?:units?|apparatus|battalion|station|box|beat|district|sector|zone|precinct|division|area|grid|map|team|crew|agency|ori)"
    r"(?: |$)"
)
_PLACES: Final = frozenset({"lat", "lon", "point_in", "address", "city", "zip", "county_fips", "county"})
_DAY_FIRST: Final = frozenset(pattern for pattern in FORMATS_SEEN if pattern.startswith(("DD/MM", "DD-MM-")))
_MONTH_FIRST: Final = frozenset(pattern for pattern in FORMATS_SEEN if pattern.startswith(("MM/DD", "MM-DD")))

_BASES: Final = (
    (r"death|died|dod|tod|deceased|pronounced", TimeBasis.DEATH),
    (r"call\w*|psap|received|rcvd|created?|queued?|alarm|alm|911", TimeBasis.PSAP_CALL),
    (r"dispatch\w*|notified", TimeBasis.DISPATCH),
    (r"scene|arrived|at patient|contact", TimeBasis.ON_SCENE),
    (r"onset|symptom", TimeBasis.SYMPTOM_ONSET),
    (r"arrival|admit\w*|visit|encounter", TimeBasis.ARRIVAL),
    (r"injury|incident|occur\w*|overdose|od|event|offense|service", TimeBasis.INJURY),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A column as the file has it: its header and what some rows say in it."""

    header: str
    values: Sequence[str]

    @property
    def stated(self) -> list[str]:
        """The values that say something."""
        return [value for value in self.values if plain_word(value) not in _EMPTY]


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column seems to hold.

    Attributes:
        column: its header.
        field: the profile's field, ``personal`` or ``home`` for what is left out, ``unused`` for the rest.
        sure: from 0 to 1.
        why: one clause; it never holds a value.
        words: the distinct words of a short list, in plain form.
        formats: the date formats that fit.
        basis: which moment a time seems to be.
        suppressed: marks of suppressed numbers that stand in it.
    """

    column: str
    field: str
    sure: float
    why: str
    words: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    basis: TimeBasis = TimeBasis.REPORTED
    suppressed: tuple[str, ...] = ()


def guess(seen: Seen, is_listed: Callable[[str], bool]) -> Guess:  # noqa: C901, PLR0912  # a ladder: the surer comes first
    """Return the likeliest meaning of a column.

    Args:
        seen: the column.
        is_listed: tells whether a text is the name of a substance.
    """

    def names_drug(text: str) -> bool:
        # A vocabulary lists codes, too, and a single letter or figure names nothing by itself.
        # The shortest names are LSD, PCP, GHB; naloxone is listed, too, and is never what caused an overdose.
        return sum(map(str.isalpha, text)) > 2 and _REVERSAL.search(text.lower()) is None and is_listed(text)

    header, words, stated = seen.header, words_of(seen.header), seen.stated
    if (what := person_of(header)) is not None:
        return Guess(header, "personal", 0.9, f"its header says {what}")
    if is_home(header):
        return Guess(header, "home", 0.9, "its header says where a person lives")
    if stated and sum(map(is_identifying, stated)) > len(stated) / 5 and not _dates(stated)[1]:
        return Guess(header, "personal", 0.7, "its values look like telephone numbers, addresses or numbers of persons")
    if (timed := _time(header, words, stated)) is not None:
        return timed
    if stated and names_drug(words) and _share(stated, among(YES_NO)) > 0.5:
        return Guess(header, "drug_flag", 0.85, "its header names a substance and its values are yes and no")
    best = Guess(header, "unused", 0.0, "neither header nor values are known" if stated else "it is empty")
    for name, pattern, test, what, worth in RULES:
        if re.search(pattern, words) is None or (name in _PLACES and _ELSEWHERE.search(words)):
            continue
        marks = tuple(dict.fromkeys(value.strip() for value in stated if _SUPPRESSED.fullmatch(value.strip())))
        share = _share([value for value in stated if value.strip() not in marks], test)
        sure = worth if test is ANY else worth + 0.45 * share if share > 0.5 else worth * share
        told = "" if test is ANY else f", and {share:.0%} of its values are {what}"
        if sure > best.sure:
            best = Guess(header, name, min(sure, 0.98), f"its header{told}", _words(stated), suppressed=marks)
    if best.field in {"drugs", "unused"} and stated and not _TREATMENT.search(words):
        share = _share(stated, names_drug)
        if share > 0.4:
            return Guess(header, "drugs", min(0.5 + share / 2, 0.98), f"{share:.0%} of its values name substances")
        if best.field == "unused" and not _UNITS.search(words) and (share := _share(stated, _is_long_code)) > 0.8:
            return Guess(header, "codes", 0.6, f"{share:.0%} of its values look like diagnosis codes")
    if best.field == "sex" or not best.sure:
        share = _share(stated, among(SEXES - {"u", "unknown", "other", "x"})) if stated else 0.0
        if share > 0.9 and best.sure < 0.5:
            return Guess(header, "sex", 0.6, f"{share:.0%} of its values are sexes", _words(stated))
    return best


def _is_long_code(text: str) -> bool:
    # T40 alone is as well a truck, M12 a medic.
    return is_icd(text) and len(text.strip()) > 3


def _share(values: Sequence[str], test: Test) -> float:
    return sum(map(test, values)) / len(values) if values else 0.0


def _words(stated: Sequence[str]) -> tuple[str, ...]:
    distinct = tuple(sorted({plain_word(value) for value in stated}))
    return distinct if len(distinct) <= 12 else ()  # more are no list of words


def _dates(stated: Sequence[str]) -> tuple[tuple[str, ...], float]:
    """Return the formats that together read most values, and the share that they read."""
    left = list(dict.fromkeys(value.strip() for value in stated))
    total = len(left)
    chosen: list[str] = []
    while left and len(chosen) < 3:  # a column of more forms is none of dates
        # A column with both orders of month and day is one with a mistake, not two forms.
        barred = _DAY_FIRST if _MONTH_FIRST & set(chosen) else _MONTH_FIRST if _DAY_FIRST & set(chosen) else frozenset()
        pattern, rest = min(
            ((pattern, _unread(left, pattern)) for pattern in FORMATS_SEEN if pattern not in barred), key=lambda pair: len(pair[1])
        )
        if len(rest) == len(left):
            break
        chosen.append(pattern)
        left = rest
    return tuple(chosen), 1 - len(left) / total if total else 0.0


def _unread(values: Sequence[str], pattern: str) -> list[str]:
    reader = date_reader((pattern,))
    return [value for value in values if (read := reader(value)) is None or not 1990 <= read.at.year <= 2100]


def _is_clock(text: str) -> bool:
    return (":" in text or _SHORT_CLOCK.fullmatch(text) is not None) and len(text) < 14 and time_of_day(text) is not None


def _time(header: str, words: str, stated: Sequence[str]) -> Guess | None:
    says = re.search(r"date|time|when|(?:^| )(?:dt|dttm|timestamp|dod)(?: |$)|datetime", words) is not None
    basis = next((basis for pattern, basis in _BASES if re.search(rf"(?:^| )(?:{pattern})(?: |$)", words)), TimeBasis.REPORTED)
    if says and _OF_THE_RECORD.search(words):
        return Guess(header, "unused", 0.0, "its header says a time of the record, not of the overdose")
    clocks = _share(stated, lambda text: _is_clock(text.strip()))
    is_clock = re.search(r"time|(?:^| )(?:tod|clock|hour|hrs|tm)(?: |$)", words) is not None and _NO_CLOCK.search(words) is None
    if is_clock and clocks > 0.6:
        return Guess(header, "time_of_day", 0.5 + 0.45 * clocks, f"{clocks:.0%} of its values are times of day", basis=basis)
    if not stated or (not says and not any(mark in stated[0] for mark in "-/")):
        return None
    formats, share = _dates(stated)
    if share < 0.6 or not (says or share > 0.95):
        return None
    sure = (0.5 if says else 0.3) + 0.45 * share
    precise = date_reader(formats)(stated[0].strip())
    what = "dates" if precise is not None and precise.precision is TimePrecision.DATE else "times"
    return Guess(
        header, "occurred_at", sure, f"{share:.0%} of its values are {what} written {' or '.join(formats)}", formats=formats, basis=basis
    )
