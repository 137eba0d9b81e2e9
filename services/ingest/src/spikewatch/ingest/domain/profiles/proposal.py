"""Writes a first profile from a table's header and some of its rows. It is a draft: people read it before it is used."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from spikewatch.contracts.vocabulary import TimeBasis, TimePrecision
from spikewatch.ingest.domain.dates import Moment, date_reader
from spikewatch.ingest.domain.profiles.column_guess import Guess, Seen, guess
from spikewatch.ingest.domain.profiles.headers import words_of
from spikewatch.ingest.domain.profiles.proposed_words import manner_of, means
from spikewatch.ingest.domain.profiles.words import CLOSED

__all__ = ["Proposal", "propose"]

_SURE: Final = 0.5  # below it a guess is listed but not used
_NO_DATA: Final = frozenset({"personal", "home", "unused"})
_TEXTS: Final = {
    "cause_of_death": "toxicology", "other_conditions": "toxicology", "narrative": None, "chief_complaint": None, "impression_text": None,
    "dispatch_title": None,
}  # fmt: skip
_BASIS_RANK: Final = (
    TimeBasis.INJURY, TimeBasis.PSAP_CALL, TimeBasis.DISPATCH, TimeBasis.ON_SCENE, TimeBasis.SYMPTOM_ONSET, TimeBasis.ARRIVAL,
    TimeBasis.DEATH, TimeBasis.REPORTED,
)  # fmt: skip

_DECIDING: Final = ("dispatch_title", "impression_text", "codes", "chief_complaint")  # they tell overdoses from other calls
_AT_FIRST: Final = re.compile(r"(?:^| )(?:initial|original)(?: |$)")
_TELLING: Final = ("reversal_given", "reversal_doses", "reversal_dose_amount", "drugs", "drug_flag", "outcome")
_OVERDOSE: Final = re.compile(
    r"over ?dose|\bod\b|opioid|opiate|heroin|fentanyl|poison|intoxic|narcan|naloxone|drug|substance"
    r"|\bT(?:3[6-9]|4\d|50)|\bF1[1-69]|\b23-?[a-e]-?\d",
    re.IGNORECASE,
)
_SCENE: Final = re.compile(r"(?:^| )(?:scene|incident|event|injury|inj|occur\w*|overdose|od|call)(?: |$)")
_DEATH: Final = re.compile(r"(?:^| )(?:death|died|pronounced|found)(?: |$)")
_FLAG_WORDS: Final = re.compile(
    r"(?:^| )(?:present|related|detected|involved|positive|found|flag|ind|indicator|yn|y n|use|used|in tox)(?= |$)"
)
_PLACES: Final = ("lat", "lon", "address", "city", "zip", "county_fips")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A drafted profile.

    Attributes:
        text: the profile as YAML, with comments on what is still to be decided.
        guesses: what was made of each column, in the order of the file.
        warnings: sentences for people; none holds a value.
    """

    text: str
    guesses: tuple[Guess, ...]
    warnings: tuple[str, ...]


def propose(name: str, columns: Sequence[Seen], names_drug: Callable[[str], bool]) -> Proposal:
    """Draft a profile.

    Args:
        name: of the profile.
        columns: of the table, with the values of some rows.
        names_drug: tells whether a text is the name of a substance.
    """
    guesses = tuple(guess(seen, names_drug) for seen in columns)
    return _Draft(name, columns, guesses).proposal()


