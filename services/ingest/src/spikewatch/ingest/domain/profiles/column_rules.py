"""What gives a column away: words of its header, and a test of its values. The surer rule wins."""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from spikewatch.ingest.domain.profiles.cells import plain_word
from spikewatch.ingest.domain.profiles.proposed_words import manner_of, means

__all__ = ["ANY", "RULES", "SEXES", "YES_NO", "Rule", "Test", "among", "is_icd"]

Test = Callable[[str], bool]


class Rule(NamedTuple):
    """A rule.

    Attributes:
        field: what the column would be.
        header: searched in the words of the header.
        test: of one value.
        says: what the test says of values.
        worth: of the header alone, from 0 to 1.
    """

    field: str
    header: str
    test: Test
    says: str
    worth: float


YES_NO: Final = frozenset({"y", "n", "yes", "no", "true", "false", "1", "0", "u", "unk", "unknown", "1.0", "0.0", "x"})
SEXES: Final = frozenset({"m", "f", "u", "x", "male", "female", "unknown", "other", "man", "woman", "not recorded", "unk"})
_SEX_NUMBERS: Final = frozenset({"0", "1", "2", "3", "9"})
_NUMBER: Final = re.compile(r"-?\d{1,9}(?:\.\d+)?", re.ASCII)
_ZIP: Final = re.compile(r"\d{4,5}(?:-\d{4}|\.0)?", re.ASCII)  # four: a spreadsheet took the leading zero away
_ICD: Final = re.compile(r"[A-TV-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?", re.ASCII)
_POINT: Final = re.compile(r"\(\s*-?\d{1,3}\.\d+\s*[, ]\s*-?\d{1,3}\.\d+\s*\)", re.ASCII)
_AGE: Final = re.compile(r"\d{1,3}(?:\.\d+)?(?:\s*(?:years?|yrs?|y|yo|months?|mos?|days?|hours?))?", re.ASCII | re.IGNORECASE)
_STREET: Final = re.compile(
    r"\d+\w*\s+\S|\S\s*[&/@]\s*\S|\b(?:st|ave?|rd|dr|ln|blvd|hwy|pike|street|avenue|road)\b", re.ASCII | re.IGNORECASE
)
_KEY: Final = r"(?:number|no|num|id|nbr|key|uuid|guid)"
_REVERSAL: Final = r"(?:narcan|naloxone|nalox|reversal|antagonist)"
_MEDICATION: Final = r"(?:medications?|meds?)"


def ANY(_text: str) -> bool:  # noqa: N802  # a test beside others, that asks nothing
    """Take every value."""
    return True


def among(words: frozenset[str]) -> Test:
    """Return a test for the words of a list."""
    return lambda text: plain_word(text) in words


def is_icd(text: str) -> bool:
    """Tell whether a value looks like a diagnosis code."""
    return _ICD.fullmatch(text.strip().upper()) is not None


def _numeric(low: float, high: float, *, decimals: bool = False) -> Test:
    def test(text: str) -> bool:
        return _NUMBER.fullmatch(text) is not None and low <= float(text) <= high and ("." in text or not decimals)

    return test


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _known(field: str) -> Test:
    return lambda text: means(field, plain_word(text)) is not None


def _is_manner(text: str) -> bool:
    word = plain_word(text)
    return word in manner_of([word])


