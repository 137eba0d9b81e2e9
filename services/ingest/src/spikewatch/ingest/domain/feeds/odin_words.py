"""What the rows of one person of Pennsylvania ODIN say in listed words: all but who, when, and how many."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from spikewatch.contracts.report import QualityNote, Reversal
from spikewatch.contracts.vocabulary import AgeBand, Disposition, Outcome, ReversalGiver, Sex, YesNo
from spikewatch.ingest.domain.evidence import Named
from spikewatch.ingest.domain.feeds.facts import facts_of
from spikewatch.ingest.domain.feeds.fields import choice, matching, number, required, stated, whole
from spikewatch.ingest.domain.record import Fields
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.repeated import repeated

__all__ = ["COLUMNS", "IN_EVERY_ROW", "Person", "Said", "Treated", "said_of"]

IN_EVERY_ROW: Final = "a value in every row"

_FLAGS: Final = (
    *("ALCOHOL", "BARBITURATES (I.E. AMYTAL, NEMBUTAL, ETC)", "BATH SALTS", "BENZODIAZEPINES (I.E.VALIUM, XANAX, ATIVAN, ETC)"),
    *("CARFENTANIL", "COCAINE/CRACK", "FENTANYL", "FENTANYL ANALOG/OTHER SYNTHETIC OPIOID", "HEROIN", "MARIJUANA", "METHADONE"),
    *("METHAMPHETAMINE", "OTHER", "PHARMACEUTICAL OPIOID", "PHARMACEUTICAL OTHER", "PHARMACEUTICAL STIMULANT", "SUBOXONE"),
    *("SYNTHETIC MARIJUANA", "UNKNOWN"),
)
_DOSE: Final = "administration_id"
_COUNTY_CODE: Final = "incident_county_fips_code"
_WHO: Final = ("gender_desc", "age_range")
_TREATMENT: Final = (
    "naloxone_administered",
    "dose_count",
    "dose_unit",
    "dose_desc",
    "response_time_desc",
    "survive",
    "response_desc",
    "revive_action_desc",
    "third_party_admin_desc",
)
_DRUG: Final = "susp_od_drug_desc"
COLUMNS: Final = (_COUNTY_CODE, *_WHO, _DOSE, *_TREATMENT, _DRUG, *_FLAGS)
"""The columns that are read here."""
_SET: Final = frozenset({"1", "1.0", "Y", "y", "True", "TRUE", "true"})
_COUNTY: Final = re.compile(r"(?:\d{1,3}|42\d{3})(?:\.0)?", re.ASCII)
_YES_NO: Final = {"y": YesNo.YES, "yes": YesNo.YES, "n": YesNo.NO, "no": YesNo.NO, "u": YesNo.UNKNOWN, "unknown": YesNo.UNKNOWN}
_OUTCOMES: Final = {
    **dict.fromkeys(("y", "yes"), Outcome.NONFATAL),
    **dict.fromkeys(("n", "no"), Outcome.FATAL),
    **dict.fromkeys(("u", "unknown"), Outcome.UNKNOWN),
}
_SEXES: Final = {"male": Sex.MALE, "female": Sex.FEMALE, "unknown": Sex.UNKNOWN, "m": Sex.MALE, "f": Sex.FEMALE, "u": Sex.UNKNOWN}
_BAND: Final = re.compile(r"(\d{1,3})\s*(?:(?:-|to)\s*(\d{1,3}|\*)|\+|(?:and|or) (?:over|older))", re.IGNORECASE)
_BANDS: Final = {int(band.value.split("-")[0].rstrip("+")): band for band in AgeBand}
_OPEN: Final = "*"
_BAND_DROPPED: Final = QualityNote(field="victims.age_band", code="not_within_one_band")
_ACTIONS: Final = (
    ("arrest", Disposition.ARREST),
    ("hospital", Disposition.TRANSPORTED),
    ("transported to treatment", Disposition.TREATMENT),
    ("released", Disposition.RELEASED),
    ("verbally referred", Disposition.RELEASED),
)
_GIVERS: Final = (
    (re.compile(r"\bems\b|medic|ambulance|\bemt\b"), ReversalGiver.EMS),
    (re.compile(r"\bfire"), ReversalGiver.FIRE),
    (re.compile(r"police|officer|trooper|sheriff|\bpd\b|probation|parole"), ReversalGiver.POLICE),
    (re.compile(r"hospital|nurse|doctor|clinic"), ReversalGiver.HOSPITAL),
    (re.compile(r"family|friend|bystander|layperson|lay person|civilian|relative|parent|spouse|roommate|citizen"), ReversalGiver.LAYPERSON),
    (re.compile(r"\bself\b|victim"), ReversalGiver.SELF),
)
_MOST_DOSES: Final = 99


class Treated(NamedTuple):
    """The outcome, the reversal drug, what became of the person, and the facts that follow."""

    outcome: Outcome
    reversal: Reversal
    disposition: Disposition
    facts: frozenset[str]


class Person(NamedTuple):
    """Age and sex, and the doubts about them."""

    band: AgeBand | None
    sex: Sex
    doubts: tuple[QualityNote, ...]


class Said(NamedTuple):
    """What the rows of a person say in listed words."""

    treated: Treated
    person: Person
    county: str | None
    names: tuple[Named, ...]


def _treated(rows: Sequence[Fields]) -> Treated:
    for name in ("naloxone_administered", "survive"):
        required(rows[0], name, IN_EVERY_ROW, "Y")
    outcome = _worst([choice(row, "survive", _OUTCOMES, Outcome.UNKNOWN) for row in rows])
    reversal = _reversal(rows)
    return Treated(outcome, reversal, _disposition(rows), facts_of(outcome, reversal))


def _person(row: Fields) -> Person:
    band, doubts = _band(stated(row, "age_range"))
    return Person(band, choice(row, "gender_desc", _SEXES, Sex.UNKNOWN), doubts)


def _county(row: Fields) -> str | None:
    return matching(row, _COUNTY_CODE, _COUNTY, "the county's FIPS code, three digits or five", "091")


def _worst(outcomes: Sequence[Outcome]) -> Outcome:
    return next((outcome for outcome in (Outcome.FATAL, Outcome.NONFATAL) if outcome in outcomes), Outcome.UNKNOWN)


def _reversal(rows: Sequence[Fields]) -> Reversal:
    given = [choice(row, "naloxone_administered", _YES_NO, YesNo.UNKNOWN) for row in rows]
    is_given = YesNo.YES in given
    if not is_given:
        return Reversal(given=YesNo.NO if YesNo.NO in given else YesNo.UNKNOWN)
    # A row comes once for each substance: its administration counts once.
    doses: dict[object, Fields] = {}
    for row in rows:
        key = stated(row, _DOSE)
        if key is not None:
            doses.setdefault(str(key), row)
    counts = [whole(row, "dose_count", 0, _MOST_DOSES, "1") for row in doses.values()]
    known = [count for count in counts if count is not None]
    responses = {found for row in (doses.values() or rows) if (found := _response(row)) is not None}
    return Reversal(
        given=YesNo.YES,
        drug="naloxone",
        doses=min(sum(known), _MOST_DOSES) if known and len(known) == len(counts) else None,
        **_amount(list(doses.values()), counts),
        by=_giver(rows),
        response="improved" if "improved" in responses else next(iter(responses), None),
    )


def _amount(administrations: Sequence[Fields], counts: Sequence[int | None]) -> Mapping[str, object]:
    """Return the milligrams of all doses where every administration states its own; 0 stands for unknown."""
    total = 0.0
    for row, count in zip(administrations, counts, strict=True):
        each = number(row, "dose_unit", 0, 1000, "4")
        unit = stated(row, "dose_desc")
        if not count or not each or not isinstance(unit, str) or unit.lower() != "mg":
            return {}
        total += count * each
    return {"dose_amount": total, "unit": "mg"} if total else {}


def _giver(rows: Sequence[Fields]) -> ReversalGiver:
    """Return who gave it: the agency that reports is the police, where it names nobody else."""
    for row in rows:
        third = stated(row, "third_party_admin_desc") if "third_party_admin_desc" in row else None
        if isinstance(third, str):
            text = third.lower()
            return next((giver for pattern, giver in _GIVERS if pattern.search(text)), ReversalGiver.UNKNOWN)
    return ReversalGiver.POLICE


def _response(row: Fields) -> str | None:
    said = stated(row, "response_desc") if "response_desc" in row else None
    text = said.lower() if isinstance(said, str) else ""
    after = stated(row, "response_time_desc") if "response_time_desc" in row else None
    delay = after.lower() if isinstance(after, str) else ""
    if text.startswith("no response") or delay.startswith("did not work"):
        return "unchanged"
    return "improved" if text.startswith(("responsive", "combative")) or delay[:1] in {"<", ">", "1", "3"} else None


def _disposition(rows: Sequence[Fields]) -> Disposition:
    for row in rows:
        action = stated(row, "revive_action_desc") if "revive_action_desc" in row else None
        text = action.lower() if isinstance(action, str) else ""
        for start, meaning in _ACTIONS:
            if text.startswith(start):
                return meaning
    return Disposition.UNKNOWN


def _band(value: object | None) -> tuple[AgeBand | None, tuple[QualityNote, ...]]:
    """Return the band of ours that a band of theirs lies in; ``80 - *`` lies in none."""
    if value is None or (isinstance(value, str) and value.lower() == "unknown"):
        return None, ()
    found = _BAND.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Rejected(Fault.INVALID_FIELD, "age_range", "is not a band of ages", "a band of ages, or Unknown", "30 - 39")
    low, high = int(found[1]), None if found[2] in {None, _OPEN} else int(found[2])
    band = _BANDS.get(low - low % 10) if low < 90 else AgeBand.A90_PLUS
    fits = (band is AgeBand.A90_PLUS) or (high is not None and low <= high and high // 10 == low // 10)
    return (band, ()) if fits else (None, (_BAND_DROPPED,))


def _names(rows: Sequence[Fields]) -> tuple[Named, ...]:
    named: dict[str, None] = {}
    for row in rows:
        value = stated(row, _DRUG) if _DRUG in row else None
        if isinstance(value, str):
            named[value] = None
        for flag in _FLAGS:
            if row.get(flag, "0") != "0" and str(stated(row, flag)) in _SET:
                named[flag] = None
    return tuple(Named(name) for name in named)


# Apart, for every combination is remembered. Of a person with one row it does not matter which dose it is, only that it is one.
_ALONE: Final = repeated(_TREATMENT, lambda row: _treated([row]))
_ALONE_DOSED: Final = repeated(_TREATMENT, lambda row: _treated([row]))
_NAMES_ALONE: Final = repeated((_DRUG, *_FLAGS), lambda row: _names([row]))
_PERSON: Final = repeated(_WHO, _person)
_COUNTY_OF: Final = repeated((_COUNTY_CODE,), _county)


def said_of(rows: Sequence[Fields]) -> Said:
    """Return what the rows of a person say.

    Raises:
        Rejected: a field is wrong.
    """
    first = rows[0]
    if len(rows) > 1:
        treated, names = _treated(rows), _names(rows)
    else:
        treated, names = (_ALONE if stated(first, _DOSE) is None else _ALONE_DOSED)(first), _NAMES_ALONE(first)
    return Said(treated, _PERSON(first), _COUNTY_OF(first), names)