class _Draft:
    def __init__(self, name: str, columns: Sequence[Seen], guesses: tuple[Guess, ...]) -> None:
        self._name = name
        self._seen = {seen.header: seen for seen in columns}
        self._guesses = guesses
        self._used = [one for one in guesses if one.sure >= _SURE and one.field not in _NO_DATA]
        self._warnings: list[str] = []
        self._lines: list[str] = []

    def proposal(self) -> Proposal:
        for one in self._guesses:
            if one.field == "personal":
                self._warnings.append(
                    f"the column {_quoted(one.column)} seems to hold {one.why.removeprefix('its header says ')}: left out"
                )
            elif one.field == "home":
                self._warnings.append(f"the column {_quoted(one.column)} seems to be a home: left out, for a home is never the scene")
        self._put("# A draft. Read every line, then: spikewatch normalize --profile THIS.yaml --dry-run FILE")
        self._put(f"name: {self._name}", "version: 1", "base: columns")
        self._put("# time_zone: America/New_York # of times that have none; without it the agency's in the directory")
        is_dead = any(one.field in {"cause_of_death", "manner"} for one in self._used)
        if is_dead:
            self._put("source_type: me", "declared: false # the case definitions decide which deaths count")
        elif not all(self._says_overdose(one) for one in self._of(*_DECIDING)):
            self._put("declared: false # the table seems to hold more than overdoses: the case definitions decide")
        elif not self._has(*_DECIDING, *_TELLING):
            self._put("declared: false # nothing says that every row is an overdose; true where it is")
            self._warnings.append(
                "no column tells overdoses from other rows: set declared to true if every row is one, else name the column in texts or rows"
            )
        else:
            self._put("declared: true # every row is an overdose; false where the table holds more than that")
        self._identity()
        self._times(is_dead=is_dead)
        self._place()
        self._words(is_dead=is_dead)
        self._substances()
        return Proposal("\n".join(self._lines) + "\n", self._guesses, tuple(self._warnings))

    def _says_overdose(self, one: Guess) -> bool:
        return all(_OVERDOSE.search(value) for value in self._seen[one.column].stated)

    def _put(self, *lines: str) -> None:
        self._lines.extend(lines)

    def _of(self, *fields: str) -> list[Guess]:
        found = sorted((one for one in self._used if one.field in fields), key=lambda one: -one.sure)
        # What a call was at first is taken back by what it was in the end.
        later = [one for one in found if one.field != "dispatch_title" or not _AT_FIRST.search(words_of(one.column))]
        return later or found

    def _has(self, *fields: str) -> bool:
        return bool(self._of(*fields))

    def _identity(self) -> None:
        for one in self._of("incident_number", "cad_number"):
            values = self._seen[one.column].stated
            rows = len(self._seen[one.column].values)
            if values and len(values) == rows and len(set(values)) == rows:
                self._put(f"record_id: {_quoted(one.column)}")
                break
        else:
            parts = [
                one.column
                for one in self._used
                if one.field in {"occurred_at", "time_of_day", "lat", "lon", "address", "zip", "age", "sex"}
            ]
            others = [one.column for one in self._guesses if one.field not in {"personal", "home"}]
            self._warnings.append(
                "no column tells one row from another: the record id is a hash of several, so that a corrected cell makes another report"
            )
            self._put(f"record_id: {{columns: {_list(parts or others[:5])}, hash: true}}")
        if number := self._of("incident_number"):
            self._put(f"incident_number: {_quoted(number[0].column)}")
        if cad := self._of("cad_number"):
            self._put(f"cad_number: {_quoted(cad[0].column)}")

    def _times(self, *, is_dead: bool) -> None:
        ways = [(one, self._clock_of(one)) for one in self._of("occurred_at")]
        if not ways:
            self._warnings.append("no column holds a date that is understood: write occurred_at by hand")
            self._put("# occurred_at: {column: ?, formats: MM/DD/YYYY, basis: on_scene}")
            return

        def rank(way: tuple[Guess, Guess | None]) -> tuple[bool, bool, int]:
            one, clock = way
            # A day alone tells less than a time that is a little later; of a death the day of the injury is the better one.
            is_rough = clock is None and not is_dead and self._is_day(one)
            return one.basis is TimeBasis.REPORTED, is_rough, _BASIS_RANK.index(one.basis)

        self._put("occurred_at:")
        for one, clock in sorted(ways, key=rank)[:3]:
            columns = [one.column] if clock is None else [one.column, clock.column]
            basis = clock.basis if clock is not None and clock.basis is not TimeBasis.REPORTED else one.basis
            if basis is TimeBasis.INJURY and not is_dead:
                basis = TimeBasis.PSAP_CALL if self._has("cad_number") else TimeBasis.ON_SCENE
            self._put(
                f"  - columns: {_list(columns)}", f"    formats: {_list(one.formats)}", f"    basis: {basis.value} # which moment it is"
            )
            if any(map(_is_midnight, self._moments(one))):
                self._put("    midnight: date # some times are exactly midnight")

    def _is_day(self, one: Guess) -> bool:
        # An export that writes a day with a time writes midnight.
        return all(moment.precision is TimePrecision.DATE or _is_midnight(moment) for moment in self._moments(one))

    def _moments(self, one: Guess) -> list[Moment]:
        reader = date_reader(one.formats)
        return [moment for value in self._seen[one.column].stated if (moment := reader(value.strip())) is not None]

    def _clock_of(self, one: Guess) -> Guess | None:
        """Return the column with the time of day that goes with a date: of the same moment, else the one of no certain moment."""
        clocks = self._of("time_of_day") if self._is_day(one) else []
        own = [clock for clock in clocks if clock.basis is one.basis]
        dates = [date for date in self._of("occurred_at") if self._is_day(date)]
        if clocks and not own and one is min(dates, key=lambda date: _BASIS_RANK.index(date.basis)):
            own = [clock for clock in clocks if clock.basis not in {date.basis for date in dates}]
        return own[0] if own else None

    def _place(self) -> None:
        found = self._of(*_PLACES, "point_in")
        nearer = [one for one in found if not _DEATH.search(words_of(one.column))]
        if not any(_SCENE.search(words_of(one.column)) for one in nearer):
            nearer = found  # nothing but where they died
        ways = [way for way in (self._way(nearer), self._way([one for one in found if one not in nearer])) if way]
        if not ways:
            self._warnings.append("no column says where it happened: reports get the agency's home county")
            return
        self._put("place:")
        for position, way in enumerate(ways):
            lead = "  - " if len(ways) > 1 else "  "
            for field, column in way.items():
                self._put(f"{lead}{field}: {_quoted(column)}")
                lead = "    " if len(ways) > 1 else "  "
            if position:
                self._put("    note: death_place_used")
            if "lat" in way:
                self._put(f"{lead}# precision: block # where the points were moved on purpose, or are centres of streets or towns")

    @staticmethod
    def _way(found: Sequence[Guess]) -> dict[str, str]:
        """Return one column for each part of a place, those of the scene before others."""
        best: dict[str, str] = {}
        for one in sorted(found, key=lambda one: _SCENE.search(words_of(one.column)) is None):
            best.setdefault(one.field, one.column)
        if ("lat" in best) != ("lon" in best):
            best = {field: column for field, column in best.items() if field not in {"lat", "lon"}}
        if "lat" in best:
            best.pop("point_in", None)
        return {field: best[field] for field in ("point_in", *_PLACES) if field in best}

    def _words(self, *, is_dead: bool) -> None:
        if is_dead:
            self._put("outcome: {constant: fatal}")
        for field in (
            "outcome",
            "disposition",
            "sex",
            "age_band",
            "reversal_given",
            "reversal_response",
            "reversal_route",
            "reversal_by",
            "reversal_before_ems",
        ):
            if self._has(field) and not (is_dead and field == "outcome") and not (field == "age_band" and self._has("age")):
                self._word(field, self._of(field)[0])
        for field in ("age", "reversal_doses", "reversal_dose_amount", "count"):
            if not self._has(field):
                continue
            one = self._of(field)[0]
            if field == "reversal_dose_amount" and (unit := re.search(r" (mg|mcg)(?: |$)", words_of(one.column))):
                self._put(f"reversal_unit: {{constant: {unit[1]}}}")
            if one.suppressed:
                self._put(f"{field}: {{column: {_quoted(one.column)}, suppressed: {_list(one.suppressed)}}}")
            else:
                self._put(f"{field}: {_quoted(one.column)}")
        if is_dead and self._has("manner"):
            one = self._of("manner")[0]
            values = ", ".join(f"{_quoted(word)}: {fact}" for word, fact in manner_of(one.words).items())
            self._put(f"facts: {{column: {_quoted(one.column)}, values: {{{values}}}}}")

    def _word(self, field: str, one: Guess) -> None:
        closed, header = CLOSED[field], words_of(one.column)
        values = {word: known for word in one.words if (known := means(field, word, header)) is not None and known != word}
        strange = [word for word in one.words if word not in values and word not in closed]
        if strange or not one.words:
            self._warnings.append(
                f"{field}: {len(strange) or 'many'} word(s) of {_quoted(one.column)} have no meaning yet; add them to values"
            )
        mapped = f", values: {{{', '.join(f'{_quoted(word)}: {means}' for word, means in values.items())}}}" if values else ""
        self._put(f"{field}: {{column: {_quoted(one.column)}{mapped}}}" + (" # add values" if strange or not one.words else ""))

    def _substances(self) -> None:
        basis = "toxicology" if self._has("cause_of_death") else "suspected"
        names = [one.column for one in self._of("drugs")]
        if names:
            self._put(f'drugs: {{columns: {_list(names)}, basis: {basis}, split: [",", ";", "/"]}}')
        flags = [one.column for one in self._of("drug_flag")]
        if flags:
            self._put(
                "drug_flags:", f"  basis: {basis}", "  columns:", *(f"    {_quoted(flag)}: {_quoted(_substance(flag))}" for flag in flags)
            )
        texts = [(role, [one.column for one in self._of(role)]) for role in _TEXTS if self._has(role)]
        if texts:
            self._put("texts: # read for words of the vocabulary and then forgotten")
            for role, columns in texts:
                drugs = f", drugs_are: {_TEXTS[role]}" if _TEXTS[role] else ""
                self._put(f"  - {{columns: {_list(columns)}, role: {role}{drugs}}}")
        codes = [one.column for one in self._of("codes")]
        if codes:
            self._put(f'codes: {{columns: {_list(codes)}, system: icd10cm, split: [",", ";", "|"]}}')


def _substance(flag: str) -> str:
    words = words_of(flag)
    return " ".join(_FLAG_WORDS.sub(" ", words).split()) or words


def _is_midnight(moment: Moment) -> bool:
    return moment.precision is not TimePrecision.DATE and not any(moment.at.timetuple()[3:6])


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _list(texts: Sequence[str]) -> str:
    return "[" + ", ".join(_quoted(text) for text in texts) + "]"
