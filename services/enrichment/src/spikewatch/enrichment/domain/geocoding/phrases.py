"""Words around an address that say nothing of the place: how people lead in, and units, floors and buildings after it."""

import re
from typing import Final

from spikewatch.enrichment.domain.geocoding.street_words import DIRECTIONS, STRONG_TYPES, TYPES, one_of

__all__ = ["LEADING", "NO_ADDRESS", "NUMBERED_THINGS", "PARCEL", "UNIT_MARKS", "cleaned", "cut_unit", "halves_kept"]

_NO_ADDRESS: Final = (
    "UNKNOWN, UNK, UNKN, N/A, NA, N A, NONE, NULL, NAN, NOT KNOWN, NOT REPORTED, NOT AVAILABLE, NOT PROVIDED, UNSPECIFIED, UNDETERMINED, "
    "UNDISCLOSED, TBD, PENDING, HOMELESS, TRANSIENT, NO FIXED ADDRESS, NO FIXED ABODE, NO ADDRESS, NO PERMANENT ADDRESS, ADDRESS UNKNOWN, "
    "UNKNOWN ADDRESS, UNKNOWN LOCATION, LOCATION UNKNOWN, RESIDENCE, HOME, HOUSE, OTHER, STREET, -, --, X, XX, XXX, 0, UNSHELTERED, "
    "SEE NARRATIVE, SAME, REFUSED, BLANK"
)
NO_ADDRESS: Final = frozenset(_NO_ADDRESS.split(", "))
"""What people write when they know no address."""
PARCEL: Final = re.compile(r"\bASSESSOR'?S? (?:BLOCK|PARCEL)|\bAPN\b|\bPARCEL (?:NO|NUMBER|ID|#)|\bBLOCK ?\d+ ?[/,]? ?LOT ?\d+", re.ASCII)
"""Numbers of the land register: BLOCK there is no hundred-block."""

_LABEL: Final = re.compile(
    r"(?:CALL ?BOX|CB|LOCATION|LOC|ADDRESS|ADDR|ADD|SCENE|INTERSECTION|INTERSECT|INT|CORNER|PLACE|BLOCK|CROSS STREETS?|STREET|SITE|"
    r"INCIDENT ADDRESS|AREA)\s*:\s*"
)
# Lead-ins that no street is called. One after the other until none is left: NEAR THE CORNER OF, IN A HOME AT.
_LEAD: Final = re.compile(
    r"(?:(?:AT|NEAR|NR|IN|ON|INSIDE|OUTSIDE|BEHIND|BY|FROM|ACROSS FROM|IN FRONT OF|FRONT OF|IN THE AREA OF|AREA OF|VICINITY OF|VIC OF|VIC|"
    r"IN THE VICINITY OF|IN THE REAR OF|REAR OF|SIDE OF|FOOT OF|END OF|INTERSECTION OF|INT OF|INTERSECTION|CORNER OF|CORNER|OFF OF|"
    r"OFF|ALONG|"
    r"CALL BOX|CLOSE TO|NEXT TO|OPPOSITE OF|OPPOSITE|OPP|FOUND AT|FOUND IN|LOCATED AT|RESIDENCE AT|HOME AT|HOUSE AT|APARTMENT AT|BETWEEN)"
    r"(?=[ :]))[ :]+"
)
_ARTICLE: Final = re.compile(r"(?:THE|A|AN|HIS|HER|THEIR|OF|OWN|PRIVATE|FRIENDS|RELATIVES|DECEDENTS|DECEDENT S) (?=\S+ \S)")
_CORNER: Final = re.compile(
    r"(?:[NS][EW]C|(?:[NS] ?/? ?[EW]|[NSEW]|NORTH|SOUTH|EAST|WEST)?(?:EAST|WEST)? ?(?:CORNER|CRNR))(?: OF)? "
)  # NW CORNER POST AT STOCKTON
_HOME: Final = re.compile(
    r"(?:(?:PRIVATE|OWN|SINGLE|MULTI|FAMILY|FRIENDS|HOME|HOUSE|RESIDENCE|APARTMENT|APT|DWELLING|MOTEL|HOTEL|ROOM|VEHICLE|CAR|GARAGE|BASEMENT|"
    r"BATHROOM|BEDROOM|TENT|SHELTER|ALLEY|YARD|PARKING|LOT|FIELD|BUILDING|BUSINESS|STORE|SIDEWALK|FRONT|BACK) ){1,4}"
    r"(?:LOCATED )?(?:AT|ON|NEAR|OF|BEHIND|OFF|OUTSIDE|IN FRONT OF)(?: THE)? "
)
# What follows a slash and is no street: 5/FL, 2/F, C/O, W/
_NO_SLASH: Final = re.compile(r"\b\d{1,2} ?/ ?F(?:LR?|LOOR)?\b|\bC/O\b|\bW/(?= )|\bN/A\b|\b1/[234]\b")
_HALF: Final = re.compile(r"(?<=\d)[ -]1/([234])\b(?! ?MI)")
_SIDES: Final = re.compile(r"\b([NS])/([EW])\b")