RULES: Final = tuple(
    Rule(*parts)
    for parts in (
        ("lat", r"(?:^| )(?:lat|latitude|y coord\w*|ycoord\w*|point y|y)(?: |$)", _numeric(-90, 90, decimals=True), "degrees north", 0.5),
        (
            "lon",
            r"(?:^| )(?:lon|lng|long|longitude|x coord\w*|xcoord\w*|point x|x)(?: |$)",
            _numeric(-180, 180, decimals=True),
            "degrees east",
            0.5,
        ),
        (
            "point_in",
            r"geo|location|point|coordinates|lat ?long?",
            lambda text: _POINT.search(text) is not None,
            "a point in a text",
            0.5,
        ),
        ("county_fips", r"fips|(?:^| )geoid(?: |$)", _numeric(1001, 78999), "numbers of counties", 0.5),
        ("zip", r"(?:^| )(?:zip\w*|postal(?: code)?|postcode)(?: |$)", lambda text: _ZIP.fullmatch(text) is not None, "five digits", 0.5),
        (
            "reversal_doses",
            (
                rf"{_REVERSAL}.*(?:dos|count|number|qty|quantity)|(?:number|no) of .*doses|dose count"
                r"|^(?:total )?doses(?: given| administered)?$"
            ),
            _numeric(0, 20),
            "small numbers",
            0.5,
        ),
        (
            "reversal_dose_amount",
            rf"(?:{_MEDICATION}|drug|{_REVERSAL}).*(?:dosage|dose|amount|mg)|dosage",
            _numeric(0, 100),
            "amounts",
            0.4,
        ),
        # A unit in the header makes it an amount, whatever else it says.
        ("reversal_dose_amount", rf"(?:{_REVERSAL}|dos).* (?:mg|mcg)(?: |$)", _numeric(0, 10_000), "amounts", 0.53),
        ("reversal_response", rf"response.*(?:{_MEDICATION}|{_REVERSAL})|(?:{_MEDICATION}|{_REVERSAL}).*response", ANY, "words", 0.57),
        ("reversal_by", rf"{_REVERSAL}.*(?: by|who)(?: |$)|administered by", ANY, "words", 0.6),
        ("reversal_route", rf"{_REVERSAL}.*route|(?:^| )route(?: |$)", ANY, "words", 0.57),
        ("reversal_before_ems", r"(?:prior|before|pta).*(?:ems|arrival|care|aid)|prior to arrival", among(YES_NO), "yes and no", 0.5),
        ("reversal_given", rf"{_REVERSAL}|{_MEDICATION} (?:administered|given)", ANY, "words", 0.55),
        ("age_band", r"age (?:range|group|band|bracket|category)|agegroup", ANY, "words", 0.55),
        ("age", r"(?:^| )age(?: |$)", lambda text: _AGE.fullmatch(text) is not None, "ages", 0.55),
        ("sex", r"(?:^| )(?:sex|gender)(?: |$)", among(SEXES | _SEX_NUMBERS), "sexes", 0.55),
        ("cad_number", rf"(?:^| )(?:cad|cfs|dispatch|call)(?: \w+)? {_KEY}|(?:^| )cad(?: |$)", ANY, "numbers", 0.6),
        (
            "incident_number",
            rf"(?:incident|event|case|run|report|pcr|epcr|response|master|record|ccn)(?: \w+)? ?{_KEY}|casenum\w*",
            ANY,
            "numbers",
            0.65,
        ),
        ("incident_number", r"^(?:case|run|incident|report|file|ref(?:erence)?|pcr)(?: (?:no|number))?$", _has_digit, "numbers", 0.35),
        ("incident_number", r"(?:^| )(?:objectid|object id|row ?id)(?: |$)|^(?:id|fid)$", ANY, "numbers of rows", 0.5),
        (
            "outcome",
            (
                r"^(?!.*\b(?:state|city|county|zip|place|location|cause|manner|addr\w*|address|year|month|quarter|date|time)\b)"
                r".*(?:fatal|surviv|outcome|deceased|died|(?:^| )death(?: |$)|patient status)"
            ),
            ANY,
            "words",
            0.5,
        ),
        ("cause_of_death", r"(?:^| )(?:cause\w*|cod)(?: |$)", ANY, "texts", 0.6),
        (
            "other_conditions",
            r"other (?:significant )?condition|other signif|contribut|secondary ?cause|cause other|other cause",
            ANY,
            "texts",
            0.62,
        ),
        ("manner", r"manner", ANY, "words", 0.63),
        ("manner", r"^(?:mode|mod)(?: |$)", _is_manner, "manners of death", 0.4),
        ("codes", r"icd|diagnosis code|dx ?code|(?:^| )dx ?\d*(?: |$)|diag\w* ?\d*$", is_icd, "diagnosis codes", 0.4),
        ("impression_text", r"impression|(?:^| )diagnosis(?: |$)", ANY, "texts", 0.6),
        ("chief_complaint", r"complaint", ANY, "texts", 0.6),
        (
            "dispatch_title",
            (
                r"(?:call|incident|nature|event|dispatch|problem|determinant|final|offense)(?: \w+)? (?:type|nature|code|description|title)"
                r"|(?:^| )(?:nature|title|offense|problem)(?: |$)|call for service"
                r"|^(?:(?:initial|final|call|event) )?(?:type(?: text)?|descr?\w*)$|^calldesc\w*$"
            ),
            ANY,
            "texts",
            0.5,
        ),
        ("narrative", r"narrative|comments?|notes?|remarks|summary|injury desc\w*|description of injury|how injury", ANY, "texts", 0.55),
        ("disposition", r"disposition|destination|transport", _known("disposition"), "known words", 0.45),
        ("place_type", r"place type|location type|injury place|place of injury|premise|(?:^| )setting(?: |$)", ANY, "words", 0.45),
        ("drugs", r"drug|substance|combined od|toxicolog|(?:^| )tox(?: |$)|narcotic", ANY, "names of substances", 0.5),
        ("address", r"address|(?:^| )addr(?: |$)|street|(?:hundred )?block|intersection|cross", ANY, "texts", 0.6),
        ("address", r"(?:^| )location(?: |$)", lambda text: _STREET.search(text) is not None, "streets", 0.35),
        (
            "city",
            r"(?:^| )(?:city|town|township|twp|municipality|muni|borough|boro|place name|community)(?: |$)",
            lambda text: not _has_digit(text),
            "names",
            0.5,
        ),
        ("county", r"(?:^| )county(?: |$)", lambda text: not _has_digit(text), "names", 0.5),
        (
            "count",
            r"(?:number|no|count) of (?:victims|patients|people)|victim count|patient count|(?:^| )count(?: |$)",
            _numeric(1, 500),
            "small numbers",
            0.5,
        ),
    )
)
"""Of several that fit a column the one that is surest of it is taken."""
