"""Guesses what a column holds, from its header and its values, and says how sure the guess is and why."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from spikewatch.contracts.vocabulary import TimeBasis, TimePrecision
from spikewatch.ingest.domain.identifying import is_identifying
from spikewatch.ingest.domain.profiles.cells import plain_word
from spikewatch.ingest.domain.profiles.dates import FORMATS_SEEN, date_reader, time_of_day
from spikewatch.ingest.domain.profiles.headers import is_home, person_of, words_of

__all__ = ["Guess", "Seen", "guess"]

_EMPTY: Final = frozenset({"", "na", "n/a", "null", "none", "nan", "not recorded", "unknown"})
_YES_NO: Final = frozenset({"y", "n", "yes", "no", "true", "false", "1", "0", "u", "unk", "unknown", "1.0", "0.0", "x"})
_SEXES: Final = frozenset({"m", "f", "u", "x", "male", "female", "unknown", "other", "man", "woman", "not recorded", "unk"})
_SEX_NUMBERS: Final = frozenset({"0", "1", "2", "3", "9"})
_NUMBER: Final = re.compile(r"-?\d{1,9}(?:\.\d+)?", re.ASCII)
_ZIP: Final = re.compile(r"\d{5}(?:-\d{4}|\.0)?", re.ASCII)
_ICD: Final = re.compile(r"[A-TV-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?", re.ASCII)
_POINT: Final = re.compile(r"\(\s*-?\d{1,3}\.\d+\s*[, ]\s*-?\d{1,3}\.\d+\s*\)", re.ASCII)
_AGE: Final = re.compile(r"\d{1,3}(?:\.\d+)?(?:\s*(?:years?|yrs?|y|yo|months?|mos?|days?|hours?))?", re.ASCII | re.IGNORECASE)
_SUPPRESSED: Final = re.compile(r"<\s*\d{1,3}", re.ASCII)

_BASES: Final = (
    (r"death|died|dod|deceased|pronounced", TimeBasis.DEATH),
    (r"injury|incident|occur\w*|overdose|od|event|offense", TimeBasis.INJURY),
    (r"call|psap|received|created|911", TimeBasis.PSAP_CALL),
    (r"dispatch\w*|notified", TimeBasis.DISPATCH),
    (r"scene|arrived|at patient", TimeBasis.ON_SCENE),
    (r"onset|symptom", TimeBasis.SYMPTOM_ONSET),
    (r"arrival|admit\w*|visit|encounter", TimeBasis.ARRIVAL),
)
_KEY: Final = r"(?:number|no|num|id|nbr|key|uuid|guid)"


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


Test = Callable[[str], bool]
_ANY: Final[Test] = lambda _text: True  # noqa: E731  # a test beside others


def _numeric(low: float, high: float, *, decimals: bool = False) -> Test:
    def test(text: str) -> bool:
        return _NUMBER.fullmatch(text) is not None and low <= float(text) <= high and ("." in text or not decimals)

    return test


def _among(words: frozenset[str]) -> Test:
    return lambda text: plain_word(text) in words


_CODED_ACROSS: Final = r"(?:narcan|naloxone|nalox|reversal|antagonist)"
# Field, header (searched in its words), test of the values, what the test says, and how much the header alone is worth.
_RULES: Final[tuple[tuple[str, str, Test, str, float], ...]] = (
    ("lat", r"(?:^| )(?:lat|latitude|y coord|ycoord|point y|y)(?: |$)", _numeric(-90, 90, decimals=True), "degrees north", 0.5),
    ("lon", r"(?:^| )(?:lon|lng|long|longitude|x coord|xcoord|point x|x)(?: |$)", _numeric(-180, 180, decimals=True), "degrees east", 0.5),
    (
        "point_in",
        r"(?:geo|location|point|coordinates|georeference|lat ?long?)",
        lambda text: _POINT.search(text) is not None,
        "a point in a text",
        0.4,
    ),
    ("county_fips", r"fips|(?:^| )geoid(?: |$)", _numeric(1001, 78999), "numbers of counties", 0.5),
    ("zip", r"(?:^| )(?:zip\w*|postal(?: code)?|postcode)(?: |$)", lambda text: _ZIP.fullmatch(text) is not None, "five digits", 0.5),
    (
        "reversal_doses",
        rf"{_CODED_ACROSS}.*(?:dose|count|number|qty|quantity)|(?:number|no) of doses|dose count",
        _numeric(0, 20),
        "small numbers",
        0.5,
    ),
    (
        "reversal_dose_amount",
        r"(?:medication|med|drug|narcan|naloxone).*(?:dosage|dose|amount|mg)|dosage",
        _numeric(0, 100),
        "amounts",
        0.4,
    ),
    ("reversal_response", rf"(?:response.*(?:med|narcan|naloxone)|(?:med\w*|{_CODED_ACROSS}).*response)", _ANY, "words", 0.55),
    ("reversal_by", rf"{_CODED_ACROSS}.*(?:by|who)|administered by", _ANY, "words", 0.5),
    ("reversal_route", rf"{_CODED_ACROSS}.*route|(?:^| )route(?: |$)", _ANY, "words", 0.5),
    ("reversal_before_ems", r"(?:prior|before|pta).*(?:ems|arrival|care|aid)|prior to arrival", _among(_YES_NO), "yes and no", 0.5),
    ("reversal_given", rf"{_CODED_ACROSS}|medication (?:administered|given)|med given", _ANY, "words", 0.55),
    ("age_band", r"age (?:range|group|band|bracket|category)|agegroup", _ANY, "words", 0.55),
    ("age", r"(?:^| )age(?: |$)", lambda text: _AGE.fullmatch(text) is not None, "ages", 0.55),
    ("sex", r"(?:^| )(?:sex|gender)(?: |$)", _among(_SEXES | _SEX_NUMBERS), "sexes", 0.55),
    ("cad_number", rf"(?:^| )(?:cad|cfs|dispatch|call)(?: \w+)? {_KEY}|(?:^| )cad(?: |$)", _ANY, "numbers", 0.6),
    (
        "incident_number",
        rf"(?:incident|event|case|run|report|pcr|epcr|response|master|record|ccn)(?: \w+)? ?{_KEY}|casenum\w*|(?:^| )objectid(?: |$)|^id$",
        _ANY,
        "numbers",
        0.65,
    ),
    ("outcome", r"fatal|surviv|outcome|deceased|(?:^| )death(?: |$)|died|patient status", _ANY, "words", 0.5),
    ("cause_of_death", r"cause|(?:^| )cod(?: |$)|immediate cause", _ANY, "texts", 0.6),
    ("other_conditions", r"other (?:significant )?conditions|contributing|secondary ?cause", _ANY, "texts", 0.6),
    ("manner", r"manner", _ANY, "words", 0.6),
    (
        "codes",
        r"icd|diagnosis code|dx ?code|(?:^| )dx ?\d*(?: |$)|diag\w* ?\d*$",
        lambda text: _ICD.fullmatch(text.strip().upper()) is not None,
        "diagnosis codes",
        0.4,
    ),
    ("impression_text", r"impression|(?:^| )diagnosis(?: |$)", _ANY, "texts", 0.6),
    ("chief_complaint", r"complaint", _ANY, "texts", 0.6),
    (
        "dispatch_title",
        (
            r"(?:call|incident|nature|event|dispatch|problem|determinant|final)(?: \w+)? (?:type|nature|code|description|title)"
            r"|(?:^| )(?:nature|title)(?: |$)"
        ),
        _ANY,
        "texts",
        0.5,
    ),
    ("narrative", r"narrative|comments?|notes?|remarks|summary|description of injury|how injury", _ANY, "texts", 0.5),
    ("disposition", r"disposition|destination|transport", _ANY, "words", 0.45),
    ("place_type", r"place type|location type|injury place|premise|(?:^| )setting(?: |$)", _ANY, "words", 0.45),
    ("drugs", r"drug|substance|combined od|toxicolog|(?:^| )tox(?: |$)|narcotic", _ANY, "names of substances", 0.5),
    ("address", r"address|(?:^| )addr(?: |$)|street|(?:hundred )?block|intersection|cross", _ANY, "texts", 0.6),
    (
        "city",
        r"(?:^| )(?:city|town|township|twp|municipality|place name|community)(?: |$)",
        lambda text: not any(map(str.isdigit, text)),
        "names",
        0.5,
    ),
    ("county", r"(?:^| )county(?: |$)", lambda text: not any(map(str.isdigit, text)), "names", 0.5),
    (
        "count",
        r"(?:number|no|count) of (?:victims|patients|people)|victim count|patient count|(?:^| )count(?: |$)",
        _numeric(1, 500),
        "small numbers",
        0.5,
    ),
)


def guess(seen: Seen, is_listed: Callable[[str], bool]) -> Guess:  # noqa: C901, PLR0912  # a ladder: the surer comes first
    """Return the likeliest meaning of a column.

    Args:
        seen: the column.
        is_listed: tells whether a text is the name of a substance.
    """

    def names_drug(text: str) -> bool:
        # A vocabulary lists codes, too, and a single letter or figure names nothing by itself.
        return sum(map(str.isalpha, text)) > 2 and is_listed(text)  # the shortest names are LSD, PCP, GHB

    header, words, stated = seen.header, words_of(seen.header), seen.stated
    if (what := person_of(header)) is not None:
        return Guess(header, "personal", 0.9, f"its header says {what}")
    if is_home(header):
        return Guess(header, "home", 0.9, "its header says where a person lives")
    if stated and sum(map(is_identifying, stated)) > len(stated) / 5 and not _dates(stated)[1]:
        return Guess(header, "personal", 0.7, "its values look like telephone numbers, addresses or numbers of persons")
    if (timed := _time(header, words, stated)) is not None:
        return timed
    if stated and names_drug(words) and _share(stated, _among(_YES_NO)) > 0.5:
        return Guess(header, "drug_flag", 0.85, "its header names a substance and its values are yes and no")
    best = Guess(header, "unused", 0.0, "neither header nor values are known" if stated else "it is empty")
    for name, pattern, test, what, worth in _RULES:
        if re.search(pattern, words) is None:
            continue
        marks = tuple(dict.fromkeys(value.strip() for value in stated if _SUPPRESSED.fullmatch(value.strip())))
        share = _share([value for value in stated if value.strip() not in marks], test)
        sure = worth if test is _ANY else worth + 0.45 * share if share > 0.5 else worth * share
        told = "" if test is _ANY else f", and {share:.0%} of its values are {what}"
        if sure > best.sure:
            best = Guess(header, name, min(sure, 0.98), f"its header{told}", _words(stated), suppressed=marks)
    if best.field in {"drugs", "unused"} and stated:
        share = _share(stated, names_drug)
        if share > 0.4:
            return Guess(header, "drugs", min(0.5 + share / 2, 0.98), f"{share:.0%} of its values name substances")
        if best.field == "unused" and (share := _share(stated, lambda text: _ICD.fullmatch(text.strip().upper()) is not None)) > 0.8:
            return Guess(header, "codes", 0.6, f"{share:.0%} of its values look like diagnosis codes")
    if best.field == "sex" or not best.sure:
        share = _share(stated, _among(_SEXES - {"u", "unknown", "other", "x"})) if stated else 0.0
        if share > 0.9 and best.sure < 0.5:
            return Guess(header, "sex", 0.6, f"{share:.0%} of its values are sexes", _words(stated))
    return best


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
        reads = [
            (pattern, [value for value in left if (read := date_reader((pattern,))(value)) is None or not 1990 <= read.at.year <= 2100])
            for pattern in FORMATS_SEEN
        ]
        pattern, rest = min(reads, key=lambda pair: len(pair[1]))
        if len(rest) == len(left):
            break
        chosen.append(pattern)
        left = rest
    return tuple(chosen), 1 - len(left) / total if total else 0.0


def _time(header: str, words: str, stated: Sequence[str]) -> Guess | None:
    says = re.search(r"date|time|when|(?:^| )(?:dt|dttm|timestamp|dod)(?: |$)|datetime", words) is not None
    basis = next((basis for pattern, basis in _BASES if re.search(rf"(?:^| )(?:{pattern})(?: |$)", words)), TimeBasis.REPORTED)
    clocks = _share(stated, lambda text: ":" in text and len(text) < 14 and time_of_day(text.strip()) is not None)
    if says and clocks > 0.6:
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