_SLASHES: Final = re.compile(r"\b(?:[NSCW]|\d{1,2}) ?/")  # the only ones before which something else than a street can stand
LEADING: Final = one_of(
    "AT NEAR NR IN ON INSIDE OUTSIDE BEHIND BY FROM ACROSS FRONT AREA VICINITY VIC REAR SIDE FOOT END INTERSECTION INT CORNER CRNR "
    "OFF ALONG CALL CLOSE NEXT "
    "BACK OPPOSITE OPP FOUND LOCATED RESIDENCE HOME HOUSE APARTMENT APT BETWEEN PRIVATE OWN SINGLE FAMILY FRIENDS MULTI DWELLING MOTEL "
    "HOTEL ROOM VEHICLE CAR GARAGE "
    "BASEMENT BATHROOM BEDROOM TENT SHELTER ALLEY YARD PARKING LOT FIELD BUILDING BUSINESS STORE SIDEWALK N S E W NE NW SE SW NORTH "
    "SOUTH EAST WEST NORTHEAST "
    "NORTHWEST SOUTHEAST SOUTHWEST N/W N/E S/W S/E NEC NWC SEC SWC"
)
"""First words of every lead-in above: the many addresses that start otherwise are not searched for them."""

UNIT_MARKS: Final = one_of(
    "APT APARTMENT APTS UNIT UNITS STE SUITE STES RM ROOM FL FLR FLOOR BLDG BUILDING LOT SPC SPACE TRLR TRAILER DEPT PH PENTHOUSE "
    "BSMT BASEMENT BASE BM "
    "LOBBY LBBY LEVEL LVL LL UPPR LOWR UPSTAIRS DOWNSTAIRS UP DOWN REAR FRNT FRONT UPPER LOWER HNGR HANGAR OFC OFFICE SLIP STALL BOX "
    "FRNT KIOSK "
    "GROUND MEZZ MEZZANINE PROMENADE STREET LEVEL NO NUM NUMBER COTTAGE DOOR ENTRANCE STAIRWELL GARAGE"
)
NUMBERED_THINGS: Final = UNIT_MARKS | one_of(
    "PIER GATE DOCK BERTH TERMINAL TRACK PLATFORM STATION SCHOOL PS ENGINE LADDER MEDIC BOX HWY HIGHWAY ROUTE RTE RT EXIT MILE MM DISTRICT "
    "PRECINCT WARD PHASE SECTION AREA ZONE CAMP SITE POST VFW LODGE LOCAL CELL POD BED TOWER HOLE DORM HALL WING"
)
"""What is called by a number that is no house number."""
# These are names of streets too (FRONT ST, UPPER RD): they cut only after a street's type.
_ALSO_NAMES: Final = one_of(
    "LOT FRONT UPPER LOWER UP DOWN BASE REAR SPACE LEVEL GROUND BOX OFFICE SLIP STREET NO PROMENADE FL LL COTTAGE GARAGE HANGAR"
)
_BUILDINGS: Final = one_of("BLDG BUILDING")
_FLOORS: Final = one_of("FL FLR FLOOR LEVEL LVL")


def cleaned(text: str) -> str:
    """Return the text without labels and lead-ins: ``12 ELM STREET, APT 3`` of ``IN A HOME AT 12 ELM STREET, APT 3``."""
    first = text.partition(" ")[0]
    if first not in LEADING and ":" not in text and not ("/" in text and _SLASHES.search(text)):
        return text.strip(" ,:-/")
    if "/" in text:
        text = _SIDES.sub(r"\1\2", text)
        text = _NO_SLASH.sub(" ", text)
        text = " ".join(text.split()).strip(" /")
    for _ in range(4):
        before = text
        for pattern in (_LABEL, _CORNER, _HOME, _LEAD):
            if (found := pattern.match(text)) is not None and len(found[0]) < len(text):
                text = text[found.end() :].lstrip(" ,:-")
        if text is before or text == before:
            break
        if (found := _ARTICLE.match(text)) is not None and not text.startswith(("A ST", "A AV", "THE EMB")):
            text = text[found.end() :]
    return text.strip(" ,:-/")


def halves_kept(text: str) -> str:
    """Return the text with the halves of numbers as words, for PIER 28 1/2 is no crossing, and another pier than PIER 28."""
    return _HALF.sub(r" 1 \1", text) if "1/" in text else text


def cut_unit(words: list[str]) -> list[str]:
    """Return the words before a unit, floor or building; all of them when no street would be left."""
    typed = False
    for at, word in enumerate(words):
        if at and word in UNIT_MARKS and (typed or word not in _ALSO_NAMES):
            if word == "STREET" and words[at + 1 : at + 2] != ["LEVEL"]:
                typed = True
                continue
            if word == "NO" and not (words[at + 1 : at + 2] and words[at + 1][0].isdigit()):
                continue
            if word in _BUILDINGS and not typed and at == len(words) - 1:
                continue  # 1 FERRY BUILDING is a building called so, not some building on FERRY ST
            end = at
            # 3RD FLOOR, LOWER LEVEL: what stands before belongs to it.
            if (
                word in _FLOORS
                and end > 1
                and (words[end - 1][0].isdigit() or words[end - 1] in {"LOWER", "UPPER", "GROUND", "TOP", "MAIN", "FIRST", "SECOND"})
            ):
                end -= 1
            if end == 1 and words[0] in DIRECTIONS:
                continue
            return words[:end]
        typed = typed or (at > 0 and TYPES.get(word) in STRONG_TYPES)
    return words
